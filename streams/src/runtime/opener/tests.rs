//! How much of a change log an opening reads, on a broker that holds one log and nothing else.

use super::*;
use crate::broker::{Broker, BrokerError, Fetched, GroupTransport, NewTopic, Producer, RawRecord};
use crate::config::StreamsConfig;
use crate::membership::ProcessId;
use crate::runtime::query::QueryRegistry;
use crate::runtime::restore_rate::RestoreRate;
use crate::runtime::simulated::TaskDisks;
use crate::runtime::state_dir::StateDirectory;
use crate::{Consumed, Grouped, Materialized, Serdes, StreamsBuilder};
use comanda_state_stores::backend::{Backend, SharedResources, SimulatedDisk, SimulatedDiskBackend};
use comanda_state_stores::{Positions, StoreError};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

const HOUR_MS: i64 = 3_600_000;
const TASK: TaskId = TaskId { sub_topology: 0, partition: 0 };

/// The change log: its topic's id and how many records it has.
#[derive(Clone, Copy)]
struct Log {
    topic_id: u8,
    end: i64,
    /// The topic is made again whenever its ends are asked for.
    restless: bool,
}

#[derive(Clone)]
struct OneLog(Arc<Mutex<Log>>);

impl OneLog {
    fn get(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap()
    }
}

impl Broker for OneLog {
    fn consumer(&self, _: ConsumerRole) -> Result<Box<dyn Consumer>, BrokerError> {
        Ok(Box::new(LogReader { log: self.clone(), at: None }))
    }

    fn producer(&self, _: Option<&str>) -> Result<Box<dyn Producer>, BrokerError> {
        panic!("the opener does not ask for this")
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        Ok(Box::new(self.clone()))
    }

    fn group(&self, _: &str) -> Result<Box<dyn GroupTransport>, BrokerError> {
        panic!("the opener does not ask for this")
    }
}

impl Admin for OneLog {
    fn describe_topics(&mut self, names: &[&str]) -> Result<Vec<Option<TopicDescription>>, BrokerError> {
        let id = [self.get().topic_id; 16];
        Ok(names.iter().map(|name| Some(TopicDescription { name: (*name).into(), id, partitions: 1 })).collect())
    }

    fn list_topics(&mut self) -> Result<Vec<String>, BrokerError> {
        panic!("the opener does not ask for this")
    }

    fn create_topics(&mut self, _: &[NewTopic]) -> Result<(), BrokerError> {
        panic!("the opener does not ask for this")
    }

    fn topic_config(&mut self, _: &str, name: &str) -> Result<Option<String>, BrokerError> {
        Ok((name == "delete.retention.ms").then(|| (6 * HOUR_MS).to_string()))
    }

    fn list_offsets(
        &mut self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
        _: Isolation,
    ) -> Result<Vec<i64>, BrokerError> {
        let mut log = self.get();
        log.topic_id += u8::from(log.restless);
        Ok(vec![if spec == OffsetSpec::Latest { log.end } else { 0 }; partitions.len()])
    }

    fn committed_offsets(
        &mut self,
        _: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<OffsetAndMetadata>>, BrokerError> {
        Ok(vec![Some(OffsetAndMetadata { offset: 0, metadata: String::new() }); partitions.len()])
    }

    fn delete_records(&mut self, _: &[(TopicPartition, i64)]) -> Result<(), BrokerError> {
        panic!("the opener does not ask for this")
    }
}

struct LogReader {
    log: OneLog,
    at: Option<(PartitionId, i64)>,
}

impl Consumer for LogReader {
    fn assign(&mut self, id: PartitionId, _: &TopicPartition, offset: i64) -> Result<(), BrokerError> {
        self.at = Some((id, offset));
        Ok(())
    }

    fn unassign(&mut self, _: PartitionId) -> Result<(), BrokerError> {
        self.at = None;
        Ok(())
    }

    fn pause(&mut self, _: PartitionId) -> Result<(), BrokerError> {
        panic!("the opener does not ask for this")
    }

    fn resume(&mut self, _: PartitionId) -> Result<(), BrokerError> {
        panic!("the opener does not ask for this")
    }

    fn poll(&mut self, _: Duration, _: usize, out: &mut Vec<Fetched>) -> Result<(), BrokerError> {
        let Some((id, from)) = self.at else { return Ok(()) };
        for offset in from..self.log.get().end {
            let (key, value) = (Some(vec![offset as u8].into()), Some(vec![0; 8].into()));
            out.push(Fetched::Record(id, RawRecord { offset, key, value, ..RawRecord::default() }));
        }
        Ok(())
    }

    fn position(&self, _: PartitionId) -> Option<i64> {
        panic!("the opener does not ask for this")
    }
}

struct OneDisk(SimulatedDisk);

impl TaskDisks for OneDisk {
    fn open(&self, _: TaskId) -> Result<Box<dyn Backend>, StoreError> {
        Ok(Box::new(SimulatedDiskBackend::open(&self.0)))
    }

    fn destroy(&self, _: TaskId) -> Result<(), StoreError> {
        panic!("nothing here destroys a state")
    }
}

fn opener(broker: &OneLog) -> Opener {
    opener_with_rate(broker, 0)
}

fn opener_with_rate(broker: &OneLog, bytes_per_s: u64) -> Opener {
    let builder = StreamsBuilder::new();
    let text = Serdes::string;
    builder
        .stream("in", Consumed::with(text(), text()))
        .group_by_key(Grouped::with(text(), text()))
        .count(Materialized::with(text(), Serdes::long()).named("counts"));
    let shared = Shared {
        restore_rate: Mutex::new(RestoreRate::new(bytes_per_s)),
        config: StreamsConfig::new("app", ""),
        topology: builder.build().unwrap(),
        broker: Arc::new(broker.clone()),
        directory: StateDirectory::in_memory(ProcessId([0; 16]), BTreeMap::new()),
        resources: SharedResources::default(),
        disks: Some(Arc::new(OneDisk(SimulatedDisk::new()))),
        queries: Arc::new(QueryRegistry::default()),
        async_clients: Mutex::default(),
        restore_listener: Mutex::new(None),
        globals: Default::default(),
        assignment: Mutex::new(None),
    };
    Opener::new(Arc::new(shared)).unwrap()
}

fn job(at_hour: i64) -> OpenJob {
    OpenJob { task: TASK, fence: vec![], wipe: false, now_ms: at_hour * HOUR_MS }
}

/// Opens the task at an hour and saves its state; the records that it took.
fn restored(opener: &mut Opener, at_hour: i64) -> Result<u64, StreamsError> {
    opener.submit(job(at_hour));
    let opened = std::iter::from_fn(|| Some(opener.step(0, Duration::ZERO))).flatten().next().unwrap();
    let OpenedState { mut storage, restored, .. } = opened.outcome?;
    storage.commit(&Positions::default());
    storage.apply()?;
    storage.flush()?;
    Ok(restored.records)
}

/// Records read by an opening of a state that had all of a log of ten records at hour 0.
fn restored_later(topic_id: u8, end: i64, at_hour: i64) -> u64 {
    let broker = OneLog(Arc::new(Mutex::new(Log { topic_id: 1, end: 10, restless: false })));
    let mut opener = opener(&broker);
    assert_eq!(restored(&mut opener, 0).unwrap(), 10);
    *broker.get() = Log { topic_id, end, restless: false };
    restored(&mut opener, at_hour).unwrap()
}

#[test]
fn the_tail_alone_is_read_while_its_tombstones_are_kept() {
    assert_eq!(restored_later(1, 13, 5), 3);
}

#[test]
fn all_is_read_of_a_topic_that_was_made_again() {
    assert_eq!(restored_later(2, 13, 5), 13);
}

#[test]
fn all_is_read_once_tombstones_of_the_tail_may_be_gone() {
    assert_eq!(restored_later(1, 13, 6), 13);
}

#[test]
fn nothing_is_read_of_a_log_without_a_tail_however_old_the_state() {
    assert_eq!(restored_later(1, 10, 100), 0);
}

#[test]
fn a_state_is_as_young_as_its_last_restore() {
    let broker = OneLog(Arc::new(Mutex::new(Log { topic_id: 1, end: 10, restless: false })));
    let mut opener = opener(&broker);
    let mut read = vec![];
    for (end, at_hour) in [(10, 0), (13, 5), (14, 10), (15, 16)] {
        broker.get().end = end;
        read.push(restored(&mut opener, at_hour).unwrap());
    }
    assert_eq!(read, [10, 3, 1, 15]);
}

#[test]
fn a_topic_made_again_while_its_ends_are_asked_for_is_asked_again() {
    let broker = OneLog(Arc::new(Mutex::new(Log { topic_id: 1, end: 10, restless: true })));
    let outcome = restored(&mut opener(&broker), 0);
    assert!(matches!(outcome, Err(StreamsError::Retry(_))), "{outcome:?}");
}

#[test]
fn what_was_read_is_waited_for_before_more_is_read() {
    let broker = OneLog(Arc::new(Mutex::new(Log { topic_id: 1, end: 10, restless: false })));
    // Ten records of nine bytes at nine bytes a second.
    let mut opener = opener_with_rate(&broker, 9);
    assert_eq!(restored(&mut opener, 0).unwrap(), 10);
    broker.get().end = 13;
    opener.submit(job(0));
    assert!((0..100).all(|_| opener.step(9_999, Duration::ZERO).is_none()));
    let opened = opener.step(10_000, Duration::ZERO).expect("it may read now");
    assert_eq!(opened.outcome.unwrap().restored.records, 3);
}
