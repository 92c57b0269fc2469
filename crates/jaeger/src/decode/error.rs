//! Errors of the decoder.

use super::left_out::LeftOut;

/// Why a text could not be decoded. The message says what was found and what to try.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The text is empty or white space.
    #[error("the input is empty: save the trace again (Jaeger UI: Trace JSON)")]
    Empty,
    /// A web page.
    #[error(
        "the input is an HTML page, not JSON: a login page or Jaeger's user interface answered in place of its API; \
         check the address, its base path and the credentials"
    )]
    Html,
    /// Data compressed in another way than with gzip.
    #[error("the input is compressed with {with}: unpack it first ({tool})")]
    Compressed {
        /// The format of compression.
        with: &'static str,
        /// The program that decompresses it.
        tool: &'static str,
    },
    /// A gzip file that cannot be decompressed.
    #[error("the input is a gzip file that cannot be unpacked ({why}): save it again")]
    BrokenGzip {
        /// What is wrong with it.
        why: String,
    },
    /// A gzip file that is too large after decompression.
    #[error("the input has more than {mib} MiB when it is unpacked: give a part of it")]
    TooLarge {
        /// The limit in MiB.
        mib: u64,
    },
    /// Some other text.
    #[error(
        "the input is not JSON but starts with {start:?}: give a Jaeger UI export, an answer of its API or OTLP JSON"
    )]
    NotJson {
        /// Its beginning.
        start: String,
    },
    /// JSON that ends too early.
    #[error("the input is cut off at byte {at}: save it again, or raise the limit that cut it")]
    CutOff {
        /// The length of the text in bytes.
        at: usize,
    },
    /// Invalid JSON, or JSON with another structure than expected.
    #[error("the input cannot be read at byte {at} (line {line}, column {column}): {why}")]
    Malformed {
        /// Offset from the start.
        at: usize,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// What is wrong there.
        why: String,
    },
    /// An answer of Grafana Tempo.
    #[error(
        "this is an answer of Grafana Tempo (key `batches` or `trace`), not of Jaeger: Tempo has no Jaeger query API; \
         use a Jaeger, or export the trace as OTLP JSON with `resourceSpans`"
    )]
    Tempo,
    /// A list of services or operations.
    #[error("this is a list of names, not of traces: ask /api/traces or /api/traces/<id> instead")]
    Names,
    /// JSON without traces.
    #[error(
        "this JSON holds no traces: neither `data` with `spans` (Jaeger) nor `resourceSpans` (OTLP) nor a list of spans \
         was found, but the keys: {keys}"
    )]
    NoTraces {
        /// Some of its keys.
        keys: String,
    },
    /// A trace file without spans.
    #[error(
        "the input holds no spans (it is an empty answer or export): save the trace again, or ask for a time range in \
         which there are traces"
    )]
    NoSpans,
    /// Spans, but none of them can be used.
    #[error("the input holds no span that can be read: {left_out}")]
    NothingReadable {
        /// What there is, by reason.
        left_out: LeftOut,
    },
    /// An error answer of Jaeger.
    #[error("Jaeger answered with an error in place of traces: {0}")]
    Refused(String),
}

/// Rejects by its first bytes what cannot be traces.
pub(super) fn check_start(json: &[u8]) -> Result<(), DecodeError> {
    let text = json.trim_ascii_start();
    match text {
        [] => Err(DecodeError::Empty),
        [b'<', ..] => Err(DecodeError::Html),
        [b'{' | b'[', ..] | b"null" => Ok(()),
        _ => {
            let start = String::from_utf8_lossy(text.get(..60).unwrap_or(text)).into_owned();
            Err(DecodeError::NotJson { start })
        }
    }
}

/// Turns an error of the JSON library into one with its position in bytes.
pub(crate) fn at(why: &serde_json::Error, json: &[u8]) -> DecodeError {
    if why.is_eof() {
        return DecodeError::CutOff { at: json.len() };
    }
    let (line, column) = (why.line(), why.column());
    let before: usize = json.split_inclusive(|&b| b == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    let text = why.to_string();
    let why = text.split(" at line ").next().unwrap_or(&text).to_owned();
    DecodeError::Malformed { at: before + column.saturating_sub(1), line, column, why }
}
