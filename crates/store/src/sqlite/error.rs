//! What SQLite's errors mean.

use std::{fmt, path::Path, sync::Arc};

use rusqlite::ErrorCode;

use crate::Error;

/// The file, as errors name it.
#[derive(Clone, Debug)]
pub(super) struct Place(Arc<str>);

impl Place {
    pub(super) fn new(file: &Path) -> Self {
        Self(format!("SQLite file {}", file.display()).into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn failed(&self, doing: &'static str, reason: &dyn fmt::Display) -> Error {
        Error::Failed { place: self.0.to_string(), doing, reason: reason.to_string() }
    }

    pub(super) fn read_only(&self) -> Error {
        Error::ReadOnly { place: self.0.to_string(), reason: "the file or its folder is read-only".to_owned() }
    }

    pub(super) fn error(&self, doing: &'static str, error: &rusqlite::Error) -> Error {
        let (place, reason) = (self.0.to_string(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Error::Locked { place }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Error::ReadOnly { place, reason },
            Some(ErrorCode::DiskFull) => Error::DiskFull { place },
            Some(ErrorCode::CannotOpen) => Error::Unreachable { place, reason },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt { place, what: reason },
            _ => self.failed(doing, error),
        }
    }
}
