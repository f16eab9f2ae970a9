//! The classic group protocol's messages (JoinGroup v6, SyncGroup v4, Heartbeat v4, LeaveGroup v4, OffsetCommit v8), as
//! plain values: the member's state machine makes requests and reads responses, the transport moves their bytes.

use super::{BrokerError, OffsetAndMetadata, TopicPartition};

/// Error codes of the group protocol that the member tells apart.
pub mod error_code {
    /// No error.
    pub const NONE: i16 = 0;
    /// COORDINATOR_LOAD_IN_PROGRESS.
    pub const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
    /// COORDINATOR_NOT_AVAILABLE.
    pub const COORDINATOR_NOT_AVAILABLE: i16 = 15;
    /// NOT_COORDINATOR.
    pub const NOT_COORDINATOR: i16 = 16;
    /// ILLEGAL_GENERATION.
    pub const ILLEGAL_GENERATION: i16 = 22;
    /// INCONSISTENT_GROUP_PROTOCOL.
    pub const INCONSISTENT_GROUP_PROTOCOL: i16 = 23;
    /// UNKNOWN_MEMBER_ID.
    pub const UNKNOWN_MEMBER_ID: i16 = 25;
    /// REBALANCE_IN_PROGRESS.
    pub const REBALANCE_IN_PROGRESS: i16 = 27;
    /// MEMBER_ID_REQUIRED (KIP-394): join again with the id that came.
    pub const MEMBER_ID_REQUIRED: i16 = 79;
    /// FENCED_INSTANCE_ID.
    pub const FENCED_INSTANCE_ID: i16 = 82;
}

/// A member as the leader sees it in a JoinGroup response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// Member id.
    pub member_id: String,
    /// `group.instance.id`, if static.
    pub instance_id: Option<String>,
    /// The engine's part (`userData`) of its ConsumerProtocol subscription.
    pub user_data: Vec<u8>,
}

/// What the leader gives one member in SyncGroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAssignment {
    /// Member id.
    pub member_id: String,
    /// Input partitions, for Kafka's own tools; the transport writes them as a ConsumerProtocol assignment.
    pub partitions: Vec<TopicPartition>,
    /// The engine's part (`userData`).
    pub user_data: Vec<u8>,
}

/// One offset of an at-least-once commit.
pub type OffsetToCommit = (TopicPartition, OffsetAndMetadata);

/// A request to the group's coordinator. `protocol_type` is `consumer`, the one protocol name `stream`, both written by
/// the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRequest {
    /// JoinGroup; blocks at the coordinator up to the rebalance time-out.
    Join {
        /// Empty on first contact.
        member_id: String,
        /// Static id.
        instance_id: Option<String>,
        /// Session time-out.
        session_timeout_ms: i32,
        /// Rebalance time-out.
        rebalance_timeout_ms: i32,
        /// Source topics: written into the subscription, else their offsets expire.
        topics: Vec<String>,
        /// The engine's subscription data.
        user_data: Vec<u8>,
    },
    /// SyncGroup; `assignments` from the leader only.
    Sync {
        /// Generation joined.
        generation: i32,
        /// Own id.
        member_id: String,
        /// Static id.
        instance_id: Option<String>,
        /// One per member, from the leader.
        assignments: Vec<MemberAssignment>,
    },
    /// Heartbeat.
    Heartbeat {
        /// Generation.
        generation: i32,
        /// Own id.
        member_id: String,
        /// Static id.
        instance_id: Option<String>,
    },
    /// LeaveGroup.
    Leave {
        /// Own id.
        member_id: String,
        /// Static id.
        instance_id: Option<String>,
    },
    /// OffsetCommit as a member (at-least-once only).
    CommitOffsets {
        /// Generation.
        generation: i32,
        /// Own id.
        member_id: String,
        /// Static id.
        instance_id: Option<String>,
        /// Positions.
        offsets: Vec<OffsetToCommit>,
    },
}

/// A coordinator's answer, one per request, in order of the requests of its kind.
#[derive(Clone, Debug)]
pub enum GroupResponse {
    /// To Join.
    Joined {
        /// Error code.
        error: i16,
        /// New generation.
        generation: i32,
        /// The leader's member id.
        leader: String,
        /// Own member id (also with MEMBER_ID_REQUIRED).
        member_id: String,
        /// All members, for the leader only.
        members: Vec<JoinedMember>,
    },
    /// To Sync.
    Synced {
        /// Error code.
        error: i16,
        /// The engine's part of the assignment.
        user_data: Vec<u8>,
    },
    /// To Heartbeat.
    Heartbeat {
        /// Error code.
        error: i16,
    },
    /// To Leave.
    Left {
        /// Error code.
        error: i16,
    },
    /// To CommitOffsets: the first error among the partitions, or 0.
    Committed {
        /// Error code.
        error: i16,
    },
    /// The one request under way that is no heartbeat (a lost heartbeat is not reported: the next one finds out) came to
    /// nothing: the connection broke or it timed out. The transport connects (and finds the coordinator) anew by itself.
    Failed {
        /// What happened.
        error: BrokerError,
    },
}

/// Moves group messages. Never blocks: a request is queued, its answer polled for. One thread at a time uses it, not
/// always the same.
pub trait GroupTransport: Send {
    /// Queues a request. At most one Join, Sync, Leave or CommitOffsets is under way at a time; heartbeats may overlap
    /// a Join that waits at the coordinator.
    fn send(&mut self, request: GroupRequest);

    /// The next answer, if one has come.
    fn poll(&mut self) -> Option<GroupResponse>;
}
