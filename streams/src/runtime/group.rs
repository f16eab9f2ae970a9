//! The thread as a group member: carries out what the member's state machine orders.

use super::leader;
use super::opener::OpenJob;
use super::thread::{Opening, StreamThread, local_state};
use crate::error::StreamsError;
use crate::membership::{Action, Assignment, CommitOutcome};
use crate::task_id::TaskId;

impl StreamThread {
    /// Answers of the coordinator, and what time brings about.
    pub(super) fn membership(&mut self) -> Result<(), StreamsError> {
        while let Some(response) = self.transport.poll() {
            let actions = self.member.on_response(self.now.steady_ms, response);
            self.carry_out(actions)?;
        }
        let actions = self.member.poll(self.now.steady_ms);
        self.carry_out(actions)?;
        self.let_go()
    }

    pub(super) fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), StreamsError> {
        for action in actions {
            match action {
                Action::Send(request) => self.transport.send(request),
                Action::PrepareRejoin => self.prepare_rejoin()?,
                Action::RunLeader { generation, members } => {
                    let plan = leader::plan(&self.shared, &mut *self.admin, generation, members);
                    let actions = self.member.leader_assignment(self.now.steady_ms, generation, plan);
                    self.carry_out(actions)?;
                }
                Action::Assigned { generation, assignment } => self.apply_assignment(generation, *assignment)?,
                Action::Lost { reason } => {
                    tracing::warn!(thread = self.name, %reason, "tasks lost");
                    self.close_lost()?;
                    if reason.is_final() {
                        return Err(StreamsError::Fatal(reason.to_string()));
                    }
                    let actions = self.member.closed(self.now.steady_ms);
                    self.carry_out(actions)?;
                }
                Action::Committed(outcome) => self.offsets_committed(outcome)?,
                Action::Left => self.left = true,
            }
        }
        Ok(())
    }

    /// Commits under the old pair, then joins. A commit that fails is made good by the abort that follows its error.
    fn prepare_rejoin(&mut self) -> Result<(), StreamsError> {
        self.member.set_local(local_state(&self.shared));
        let committed = self.commit();
        let actions = self.member.ready_to_join(self.now.steady_ms);
        self.carry_out(actions)?;
        committed.map(drop)
    }

    fn apply_assignment(&mut self, generation: i32, assignment: Assignment) -> Result<(), StreamsError> {
        if let Some(error) = &assignment.error {
            return Err(StreamsError::Fatal(error.clone()));
        }
        tracing::info!(thread = self.name, generation, tasks = ?names(assignment.active.iter()), "assigned");
        let actions = self.member.applied();
        for task in &assignment.active {
            self.leaving.remove(task);
            if !self.slots.tasks().contains(task) {
                let fence = assignment.fence.get(task).cloned().unwrap_or_default();
                self.open(OpenJob { task: *task, fence, wipe: false });
            }
        }
        let running = self.slots.tasks();
        self.leaving.extend(running.iter().filter(|task| !assignment.active.contains(task)));
        self.cancel_openings(|task| !assignment.active.contains(&task));
        *self.shared.assignment.lock().expect("nothing panics while it holds the lock") = Some(assignment);
        self.carry_out(actions)?;
        self.let_go()
    }

    /// Starts opening a task, or has it opened again when an opening under way is done.
    pub(super) fn open(&mut self, job: OpenJob) {
        match self.opening.get_mut(&job.task) {
            Some(opening) if opening.cancelled => opening.again = Some(job),
            Some(_) => {}
            None => {
                self.opening.insert(job.task, Opening::default());
                self.opener.submit(job);
            }
        }
    }

    /// Openings that are not wanted any more; each is told as revoked once it is over.
    pub(super) fn cancel_openings(&mut self, unwanted: impl Fn(TaskId) -> bool) {
        for (task, opening) in &mut self.opening {
            if unwanted(*task) {
                (opening.cancelled, opening.again) = (true, None);
            }
        }
    }

    /// Lets go of tasks that moved away: after their last commit, never before.
    fn let_go(&mut self) -> Result<(), StreamsError> {
        if self.leaving.is_empty() || !self.member.may_commit() || !self.commit()? || self.commit_in_flight {
            return Ok(());
        }
        let leaving: Vec<TaskId> = std::mem::take(&mut self.leaving).into_iter().collect();
        for task in &leaving {
            self.close_task(*task)?;
        }
        tracing::info!(thread = self.name, tasks = ?names(leaving.iter()), "let go");
        let actions = self.member.revoked(&leaving);
        self.carry_out(actions)
    }

    fn offsets_committed(&mut self, outcome: CommitOutcome) -> Result<(), StreamsError> {
        self.commit_in_flight = false;
        match outcome {
            CommitOutcome::Done | CommitOutcome::Fenced => Ok(()),
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
