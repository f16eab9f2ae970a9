//! Opening tasks away from the stream thread: fence the former owners, fetch the committed offsets, restore the change
//! logs.
//!
//! The order carries exactly-once: first fence, then the offsets (which waits for open transactions on them), **then** the
//! change logs' high watermarks, and restore read_committed up to those. Never to the last stable offset: transaction
//! markers land later than the offsets become visible.

use super::restore::{ChangelogRange, Restore};
use super::shared::Shared;
use crate::broker::{
    Admin, Consumer, ConsumerRole, Isolation, OffsetAndMetadata, OffsetSpec, PartitionId, TopicPartition,
};
use crate::error::StreamsError;
use crate::task_id::TaskId;
use crate::topology::OffsetReset;
use comanda_state_stores::{Remedy, TaskStorage};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A task to open.
#[derive(Clone, Debug)]
pub(super) struct OpenJob {
    pub task: TaskId,
    /// Transactional ids of dead owners.
    pub fence: Vec<String>,
    /// Delete what is on the disk first: it contradicts the change log.
    pub wipe: bool,
}

/// An opened task.
pub(super) struct Opened {
    pub task: TaskId,
    pub outcome: Result<OpenedState, StreamsError>,
}

/// Its state, restored, and where its inputs go on.
pub(super) struct OpenedState {
    pub storage: TaskStorage,
    pub committed: Vec<(TopicPartition, OffsetAndMetadata)>,
    pub start_offsets: Vec<(TopicPartition, i64)>,
    /// Records read to restore it.
    pub restored_records: u64,
}

/// Opens one task at a time; `step` returns soon, so that the simulator can interleave it.
pub(super) struct Opener {
    shared: Arc<Shared>,
    admin: Box<dyn Admin>,
    consumer: Box<dyn Consumer>,
    jobs: VecDeque<OpenJob>,
    restoring: Option<Restoring>,
}

struct Restoring {
    job: OpenJob,
    state: OpenedState,
    restore: Restore,
}

impl Opener {
    pub fn new(shared: Arc<Shared>) -> Result<Self, StreamsError> {
        let admin = shared.broker.admin()?;
        let consumer = shared.broker.consumer(ConsumerRole::Restore)?;
        Ok(Self { shared, admin, consumer, jobs: VecDeque::new(), restoring: None })
    }

    pub fn submit(&mut self, job: OpenJob) {
        self.jobs.push_back(job);
    }

    /// Whether there is anything to do.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.restoring.is_none()
    }

    /// A piece of work, waiting at most `wait` for records; an opened task when one is done.
    pub fn step(&mut self, wait: Duration) -> Option<Opened> {
        if self.restoring.is_none() {
            let job = self.jobs.pop_front()?;
            let task = job.task;
            match self.begin(job) {
                Ok(restoring) => self.restoring = Some(restoring),
                Err(error) => return Some(Opened { task, outcome: Err(error) }),
            }
        }
        let mut current = self.restoring.take()?;
        let task = current.job.task;
        match current.restore.step(&mut *self.consumer, &mut current.state.storage, wait) {
            Ok(false) => {
                self.restoring = Some(current);
                None
            }
            Ok(true) => {
                current.state.restored_records = current.restore.records();
                let records = current.state.restored_records;
                tracing::info!(%task, records, "task restored");
                Some(Opened { task, outcome: Ok(current.state) })
            }
            Err(error) => {
                current.restore.stop(&mut *self.consumer);
                Some(Opened { task, outcome: Err(error) })
            }
        }
    }

    fn begin(&mut self, job: OpenJob) -> Result<Restoring, StreamsError> {
        for id in &job.fence {
            tracing::info!(task = %job.task, transactional_id = id, "fencing a former owner");
            self.shared.broker.producer(Some(id))?.init_transactions()?;
        }
        let inputs = self.shared.input_partitions(job.task);
        let committed = self.committed(&inputs)?;
        let start_offsets = self.start_offsets(&inputs, &committed)?;
        let storage = self.open_storage(&job)?;
        let changelogs = self.shared.changelog_partitions(job.task);
        let partitions: Vec<TopicPartition> = changelogs.iter().map(|(_, partition)| partition.clone()).collect();
        let ends = self.admin.list_offsets(&partitions, OffsetSpec::Latest, Isolation::ReadUncommitted)?;
        let begins = self.admin.list_offsets(&partitions, OffsetSpec::Earliest, Isolation::ReadUncommitted)?;
        let mut restore = Restore::default();
        for (number, (store, partition)) in changelogs.into_iter().enumerate() {
            let known = storage.positions().changelogs.get(store.as_str()).copied();
            let log = ChangelogRange { id: PartitionId(number as u32), partition, begin: begins[number], end: ends[number] };
            restore.add(&mut *self.consumer, storage.store_index(&store)?, log, known)?;
        }
        let state = OpenedState { storage, committed, start_offsets, restored_records: 0 };
        Ok(Restoring { job, state, restore })
    }

    fn committed(
        &mut self,
        inputs: &[TopicPartition],
    ) -> Result<Vec<(TopicPartition, OffsetAndMetadata)>, StreamsError> {
        let found = self.admin.committed_offsets(&self.shared.config.application_id, inputs)?;
        let pairs = inputs.iter().cloned().zip(found);
        Ok(pairs.filter_map(|(partition, offset)| Some((partition, offset?))).collect())
    }

    /// Where each input goes on: its committed position, or the reset policy's.
    fn start_offsets(
        &mut self,
        inputs: &[TopicPartition],
        committed: &[(TopicPartition, OffsetAndMetadata)],
    ) -> Result<Vec<(TopicPartition, i64)>, StreamsError> {
        let mut starts = vec![];
        for input in inputs {
            let known = committed.iter().find(|(partition, _)| partition == input);
            let offset = match known {
                Some((_, committed)) => committed.offset,
                None => self.reset_offset(input)?,
            };
            starts.push((input.clone(), offset));
        }
        Ok(starts)
    }

    fn reset_offset(&mut self, input: &TopicPartition) -> Result<i64, StreamsError> {
        let application_id = &self.shared.config.application_id;
        let spec = match self.shared.topology.offset_reset(&input.topic, application_id) {
            OffsetReset::Earliest => OffsetSpec::Earliest,
            OffsetReset::Latest => OffsetSpec::Latest,
        };
        let found = self.admin.list_offsets(std::slice::from_ref(input), spec, Isolation::ReadCommitted)?;
        found.first().copied().ok_or_else(|| StreamsError::Retry(format!("no offset of {input} was told")))
    }

    /// Opens the task's state. What cannot be opened is deleted and restored from the log's beginning.
    fn open_storage(&self, job: &OpenJob) -> Result<TaskStorage, StreamsError> {
        let specs = self.shared.topology.task_stores(&[job.task.sub_topology], &self.shared.config);
        if job.wipe {
            self.shared.destroy_state(job.task)?;
        }
        match TaskStorage::open(&specs, self.shared.persistence(job.task)) {
            Ok(storage) => Ok(storage),
            Err(error) if error.remedy() == Remedy::TaskCorrupted => {
                tracing::error!(task = %job.task, %error, "local state is unusable: restoring all of it");
                self.shared.destroy_state(job.task)?;
                Ok(TaskStorage::open(&specs, self.shared.persistence(job.task))?)
            }
            Err(error) => Err(error.into()),
        }
    }
}
