//! The requests of a member.

use super::{Action, InFlight, LeaderError, Member, RequestKind, State};
use crate::broker::{GroupRequest, MemberAssignment};
use crate::membership::{Assignment, Subscription};

impl Member {
    /// A join of its own, not a repetition: the nonce makes the coordinator rebalance even if nothing else changed.
    pub(super) fn begin_join(&mut self, now_ms: i64) -> Vec<Action> {
        self.go(State::Joining);
        self.nonce = self.nonce.wrapping_add(1);
        self.session.abandon_heartbeats();
        self.send_join(now_ms)
    }

    /// Waits while an older request is under way; `poll` comes back here.
    pub(super) fn send_join(&mut self, now_ms: i64) -> Vec<Action> {
        if self.in_flight.is_some() || !self.backoff.over(now_ms) {
            return Vec::new();
        }
        self.claimed = self.owned.keys().copied().collect();
        // A rebalance that was asked for until now is this one.
        self.rejoin_wanted = false;
        self.probe_at_ms = None;
        let request = GroupRequest::Join {
            member_id: self.member_id.clone(),
            instance_id: self.config.instance_id.clone(),
            session_timeout_ms: self.config.session_timeout_ms,
            rebalance_timeout_ms: self.config.rebalance_timeout_ms,
            topics: self.config.topics.clone(),
            user_data: self.subscription().encode(),
        };
        self.send(now_ms, RequestKind::Join, request)
    }

    fn subscription(&self) -> Subscription {
        Subscription {
            profile: self.config.profile.clone(),
            stopping: self.stopping,
            owned: self.owned.clone(),
            standbys: self.local.standbys.clone(),
            offset_sums: self.local.offset_sums.clone(),
            owners: self.owners.clone(),
            nonce: self.nonce,
        }
    }

    pub(super) fn send_sync(&mut self, now_ms: i64, assignments: Vec<MemberAssignment>) -> Vec<Action> {
        let request = GroupRequest::Sync {
            generation: self.generation,
            member_id: self.member_id.clone(),
            instance_id: self.config.instance_id.clone(),
            assignments,
        };
        self.send(now_ms, RequestKind::Sync, request)
    }

    /// The answer to [`Action::RunLeader`]; one for an older generation is ignored.
    pub fn leader_assignment(
        &mut self,
        now_ms: i64,
        generation: i32,
        result: Result<Vec<MemberAssignment>, LeaderError>,
    ) -> Vec<Action> {
        let awaited = self.state == State::Syncing && !self.led.is_empty() && self.in_flight.is_none();
        if !awaited || generation != self.generation {
            return Vec::new();
        }
        let members = std::mem::take(&mut self.led);
        match result {
            Ok(assignments) => self.send_sync(now_ms, assignments),
            Err(LeaderError::Report(text)) => self.send_sync(now_ms, failed_assignments(members, &text)),
            // The leader's join starts a new rebalance (in every state of the group).
            Err(LeaderError::Retry(_)) => self.join_again_later(now_ms),
        }
    }

    pub(super) fn join_again_later(&mut self, now_ms: i64) -> Vec<Action> {
        self.backoff.failed(now_ms);
        self.begin_join(now_ms)
    }

    pub(super) fn heartbeat(&mut self, now_ms: i64) -> Vec<Action> {
        // A Sync that waits at the coordinator keeps the session alive itself.
        let syncing = self.in_flight.is_some_and(|request| request.kind == RequestKind::Sync);
        if syncing || !self.session.heartbeat_due(now_ms) {
            return Vec::new();
        }
        self.session.heartbeat_sent(now_ms);
        vec![Action::Send(GroupRequest::Heartbeat {
            generation: self.generation,
            member_id: self.member_id.clone(),
            instance_id: self.config.instance_id.clone(),
        })]
    }

    pub(super) fn send(&mut self, now_ms: i64, kind: RequestKind, request: GroupRequest) -> Vec<Action> {
        self.in_flight = Some(InFlight { kind, sent_ms: now_ms, stale: false });
        vec![Action::Send(request)]
    }

    /// Whether an answer is overdue that the transport should have failed long ago.
    pub(super) fn request_overdue(&self, now_ms: i64) -> bool {
        let patience_ms = i64::from(self.config.rebalance_timeout_ms) + i64::from(self.config.session_timeout_ms);
        self.state != State::Leaving && self.in_flight.is_some_and(|request| now_ms - request.sent_ms > patience_ms)
    }

    /// Whether the session's own clock may end it: not while a Join or Sync waits at the coordinator, which counts the
    /// member as alive meanwhile.
    pub(super) fn session_counts(&self) -> bool {
        let waiting = self.in_flight.is_some_and(|r| matches!(r.kind, RequestKind::Join | RequestKind::Sync));
        match self.state {
            State::Stable | State::Rejoining | State::Syncing => !waiting,
            State::Joining => !waiting && self.has_something_to_lose(),
            State::Unjoined | State::Losing | State::Leaving | State::Left => false,
        }
    }
}

pub(super) fn failed_assignments(members: Vec<String>, text: &str) -> Vec<MemberAssignment> {
    let one = |member_id: String| {
        let user_data = Assignment::failed(&*member_id, text).encode();
        MemberAssignment { member_id, partitions: Vec::new(), user_data }
    };
    members.into_iter().map(one).collect()
}
