//! Why a store could not do what was asked.

use crate::SourceId;

/// The result of asking a store.
pub type Result<T> = std::result::Result<T, Error>;

/// What failed, where, and what to try. `place` names the file or the server, without secrets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process writes and does not finish.
    #[error("{place} is locked by another program; wait until it has finished, or stop it")]
    Locked {
        /// File or server.
        place: String,
    },
    /// The file, its folder or the user may only read.
    #[error("{place} cannot be written: {reason}; give the user that runs this program the right to write it")]
    ReadOnly {
        /// File or server.
        place: String,
        /// What the database says.
        reason: String,
    },
    /// No space is left.
    #[error("{place}: the disk is full; free some space, or shorten the retention")]
    DiskFull {
        /// File or server.
        place: String,
    },
    /// A newer version of this program has written it.
    #[error(
        "{place} has schema version {found}, this program knows versions up to {known}; use the newer version of this \
         program that has written it, or another place"
    )]
    NewerSchema {
        /// File or server.
        place: String,
        /// Its version.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// The server does not answer, or the file cannot be opened.
    #[error("{place} cannot be reached: {reason}; check that it exists and is running, and try again")]
    Unreachable {
        /// File or server.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// The server refuses the user, or the user may not do this.
    #[error("{place} refuses access: {reason}; check user, password and rights")]
    Refused {
        /// Server.
        place: String,
        /// What the server says.
        reason: String,
    },
    /// Another writer has taken over, or the lease was not renewed in time. Nothing was written.
    #[error("the lease of {of} in {place} is lost: it expired or another recorder has taken it over; acquire it again")]
    LostLease {
        /// File or server.
        place: String,
        /// Whose operations.
        of: SourceId,
    },
    /// What is kept there cannot be read.
    #[error("{place} contains {what} that cannot be read; restore a backup, or move it away and record again")]
    Corrupt {
        /// File or server.
        place: String,
        /// What cannot be read, and why.
        what: String,
    },
    /// Anything else.
    #[error("{place}: {doing} failed: {reason}")]
    Failed {
        /// File or server.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// What the database says.
        reason: String,
    },
}

impl Error {
    pub(crate) fn corrupt(place: &str, what: &str, reason: &dyn std::fmt::Display) -> Self {
        Self::Corrupt { place: place.to_owned(), what: format!("{what} ({reason})") }
    }
}
