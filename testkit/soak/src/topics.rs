//! The topics: made, waited for, read to their ends.

use comanda_kafka::{KafkaBroker, KafkaError, KafkaSettings};
use comanda_streams::broker::{
    Admin, Broker, BrokerError, ConsumerRole, Fetched, Isolation, NewTopic, OffsetSpec, PartitionId, RawRecord,
    TopicPartition,
};
use std::error::Error;
use std::time::{Duration, Instant};

/// Group, and prefix of internal topics.
pub const APPLICATION_ID: &str = "soak";
/// Amounts by key.
pub const INPUT: &str = "amounts";
/// A key's total after each amount.
pub const OUTPUT: &str = "totals";
/// The application's store.
pub const STORE: &str = "total";
/// The store's change log.
pub const CHANGELOG: &str = "soak-total-changelog";
/// Kafka's own, in which commits of positions are open with their transaction.
const POSITIONS: &str = "__consumer_offsets";
/// Of input, output and change log: as many tasks.
pub const PARTITIONS: i32 = 4;

/// Items taken at once.
const POLL_ITEMS: usize = 10_000;
const POLL_WAIT: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_millis(500);
/// How long it may take to read a topic to its end: one with an open transaction has none.
const READING_LIMIT: Duration = Duration::from_secs(600);

/// A cluster's clients.
///
/// # Errors
/// [`KafkaError`], if the settings are wrong.
pub fn kafka(bootstrap: &str) -> Result<KafkaBroker, KafkaError> {
    KafkaBroker::new(KafkaSettings::new(bootstrap))
}

/// Creates input and output, both stamped by the broker: their append times tell how long each input waited.
///
/// # Errors
/// The broker's.
pub fn create(bootstrap: &str) -> Result<(), Box<dyn Error>> {
    let appended = ("message.timestamp.type".to_owned(), "LogAppendTime".to_owned());
    let configs = vec![appended];
    let topic =
        |name: &str| NewTopic { name: name.into(), partitions: PARTITIONS, replication: -1, configs: configs.clone() };
    Ok(kafka(bootstrap)?.admin()?.create_topics(&[topic(INPUT), topic(OUTPUT)])?)
}

fn partitions(topic: &str, count: i32) -> Vec<TopicPartition> {
    (0..count).map(|partition| TopicPartition::new(topic, partition)).collect()
}

/// Waits until the group's positions are the input's ends.
///
/// # Errors
/// The broker's, or if that takes longer than the limit.
pub fn await_drained(bootstrap: &str, limit_s: u64) -> Result<(), Box<dyn Error>> {
    let mut admin = kafka(bootstrap)?.admin()?;
    let input = partitions(INPUT, PARTITIONS);
    let began = Instant::now();
    loop {
        let ends = admin.list_offsets(&input, OffsetSpec::Latest, Isolation::ReadUncommitted)?;
        let committed = admin.committed_offsets(APPLICATION_ID, &input)?;
        let positions = committed.into_iter().map(|position| position.map_or(0, |position| position.offset));
        let lag: i64 = ends.iter().zip(positions).map(|(end, position)| end - position).sum();
        if lag == 0 {
            return Ok(());
        }
        if began.elapsed() > Duration::from_secs(limit_s) {
            return Err(format!("{lag} records are not processed after {limit_s} s").into());
        }
        std::thread::sleep(LOOK);
    }
}

/// Partitions whose last stable offset is behind their end: transactions hang there.
///
/// # Errors
/// The broker's.
pub fn unstable(admin: &mut dyn Admin) -> Result<Vec<String>, BrokerError> {
    let kept = admin.describe_topics(&[POSITIONS])?.into_iter().flatten().map(|topic| topic.partitions).sum();
    let topics = [(INPUT, PARTITIONS), (OUTPUT, PARTITIONS), (CHANGELOG, PARTITIONS), (POSITIONS, kept)];
    let all: Vec<_> = topics.into_iter().flat_map(|(topic, count)| partitions(topic, count)).collect();
    let stable = admin.list_offsets(&all, OffsetSpec::Latest, Isolation::ReadCommitted)?;
    let ends = admin.list_offsets(&all, OffsetSpec::Latest, Isolation::ReadUncommitted)?;
    let unstable = all.iter().zip(stable.iter().zip(&ends)).filter(|(_, (stable, end))| stable < end);
    Ok(unstable.map(|(at, (stable, end))| format!("{}-{}: {stable} of {end}", at.topic, at.partition)).collect())
}

/// Gives every committed record of `topic`, in order within its partition.
///
/// # Errors
/// The broker's, or if the end is not reached.
pub fn read(broker: &dyn Broker, topic: &str, mut take: impl FnMut(usize, RawRecord)) -> Result<(), Box<dyn Error>> {
    let partitions = partitions(topic, PARTITIONS);
    let mut consumer = broker.consumer(ConsumerRole::Restore)?;
    let mut admin = broker.admin()?;
    let starts = admin.list_offsets(&partitions, OffsetSpec::Earliest, Isolation::ReadUncommitted)?;
    let ends = admin.list_offsets(&partitions, OffsetSpec::Latest, Isolation::ReadUncommitted)?;
    for (number, (partition, start)) in (0..).zip(partitions.iter().zip(starts)) {
        consumer.assign(PartitionId(number), partition, start)?;
    }
    let began = Instant::now();
    let mut fetched = vec![];
    while (0..).zip(&ends).any(|(number, end)| consumer.position(PartitionId(number)).is_none_or(|at| at < *end)) {
        if began.elapsed() > READING_LIMIT {
            return Err(format!("{topic} is not read to its end after {READING_LIMIT:?}").into());
        }
        consumer.poll(POLL_WAIT, POLL_ITEMS, &mut fetched)?;
        for item in fetched.drain(..) {
            match item {
                Fetched::Record(id, record) => take(id.0 as usize, record),
                Fetched::End { .. } => {}
                Fetched::OutOfRange(id) => return Err(format!("{topic}-{}: its start was lost", id.0).into()),
            }
        }
    }
    Ok(())
}
