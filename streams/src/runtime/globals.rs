//! An instance's global tables: one reader for all of its threads, without a group, that never ends.

use super::changelog_range::{ChangelogRange, delete_retention_ms};
use super::shared::Shared;
use super::thread::Now;
use crate::broker::{
    Admin, Consumer, ConsumerRole, Fetched, Isolation, OffsetSpec, PartitionId, TopicDescription, TopicPartition,
};
use crate::config::ErrorHandler;
use crate::error::StreamsError;
use crate::task::GlobalTask;
use comanda_state_stores::{Positions, TaskStorage};
use std::sync::Arc;
use std::time::Duration;

/// Records taken from the client at once.
const BATCH_RECORDS: usize = 10_000;

/// One partition of a global table's topic. Its end is the target: the table is shown once all are reached.
struct Input {
    table: usize,
    log: ChangelogRange,
    position: i64,
    /// Wall clock when all of the log was last known to be read, or when reading from its beginning began.
    current_ms: i64,
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
    wall_clock_ms: i64,
    shown: bool,
}

impl GlobalReader {
    /// Opens the tables' state. The part of it that its topic cannot bring up to date (made again, truncated, left alone for
    /// longer than tombstones are kept) is deleted and read anew.
    ///
    /// # Errors
    /// `Retry` while the cluster or a topic is not there; the disk's.
    pub fn open(shared: &Arc<Shared>, now: Now) -> Result<Self, StreamsError> {
        let mut admin = shared.broker.admin()?;
        let mut consumer = shared.broker.consumer(ConsumerRole::Global)?;
        let mut storage = shared.open_globals()?;
        let mut inputs = vec![];
        for (table, topic) in describe(shared, &mut *admin)?.iter().enumerate() {
            let logs = logs(topic, inputs.len(), &mut *admin)?;
            inputs.extend(begin(&mut storage, table, logs, now.wall_clock_ms)?);
        }
        for input in &inputs {
            consumer.assign(input.log.id, &input.log.partition, input.position)?;
        }
        let task = GlobalTask::new(&shared.topology, storage)?;
        Ok(Self {
            shared: shared.clone(),
            consumer,
            task,
            inputs,
            fetched: vec![],
            flushed_ms: now.steady_ms,
            wall_clock_ms: now.wall_clock_ms,
            shown: false,
        })
    }

    /// Takes in what is there, waiting at most `wait` for it.
    ///
    /// # Errors
    /// `Retry` if the cluster is away; any other error needs the state to be opened again.
    pub fn step(&mut self, wait: Duration, now: Now) -> Result<(), StreamsError> {
        self.wall_clock_ms = now.wall_clock_ms;
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
        if now.steady_ms - self.flushed_ms >= self.shared.config.flush_interval_ms {
            self.flush()?;
            self.flushed_ms = now.steady_ms;
        }
        Ok(())
    }

    fn take(&mut self, item: Fetched) -> Result<(), StreamsError> {
        match item {
            Fetched::Record(id, record) => {
                let input = &mut self.inputs[id.0 as usize];
                input.position = record.offset + 1;
                let Err(error) = self.task.update(input.table, &record) else { return Ok(()) };
                let text =
                    format!("global table record at offset {} of {}: {error}", record.offset, input.log.partition);
                leave_out(self.shared.config.deserialization_handler, text)
            }
            Fetched::End { partition, position } => {
                let input = &mut self.inputs[partition.0 as usize];
                input.position = input.position.max(position);
                input.current_ms = self.wall_clock_ms;
                Ok(())
            }
            Fetched::OutOfRange(id) => {
                let input = &self.inputs[id.0 as usize];
                Err(StreamsError::TaskCorrupted(format!(
                    "offset {} of {} is gone",
                    input.position, input.log.partition
                )))
            }
        }
    }

    fn commit(&mut self) -> Result<(), StreamsError> {
        let reached = self.inputs.iter().fold(Positions::default(), |positions, input| {
            let store = &self.shared.topology.globals()[input.table].store.spec.name;
            // Which of the positions belong to a state that is there: see `begin`.
            let positions = positions.with_changelog(store, 0);
            positions.with_input(&input.log.partition.topic, input.log.partition.partition, input.position)
        });
        self.task.commit(&reached, self.shared.config.apply_bytes)?;
        if self.inputs.iter().all(|input| input.position >= input.log.end) {
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
        self.task.stores().with_storage(|storage| {
            for input in &self.inputs {
                // A table is as old as the part of it that was read to its end the longest ago.
                let of_table = self.inputs.iter().filter(|other| other.table == input.table);
                let current_ms = of_table.map(|other| other.current_ms).min().unwrap_or(input.current_ms);
                storage.set_changelog_origin(input.table, input.log.origin(current_ms));
            }
        });
        self.task.stores().apply()?;
        Ok(self.task.stores().flush()?)
    }
}

/// The partitions of a topic, numbered on from those of the tables before.
fn logs(topic: &TopicDescription, first: usize, admin: &mut dyn Admin) -> Result<Vec<ChangelogRange>, StreamsError> {
    let partitions: Vec<_> =
        (0..topic.partitions).map(|number| TopicPartition::new(topic.name.as_str(), number)).collect();
    let begins = admin.list_offsets(&partitions, OffsetSpec::Earliest, Isolation::ReadCommitted)?;
    let ends = admin.list_offsets(&partitions, OffsetSpec::Latest, Isolation::ReadCommitted)?;
    let (topic_id, delete_retention_ms) = (topic.id, delete_retention_ms(admin, &topic.name)?);
    let found = partitions.into_iter().zip(begins).zip(ends).zip(first..);
    let log = |(((partition, begin), end), number)| ChangelogRange {
        id: PartitionId(number as u32),
        topic_id,
        partition,
        begin,
        end,
        delete_retention_ms,
    };
    Ok(found.map(log).collect())
}

/// Where reading of a table begins. Its store has a change-log position only while its state is there.
fn begin(
    storage: &mut TaskStorage,
    table: usize,
    logs: Vec<ChangelogRange>,
    now_ms: i64,
) -> Result<Vec<Input>, StreamsError> {
    let store = storage.specs().nth(table).map(|spec| spec.name.clone()).unwrap_or_default();
    let (is_there, origin) = (storage.positions().changelogs.contains_key(&store), storage.changelog_origin(table));
    let known: Vec<Option<i64>> = logs.iter().map(|log| known(storage, &log.partition)).collect();
    let reason = logs.iter().zip(&known).find_map(|(log, known)| log.cannot_continue((*known)?, origin, now_ms));
    if let Some(reason) = reason.filter(|_| is_there) {
        tracing::warn!(%store, reason, "the state of a global table cannot be continued: reading all of it");
        storage.wipe_store(table)?;
    }
    let former = origin.filter(|_| is_there && reason.is_none());
    let current_ms = former.map_or(now_ms, |origin| origin.current_ms);
    if let Some(log) = logs.first() {
        storage.set_changelog_origin(table, log.origin(current_ms));
    }
    let input = |(log, known): (ChangelogRange, Option<i64>)| {
        let position = known.filter(|_| former.is_some()).unwrap_or(log.begin);
        Input { table, log, position, current_ms }
    };
    Ok(logs.into_iter().zip(known).map(input).collect())
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::runtime::one_log::{HOUR_MS, OneLog, shared};
    use crate::{Consumed, Serdes, StoreType, StreamsBuilder, StreamsConfig};
    use comanda_state_stores::{Persistence, StoreSpec};

    fn logs(topic_id: u8) -> Vec<ChangelogRange> {
        let log = |number: i32| ChangelogRange {
            id: PartitionId(number as u32),
            topic_id: [topic_id; 16],
            partition: TopicPartition::new("menus", number),
            begin: 10,
            end: 20,
            delete_retention_ms: 24 * HOUR_MS,
        };
        vec![log(0), log(1)]
    }

    /// Positions at which a state goes on that was saved at hour 0: partition 0 read to 15, partition 1 to its end.
    fn goes_on_at(is_there: bool, topic_id: u8, hour: i64) -> Vec<i64> {
        let mut storage = TaskStorage::open(&[StoreSpec::key_value("menus")], Persistence::Memory).unwrap();
        let reached = Positions::default().with_input("menus", 0, 15).with_input("menus", 1, 20);
        storage.commit(&if is_there { reached.with_changelog("menus", 0) } else { reached });
        storage.set_changelog_origin(0, logs(1)[0].origin(0));
        storage.apply().unwrap();
        let inputs = begin(&mut storage, 0, logs(topic_id), hour * HOUR_MS).unwrap();
        assert_eq!(storage.positions().changelogs.contains_key("menus"), is_there && inputs[0].position == 15);
        inputs.into_iter().map(|input| input.position).collect()
    }

    #[test]
    fn a_table_goes_on_where_its_state_stands() {
        assert_eq!(goes_on_at(true, 1, 23), [15, 20]);
    }

    #[test]
    fn positions_without_their_state_do_not_count() {
        assert_eq!(goes_on_at(false, 1, 0), [10, 10]);
    }

    #[test]
    fn a_state_of_another_topic_or_that_may_have_missed_deletes_is_read_anew() {
        assert_eq!((goes_on_at(true, 2, 0), goes_on_at(true, 1, 24)), (vec![10, 10], vec![10, 10]));
    }

    #[test]
    fn tasks_see_a_table_only_once_all_of_it_was_read() {
        let builder = StreamsBuilder::new();
        builder.global_table("menus", Consumed::with(Serdes::bytes(), Serdes::bytes()), None);
        let config = StreamsConfig { default_store_type: StoreType::InMemory, ..StreamsConfig::new("app", "") };
        // More than one step reads.
        let broker = OneLog::new(BATCH_RECORDS as i64 + 1);
        let shared = Arc::new(shared(&broker, builder.build().unwrap(), config));
        let now = Now { steady_ms: 0, wall_clock_ms: 0 };
        let mut reader = GlobalReader::open(&shared, now).unwrap();
        let has_globals = [(); 2].map(|()| {
            reader.step(Duration::ZERO, now).unwrap();
            shared.has_globals()
        });
        assert_eq!(has_globals, [false, true]);
    }
}
