//! Tasks come and go: those that have been opened begin to run.

use super::opener::{OpenJob, Opened, OpenedState, reset_to};
use super::thread::{Opening, StreamThread};
use crate::broker::{Isolation, PartitionId};
use crate::error::StreamsError;
use crate::task::{Task, TaskSetup};
use crate::task_id::TaskId;
use comanda_state_stores::{Positions, TaskStores};

impl StreamThread {
    /// Starts opening a task, or has it opened again when an opening under way is done.
    pub(super) fn open(&mut self, job: OpenJob) {
        match self.opening.get_mut(&job.task) {
            Some(opening) if opening.cancelled => opening.again = Some(job),
            Some(_) => {}
            None => {
                let since_ms = self.now.steady_ms;
                self.opening.insert(job.task, Opening { since_ms, cancelled: false, again: None });
                self.opener.submit(job);
            }
        }
    }

    /// Openings that are not wanted any more; each is told as revoked once it is over.
    pub(super) fn cancel_openings(&mut self, unwanted: impl Fn(TaskId) -> bool) {
        for (task, opening) in self.opening.iter_mut().filter(|(task, _)| unwanted(**task)) {
            if !opening.cancelled {
                self.opener.cancel(*task);
            }
            (opening.cancelled, opening.again) = (true, None);
        }
    }

    /// Takes in tasks that have been opened since the last step.
    pub(super) fn take_opened(&mut self) -> Result<(), StreamsError> {
        while let Some(Opened { job, outcome }) = self.opener.poll(self.now.steady_ms)? {
            let task = job.task;
            let Some(opening) = self.opening.remove(&task) else { continue };
            let was_opened = outcome.is_ok();
            let started = match opening.cancelled {
                true => Err(StreamsError::Retry("the task is not wanted here any more".to_owned())),
                false => outcome.and_then(|state| self.start(task, state)),
            };
            let Err(error) = started else { continue };
            if was_opened {
                self.shared.directory.task_let_go(task);
            }
            match (opening.cancelled, opening.again) {
                (true, Some(again)) => self.open(again),
                (true, None) => self.seat.tell(|member, _| member.revoked(&[task])),
                (false, _) => self.open_again(job, opening.since_ms, error)?,
            }
        }
        Ok(())
    }

    fn start(&mut self, id: TaskId, state: OpenedState) -> Result<(), StreamsError> {
        let OpenedState { storage, committed, starts, restored } = state;
        let async_clients = self.shared.async_clients.lock().expect("nothing panics while it holds the lock").clone();
        let mut task = Task::new(TaskSetup {
            id,
            topology: &self.shared.topology,
            sub_topologies: &[id.sub_topology],
            config: &self.shared.config,
            stores: TaskStores::new(storage),
            globals: self.shared.globals.clone(),
            async_clients: &async_clients,
            collector: self.way_out(),
            now_ms: self.now.wall_clock_ms,
        })?;
        task.restore_times(&committed);
        task.set_partition_counts(|topic| starts.iter().find(|s| *s.partition.topic == *topic).map(|s| s.partitions));
        // The state stands where the inputs go on, whatever was on the disk: queries wait for positions.
        let reached = starts.iter().fold(Positions::default(), |positions, start| {
            positions.with_input(&start.partition.topic, start.partition.partition, start.offset)
        });
        task.stores().commit(&reached);
        let views = task.stores().views();
        self.slots.insert(task, &starts, restored.records > 0, &mut *self.consumer, self.now.steady_ms)?;
        self.shared.queries.insert(id, views);
        self.shared.directory.task_runs(id);
        self.shared.tell_restored(restored);
        self.seat.tell(|member, _| {
            member.opened(id);
            vec![]
        });
        tracing::info!(thread = self.name, task = %id, restored = restored.records, of = restored.log_records, "task runs");
        Ok(())
    }

    /// An opening that failed is begun again, with all that is left to do, unless nothing will ever help.
    fn open_again(&mut self, job: OpenJob, since_ms: i64, error: StreamsError) -> Result<(), StreamsError> {
        let (task, lasted_ms) = (job.task, self.now.steady_ms - since_ms);
        if matches!(error, StreamsError::Fatal(_) | StreamsError::Topology(_)) {
            return Err(error);
        }
        if lasted_ms > self.shared.config.task_timeout_ms {
            return Err(StreamsError::Fatal(format!("task {task} cannot be opened after {lasted_ms} ms: {error}")));
        }
        let wipe = job.wipe || matches!(error, StreamsError::TaskCorrupted(_));
        tracing::warn!(%task, %error, wipe, "task could not be opened; trying again");
        self.opener.submit(OpenJob { wipe, now_ms: self.now.wall_clock_ms, ..job });
        self.opening.insert(task, Opening { since_ms, cancelled: false, again: None });
        Ok(())
    }

    /// An input's position fell out of its log: it goes on where the reset policy says, and says so.
    pub(super) fn reset_input(&mut self, id: PartitionId) -> Result<(), StreamsError> {
        let Some(input) = self.slots.input_mut(id) else { return Ok(()) };
        let application_id = &self.shared.config.application_id;
        let spec = reset_to(self.shared.topology.offset_reset(&input.partition.topic, application_id));
        let partition = input.partition.clone();
        let found = self.admin.list_offsets(std::slice::from_ref(&partition), spec, Isolation::ReadCommitted)?;
        let offset = found.first().copied().unwrap_or(0);
        tracing::error!(%partition, lost_from = input.committed, to = offset, "input position is out of the log's range");
        Ok(self.consumer.assign(id, &partition, offset)?)
    }
}
