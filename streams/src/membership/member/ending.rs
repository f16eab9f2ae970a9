//! How a membership ends: by loss, after which the member may join again, or for good.

use super::{Action, LossReason, Member, RequestKind, State};
use crate::broker::{GroupRequest, error_code};

impl Member {
    /// A commit in a transaction was refused with `ErrorKind::MemberFenced`; `code` is Kafka's.
    pub fn fenced(&mut self, now_ms: i64, code: Option<i16>) -> Vec<Action> {
        let reason = match code {
            Some(error_code::UNKNOWN_MEMBER_ID) => LossReason::UnknownMember,
            Some(error_code::FENCED_INSTANCE_ID) => LossReason::InstanceFenced,
            _ => LossReason::IllegalGeneration,
        };
        if matches!(self.state, State::Losing | State::Leaving | State::Left) {
            return Vec::new();
        }
        self.lose(now_ms, reason)
    }

    /// The answer to [`Action::Lost`]: everything uncommitted is aborted, every task closed.
    pub fn closed(&mut self, now_ms: i64) -> Vec<Action> {
        if self.state != State::Losing {
            return Vec::new();
        }
        self.owned.clear();
        if self.is_final {
            return self.left();
        }
        self.go(State::Unjoined);
        self.poll(now_ms)
    }

    pub(super) fn has_something_to_lose(&self) -> bool {
        self.applied.is_some() || self.received.is_some() || !self.owned.is_empty()
    }

    /// Gives up the membership as it was. Without anything to lose the thread need not know.
    pub(super) fn lose(&mut self, now_ms: i64, reason: LossReason) -> Vec<Action> {
        let silent = !self.has_something_to_lose() && !reason.is_final();
        if let Some(request) = &mut self.in_flight {
            request.stale = true;
        }
        self.session.abandon_heartbeats();
        self.forget_assignment();
        self.is_final |= reason.is_final();
        if reason == LossReason::UnknownMember {
            self.member_id.clear();
        }
        if silent {
            self.backoff.failed(now_ms);
            self.go(State::Unjoined);
            return Vec::new();
        }
        self.go(State::Losing);
        vec![Action::Lost { reason }]
    }

    pub(super) fn forget_assignment(&mut self) {
        self.received = None;
        self.applied = None;
        self.assigned.clear();
        self.claimed.clear();
        self.led.clear();
        self.generation = -1;
        self.rejoin_wanted = false;
        self.probe_at_ms = None;
    }

    pub(super) fn left(&mut self) -> Vec<Action> {
        self.go(State::Left);
        self.forget_assignment();
        vec![Action::Left]
    }

    /// Leaves for good. The thread has committed and closed everything. A static member only goes: its tasks wait for
    /// its return until its session ends (KIP-345).
    pub fn leave(&mut self, now_ms: i64) -> Vec<Action> {
        if matches!(self.state, State::Leaving | State::Left) {
            return Vec::new();
        }
        self.forget_assignment();
        self.owned.clear();
        if self.member_id.is_empty() || self.config.instance_id.is_some() {
            return self.left();
        }
        self.go(State::Leaving);
        self.leave_by_ms = now_ms + i64::from(self.config.session_timeout_ms);
        self.send_leave(now_ms)
    }

    pub(super) fn send_leave(&mut self, now_ms: i64) -> Vec<Action> {
        if self.in_flight.is_some() {
            return Vec::new();
        }
        let request =
            GroupRequest::Leave { member_id: self.member_id.clone(), instance_id: self.config.instance_id.clone() };
        self.send(now_ms, RequestKind::Leave, request)
    }
}
