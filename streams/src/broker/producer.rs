//! Writing records and transactions.

use super::{BrokerError, Headers, TopicPartition};

/// A producer's number for a topic, from [`Producer::topic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TopicHandle(pub u32);

/// Who commits: member and generation of one group (KIP-447). `NONE` must never be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupIdentity {
    /// Group id = application id.
    pub group_id: String,
    /// Member id given by the coordinator; never empty in a commit.
    pub member_id: String,
    /// Generation of the last assignment that the thread has applied.
    pub generation: i32,
    /// `group.instance.id`, if the member is static.
    pub instance_id: Option<String>,
}

/// A committed input position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetAndMetadata {
    /// Next offset to process.
    pub offset: i64,
    /// The engine's metadata (partition time and operators' times), at most 4096 bytes by broker default.
    pub metadata: String,
}

/// How far acknowledged records reach in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducedPartition {
    /// Topic.
    pub topic: TopicHandle,
    /// Partition.
    pub partition: i32,
    /// Offset after the last acknowledged record.
    pub next_offset: i64,
}

/// A producer; transactional calls only on one made with a transactional id.
///
/// The cycle is `init_transactions`, then any number of `begin → send… → flush → send_offsets → commit | abort`.
pub trait Producer {
    /// Fences every earlier producer of this transactional id and finishes its open transaction (KIP-98).
    fn init_transactions(&mut self) -> Result<(), BrokerError>;

    /// Starts a transaction (a local act).
    fn begin_transaction(&mut self) -> Result<(), BrokerError>;

    /// The handle of a topic. Asking again gives the same one.
    fn topic(&mut self, name: &str) -> Result<TopicHandle, BrokerError>;

    /// Queues a record. `partition` `None`: the client picks any (null keys). Waits while the client's buffer is full.
    /// A delivery failure is reported by `flush`.
    fn send(
        &mut self,
        topic: TopicHandle,
        partition: Option<i32>,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &Headers,
    ) -> Result<(), BrokerError>;

    /// Returns when all queued records are acknowledged, or with the first failure among them.
    fn flush(&mut self) -> Result<(), BrokerError>;

    /// Takes how far each partition written since the last call has been acknowledged.
    fn take_produced(&mut self) -> Vec<ProducedPartition>;

    /// Adds input positions to the transaction (KIP-447: fenced by member and generation).
    fn send_offsets(
        &mut self,
        offsets: &[(TopicPartition, OffsetAndMetadata)],
        group: &GroupIdentity,
    ) -> Result<(), BrokerError>;

    /// Commits. `ErrorKind::UnknownOutcome`: it may or may not have been committed.
    fn commit_transaction(&mut self) -> Result<(), BrokerError>;

    /// Aborts; queued and unacknowledged records are dropped.
    fn abort_transaction(&mut self) -> Result<(), BrokerError>;
}
