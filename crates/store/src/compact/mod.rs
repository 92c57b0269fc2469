//! Traces as they are kept: small, and complete enough to be judged again.
//!
//! A compact form is two bytes (version, flags) and a compressed payload: a table of texts, then each trace with its spans
//! in their order. What is kept reads back exactly. Noise keeps its place in the tree and its times, and loses what it
//! carries; long texts, such as stack traces, are cut. A form that would still be too large keeps the spans that matter
//! most, and its traces say that spans are missing.

mod bytes;
mod decode;
mod encode;

use std::{fmt, sync::Arc};

use diagnosis::playbook::Playbook;
use trace::Trace;

pub(crate) use bytes::{compress, expand};

/// The traces of one operation in their compact form.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CompactTraces(Arc<[u8]>);

/// Why a compact form cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A newer version of this program has written it.
    #[error("format {0} is not known: a newer version of this program has written it")]
    Version(u8),
    /// The payload cannot be decompressed.
    #[error("the compressed data is damaged")]
    Compression,
    /// The payload ends too early, or a number in it is out of range.
    #[error("{0} is damaged")]
    Damaged(&'static str),
}

/// The version of the format that is written.
const VERSION: u8 = 1;
/// The flag for "something was cut".
const CUT: u8 = 1;

impl CompactTraces {
    /// The most bytes of a compact form.
    pub const MAX_BYTES: usize = 256 * 1024;
    /// The most bytes of a text, such as a stack trace.
    pub const MAX_TEXT: usize = 4 * 1024;

    /// The compact form of an operation's traces. The playbook says which spans are noise.
    #[must_use]
    pub fn encode(traces: &[Trace], playbook: &Playbook) -> Self {
        encode::encode(traces, playbook)
    }

    /// The traces.
    ///
    /// # Errors
    /// When the bytes are damaged or of a newer version.
    pub fn decode(&self) -> Result<Vec<Trace>, DecodeError> {
        decode::decode(&self.0)
    }

    /// Whether a text was cut or spans were left out, beside what noise carried.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.0.get(1).is_some_and(|flags| flags & CUT != 0)
    }

    /// The bytes to keep.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From the bytes that were kept; they are checked when they are decoded.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for CompactTraces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompactTraces({} bytes{})", self.0.len(), if self.is_cut() { ", cut" } else { "" })
    }
}
