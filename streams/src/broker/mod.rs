//! The port to Kafka: everything a stream thread asks of a cluster, as traits.
//!
//! `comanda-kafka` implements it on librdkafka, the simulator on a broker in memory. All calls are made from one
//! thread per object; nothing here knows a clock.

mod admin;
mod consumer;
mod error;
mod group;
mod producer;
mod types;

pub use admin::{Admin, Isolation, NewTopic, OffsetSpec, TopicDescription};
pub use consumer::{Consumer, ConsumerRole, Fetched, PartitionId};
pub use error::{BrokerError, ErrorKind};
pub use group::{
    GroupRequest, GroupResponse, GroupTransport, JoinedMember, MemberAssignment, OffsetToCommit, error_code,
};
pub use producer::{GroupIdentity, OffsetAndMetadata, ProducedPartition, Producer, TopicHandle};
pub use types::{Headers, RawRecord, TopicPartition};

/// Makes the clients of one cluster. Shared by all threads of an application.
pub trait Broker: Send + Sync + 'static {
    /// A consumer without group membership; partitions are assigned by hand.
    fn consumer(&self, role: ConsumerRole) -> Result<Box<dyn Consumer>, BrokerError>;

    /// A producer: transactional (and idempotent) when `transactional_id` is given.
    fn producer(&self, transactional_id: Option<&str>) -> Result<Box<dyn Producer>, BrokerError>;

    /// A client for topics, offsets and group data.
    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError>;

    /// A connection to the coordinator of `group_id` that moves group-protocol messages.
    fn group(&self, group_id: &str) -> Result<Box<dyn GroupTransport>, BrokerError>;
}
