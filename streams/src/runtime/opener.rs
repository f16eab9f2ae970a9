//! Opening tasks away from the stream thread: fence the former owners, fetch the committed offsets, restore the change
//! logs.
//!
//! The order carries exactly-once: first fence, then the offsets (which waits for open transactions on them), **then** the
//! change logs' high watermarks, and restore read_committed up to those. Never to the last stable offset: transaction
//! markers land later than the offsets become visible.

use super::changelog_range::{ChangelogRange, delete_retention_ms};
use super::restore::Restore;
use super::shared::Shared;
use crate::broker::{
    Admin, Consumer, ConsumerRole, Isolation, OffsetAndMetadata, OffsetSpec, PartitionId, TopicDescription,
    TopicPartition,
};
use crate::error::StreamsError;
use crate::task_id::TaskId;
use crate::topology::OffsetReset;
use comanda_state_stores::{Remedy, TaskStorage};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

/// A task to open.
#[derive(Clone, Debug)]
pub(super) struct OpenJob {
    pub task: TaskId,
    /// Transactional ids of dead owners.
    pub fence: Vec<String>,
    /// Delete what is on the disk first: it contradicts the change log.
    pub wipe: bool,
    /// Wall clock of the order.
    pub now_ms: i64,
}

/// An opened task, or why it is not; the job as it stands now.
pub(super) struct Opened {
    pub job: OpenJob,
    pub outcome: Result<OpenedState, StreamsError>,
}

/// Its state, restored, and where its inputs go on.
pub(super) struct OpenedState {
    pub storage: TaskStorage,
    pub committed: Vec<(TopicPartition, OffsetAndMetadata)>,
    pub starts: Vec<Start>,
    pub restored: Restored,
}

/// An input partition of a task that begins to run.
pub(super) struct Start {
    pub partition: TopicPartition,
    pub offset: i64,
    /// Partitions of the topic.
    pub partitions: i32,
}

/// What it took to restore a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The task.
    pub task: TaskId,
    /// Records read from its change logs.
    pub records: u64,
    /// Offsets that the change logs span, from what is still there to their ends.
    pub log_records: u64,
}

/// Opens one task at a time; `step` returns soon, so that the simulator can interleave it.
pub(super) struct Opener {
    shared: Arc<Shared>,
    admin: Box<dyn Admin>,
    /// Made for the first change log that must be read: what needs none costs none.
    consumer: Option<Box<dyn Consumer>>,
    jobs: VecDeque<OpenJob>,
    /// Not wanted any more before they were begun.
    cancelled: VecDeque<OpenJob>,
    restoring: Option<Restoring>,
}

struct Restoring {
    job: OpenJob,
    state: OpenedState,
    restore: Restore,
    cancelled: bool,
}

impl Opener {
    pub fn new(shared: Arc<Shared>) -> Result<Self, StreamsError> {
        let admin = shared.broker.admin()?;
        Ok(Self { shared, admin, consumer: None, jobs: VecDeque::new(), cancelled: VecDeque::new(), restoring: None })
    }

    pub fn submit(&mut self, job: OpenJob) {
        self.jobs.push_back(job);
    }

    /// Whether there is anything to do.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.cancelled.is_empty() && self.restoring.is_none()
    }

    /// Lets go of what only an opening needs.
    pub fn rest(&mut self) {
        self.consumer = None;
    }

    /// Ends the opening of a task early, wherever it stands; it still comes out of `step`.
    pub fn cancel(&mut self, task: TaskId) {
        if let Some(restoring) = self.restoring.as_mut().filter(|restoring| restoring.job.task == task) {
            restoring.cancelled = true;
        }
        if let Some(index) = self.jobs.iter().position(|job| job.task == task) {
            let job = self.jobs.remove(index).expect("it was found there");
            self.cancelled.push_back(job);
        }
    }

    /// A piece of work at that time of a steady clock, waiting at most `wait` for records; an opened task when one is
    /// done.
    pub fn step(&mut self, steady_ms: i64, wait: Duration) -> Option<Opened> {
        if let Some(job) = self.cancelled.pop_front() {
            return Some(Opened { job, outcome: Err(not_wanted()) });
        }
        if self.restoring.is_none() {
            let mut job = self.jobs.pop_front()?;
            self.shared.directory.task_opens(job.task);
            match self.begin(&mut job) {
                Ok((state, restore)) => self.restoring = Some(Restoring { job, state, restore, cancelled: false }),
                Err(error) => {
                    self.shared.directory.task_let_go(job.task);
                    return Some(Opened { job, outcome: Err(error) });
                }
            }
        }
        let mut current = self.restoring.take()?;
        let stepped = match (current.cancelled, &mut self.consumer) {
            (true, _) => Err(not_wanted()),
            (false, Some(consumer)) if !current.restore.is_done() => {
                let (storage, rate) = (&mut current.state.storage, &self.shared.restore_rate);
                current.restore.step(&mut **consumer, storage, rate, steady_ms, wait)
            }
            (false, _) => Ok(()),
        };
        let Restoring { job, mut state, mut restore, .. } = current;
        match stepped {
            Ok(()) if !restore.is_done() => {
                self.restoring = Some(Restoring { job, state, restore, cancelled: false });
                None
            }
            Ok(()) => {
                state.restored.records = restore.records();
                Some(Opened { job, outcome: Ok(state) })
            }
            Err(error) => {
                if let Some(consumer) = &mut self.consumer {
                    restore.stop(&mut **consumer);
                }
                // What was restored so far need not be restored again.
                if let Err(unsaved) = state.storage.flush() {
                    tracing::warn!(task = %job.task, error = %unsaved, "cannot save what was restored so far");
                }
                drop(state);
                self.shared.directory.task_let_go(job.task);
                Some(Opened { job, outcome: Err(error) })
            }
        }
    }

    fn begin(&mut self, job: &mut OpenJob) -> Result<(OpenedState, Restore), StreamsError> {
        for id in &job.fence {
            tracing::info!(task = %job.task, transactional_id = id, "fencing a former owner");
            self.shared.broker.producer(Some(id))?.init_transactions()?;
        }
        let inputs = self.shared.input_partitions(job.task);
        let committed = self.committed(&inputs)?;
        let starts = self.starts(&inputs, &committed)?;
        let mut storage = self.open_storage(job)?;
        job.wipe = false;
        let (restore, log_records) = self.begin_restore(job, &mut storage)?;
        let restored = Restored { task: job.task, records: 0, log_records };
        Ok((OpenedState { storage, committed, starts, restored }, restore))
    }

    /// The restore of the task's stores, and the offsets that their change logs span.
    fn begin_restore(&mut self, job: &OpenJob, storage: &mut TaskStorage) -> Result<(Restore, u64), StreamsError> {
        let changelogs = self.shared.changelog_partitions(job.task);
        let partitions: Vec<TopicPartition> = changelogs.iter().map(|(_, partition)| partition.clone()).collect();
        let ids = self.topic_ids(&partitions)?;
        let ends = self.admin.list_offsets(&partitions, OffsetSpec::Latest, Isolation::ReadUncommitted)?;
        let begins = self.admin.list_offsets(&partitions, OffsetSpec::Earliest, Isolation::ReadUncommitted)?;
        if self.topic_ids(&partitions)? != ids {
            return Err(StreamsError::Retry("a change log was made again while its ends were asked for".to_owned()));
        }
        let retentions: Vec<i64> = partitions
            .iter()
            .map(|partition| delete_retention_ms(&mut *self.admin, &partition.topic))
            .collect::<Result<_, _>>()?;
        let mut restore = Restore::new(job.now_ms);
        let mut log_records = 0;
        let consumer = match &mut self.consumer {
            Some(consumer) => consumer,
            None if partitions.is_empty() => return Ok((restore, log_records)),
            none => none.insert(self.shared.broker.consumer(ConsumerRole::Restore)?),
        };
        for (number, (store, partition)) in changelogs.into_iter().enumerate() {
            let (id, begin, end) = (PartitionId(number as u32), begins[number], ends[number]);
            log_records += (end - begin).max(0) as u64;
            let delete_retention_ms = retentions[number];
            let log = ChangelogRange { id, topic_id: ids[number], partition, begin, end, delete_retention_ms };
            if let Err(error) = restore.add(&mut **consumer, storage, &store, log) {
                restore.stop(&mut **consumer);
                return Err(error);
            }
        }
        Ok((restore, log_records))
    }

    fn topic_ids(&mut self, partitions: &[TopicPartition]) -> Result<Vec<[u8; 16]>, StreamsError> {
        if partitions.is_empty() {
            return Ok(vec![]);
        }
        let names: Vec<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
        let found = self.admin.describe_topics(&names)?;
        let id = |(topic, name): (Option<TopicDescription>, &str)| match topic {
            Some(topic) => Ok(topic.id),
            None => Err(StreamsError::Retry(format!("change log {name} is missing"))),
        };
        found.into_iter().zip(names).map(id).collect()
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
    fn starts(
        &mut self,
        inputs: &[TopicPartition],
        committed: &[(TopicPartition, OffsetAndMetadata)],
    ) -> Result<Vec<Start>, StreamsError> {
        let names: Vec<&str> = inputs.iter().map(|input| &*input.topic).collect();
        let topics = self.admin.describe_topics(&names)?;
        let mut starts = vec![];
        for (input, topic) in inputs.iter().zip(topics) {
            let known = committed.iter().find(|(partition, _)| partition == input);
            let offset = match known {
                Some((_, committed)) => committed.offset,
                None => self.reset_offset(input)?,
            };
            let partitions =
                topic.ok_or_else(|| StreamsError::Retry(format!("topic {} is missing", input.topic)))?.partitions;
            starts.push(Start { partition: input.clone(), offset, partitions });
        }
        Ok(starts)
    }

    fn reset_offset(&mut self, input: &TopicPartition) -> Result<i64, StreamsError> {
        let application_id = &self.shared.config.application_id;
        let spec = reset_to(self.shared.topology.offset_reset(&input.topic, application_id));
        let found = self.admin.list_offsets(std::slice::from_ref(input), spec, Isolation::ReadCommitted)?;
        found.first().copied().ok_or_else(|| StreamsError::Retry(format!("no offset of {input} was told")))
    }

    /// Opens the task's state. What cannot be opened is deleted and restored from the log's beginning.
    fn open_storage(&self, job: &OpenJob) -> Result<TaskStorage, StreamsError> {
        let specs = self.shared.topology.task_stores(&[job.task.sub_topology], &self.shared.config);
        if job.wipe {
            self.shared.destroy_state(job.task)?;
        }
        match TaskStorage::open(&specs, self.shared.persistence(job.task)?) {
            Ok(storage) => Ok(storage),
            Err(error) if error.remedy() == Remedy::TaskCorrupted => {
                tracing::error!(task = %job.task, %error, "local state is unusable: restoring all of it");
                self.shared.destroy_state(job.task)?;
                Ok(TaskStorage::open(&specs, self.shared.persistence(job.task)?)?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// The end of the log that a reset policy means.
pub(super) fn reset_to(policy: OffsetReset) -> OffsetSpec {
    match policy {
        OffsetReset::Earliest => OffsetSpec::Earliest,
        OffsetReset::Latest => OffsetSpec::Latest,
    }
}

fn not_wanted() -> StreamsError {
    StreamsError::Retry("the task is not wanted here any more".to_owned())
}
