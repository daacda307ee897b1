//! SQLite's errors, sorted by whether the store may come back.

use rusqlite::{Error, ErrorCode};

use crate::store::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let what_to_do = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "free space on the disk that holds the data directory",
            Some(ErrorCode::SystemIoFailure) => "the disk refuses to read or write; see whether it is full or failing",
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "let this user write to the data directory",
            Some(ErrorCode::CannotOpen) => "see whether the data directory is there, and whether files can be opened",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program holds the file",
            Some(ErrorCode::OutOfMemory | ErrorCode::OperationInterrupted | ErrorCode::FileLockingProtocolFailed) => {
                "try again"
            }
            _ => return Self::Corrupt(error.to_string()),
        };
        Self::Unavailable(format!("{error}: {what_to_do}"))
    }
}

/// The store is closed, or its writer is gone.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}
