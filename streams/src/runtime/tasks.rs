//! Tasks come and go: opened ones begin to run, closed ones leave their state behind.

use super::opener::{OpenJob, OpenedState};
use super::slots::Slot;
use super::thread::StreamThread;
use crate::broker::{Isolation, OffsetSpec, PartitionId};
use crate::error::StreamsError;
use crate::task::{Task, TaskSetup};
use crate::task_id::TaskId;
use crate::topology::OffsetReset;
use comanda_state_stores::TaskStores;

impl StreamThread {
    /// Takes in tasks that have been opened since the last step.
    pub(super) fn take_opened(&mut self) -> Result<(), StreamsError> {
        while let Some(opened) = self.opener.poll() {
            let opening = self.opening.remove(&opened.task).unwrap_or_default();
            if opening.cancelled {
                drop(opened.outcome);
                match opening.again {
                    Some(job) => self.open(job),
                    None => {
                        let actions = self.member.revoked(&[opened.task]);
                        self.carry_out(actions)?;
                    }
                }
                continue;
            }
            match opened.outcome {
                Ok(state) => self.start(opened.task, state)?,
                Err(error) => self.opening_failed(opened.task, error)?,
            }
        }
        Ok(())
    }

    fn start(&mut self, id: TaskId, state: OpenedState) -> Result<(), StreamsError> {
        let stores = TaskStores::new(state.storage);
        let mut task = Task::new(TaskSetup {
            id,
            topology: &self.shared.topology,
            sub_topologies: &[id.sub_topology],
            config: &self.shared.config,
            stores,
            collector: self.way_out(),
            now_ms: self.now.wall_clock_ms,
        })?;
        task.restore_times(&state.committed);
        self.shared.queries.insert(id, task.stores().views());
        if self.shared.queries.is_enabled() {
            task.stores().publish()?;
        }
        self.shared.directory.task_runs(id);
        self.member.opened(id);
        tracing::info!(thread = self.name, task = %id, restored = state.restored_records, "task runs");
        self.slots.insert(task, state.start_offsets, &mut *self.consumer, self.now.steady_ms)
    }

    fn opening_failed(&mut self, task: TaskId, error: StreamsError) -> Result<(), StreamsError> {
        let wipe = matches!(error, StreamsError::TaskCorrupted(_));
        match error {
            StreamsError::TaskCorrupted(reason) | StreamsError::Retry(reason) => {
                tracing::warn!(%task, reason, wipe, "task could not be opened; trying again");
                self.open(OpenJob { task, fence: vec![], wipe });
                Ok(())
            }
            other => Err(other),
        }
    }

    /// Closes a task whose work is committed: all of it goes to the disk, so that nothing is restored next time.
    pub(super) fn close_task(&mut self, task: TaskId) -> Result<(), StreamsError> {
        self.shared.queries.remove(task);
        let Some(slot) = self.slots.remove(task, &mut *self.consumer)? else { return Ok(()) };
        let Slot { task: running, .. } = slot;
        let stores = running.stores();
        stores.apply()?;
        stores.flush()?;
        let sum = stores.committed_positions().changelogs.values().sum();
        drop(running);
        self.shared.directory.task_closed(task, sum);
        Ok(())
    }

    /// Everything is lost: what is not committed never happened.
    pub(super) fn close_lost(&mut self) -> Result<(), StreamsError> {
        self.leaving.clear();
        self.commit_in_flight = false;
        self.cancel_openings(|_| true);
        self.abort_transaction()?;
        for task in self.slots.tasks() {
            self.slots.iter_mut().filter(|slot| slot.task.id() == task).for_each(|slot| slot.task.abort());
            self.close_task(task)?;
        }
        Ok(())
    }

    /// Closes a task and opens it again, after its state became unusable or its commit's outcome unknown.
    pub(super) fn reopen(&mut self, task: TaskId, wipe: bool) -> Result<(), StreamsError> {
        self.shared.queries.remove(task);
        drop(self.slots.remove(task, &mut *self.consumer)?);
        self.open(OpenJob { task, fence: vec![], wipe });
        Ok(())
    }

    /// An input's position fell out of its log: it goes on where the reset policy says, and says so.
    pub(super) fn reset_input(&mut self, id: PartitionId) -> Result<(), StreamsError> {
        let Some(input) = self.slots.input_mut(id) else { return Ok(()) };
        let application_id = &self.shared.config.application_id;
        let spec = match self.shared.topology.offset_reset(&input.partition.topic, application_id) {
            OffsetReset::Earliest => OffsetSpec::Earliest,
            OffsetReset::Latest => OffsetSpec::Latest,
        };
        let partition = input.partition.clone();
        let found = self.admin.list_offsets(std::slice::from_ref(&partition), spec, Isolation::ReadCommitted)?;
        let offset = found.first().copied().unwrap_or(0);
        tracing::error!(%partition, lost_from = input.committed, to = offset, "input position is out of the log's range");
        input.committed = offset;
        Ok(self.consumer.assign(id, &partition, offset)?)
    }
}
