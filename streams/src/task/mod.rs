//! A task: one instance of a sub-topology for one partition, with its stores, inputs and clock.

mod collector;
mod commit;
mod context;
mod dead_letter;
mod global;
mod queue;
mod times;
mod unit;

pub use collector::{OutputTopic, RecordCollector};
pub use context::{RecordMetadata, TaskContext};
pub use global::GlobalTask;
pub use unit::{Task, TaskSetup};

pub(crate) use context::NO_TIME;
pub(crate) use dead_letter::dead_letter_topic;
pub(crate) use queue::{SourceQueueNode, Staged};

use crate::error::StreamsError;

/// A store's record cache as the task sees it.
pub(crate) trait CacheFlush {
    /// Writes the merged updates to the store and forwards them.
    fn flush(&mut self, ctx: &mut TaskContext) -> Result<(), StreamsError>;

    /// Bytes held.
    fn size_bytes(&self) -> usize;

    /// Drops the merged updates (abort).
    fn clear(&mut self);
}
