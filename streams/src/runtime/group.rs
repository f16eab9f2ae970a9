//! The thread as a group member: carries out what the member's state machine orders.

use super::leader;
use super::mending::Then;
use super::opener::OpenJob;
use super::shared::Shared;
use super::thread::StreamThread;
use crate::error::StreamsError;
use crate::membership::{Action, Assignment, CommitOutcome, LocalState, Member, MemberConfig, Profile};
use crate::task_id::TaskId;
use std::collections::BTreeSet;

impl StreamThread {
    /// Answers of the coordinator, and what time brings about.
    pub(super) fn membership(&mut self) -> Result<(), StreamsError> {
        self.seat.step(self.now.steady_ms);
        self.carry_out_orders()
    }

    pub(super) fn carry_out_orders(&mut self) -> Result<(), StreamsError> {
        while let Some(order) = self.seat.next_order() {
            match order {
                // The seat sends requests itself.
                Action::Send(_) => {}
                Action::PrepareRejoin => self.prepare_rejoin()?,
                Action::RunLeader { generation, members } => {
                    self.sources.leads(generation);
                    let plan = leader::plan(&self.shared, &mut *self.admin, generation, members);
                    if let Err(reason) = &plan {
                        tracing::warn!(thread = self.name, %reason, "cannot assign tasks");
                    }
                    self.seat.tell(|member, now_ms| member.leader_assignment(now_ms, generation, plan));
                }
                Action::Assigned { generation, assignment } => self.apply_assignment(generation, *assignment)?,
                Action::Lost { reason } => {
                    tracing::warn!(thread = self.name, %reason, "tasks lost");
                    self.cancel_openings(|_| true);
                    self.mending.abort_and(Then::Close);
                    if reason.is_final() {
                        return Err(StreamsError::Fatal(reason.to_string()));
                    }
                }
                Action::Committed(outcome) => self.offsets_committed(outcome)?,
                Action::Left => self.left = true,
            }
        }
        Ok(())
    }

    /// Commits under the old pair, then joins. What a failed commit leaves behind is mended while the group joins.
    fn prepare_rejoin(&mut self) -> Result<(), StreamsError> {
        let local = local_state(&self.shared);
        self.seat.tell(|member, _| {
            member.set_local(local);
            vec![]
        });
        let committed = self.commit();
        self.seat.tell(Member::ready_to_join);
        committed.map(drop)
    }

    fn apply_assignment(&mut self, generation: i32, assignment: Assignment) -> Result<(), StreamsError> {
        if let Some(error) = &assignment.error {
            return Err(StreamsError::Fatal(error.clone()));
        }
        tracing::info!(thread = self.name, generation, tasks = ?names(assignment.active.iter()), "assigned");
        self.sources.assigned(generation);
        let running = self.slots.tasks();
        for task in &assignment.active {
            self.leaving.remove(task);
            if !running.contains(task) {
                let fence = assignment.fence.get(task).cloned().unwrap_or_default();
                self.open(OpenJob { task: *task, fence, wipe: false, now_ms: self.now.wall_clock_ms });
            }
        }
        self.leaving.extend(running.iter().filter(|task| !assignment.active.contains(task)));
        self.cancel_openings(|task| !assignment.active.contains(&task));
        *self.shared.assignment.lock().expect("nothing panics while it holds the lock") = Some(assignment);
        self.seat.tell(|member, _| member.applied());
        Ok(())
    }

    /// Lets go of tasks that moved away: after their last commit, never before.
    pub(super) fn let_go(&mut self) -> Result<(), StreamsError> {
        if self.leaving.is_empty() || !self.seat.ask(Member::may_commit) {
            return Ok(());
        }
        if !self.commit()? || self.commit_in_flight.is_some() {
            return Ok(());
        }
        let leaving: Vec<TaskId> = std::mem::take(&mut self.leaving).into_iter().collect();
        for task in &leaving {
            if let Some(slot) = self.take_out(*task) {
                self.put_away(slot);
            }
        }
        tracing::info!(thread = self.name, tasks = ?names(leaving.iter()), "let go");
        self.seat.tell(|member, _| member.revoked(&leaving));
        Ok(())
    }

    fn offsets_committed(&mut self, outcome: CommitOutcome) -> Result<(), StreamsError> {
        let Some(offsets) = self.commit_in_flight.take() else { return Ok(()) };
        match outcome {
            CommitOutcome::Done => {
                self.slots.iter_mut().for_each(|slot| slot.note_acknowledged(&offsets));
                self.trouble.over();
                Ok(())
            }
            CommitOutcome::Fenced => Ok(()),
            CommitOutcome::Retry => {
                self.slots.iter_mut().for_each(|slot| slot.task.offsets_not_committed());
                Ok(())
            }
            CommitOutcome::Refused { code } => {
                Err(StreamsError::Fatal(format!("the coordinator refuses the committed offsets (Kafka error {code})")))
            }
        }
    }
}

fn names<'a>(tasks: impl Iterator<Item = &'a TaskId>) -> Vec<String> {
    tasks.map(TaskId::to_string).collect()
}

/// What a thread is in the group.
pub(super) fn member_config(shared: &Shared, slot: usize, transactional_id: &str) -> MemberConfig {
    let config = &shared.config;
    let endpoint = (!config.application_server.is_empty()).then(|| config.application_server.clone());
    MemberConfig {
        group_id: config.application_id.clone(),
        session_timeout_ms: config.session_timeout_ms,
        heartbeat_interval_ms: config.heartbeat_interval_ms,
        rebalance_timeout_ms: config.session_timeout_ms.max(10_000),
        probing_interval_ms: 600_000,
        instance_id: config.instance_id(slot),
        topics: shared.topology.source_topics(),
        profile: Profile {
            process_id: shared.directory.process_id(),
            endpoint,
            transactional_id: transactional_id.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            topology: shared.topology.fingerprint(),
        },
    }
}

pub(super) fn local_state(shared: &Shared) -> LocalState {
    LocalState { standbys: BTreeSet::new(), offset_sums: shared.directory.offset_sums() }
}
