//! An instance's global tables: one reader for all of its threads, without a group, that never ends.

use super::shared::Shared;
use crate::broker::{
    Admin, Consumer, ConsumerRole, Fetched, Isolation, OffsetSpec, PartitionId, TopicDescription, TopicPartition,
};
use crate::config::ErrorHandler;
use crate::error::StreamsError;
use crate::task::GlobalTask;
use comanda_state_stores::{ChangelogOrigin, Positions, TaskStorage};
use std::sync::Arc;
use std::time::Duration;

/// Records taken from the client at once.
const BATCH_RECORDS: usize = 10_000;

/// One partition of a global table's topic.
struct Input {
    table: usize,
    partition: TopicPartition,
    position: i64,
    /// Where its log ended when reading began: the table is shown once all are reached.
    target: i64,
}

/// Reads the topics of all global tables (Kafka Streams' `GlobalStreamThread`) into one state, which goes on after a restart
/// where it was flushed last. Tasks see it once it was read to the topics' ends, and not while it is read anew.
pub(super) struct GlobalReader {
    shared: Arc<Shared>,
    consumer: Box<dyn Consumer>,
    task: GlobalTask,
    inputs: Vec<Input>,
    fetched: Vec<Fetched>,
    flushed_ms: i64,
    shown: bool,
}

impl GlobalReader {
    /// Opens the tables' state. The part of it that its topic cannot bring up to date (made again, truncated) is deleted
    /// and read anew.
    ///
    /// # Errors
    /// `Retry` while the cluster or a topic is not there; the disk's.
    pub fn open(shared: &Arc<Shared>, steady_ms: i64) -> Result<Self, StreamsError> {
        let mut admin = shared.broker.admin()?;
        let mut consumer = shared.broker.consumer(ConsumerRole::Global)?;
        let mut storage = shared.open_globals()?;
        let topics = describe(shared, &mut *admin)?;
        let mut inputs = vec![];
        for (table, topic) in topics.iter().enumerate() {
            let found = Log::of(table, topic, &mut *admin)?;
            inputs.extend(found.begin(&mut storage)?);
        }
        for (number, input) in inputs.iter().enumerate() {
            consumer.assign(PartitionId(number as u32), &input.partition, input.position)?;
        }
        let task = GlobalTask::new(&shared.topology, storage)?;
        let shared = shared.clone();
        Ok(Self { shared, consumer, task, inputs, fetched: vec![], flushed_ms: steady_ms, shown: false })
    }

    /// Takes in what is there, waiting at most `wait` for it.
    ///
    /// # Errors
    /// `Retry` if the cluster is away; any other error needs the state to be opened again.
    pub fn step(&mut self, wait: Duration, steady_ms: i64) -> Result<(), StreamsError> {
        let mut fetched = std::mem::take(&mut self.fetched);
        self.consumer.poll(wait, BATCH_RECORDS, &mut fetched)?;
        let moved = !fetched.is_empty();
        for item in fetched.drain(..) {
            self.take(item)?;
        }
        self.fetched = fetched;
        if moved || !self.shown {
            self.commit()?;
        }
        if steady_ms - self.flushed_ms >= self.shared.config.flush_interval_ms {
            self.flush()?;
            self.flushed_ms = steady_ms;
        }
        Ok(())
    }

    fn take(&mut self, item: Fetched) -> Result<(), StreamsError> {
        match item {
            Fetched::Record(id, record) => {
                let input = &mut self.inputs[id.0 as usize];
                input.position = record.offset + 1;
                let Err(error) = self.task.update(input.table, &record) else { return Ok(()) };
                let text = format!("global table record at offset {} of {}: {error}", record.offset, input.partition);
                leave_out(self.shared.config.deserialization_handler, text)
            }
            Fetched::End { partition, position } => {
                let input = &mut self.inputs[partition.0 as usize];
                input.position = input.position.max(position);
                Ok(())
            }
            Fetched::OutOfRange(id) => {
                let input = &self.inputs[id.0 as usize];
                Err(StreamsError::TaskCorrupted(format!("offset {} of {} is gone", input.position, input.partition)))
            }
        }
    }

    fn commit(&mut self) -> Result<(), StreamsError> {
        let reached = self.inputs.iter().fold(Positions::default(), |positions, input| {
            let store = &self.shared.topology.globals()[input.table].store.spec.name;
            // Which of the positions belong to a state that is there: see `Log::begin`.
            let positions = positions.with_changelog(store, 0);
            positions.with_input(&input.partition.topic, input.partition.partition, input.position)
        });
        self.task.commit(&reached, self.shared.config.apply_bytes)?;
        if self.inputs.iter().all(|input| input.position >= input.target) {
            self.task.publish()?;
            if !std::mem::replace(&mut self.shown, true) {
                let topics: Vec<&str> = self.shared.topology.global_topics().collect();
                tracing::info!(?topics, "global tables are read to their end");
            }
        }
        Ok(())
    }

    /// Saves what was taken in.
    pub fn flush(&self) -> Result<(), StreamsError> {
        self.task.stores().apply()?;
        Ok(self.task.stores().flush()?)
    }
}

/// The topic of a global table as it was found.
struct Log<'a> {
    table: usize,
    topic: &'a TopicDescription,
    partitions: Vec<TopicPartition>,
    begins: Vec<i64>,
    ends: Vec<i64>,
}

impl<'a> Log<'a> {
    fn of(table: usize, topic: &'a TopicDescription, admin: &mut dyn Admin) -> Result<Self, StreamsError> {
        let partitions: Vec<_> =
            (0..topic.partitions).map(|number| TopicPartition::new(topic.name.as_str(), number)).collect();
        let begins = admin.list_offsets(&partitions, OffsetSpec::Earliest, Isolation::ReadCommitted)?;
        let ends = admin.list_offsets(&partitions, OffsetSpec::Latest, Isolation::ReadCommitted)?;
        Ok(Self { table, topic, partitions, begins, ends })
    }

    /// Where reading begins. A store has a change-log position only while its state is there.
    fn begin(self, storage: &mut TaskStorage) -> Result<Vec<Input>, StreamsError> {
        let (table, topic_id) = (self.table, self.topic.id);
        let store = storage.specs().nth(table).map(|spec| spec.name.clone()).unwrap_or_default();
        let is_there = storage.positions().changelogs.contains_key(&store);
        let of_this_topic = storage.changelog_origin(table).is_some_and(|origin| origin.topic_id == topic_id);
        let known: Vec<Option<i64>> = self.partitions.iter().map(|partition| known(storage, partition)).collect();
        let within = known.iter().zip(self.begins.iter().zip(&self.ends));
        let continues =
            within.clone().all(|(known, (begin, end))| known.is_none_or(|at| (*begin..=*end).contains(&at)));
        let goes_on = is_there && of_this_topic && continues;
        if is_there && !goes_on {
            tracing::warn!(topic = %self.topic.name, "the state of a global table cannot be continued: reading all of it");
            storage.wipe_store(table)?;
        }
        storage.set_changelog_origin(table, ChangelogOrigin { topic_id, current_ms: 0 });
        let position = |(at, begin): (Option<i64>, i64)| at.filter(|_| goes_on).unwrap_or(begin);
        let positions: Vec<i64> = known.into_iter().zip(self.begins).map(position).collect();
        let inputs = self.partitions.into_iter().zip(positions).zip(self.ends);
        Ok(inputs.map(|((partition, position), target)| Input { table, partition, position, target }).collect())
    }
}

fn known(storage: &TaskStorage, partition: &TopicPartition) -> Option<i64> {
    storage.positions().inputs.get(&(partition.topic.clone(), partition.partition)).copied()
}

fn describe(shared: &Shared, admin: &mut dyn Admin) -> Result<Vec<TopicDescription>, StreamsError> {
    let names: Vec<&str> = shared.topology.global_topics().collect();
    let found = admin.describe_topics(&names)?;
    let there = |(topic, name): (Option<TopicDescription>, &str)| {
        topic.ok_or_else(|| StreamsError::Retry(format!("topic {name} of a global table is missing")))
    };
    found.into_iter().zip(names).map(there).collect()
}

/// A bad record is reported and left out: the reader has no transaction to write a dead letter in.
fn leave_out(handler: ErrorHandler, text: String) -> Result<(), StreamsError> {
    if handler == ErrorHandler::Fail {
        return Err(StreamsError::Fatal(text));
    }
    tracing::error!("{text}: left out");
    metrics::counter!("comanda_global_records_left_out_total").increment(1);
    Ok(())
}
