//! Numbers and texts as bytes, and their compression.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use super::DecodeError;

/// More than any compact form expands to; it guards against damaged data.
const MAX_EXPANDED: u64 = 256 * 1024 * 1024;

/// Compresses bytes.
pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(5));
    // Writing to a vector does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// The bytes that were compressed.
pub(crate) fn expand(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut expanded = Vec::with_capacity(bytes.len() * 4);
    match DeflateDecoder::new(bytes).take(MAX_EXPANDED).read_to_end(&mut expanded) {
        Ok(_) => Ok(expanded),
        Err(_) => Err(DecodeError::Compression),
    }
}

/// Bytes under construction.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    /// A number in as few bytes as it needs, seven bits each.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(super) fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// A number that may be negative; small ones of either sign are short.
    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }
}

/// Bytes being read.
#[derive(Debug)]
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

impl<'b> Reader<'b> {
    pub(super) fn raw(&mut self, len: usize, what: &'static str) -> Result<&'b [u8], DecodeError> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(DecodeError::Damaged(what))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        self.raw(N, what)?.try_into().map_err(|_| DecodeError::Damaged(what))
    }

    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        let [byte] = self.array(what)?;
        Ok(byte)
    }

    pub(super) fn number(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError::Damaged(what))
    }

    /// How many elements follow. Each takes at least a byte, so a damaged count does not reserve memory.
    pub(super) fn count(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let count = self.number(what)?;
        usize::try_from(count).ok().filter(|count| *count <= self.0.len()).ok_or(DecodeError::Damaged(what))
    }

    pub(super) fn signed(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        let number = self.number(what)?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn text(&mut self, what: &'static str) -> Result<&'b str, DecodeError> {
        let len = self.count(what)?;
        std::str::from_utf8(self.raw(len, what)?).map_err(|_| DecodeError::Damaged(what))
    }
}
