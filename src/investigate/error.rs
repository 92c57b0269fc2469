//! Why a question about operations cannot be answered.

use trace::Time;

/// What failed, where, and what to try.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Jaeger gave no usable answer.
    #[error(transparent)]
    Jaeger(#[from] jaeger::Error),
    /// The recorded operations cannot be read.
    #[error("recorded operations cannot be read: {0}")]
    Store(#[from] store::Error),
    /// Not everything that the answer must count was read from Jaeger.
    #[error("{percent} % of the operations from {from} to {to} were read from Jaeger, too few to count them: {cause}")]
    NotCovered {
        /// The first time that is needed.
        from: Time,
        /// The last time that is needed.
        to: Time,
        /// How much of the time between was read, rounded down.
        percent: u8,
        /// Why not more.
        cause: String,
    },
    /// The latest operations were not read from Jaeger.
    #[error("operations were read from Jaeger up to {live_edge}, and the range ends at {to}: {cause}")]
    Stale {
        /// Up to when operations were read.
        live_edge: Time,
        /// When the range ends.
        to: Time,
        /// Why not later.
        cause: String,
    },
}
