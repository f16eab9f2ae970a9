//! What a member makes of the coordinator's answers.

use super::joining::failed_assignments;
use super::verdict::{Verdict, verdict};
use super::{Action, CommitOutcome, LossReason, Member, Pair, Received, RequestKind, State};
use crate::broker::{ErrorKind, GroupResponse, JoinedMember};
use crate::membership::{Assignment, CodecError, Subscription};

impl Member {
    /// Takes an answer of the coordinator. `Failed` answers the one request under way that is no heartbeat; when there is
    /// none, it tells that heartbeats were lost.
    pub fn on_response(&mut self, now_ms: i64, response: GroupResponse) -> Vec<Action> {
        match response {
            GroupResponse::Heartbeat { error } => self.heartbeat_answered(now_ms, error),
            GroupResponse::Failed { error } if error.kind == ErrorKind::Fatal && self.state != State::Leaving => {
                self.in_flight = None;
                self.refused(now_ms, error.code, error.to_string())
            }
            GroupResponse::Failed { .. } => self.connection_failed(now_ms),
            GroupResponse::Joined { error, generation, leader, member_id, members } => {
                if !self.take_answer(RequestKind::Join) {
                    return self.go_on(now_ms);
                }
                self.joined(now_ms, error, generation, &leader, member_id, members)
            }
            GroupResponse::Synced { error, user_data } => {
                if !self.take_answer(RequestKind::Sync) {
                    return self.go_on(now_ms);
                }
                self.synced(now_ms, error, &user_data)
            }
            GroupResponse::Committed { error } => {
                if !self.take_answer(RequestKind::Commit) {
                    return self.go_on(now_ms);
                }
                self.committed(now_ms, error)
            }
            GroupResponse::Left { .. } => {
                if self.take_answer(RequestKind::Leave) {
                    self.left()
                } else {
                    Vec::new()
                }
            }
        }
    }

    /// Whether the answer is one that the present state waits for; either way the request is no longer under way.
    fn take_answer(&mut self, kind: RequestKind) -> bool {
        let Some(request) = self.in_flight.take_if(|request| request.kind == kind) else {
            return false;
        };
        let awaited_in = match kind {
            RequestKind::Join => self.state == State::Joining,
            RequestKind::Sync => self.state == State::Syncing,
            RequestKind::Leave => self.state == State::Leaving,
            RequestKind::Commit => true,
        };
        awaited_in && !request.stale
    }

    /// After an answer that nobody waits for: what waited for the way to be free goes out.
    fn go_on(&mut self, now_ms: i64) -> Vec<Action> {
        match self.state {
            State::Leaving => self.send_leave(now_ms),
            _ => self.poll(now_ms),
        }
    }

    fn joined(
        &mut self,
        now_ms: i64,
        error: i16,
        generation: i32,
        leader: &str,
        member_id: String,
        members: Vec<JoinedMember>,
    ) -> Vec<Action> {
        match verdict(error) {
            Verdict::Fine if member_id.is_empty() || generation < 0 => {
                self.refused(now_ms, None, "JoinGroup gave no member id or generation".to_owned())
            }
            // A static member was replaced meanwhile: what it owned is not its own any more.
            Verdict::Fine if !self.owned.is_empty() && member_id != self.member_id => {
                let actions = self.lose(now_ms, LossReason::UnknownMember);
                self.member_id = member_id;
                actions
            }
            Verdict::Fine => {
                self.member_id = member_id;
                self.generation = generation;
                self.session.begin(now_ms);
                self.go(State::Syncing);
                if leader == self.member_id { self.lead(now_ms, members) } else { self.send_sync(now_ms, Vec::new()) }
            }
            Verdict::MemberIdRequired => {
                self.member_id = member_id;
                self.send_join(now_ms)
            }
            Verdict::UnknownMember => self.lose(now_ms, LossReason::UnknownMember),
            Verdict::IllegalGeneration => self.lose(now_ms, LossReason::IllegalGeneration),
            Verdict::InstanceFenced => self.lose(now_ms, LossReason::InstanceFenced),
            Verdict::Refused(advice) => self.refused(now_ms, Some(error), advice.to_owned()),
            Verdict::Rebalance | Verdict::Retry => self.join_failed(now_ms),
        }
    }

    fn lead(&mut self, now_ms: i64, members: Vec<JoinedMember>) -> Vec<Action> {
        let ids: Vec<String> = members.iter().map(|member| member.member_id.clone()).collect();
        let read = |member: JoinedMember| -> Result<(String, Subscription), CodecError> {
            Ok((member.member_id, Subscription::decode(&member.user_data)?))
        };
        match members.into_iter().map(read).collect() {
            Ok(members) => {
                self.led = ids;
                vec![Action::RunLeader { generation: self.generation, members }]
            }
            Err(unreadable) => self.send_sync(now_ms, failed_assignments(ids, &unreadable.to_string())),
        }
    }

    fn synced(&mut self, now_ms: i64, error: i16, user_data: &[u8]) -> Vec<Action> {
        match verdict(error) {
            Verdict::Fine => match Assignment::decode(user_data) {
                Ok(assignment) => self.received(now_ms, assignment),
                // What others were given is unknown: going on could be the second owner of a task.
                Err(unreadable) => {
                    self.backoff.failed(now_ms);
                    self.lose(now_ms, LossReason::BadAssignment(unreadable.to_string()))
                }
            },
            Verdict::Rebalance => self.begin_join(now_ms),
            Verdict::UnknownMember => self.lose(now_ms, LossReason::UnknownMember),
            Verdict::IllegalGeneration => self.lose(now_ms, LossReason::IllegalGeneration),
            Verdict::InstanceFenced => self.lose(now_ms, LossReason::InstanceFenced),
            Verdict::Refused(advice) => self.refused(now_ms, Some(error), advice.to_owned()),
            Verdict::Retry | Verdict::MemberIdRequired => self.join_again_later(now_ms),
        }
    }

    fn received(&mut self, now_ms: i64, assignment: Assignment) -> Vec<Action> {
        self.go(State::Stable);
        self.session.begin(now_ms);
        self.backoff.succeeded();
        if assignment.error.is_none() {
            self.owners = assignment.owners.clone();
        }
        let assignment = self.of_this_life(assignment);
        self.probe_at_ms = assignment.probe.then_some(now_ms + self.config.probing_interval_ms);
        let pair = Pair { member_id: self.member_id.clone(), generation: self.generation };
        self.received = Some(Received { pair, active: assignment.active.clone() });
        vec![Action::Assigned { generation: self.generation, assignment: Box::new(assignment) }]
    }

    /// A static member that comes back is answered with what was made for its former life, without a rebalance (KIP-345).
    /// Tasks are taken up from it; what it says beside them may not hold any more, and a new join settles that.
    fn of_this_life(&mut self, mut assignment: Assignment) -> Assignment {
        if assignment.member_id == self.member_id {
            return assignment;
        }
        let profile = &self.config.profile;
        if assignment.error.is_some() || assignment.topology != profile.topology {
            self.rejoin_wanted = true;
            return Assignment { owners: assignment.owners, ..Assignment::default() };
        }
        // The former life let go of its tasks by ending, and nobody has told the leader.
        self.rejoin_wanted |= assignment.taken;
        for task in &assignment.active {
            // It ran in another state directory: its open transaction would hold the task up.
            let former = assignment.owners.ids_of(*task).first().filter(|id| **id != profile.transactional_id);
            if let Some(id) = former {
                assignment.fence.entry(*task).or_default().push(id.clone());
            }
        }
        assignment
    }

    fn heartbeat_answered(&mut self, now_ms: i64, error: i16) -> Vec<Action> {
        let Some(sent_ms) = self.session.answered(now_ms) else {
            return Vec::new();
        };
        if !matches!(self.state, State::Syncing | State::Stable | State::Rejoining) {
            return Vec::new();
        }
        match verdict(error) {
            Verdict::Fine => {
                self.session.confirmed(sent_ms);
                self.backoff.succeeded();
                Vec::new()
            }
            Verdict::Rebalance => {
                self.session.confirmed(sent_ms);
                // While syncing, the Sync's answer says the same.
                self.rejoin_wanted |= self.state == State::Stable;
                self.prepare_rejoin()
            }
            Verdict::UnknownMember => self.lose(now_ms, LossReason::UnknownMember),
            Verdict::IllegalGeneration => self.lose(now_ms, LossReason::IllegalGeneration),
            Verdict::InstanceFenced => self.lose(now_ms, LossReason::InstanceFenced),
            Verdict::Refused(advice) => self.refused(now_ms, Some(error), advice.to_owned()),
            Verdict::Retry | Verdict::MemberIdRequired => {
                let at_ms = self.backoff.failed(now_ms);
                self.session.retry_heartbeat_at(at_ms);
                Vec::new()
            }
        }
    }

    fn committed(&mut self, now_ms: i64, error: i16) -> Vec<Action> {
        let outcome = match verdict(error) {
            Verdict::Fine => CommitOutcome::Done,
            Verdict::UnknownMember | Verdict::IllegalGeneration | Verdict::InstanceFenced => CommitOutcome::Fenced,
            Verdict::Refused(_) => CommitOutcome::Refused { code: error },
            Verdict::Retry if matches!(error, OFFSET_METADATA_TOO_LARGE | INVALID_COMMIT_OFFSET_SIZE) => {
                CommitOutcome::Refused { code: error }
            }
            Verdict::Rebalance | Verdict::Retry | Verdict::MemberIdRequired => CommitOutcome::Retry,
        };
        let fenced = outcome == CommitOutcome::Fenced;
        let mut actions = vec![Action::Committed(outcome)];
        actions.extend(if fenced { self.fenced(now_ms, Some(error)) } else { self.go_on(now_ms) });
        actions
    }

    /// No answer will come to the request under way.
    pub(super) fn connection_failed(&mut self, now_ms: i64) -> Vec<Action> {
        let Some(failed) = self.in_flight.take() else {
            self.session.heartbeats_lost();
            return Vec::new();
        };
        match (failed.kind, self.state) {
            (RequestKind::Commit, _) if !failed.stale => {
                let mut actions = vec![Action::Committed(CommitOutcome::Retry)];
                actions.extend(self.go_on(now_ms));
                actions
            }
            // The session's end does the rest.
            (RequestKind::Leave, _) => self.left(),
            (RequestKind::Join, State::Joining) if !failed.stale => self.join_failed(now_ms),
            (RequestKind::Sync, State::Syncing) if !failed.stale => self.join_again_later(now_ms),
            _ => self.go_on(now_ms),
        }
    }

    /// The same join is repeated after a pause. However long the Join had waited at the coordinator, which kept the
    /// session, the tasks are kept for one session time-out from its first failure on.
    fn join_failed(&mut self, now_ms: i64) -> Vec<Action> {
        if self.backoff.is_first_failure() {
            self.session.begin(now_ms);
        }
        self.backoff.failed(now_ms);
        Vec::new()
    }

    fn refused(&mut self, now_ms: i64, code: Option<i16>, advice: String) -> Vec<Action> {
        if matches!(self.state, State::Losing | State::Leaving | State::Left) {
            return Vec::new();
        }
        self.lose(now_ms, LossReason::Refused { code, advice })
    }
}

/// Kafka error 12.
const OFFSET_METADATA_TOO_LARGE: i16 = 12;
/// Kafka error 28.
const INVALID_COMMIT_OFFSET_SIZE: i16 = 28;
