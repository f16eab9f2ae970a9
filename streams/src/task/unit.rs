//! The task itself: takes records in the order of their times, runs them, fires punctuations.

use super::CacheFlush;
use super::collector::{OutputTopic, RecordCollector};
use super::context::{NO_TIME, RecordMetadata, TaskContext};
use super::dead_letter::DeadLetters;
use super::queue::{InputQueue, PartitionGroup, Taken};
use super::times::{OperatorTimes, SavedTimes};
use crate::async_calls::{AsyncClients, CallingNode};
use crate::broker::{Headers, OffsetAndMetadata, RawRecord, TopicPartition};
use crate::config::{ErrorHandler, StreamsConfig};
use crate::error::StreamsError;
use crate::processor::{Punctuated, PunctuationType};
use crate::task_id::TaskId;
use crate::topology::{Topology, Wiring};
use bytes::Bytes;
use comanda_state_stores::{StoreSpec, TaskStores, Views};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// What a task is made from.
pub struct TaskSetup<'a> {
    /// Its id.
    pub id: TaskId,
    /// The application's topology.
    pub topology: &'a Topology,
    /// The sub-topologies it runs: its own, or all of them in the test driver.
    pub sub_topologies: &'a [u32],
    /// Settings.
    pub config: &'a StreamsConfig,
    /// Its stores, restored.
    pub stores: TaskStores,
    /// The instance's global tables; none need be there if the topology has none.
    pub globals: Views,
    /// Who makes its asynchronous calls.
    pub async_clients: &'a AsyncClients,
    /// Its way out.
    pub collector: Rc<RefCell<dyn RecordCollector>>,
    /// The clock's time now.
    pub now_ms: i64,
}

/// A running task.
pub struct Task {
    pub(super) id: TaskId,
    pub(super) application_id: String,
    pub(super) ctx: TaskContext,
    pub(super) stores: TaskStores,
    pub(super) inputs: PartitionGroup,
    pub(super) caches: Vec<Rc<RefCell<dyn CacheFlush>>>,
    pub(super) punctuated: Vec<Rc<RefCell<dyn Punctuated>>>,
    pub(super) calling: Vec<Rc<RefCell<dyn CallingNode>>>,
    pub(super) operator_times: OperatorTimes,
    pub(super) letters: DeadLetters,
    /// Change log of each store, by the store's index in the task.
    pub(super) changelogs: Vec<Option<OutputTopic>>,
    /// Headers of the values in it.
    pub(super) changelog_headers: Vec<Headers>,
    pub(super) store_names: Vec<Arc<str>>,
    pub(super) changelog_partition: i32,
    /// How far each store's change log reached at the last commit, next offset; -1 where that is not known.
    pub(super) changelogs_reached: Vec<i64>,
    pub(super) collector: Rc<RefCell<dyn RecordCollector>>,
    pub(super) committed: super::commit::Committed,
    /// Records that failed: when they come again after the abort they go to the dead-letter topic unprocessed.
    pub(super) poisoned: BTreeMap<(usize, i64), String>,
    /// The record that failed last.
    failed: Option<(usize, RawRecord)>,
    /// Something happened since the last commit.
    pub(super) dirty: bool,
    pub(super) wants_commit: bool,
    reported_waiting_ms: i64,
    cache_max_bytes: usize,
    max_task_idle_ms: i64,
    processing_handler: ErrorHandler,
}

impl Task {
    /// Makes the task's nodes over its stores.
    pub fn new(setup: TaskSetup<'_>) -> Result<Self, StreamsError> {
        let TaskSetup { id, topology, sub_topologies, config, stores, globals, async_clients, collector, now_ms } =
            setup;
        let specs = topology.task_stores(sub_topologies, config);
        let cache_max_bytes = config.statestore_cache_max_bytes / config.num_stream_threads.max(1);
        let app = &config.application_id;
        let mut wiring = Wiring::new(app, &stores, globals, async_clients, collector.clone(), cache_max_bytes, now_ms);
        topology.wire(sub_topologies, &mut wiring)?;
        let Wiring { sources, flushes, punctuated, calling, times, stream_time_ms, .. } = wiring;
        let queue = |(topic, node)| InputQueue::new(TopicPartition::new(topic, id.partition), node);
        let queues: Vec<InputQueue> = sources.into_iter().map(|(t, n): (String, _)| queue((t, n))).collect();
        let changelog = |spec: &StoreSpec| {
            let topic = format!("{app}-{}-changelog", spec.name);
            spec.logged.then(|| collector.borrow_mut().topic(&topic)).transpose()
        };
        let changelogs = specs.iter().map(changelog).collect::<Result<_, _>>()?;
        let letters = DeadLetters {
            collector: collector.clone(),
            handler: config.deserialization_handler,
            dead_letters: 0,
            dropped: 0,
        };
        let known = stores.committed_positions().changelogs;
        let changelogs_reached = specs.iter().map(|spec| known.get(&spec.name).copied().unwrap_or(-1)).collect();
        let mut task = Self {
            id,
            application_id: app.clone(),
            ctx: TaskContext::new(stream_time_ms, collector.clone(), config.production_handler),
            stores,
            inputs: PartitionGroup::new(queues),
            caches: flushes.into_iter().map(|(_, cache)| cache).collect(),
            punctuated,
            calling,
            operator_times: OperatorTimes(times),
            letters,
            changelogs,
            changelog_headers: specs.iter().map(changelog_headers).collect(),
            store_names: specs.into_iter().map(|spec| spec.name).collect(),
            changelog_partition: id.partition,
            changelogs_reached,
            collector,
            committed: super::commit::Committed::default(),
            poisoned: BTreeMap::new(),
            failed: None,
            dirty: false,
            wants_commit: false,
            reported_waiting_ms: i64::MIN / 2,
            cache_max_bytes,
            max_task_idle_ms: config.max_task_idle_ms,
            processing_handler: config.processing_handler,
        };
        // The first record may be the one that everything goes back for.
        task.remember_commit();
        Ok(task)
    }

    /// Its id.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Its stores.
    pub fn stores(&self) -> &TaskStores {
        &self.stores
    }

    /// Its input partitions; an index into this list names an input.
    pub fn inputs(&self) -> impl Iterator<Item = &TopicPartition> {
        self.inputs.queues.iter().map(|queue| &queue.partition)
    }

    /// Bytes that wait in an input's queue.
    pub fn buffered_bytes(&self, input: usize) -> usize {
        self.inputs.queues[input].bytes()
    }

    /// Records that wait in all queues.
    pub fn buffered_records(&self) -> usize {
        self.inputs.queues.iter().map(InputQueue::len).sum()
    }

    /// Records left out: null keys, late ones, invalid timestamps (`dropped-records-total`).
    pub fn dropped_records(&self) -> u64 {
        self.ctx.dropped_records + self.letters.dropped
    }

    /// Records sent to dead-letter topics.
    pub fn dead_letters(&self) -> u64 {
        self.letters.dead_letters
    }

    /// The task's stream time; -1 before the first record.
    pub fn stream_time_ms(&self) -> i64 {
        self.ctx.stream_time_ms.get()
    }

    /// Queues a record of an input.
    pub fn add_record(&mut self, input: usize, record: RawRecord) {
        self.inputs.queues[input].push(record);
    }

    /// The input's reader stands at the log's end.
    pub fn set_end(&mut self, input: usize, position: i64) {
        self.inputs.queues[input].set_end(position);
    }

    /// How many partitions each input topic has, for sources that check where records lie.
    pub fn set_partition_counts(&mut self, partitions: impl Fn(&str) -> Option<i32>) {
        for queue in &mut self.inputs.queues {
            if let Some(partitions) = partitions(&queue.partition.topic) {
                queue.set_place(partitions);
            }
        }
    }

    /// Takes the times over from the group's committed offsets: a new owner goes on where the old one stood.
    pub fn restore_times(&mut self, committed: &[(TopicPartition, OffsetAndMetadata)]) {
        let mut operators: BTreeMap<String, i64> = BTreeMap::new();
        let mut stream_time_ms = self.ctx.stream_time_ms.get();
        for (partition, offset) in committed {
            let times = SavedTimes::decode(&offset.metadata);
            let Some(queue) = self.inputs.queues.iter_mut().find(|q| q.partition == *partition) else { continue };
            queue.partition_time = times.partition_ms.unwrap_or(NO_TIME);
            stream_time_ms = stream_time_ms.max(times.stream_ms.unwrap_or(NO_TIME));
            for (name, time) in times.operators_ms {
                let known = operators.entry(name).or_insert(time);
                *known = time.max(*known);
            }
        }
        self.ctx.stream_time_ms.set(stream_time_ms);
        self.stores.observe_stream_time(stream_time_ms);
        self.operator_times.restore(&operators);
        self.remember_commit();
    }

    /// Takes all records that wait, with the one that just failed in front of its queue: for a driver that cannot fetch
    /// them again.
    pub fn take_queued(&mut self) -> Vec<(usize, RawRecord)> {
        let failed = self.failed.take();
        let waiting = self.inputs.take_waiting();
        failed.into_iter().chain(waiting).collect()
    }

    /// Processes the record that is next in time; `false` if none may be taken now. `SkipRecord` is turned into
    /// `Aborted`: the caller aborts, and when the record comes again it goes to the dead-letter topic.
    pub fn process(&mut self, now_ms: i64) -> Result<bool, StreamsError> {
        self.ctx.now_ms = now_ms;
        self.ctx.caught_up = false;
        for input in 0..self.inputs.queues.len() {
            match self.inputs.refresh(input, &mut self.letters) {
                Err(StreamsError::Retry(reason)) => self.waits(input, reason, now_ms),
                other => other?,
            }
        }
        if !self.inputs.is_processable(now_ms, self.max_task_idle_ms) {
            return Ok(false);
        }
        let Some(taken) = self.inputs.take(&mut self.letters)? else { return Ok(false) };
        self.dirty = true;
        self.ctx.stream_time_ms.set(self.ctx.stream_time_ms.get().max(taken.time));
        self.stores.set_record_timestamp(taken.time);
        if !self.poisoned.is_empty()
            && let Some(reason) = self.poisoned.get(&(taken.input, taken.raw.offset)).cloned()
        {
            return self.bury(&taken, &reason);
        }
        let from = &self.inputs.queues[taken.input].partition;
        let (topic, partition, offset) = (from.topic.clone(), from.partition, taken.raw.offset);
        self.ctx.record = Some(RecordMetadata { topic, partition, offset });
        self.ctx.caught_up = self.inputs.is_caught_up();
        self.ctx.in_record = true;
        match self.inputs.run(taken.input, &mut self.ctx).and_then(|()| self.punctuate_stream_time()) {
            Ok(()) => {}
            Err(StreamsError::SkipRecord(reason)) => return Err(self.poison(&taken, reason)),
            Err(error) => return Err(error),
        }
        if !self.caches.is_empty() {
            self.flush_full_caches()?;
        }
        Ok(true)
    }

    /// A head that cannot be decoded for now (the schema registry is away) holds its queue up; nothing is lost.
    fn waits(&mut self, input: usize, reason: String, now_ms: i64) {
        /// How often the log says so.
        const REPORT_EVERY_MS: i64 = 5_000;
        if now_ms - self.reported_waiting_ms >= REPORT_EVERY_MS {
            self.reported_waiting_ms = now_ms;
            tracing::warn!(task = %self.id, partition = %self.inputs.queues[input].partition, reason, "waiting");
        }
    }

    fn bury(&mut self, taken: &Taken, reason: &str) -> Result<bool, StreamsError> {
        let from = self.inputs.queues[taken.input].partition.clone();
        self.letters.send("ProcessingException", &from, &taken.raw, reason)?;
        self.wants_commit = true;
        Ok(true)
    }

    fn poison(&mut self, taken: &Taken, reason: String) -> StreamsError {
        let text = format!("{} offset {}: {reason}", self.inputs.queues[taken.input].partition, taken.raw.offset);
        if self.processing_handler == ErrorHandler::Fail {
            return StreamsError::Fatal(text);
        }
        self.poisoned.insert((taken.input, taken.raw.offset), reason);
        self.failed = Some((taken.input, taken.raw.clone()));
        StreamsError::Aborted(text)
    }

    fn punctuate_stream_time(&mut self) -> Result<(), StreamsError> {
        self.punctuate(PunctuationType::StreamTime, self.ctx.stream_time_ms.get())
    }

    /// Fires due wall-clock punctuations, each at most once, and passes on answers of asynchronous calls that have come.
    pub fn punctuate_wall_clock(&mut self, now_ms: i64) -> Result<(), StreamsError> {
        self.ctx.now_ms = now_ms;
        self.ctx.record = None;
        self.ctx.in_record = false;
        self.ctx.caught_up = self.inputs.is_caught_up();
        self.stores.set_record_timestamp(now_ms);
        self.punctuate(PunctuationType::WallClockTime, now_ms)?;
        for node in &self.calling {
            if node.borrow_mut().take_answers(&mut self.ctx)? {
                self.dirty = true;
            }
        }
        Ok(())
    }

    /// Whether an asynchronous call has been answered since the last step.
    pub fn has_answers(&self) -> bool {
        self.calling.iter().any(|node| node.borrow().has_answers())
    }

    /// Begins asynchronous calls that are due, unless the task has uncommitted work: what is aborted must have called
    /// nobody.
    pub fn start_calls(&mut self, now_ms: i64) -> Result<(), StreamsError> {
        if self.calling.is_empty() || self.needs_commit() {
            return Ok(());
        }
        self.calling.iter().try_for_each(|node| node.borrow_mut().start_due(now_ms))
    }

    fn punctuate(&mut self, kind: PunctuationType, time_ms: i64) -> Result<(), StreamsError> {
        for node in &self.punctuated {
            if node.borrow_mut().fire(&mut self.ctx, kind, time_ms)? {
                self.dirty = true;
            }
        }
        Ok(())
    }

    /// A full cache is flushed whole, as at a commit.
    fn flush_full_caches(&mut self) -> Result<(), StreamsError> {
        let held: usize = self.caches.iter().map(|cache| cache.borrow().size_bytes()).sum();
        if held > self.cache_max_bytes { self.flush_caches() } else { Ok(()) }
    }

    pub(super) fn flush_caches(&mut self) -> Result<(), StreamsError> {
        self.ctx.in_record = false;
        for cache in &self.caches {
            cache.borrow_mut().flush(&mut self.ctx)?;
        }
        Ok(())
    }
}

fn changelog_headers(spec: &StoreSpec) -> Headers {
    spec.changelog_version
        .map_or(Headers::EMPTY, |version| Headers::new(vec![("v".into(), Some(Bytes::copy_from_slice(&[version])))]))
}
