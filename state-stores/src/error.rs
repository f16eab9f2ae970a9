//! What can go wrong with a store, and what to do about it.

use std::path::PathBuf;

/// What the owner of a task does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try again later: nothing was changed.
    Retry,
    /// Close the task and open it again, as often as it takes: until then the database refuses, and what is committed and
    /// not on the disk is in the change logs.
    Reopen,
    /// Wipe the task's local state and restore it from the change logs.
    TaskCorrupted,
    /// A mistake in the program or the set-up: trying again does not help.
    Fatal,
}

/// An error of a store, a backend, or the set-up of either.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or the database refused: it is full, gone, or broken. What is on the disk is as of the last flush; after a
    /// failed flush RocksDB takes no more writes.
    #[error("{action} {table} in {}: {cause}", directory.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The table, or "the database".
        table: String,
        /// The task's directory.
        directory: PathBuf,
        /// The database's own words.
        cause: String,
    },
    /// The stored bytes are not what was written.
    #[error("{action} {table} in {}: corrupt: {cause}; wipe the task and restore it", directory.display())]
    Corrupted {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The table, or "the database".
        table: String,
        /// The task's directory; empty for memory.
        directory: PathBuf,
        /// What was found.
        cause: String,
    },
    /// Another process or task holds the directory.
    #[error("the state in {} is held by another task or process: {cause}", directory.display())]
    Locked {
        /// The task's directory.
        directory: PathBuf,
        /// The database's own words.
        cause: String,
    },
    /// No store of that name belongs to the task.
    #[error("no store named {0:?} in this task")]
    UnknownStore(String),
    /// Two stores of one task have the same name.
    #[error("two stores named {0:?} in one task")]
    DuplicateStore(String),
    /// The store is of another kind than asked for.
    #[error("store {store:?} is a {is} store, asked for as a {asked} store")]
    WrongKind {
        /// The store.
        store: String,
        /// What it is.
        is: &'static str,
        /// What it was asked for as.
        asked: &'static str,
    },
    /// A specification that cannot be: a segment of zero length, a negative retention.
    #[error("store {store:?}: {reason}")]
    BadSpec {
        /// The store.
        store: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Restoring or closing while writes are not committed: commit or abort first.
    #[error("{action} while the task has uncommitted writes: commit or abort first")]
    UncommittedWrites {
        /// What was attempted.
        action: &'static str,
    },
    /// A record in a change log that no such store wrote: restoring again would meet it again.
    #[error(
        "the change log of store {store:?} holds at offset {offset} a key of {key_bytes} bytes, too short for this kind of \
         store: another program writes there, or the store was of another kind; reset the application"
    )]
    ForeignRecord {
        /// The store.
        store: String,
        /// The record's offset.
        offset: i64,
        /// Length of its key.
        key_bytes: usize,
    },
    /// The stores were closed, or their disk has "crashed" (simulation).
    #[error("the task's stores are closed")]
    Closed,
}

impl StoreError {
    /// What to do about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            StoreError::Io { .. } => Remedy::Reopen,
            StoreError::Locked { .. } => Remedy::Retry,
            StoreError::Corrupted { .. } => Remedy::TaskCorrupted,
            StoreError::UnknownStore(_)
            | StoreError::DuplicateStore(_)
            | StoreError::WrongKind { .. }
            | StoreError::BadSpec { .. }
            | StoreError::UncommittedWrites { .. }
            | StoreError::ForeignRecord { .. }
            | StoreError::Closed => Remedy::Fatal,
        }
    }
}
