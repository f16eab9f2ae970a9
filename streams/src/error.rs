//! Errors named after the remedy, as Kafka Streams has them.

use crate::broker::{BrokerError, ErrorKind};
use crate::serde::SerdeError;
use comanda_state_stores::{Remedy, StoreError};

/// What goes wrong while tasks run, by what the thread does about it.
#[derive(Debug, thiserror::Error)]
pub enum StreamsError {
    /// Somebody is away: the thread waits and tries the same again, up to `task.timeout.ms`.
    #[error("{0} (will be tried again)")]
    Retry(String),
    /// A record cannot be processed: it goes to the dead-letter topic and leaves no trace in state or output.
    #[error("record cannot be processed: {0}")]
    SkipRecord(String),
    /// A task's disk refuses (full, gone, broken): closed without writing and opened again until the disk takes it, up to
    /// `task.timeout.ms`; the change log has what the disk has not.
    #[error("local state cannot be used until it is opened again: {0}")]
    ReopenTask(String),
    /// A task's local state contradicts its change log: wiped and restored from the log's beginning.
    #[error("local state is unusable and will be restored: {0}")]
    TaskCorrupted(String),
    /// The thread lost its tasks or its producer was fenced: closed without commit, then the group is joined again.
    #[error("tasks moved away: {0}")]
    TaskMigrated(String),
    /// The outcome of a commit is not known: the producer is rebuilt, committed offsets decide.
    #[error("outcome of the commit is unknown: {0}")]
    UnknownOutcome(String),
    /// The running transaction cannot be committed: all of the thread's tasks go back to their last commit.
    #[error("transaction aborted: {0}")]
    Aborted(String),
    /// The topology is wrong; building or starting is refused.
    #[error("topology: {0}")]
    Topology(String),
    /// Nothing helps; the uncaught-error handler decides between replacing the thread and stopping.
    #[error("fatal: {0}")]
    Fatal(String),
}

impl From<BrokerError> for StreamsError {
    fn from(error: BrokerError) -> Self {
        let text = error.to_string();
        match error.kind {
            // A topic may be missing for a moment: just made, or its broker just started.
            ErrorKind::Retriable | ErrorKind::UnknownTopic => Self::Retry(text),
            ErrorKind::Abortable => Self::Aborted(text),
            ErrorKind::MemberFenced | ErrorKind::ProducerFenced => Self::TaskMigrated(text),
            ErrorKind::UnknownOutcome => Self::UnknownOutcome(text),
            ErrorKind::Fatal => Self::Fatal(text),
        }
    }
}

impl From<SerdeError> for StreamsError {
    fn from(error: SerdeError) -> Self {
        if error.retriable { Self::Retry(error.reason) } else { Self::SkipRecord(error.reason) }
    }
}

impl From<StoreError> for StreamsError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error.remedy() {
            Remedy::Retry => Self::Retry(text),
            Remedy::Reopen => Self::ReopenTask(text),
            Remedy::TaskCorrupted => Self::TaskCorrupted(text),
            Remedy::Fatal => Self::Fatal(text),
        }
    }
}
