//! What goes into a member and what comes out of it, as values.

use crate::broker::GroupRequest;
use crate::membership::{Assignment, Profile, Subscription};
use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

/// Settings of a member.
#[derive(Clone, Debug)]
pub struct MemberConfig {
    /// Group id = application id.
    pub group_id: String,
    /// Without a heartbeat for so long the coordinator gives the tasks to others. A default broker takes 6,000 and more.
    pub session_timeout_ms: i32,
    /// A third of the session time-out or less.
    pub heartbeat_interval_ms: i32,
    /// How long others may take to rejoin: a commit's longest time and some.
    pub rebalance_timeout_ms: i32,
    /// While tasks wait for warm-ups, rejoin after so long: `probing.rebalance.interval.ms`.
    pub probing_interval_ms: i64,
    /// `group.instance.id` of a static member (KIP-345).
    pub instance_id: Option<String>,
    /// Source topics: the subscription that Kafka's tools see.
    pub topics: Vec<String>,
    /// Who this is, for the leader.
    pub profile: Profile,
}

/// What changes from join to join, known to the thread only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalState {
    /// Standbys and warm-ups it keeps.
    pub standbys: BTreeSet<TaskId>,
    /// See [`Subscription::offset_sums`].
    pub offset_sums: BTreeMap<TaskId, i64>,
}

/// What the stream thread has to do, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Give it to the transport.
    Send(GroupRequest),
    /// Commit what is processed, then [`ready_to_join`](super::Member::ready_to_join). Soon: after the rebalance
    /// time-out the coordinator goes on without this member.
    PrepareRejoin,
    /// This member leads: create and validate internal topics, read end offsets, [`assign`](crate::membership::assign),
    /// then [`leader_assignment`](super::Member::leader_assignment). Poll on meanwhile, heartbeats go out.
    RunLeader {
        /// To be handed back.
        generation: i32,
        /// Everybody, this member too.
        members: Vec<(String, Subscription)>,
    },
    /// Call [`applied`](super::Member::applied), then let go of what is gone and take up what is new.
    Assigned {
        /// Its generation.
        generation: i32,
        /// The assignment.
        assignment: Box<Assignment>,
    },
    /// All tasks are lost: abort, drop what is uncommitted, close, then [`closed`](super::Member::closed). No commit; one
    /// that is under way gets no outcome any more.
    Lost {
        /// Why.
        reason: LossReason,
    },
    /// The outcome of [`commit_offsets`](super::Member::commit_offsets).
    Committed(CommitOutcome),
    /// The member is out of the group; the connection may be closed.
    Left,
}

/// Why tasks were lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LossReason {
    /// No heartbeat was answered within the session time-out.
    #[error("no heartbeat was answered within the session time-out")]
    SessionExpired,
    /// UNKNOWN_MEMBER_ID.
    #[error("the coordinator removed this member from the group")]
    UnknownMember,
    /// ILLEGAL_GENERATION.
    #[error("the group went on to a newer generation without this member")]
    IllegalGeneration,
    /// FENCED_INSTANCE_ID: final.
    #[error("another process runs under the same group.instance.id: give each its own")]
    InstanceFenced,
    /// The assignment could not be read.
    #[error("{0}")]
    BadAssignment(String),
    /// No repetition would help: final.
    #[error("the group coordinator refuses this member (Kafka error {code:?}): {advice}")]
    Refused {
        /// Kafka's error code, if it was one.
        code: Option<i16>,
        /// What to do.
        advice: String,
    },
}

impl LossReason {
    /// Whether the member stays out of the group.
    pub fn is_final(&self) -> bool {
        matches!(self, LossReason::InstanceFenced | LossReason::Refused { .. })
    }
}

/// How an at-least-once commit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Committed.
    Done,
    /// Not committed, or no answer came; the same commit may be made again (positions only ever grow).
    Retry,
    /// The member is fenced; [`Action::Lost`] follows.
    Fenced,
    /// The coordinator will not take these offsets.
    Refused {
        /// Kafka's error code.
        code: i16,
    },
}

/// Why a leader could not assign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaderError {
    /// Wrong for everybody until somebody changes something: every member reports the text.
    #[error("{0}")]
    Report(String),
    /// A broker call failed: the group tries again.
    #[error("{0}")]
    Retry(String),
}

/// No commit now: a join is under way, nothing is assigned, or another commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no commit now: wait until the assignment is applied and the commit before is answered")]
pub struct NotNow;
