//! Reading partitions that were assigned by hand.

use super::{BrokerError, RawRecord, TopicPartition};
use std::time::Duration;

/// What a consumer is for; librdkafka settings with the prefixes `main.consumer.`, `restore.consumer.` and
/// `global.consumer.` go to one role only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerRole {
    /// Reads the inputs of tasks; read_committed.
    Main,
    /// Reads change logs into stores; read_committed.
    Restore,
    /// Reads global tables; read_committed.
    Global,
}

/// The number the caller gives to a partition when assigning it; comes back with each record, so that no map is
/// asked per record. Small and dense; free for reuse after `unassign`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId(pub u32);

/// One thing that a poll yielded.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// A record.
    Record(PartitionId, RawRecord),
    /// The reader stands at the partition's end as its isolation sees it; `position` is the next offset to read
    /// (past markers, which no record shows: librdkafka #3171).
    End {
        /// Which partition.
        partition: PartitionId,
        /// Next offset to read.
        position: i64,
    },
    /// The position is outside the log (truncated, deleted by retention): `OFFSET_OUT_OF_RANGE`. The partition
    /// delivers nothing until it is assigned anew.
    OutOfRange(PartitionId),
}

/// A consumer without group membership. Never resets a position by itself (`auto.offset.reset=error`).
pub trait Consumer {
    /// Starts (or moves) `partition` at `offset`. Records fetched before at other positions are never delivered
    /// afterwards.
    fn assign(&mut self, id: PartitionId, partition: &TopicPartition, offset: i64) -> Result<(), BrokerError>;

    /// Stops reading; nothing of the partition is delivered any more.
    fn unassign(&mut self, id: PartitionId) -> Result<(), BrokerError>;

    /// Delivers nothing of the partition until `resume`, keeping the position.
    fn pause(&mut self, id: PartitionId) -> Result<(), BrokerError>;

    /// Ends a pause.
    fn resume(&mut self, id: PartitionId) -> Result<(), BrokerError>;

    /// Appends what is there, at most `max` items; waits up to `wait` only when nothing is.
    fn poll(&mut self, wait: Duration, max: usize, out: &mut Vec<Fetched>) -> Result<(), BrokerError>;

    /// Next offset to read: after the last delivered record, or past markers once `End` was delivered.
    fn position(&self, id: PartitionId) -> Option<i64>;
}
