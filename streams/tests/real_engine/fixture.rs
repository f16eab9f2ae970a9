//! What the tests share: a cluster, topics, an application in this process, readers that wait.

use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_streams::broker::{
    Admin, Broker, ConsumerRole, Fetched, Isolation, NewTopic, OffsetSpec, PartitionId, RawRecord, TopicPartition,
};
use comanda_streams::{KafkaStreams, StreamsConfig, Topology};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(90);
pub const PARTITIONS: i32 = 4;

/// Logs where RUST_LOG asks for it.
pub fn log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    });
}

pub fn cluster(address: &str) -> Arc<KafkaBroker> {
    log();
    Arc::new(KafkaBroker::new(KafkaSettings::new(address)).unwrap())
}

pub fn create_topics(broker: &dyn Broker, names: &[&str], partitions: i32) {
    let topic = |name: &&str| NewTopic { name: (*name).to_owned(), partitions, replication: 1, configs: vec![] };
    broker.admin().unwrap().create_topics(&names.iter().map(topic).collect::<Vec<_>>()).unwrap();
}

/// Settings with a session as short as brokers allow.
pub fn config(application_id: &str, state_dir: &Path) -> StreamsConfig {
    StreamsConfig { session_timeout_ms: 6_000, ..StreamsConfig::new(application_id, state_dir) }
}

/// An application in this process, running.
pub fn run(topology: Topology, config: StreamsConfig, broker: &Arc<KafkaBroker>) -> KafkaStreams {
    let mut streams = KafkaStreams::new(topology, config, broker.clone()).unwrap();
    streams.start().unwrap();
    assert!(streams.wait_until_running(PATIENCE), "{:?}", streams.error());
    streams
}

/// Looks until it is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The committed records of a topic by partition, as far as `enough` wants them.
pub fn read_until(
    broker: &dyn Broker,
    topic: &str,
    what: &str,
    mut enough: impl FnMut(&BTreeMap<i32, Vec<RawRecord>>) -> bool,
) -> BTreeMap<i32, Vec<RawRecord>> {
    let mut reader = Reader::new(broker, topic);
    let deadline = Instant::now() + PATIENCE;
    while !enough(&reader.records) && Instant::now() < deadline {
        reader.poll();
    }
    assert!(enough(&reader.records), "waited {PATIENCE:?} until {what}");
    // What must not come may be there already, or in a transaction that is still open.
    reader.read_to_end();
    reader.records
}

/// All committed records of a topic that are there now.
pub fn read_all(broker: &dyn Broker, topic: &str) -> BTreeMap<i32, Vec<RawRecord>> {
    let mut reader = Reader::new(broker, topic);
    reader.read_to_end();
    reader.records
}

/// Reads all partitions of a topic from the beginning.
pub struct Reader {
    consumer: Box<dyn comanda_streams::broker::Consumer>,
    admin: Box<dyn Admin>,
    partitions: Vec<TopicPartition>,
    pub records: BTreeMap<i32, Vec<RawRecord>>,
    fetched: Vec<Fetched>,
}

impl Reader {
    pub fn new(broker: &dyn Broker, topic: &str) -> Self {
        let mut consumer = broker.consumer(ConsumerRole::Restore).unwrap();
        let mut admin = broker.admin().unwrap();
        let described = admin.describe_topics(&[topic]).unwrap().remove(0);
        let partitions = described.unwrap_or_else(|| panic!("{topic} is missing")).partitions;
        let partitions: Vec<_> = (0..partitions).map(|partition| TopicPartition::new(topic, partition)).collect();
        for partition in &partitions {
            consumer.assign(PartitionId(partition.partition as u32), partition, 0).unwrap();
        }
        Self { consumer, admin, partitions, records: BTreeMap::new(), fetched: vec![] }
    }

    pub fn poll(&mut self) {
        self.consumer.poll(Duration::from_millis(50), 10_000, &mut self.fetched).unwrap();
        for item in self.fetched.drain(..) {
            match item {
                Fetched::Record(id, record) => self.records.entry(id.0 as i32).or_default().push(record),
                Fetched::End { .. } => {}
                Fetched::OutOfRange(id) => panic!("partition {} begins later", id.0),
            }
        }
    }

    /// Up to the high watermarks of now, so that transactions that are open now come in too.
    fn read_to_end(&mut self) {
        let ends = self.admin.list_offsets(&self.partitions, OffsetSpec::Latest, Isolation::ReadUncommitted).unwrap();
        let deadline = Instant::now() + PATIENCE;
        let position = |reader: &Self, id: usize| reader.consumer.position(PartitionId(id as u32)).unwrap_or(0);
        while ends.iter().enumerate().any(|(id, end)| position(self, id) < *end) {
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for the ends {ends:?} of {:?}", self.partitions);
            self.poll();
        }
    }
}

/// The last value of each key as text.
pub fn last_by_key(records: &BTreeMap<i32, Vec<RawRecord>>) -> BTreeMap<String, String> {
    let all = records.values().flatten();
    all.map(|record| (text(&record.key), text(&record.value))).collect()
}

pub fn text(bytes: &Option<bytes::Bytes>) -> String {
    bytes.as_ref().map_or_else(|| "null".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

pub fn count(records: &BTreeMap<i32, Vec<RawRecord>>) -> usize {
    records.values().map(Vec::len).sum()
}
