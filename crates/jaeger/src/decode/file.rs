//! Turns the bytes of a file into JSON text. Files may be compressed, in UTF-16 (as PowerShell's `>` writes them), or padded
//! with NUL bytes.

use std::{borrow::Cow, io::Read as _};

use flate2::read::MultiGzDecoder;

use super::error::DecodeError;

/// Largest decompressed size of a file: eight times the largest upload.
const MAX_UNPACKED: u64 = 512 << 20;

/// The text of a file as UTF-8 bytes.
///
/// # Errors
/// When the file is compressed in another way than with gzip, is broken, or is too large after decompression.
pub(super) fn unpacked(file: &[u8]) -> Result<Cow<'_, [u8]>, DecodeError> {
    let bytes = match file {
        [0x1f, 0x8b, ..] => Cow::Owned(gunzip(file)?),
        [b'P', b'K', 3, 4, ..] => return Err(DecodeError::Compressed { with: "zip", tool: "unzip" }),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Err(DecodeError::Compressed { with: "zstd", tool: "unzstd" }),
        [b'B', b'Z', b'h', ..] => return Err(DecodeError::Compressed { with: "bzip2", tool: "bunzip2" }),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => return Err(DecodeError::Compressed { with: "xz", tool: "unxz" }),
        _ => Cow::Borrowed(file),
    };
    Ok(match utf16(&bytes) {
        Some(text) => Cow::Owned(text.into_bytes()),
        None => match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(without_padding(bytes)),
            Cow::Owned(bytes) => Cow::Owned(without_padding(&bytes).to_vec()),
        },
    })
}

fn gunzip(file: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(file).take(MAX_UNPACKED + 1).read_to_end(&mut unpacked);
    if unpacked.len() as u64 > MAX_UNPACKED {
        return Err(DecodeError::TooLarge { mib: MAX_UNPACKED >> 20 });
    }
    read.map_err(|why| DecodeError::BrokenGzip { why: why.to_string() })?;
    Ok(unpacked)
}

/// Decodes UTF-16 in either byte order, with a byte order mark or recognised by its first character, which in JSON is
/// ASCII.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (little, bytes) = match bytes {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [0xfe, 0xff, rest @ ..] => (false, rest),
        [b'{' | b'[', 0, ..] => (true, bytes),
        [0, b'{' | b'[', ..] => (false, bytes),
        _ => return None,
    };
    let unit = |pair: &[u8; 2]| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
    let (pairs, _) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(pairs.iter().map(unit)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(text.collect())
}

fn without_padding(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().take_while(|byte| **byte == 0).count();
    let end = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
    bytes.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const TEXT: &str = "{\"a\": \"ä😀\"}";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_file_is_read_in_every_encoding() {
        let little: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for file in [
            TEXT.as_bytes().to_vec(),
            [b"\xff\xfe", little.as_slice()].concat(),
            [b"\xfe\xff", big.as_slice()].concat(),
            little.clone(),
            big,
            gzip(TEXT.as_bytes()),
            gzip(&little),
            [gzip(b"{\"a\": "), gzip("\"ä😀\"}".as_bytes())].concat(),
            [b"\0\0", TEXT.as_bytes(), b"\0\0\0"].concat(),
        ] {
            assert_eq!(String::from_utf8_lossy(&unpacked(&file).unwrap()), TEXT, "{file:?}");
        }
        assert_eq!(&*unpacked(b"\0\0").unwrap(), b"");
    }

    #[test]
    fn other_and_broken_archives_are_named() {
        let why = |file: &[u8]| unpacked(file).unwrap_err().to_string();
        assert!(why(b"PK\x03\x04rest").contains("unzip"));
        assert!(why(b"\x28\xb5\x2f\xfdrest").contains("zstd"));
        assert!(why(b"BZh9").contains("bunzip2"));
        assert!(why(b"\xfd7zXZ\0").contains("unxz"));
        let whole = gzip(TEXT.as_bytes());
        assert!(why(&whole[..whole.len() - 6]).contains("gzip"));
    }
}
