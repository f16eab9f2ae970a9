//! Topics, offsets and group data, asked for outside the hot path.

use super::{BrokerError, OffsetAndMetadata, TopicPartition};

/// Which records a reader sees (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// All, so "latest" is the high watermark.
    ReadUncommitted,
    /// Committed ones, so "latest" is the last stable offset.
    ReadCommitted,
}

/// Which end of a log is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// First offset that is still there.
    Earliest,
    /// Offset after the last record, by isolation.
    Latest,
}

/// A topic as the cluster has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicDescription {
    /// Name.
    pub name: String,
    /// Topic id (KIP-516): a topic deleted and made again has another one. All zero when the client cannot tell.
    pub id: [u8; 16],
    /// Number of partitions.
    pub partitions: i32,
}

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Name.
    pub name: String,
    /// Number of partitions.
    pub partitions: i32,
    /// Replicas; -1 takes the broker's default.
    pub replication: i32,
    /// Topic configuration (`cleanup.policy`, …).
    pub configs: Vec<(String, String)>,
}

/// Administrative calls; each blocks until answered.
pub trait Admin {
    /// Descriptions of the topics that exist among `names`, `None` for the others, in order.
    fn describe_topics(&mut self, names: &[&str]) -> Result<Vec<Option<TopicDescription>>, BrokerError>;

    /// All topic names (for pattern sources).
    fn list_topics(&mut self) -> Result<Vec<String>, BrokerError>;

    /// Creates topics; one that exists already is no error.
    fn create_topics(&mut self, topics: &[NewTopic]) -> Result<(), BrokerError>;

    /// A topic's configuration value.
    fn topic_config(&mut self, topic: &str, name: &str) -> Result<Option<String>, BrokerError>;

    /// Ends of logs, in order.
    fn list_offsets(
        &mut self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
        isolation: Isolation,
    ) -> Result<Vec<i64>, BrokerError>;

    /// A group's committed offsets in order; waits for open transactions on them (KIP-447 `require_stable`).
    fn committed_offsets(
        &mut self,
        group_id: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<OffsetAndMetadata>>, BrokerError>;

    /// Deletes the records before each offset (KIP-107), for repartition topics.
    fn delete_records(&mut self, before: &[(TopicPartition, i64)]) -> Result<(), BrokerError>;
}
