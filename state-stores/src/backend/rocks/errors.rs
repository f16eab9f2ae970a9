//! RocksDB's errors as the task's: what was attempted, on what, what to do.

use crate::StoreError;
use rocksdb::ErrorKind;
use std::path::Path;

pub(super) fn error(action: &'static str, table: &str, directory: &Path, cause: rocksdb::Error) -> StoreError {
    let (table, directory, kind) = (table.to_owned(), directory.to_owned(), cause.kind());
    let cause = cause.into_string();
    match kind {
        ErrorKind::Corruption => StoreError::Corrupted { action, table, directory, cause },
        _ => StoreError::Io { action, table, directory, cause },
    }
}

/// Errors of opening that RocksDB's kinds do not tell apart: a held lock and a missing file are I/O errors, a family that
/// cannot be opened as asked (options of an older build) is an invalid argument. The directory was just made sure of, so
/// a file that is missing is one that the database names.
pub(super) fn open_error(directory: &Path, cause: rocksdb::Error) -> StoreError {
    let text = cause.to_string();
    if cause.kind() == ErrorKind::IOError && (text.contains("lock hold by") || text.contains("While lock file")) {
        return StoreError::Locked { directory: directory.into(), cause: text };
    }
    let unusable = matches!(cause.kind(), ErrorKind::InvalidArgument | ErrorKind::NotSupported | ErrorKind::NotFound);
    if unusable || text.contains("No such file or directory") {
        let (table, directory) = ("the database".to_owned(), directory.to_owned());
        return StoreError::Corrupted { action: "open", table, directory, cause: text };
    }
    error("open", "the database", directory, cause)
}
