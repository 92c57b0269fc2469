//! The lease of a source: one writer at a time, all others read.

use trace::{Micros, Time};

use crate::{LeaseToken, SourceId};

/// How long a lease lasts unless it is renewed: another writer takes over after that.
pub const LEASE_TTL: Micros = Micros::from_secs(30);

/// The right to write the operations of a source until a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The source.
    pub source: SourceId,
    /// Who holds it: a name that no other process has.
    pub holder: String,
    /// Proves it with every write.
    pub token: LeaseToken,
    /// Until when, unless it is renewed.
    pub expires_at: Time,
}

/// The answer to asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The lease is ours.
    Held(Lease),
    /// Another writer holds it.
    HeldByOther {
        /// Who.
        holder: String,
        /// Until when, unless it is renewed.
        expires_at: Time,
    },
}
