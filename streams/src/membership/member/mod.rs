//! One thread's membership in the group: the classic protocol as a state machine.
//!
//! ```text
//!             poll              joined              assigned
//!  Unjoined ────────► Joining ────────► Syncing ─────────────► Stable
//!     ▲                ▲ ▲ │▲              │                      │ rebalance announced, tasks let go,
//!     │                │ │ └┘ retry        │ rebalance, retry     │ probing, request_rejoin
//!     │                │ └─────────────────┘                      ▼
//!     │ closed()       └───────── ready_to_join() ─────────── Rejoining
//!   Losing ◄──── fenced, forgotten or expired: from every state above
//!
//!   every state ── leave() ──► Leaving ──► Left
//! ```
//!
//! The table beside the diagram is in `state.rs`. Rules that carry exactly-once, and where they live:
//! - [`Member::identity`] is the pair of the last assignment the thread has **applied**, never a newer one; never with an
//!   empty member id.
//! - Once [`Action::Lost`] is out there is no identity, and no join until [`Member::closed`].
//! - A task is claimed in every join until [`Member::revoked`] says that it was committed for the last time.
//! - A rebalance is answered only after [`Member::ready_to_join`]; from then until the next assignment is applied
//!   [`Member::may_commit`] is false (a commit would race the new generation).

mod ending;
mod joining;
mod orders;
mod responses;
mod session;
mod state;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod verdict;

pub use orders::{Action, CommitOutcome, LeaderError, LocalState, LossReason, MemberConfig, NotNow};
pub use state::State;

use super::OwnerMap;
use crate::broker::{GroupIdentity, GroupRequest, OffsetToCommit};
use crate::task_id::TaskId;
use session::{Backoff, Session};
use std::collections::{BTreeMap, BTreeSet};

/// Which request awaits its answer. Heartbeats are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestKind {
    Join,
    Sync,
    Leave,
    Commit,
}

#[derive(Clone, Copy, Debug)]
struct InFlight {
    kind: RequestKind,
    sent_ms: i64,
    /// The state that sent it is gone: the answer only frees the way for the next request.
    stale: bool,
}

/// Member id and generation under which commits are made.
#[derive(Clone, Debug)]
struct Pair {
    member_id: String,
    generation: i32,
}

/// An assignment the thread has not applied yet.
#[derive(Debug)]
struct Received {
    pair: Pair,
    active: BTreeSet<TaskId>,
}

/// A member of the group.
///
/// # Contract
/// The thread that holds it carries out every [`Action`] in order, passes every answer to [`Member::on_response`] and
/// calls [`Member::poll`] at least a few times per heartbeat interval. `now_ms` never goes back.
#[derive(Debug)]
pub struct Member {
    config: MemberConfig,
    local: LocalState,
    stopping: bool,
    state: State,
    /// Empty until the coordinator gives one.
    member_id: String,
    /// Of the last JoinGroup answer.
    generation: i32,
    /// Member ids of the generation, while this member leads it.
    led: Vec<String>,
    received: Option<Received>,
    applied: Option<Pair>,
    /// Active tasks of the applied assignment.
    assigned: BTreeSet<TaskId>,
    /// Tasks not let go of, and whether each was opened.
    owned: BTreeMap<TaskId, bool>,
    /// What the last join claimed.
    claimed: BTreeSet<TaskId>,
    owners: OwnerMap,
    nonce: u32,
    session: Session,
    backoff: Backoff,
    in_flight: Option<InFlight>,
    rejoin_wanted: bool,
    probe_at_ms: Option<i64>,
    leave_by_ms: i64,
    /// Set by a loss after which joining again is pointless.
    is_final: bool,
}

impl Member {
    /// A member that joins at its first `poll`.
    pub fn new(config: MemberConfig, local: LocalState) -> Self {
        Self {
            session: Session::new(config.session_timeout_ms, config.heartbeat_interval_ms),
            config,
            local,
            stopping: false,
            state: State::Unjoined,
            member_id: String::new(),
            generation: -1,
            led: Vec::new(),
            received: None,
            applied: None,
            assigned: BTreeSet::new(),
            owned: BTreeMap::new(),
            claimed: BTreeSet::new(),
            owners: OwnerMap::default(),
            nonce: 0,
            backoff: Backoff::default(),
            in_flight: None,
            rejoin_wanted: false,
            probe_at_ms: None,
            leave_by_ms: 0,
            is_final: false,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// The pair that a commit must carry; `None` while nothing may be committed at all.
    pub fn identity(&self) -> Option<GroupIdentity> {
        let pair = self.applied.as_ref()?;
        assert!(!pair.member_id.is_empty() && pair.generation >= 0, "a commit with {pair:?} would not be fenced");
        Some(GroupIdentity {
            group_id: self.config.group_id.clone(),
            member_id: pair.member_id.clone(),
            generation: pair.generation,
            instance_id: self.config.instance_id.clone(),
        })
    }

    /// Whether a commit may be started now.
    pub fn may_commit(&self) -> bool {
        matches!(self.state, State::Stable | State::Rejoining) && self.received.is_none() && self.applied.is_some()
    }

    /// The newest that is known of standbys and state on the disk; goes into the next join.
    pub fn set_local(&mut self, local: LocalState) {
        self.local = local;
    }

    /// What time alone brings about: joins, heartbeats, expiry.
    pub fn poll(&mut self, now_ms: i64) -> Vec<Action> {
        if self.request_overdue(now_ms) {
            return self.connection_failed(now_ms);
        }
        if self.session_counts() && self.session.expired(now_ms) {
            self.session.heartbeats_lost();
            return self.lose(now_ms, LossReason::SessionExpired);
        }
        match self.state {
            State::Unjoined if self.backoff.over(now_ms) => self.begin_join(now_ms),
            State::Joining if self.backoff.over(now_ms) => self.send_join(now_ms),
            State::Syncing | State::Stable | State::Rejoining => {
                let mut actions = self.heartbeat(now_ms);
                if self.state == State::Stable && self.probe_at_ms.is_some_and(|at| now_ms >= at) {
                    actions.extend(self.request_rejoin());
                }
                actions
            }
            State::Leaving if now_ms >= self.leave_by_ms => self.left(),
            _ => Vec::new(),
        }
    }

    /// The thread works by the assignment of the last [`Action::Assigned`] from now on: tasks it has no longer are let
    /// go of, with a last commit under the identity that holds from here.
    pub fn applied(&mut self) -> Vec<Action> {
        let Some(received) = self.received.take() else {
            return Vec::new();
        };
        self.applied = Some(received.pair);
        for task in &received.active {
            self.owned.entry(*task).or_insert(false);
        }
        self.assigned = received.active;
        self.acknowledge()
    }

    /// The former owners of `task` are fenced and its offsets are fetched.
    pub fn opened(&mut self, task: TaskId) {
        if let Some(opened) = self.owned.get_mut(&task) {
            *opened = true;
        }
    }

    /// `tasks` were committed for the last time and closed. When all that this assignment takes away are let go of, the
    /// member rejoins, so that they can be given out.
    pub fn revoked(&mut self, tasks: &[TaskId]) -> Vec<Action> {
        for task in tasks {
            self.owned.remove(task);
            self.assigned.remove(task);
        }
        self.acknowledge()
    }

    /// Others wait for tasks that the last join claimed and the assignment took away: once none is left here, rejoin.
    fn acknowledge(&mut self) -> Vec<Action> {
        let still_held = self.owned.keys().any(|task| !self.assigned.contains(task));
        let awaited = self.claimed.iter().any(|task| !self.assigned.contains(task));
        if self.may_commit() && awaited && !still_held {
            self.rejoin_wanted = true;
        }
        self.prepare_rejoin()
    }

    /// Asks for a new assignment: a warm-up here has caught up, the instance is about to stop.
    pub fn request_rejoin(&mut self) -> Vec<Action> {
        self.probe_at_ms = None;
        self.rejoin_wanted = true;
        self.prepare_rejoin()
    }

    /// Has the tasks moved away before [`Member::leave`]: from the next join on the leader gives this member nothing.
    pub fn announce_stop(&mut self) -> Vec<Action> {
        self.stopping = true;
        self.request_rejoin()
    }

    fn prepare_rejoin(&mut self) -> Vec<Action> {
        if self.state != State::Stable || !self.rejoin_wanted || self.received.is_some() {
            return Vec::new();
        }
        self.rejoin_wanted = false;
        self.go(State::Rejoining);
        vec![Action::PrepareRejoin]
    }

    /// The answer to [`Action::PrepareRejoin`]: what could be committed is. No commit from here on.
    pub fn ready_to_join(&mut self, now_ms: i64) -> Vec<Action> {
        if self.state == State::Rejoining { self.begin_join(now_ms) } else { Vec::new() }
    }

    /// At-least-once: commits positions as a member. The outcome comes as [`Action::Committed`].
    pub fn commit_offsets(&mut self, now_ms: i64, offsets: Vec<OffsetToCommit>) -> Result<Vec<Action>, NotNow> {
        if !self.may_commit() || self.in_flight.is_some() {
            return Err(NotNow);
        }
        let identity = self.identity().ok_or(NotNow)?;
        let request = GroupRequest::CommitOffsets {
            generation: identity.generation,
            member_id: identity.member_id,
            instance_id: identity.instance_id,
            offsets,
        };
        Ok(self.send(now_ms, RequestKind::Commit, request))
    }

    fn go(&mut self, next: State) {
        assert!(self.state.may_become(next), "a member cannot go from {:?} to {next:?}", self.state);
        self.state = next;
    }
}
