//! A topic, a database with the migrated tables, and a group, of one test each.

use comanda_clickhouse::{
    ClickHouse, ClickHouseConfig, Mapping, SinkConfig, SinkHandle, SinkParts, SinkStatus, migrate, start,
};
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_registry::{HttpRegistry, HttpSettings, SchemaRegistry, avro_serde};
use comanda_schemas::{
    Cop, Envelope, EventId, EventTime, ItemId, OrderDelivered, OrderEvent, OrderId, OrderItem, OrderReady,
};
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::{
    Broker, ConsumerRole, Fetched, Headers, NewTopic, OffsetAndMetadata, PartitionId, RawRecord, TopicPartition,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Longer than anything here takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(90);
pub const PARTITIONS: i32 = 3;
/// 2024-03-30, in the afternoon.
const BEGIN_MS: i64 = 1_711_822_740_000;
const DAY_MS: i64 = 86_400_000;

/// One test's own world. All of it is text, so that a child process can be given the same.
#[derive(Clone)]
pub struct World {
    pub kafka: String,
    pub registry: String,
    pub clickhouse: String,
    pub database: String,
    pub topic: String,
    pub group: String,
}

impl World {
    /// On the shared servers.
    pub fn new() -> Self {
        Self::on(Servers::kafka(), Servers::clickhouse())
    }

    /// With a server of the test's own.
    pub fn on(kafka: &str, clickhouse: &str) -> Self {
        let world = Self {
            kafka: kafka.to_owned(),
            registry: Servers::registry().to_owned(),
            clickhouse: clickhouse.to_owned(),
            database: unique_name("sink"),
            topic: unique_name("orders"),
            group: unique_name("clickhouse"),
        };
        migrate(&world.client()).unwrap();
        let (name, replication) = (world.topic.clone(), 1);
        let topic = NewTopic { name, partitions: PARTITIONS, replication, configs: vec![] };
        world.broker().admin().unwrap().create_topics(&[topic]).unwrap();
        world
    }

    pub fn broker(&self) -> KafkaBroker {
        KafkaBroker::new(KafkaSettings::new(&self.kafka)).unwrap()
    }

    pub fn registry(&self) -> Arc<dyn SchemaRegistry> {
        Arc::new(HttpRegistry::new(&self.registry, HttpSettings::default()))
    }

    pub fn client(&self) -> ClickHouse {
        ClickHouse::new(ClickHouseConfig::new(&self.clickhouse, &self.database))
    }

    /// The sink of this world, as the application would start it.
    pub fn parts(&self, broker: Arc<dyn Broker>, clickhouse: &str) -> SinkParts {
        let orders = Mapping::all().unwrap().remove(0).from_topic(&self.topic);
        SinkParts {
            config: SinkConfig { session_timeout_ms: 6_000, flush_age_ms: 200, ..SinkConfig::new(&self.group) },
            clickhouse: ClickHouseConfig::new(clickhouse, &self.database),
            broker,
            registry: self.registry(),
            mappings: vec![orders],
        }
    }

    pub fn start(&self) -> SinkHandle {
        start(self.parts(Arc::new(self.broker()), &self.clickhouse)).unwrap()
    }

    /// Writes the orders of these numbers in one transaction, spread over the partitions.
    pub fn produce(&self, numbers: std::ops::Range<u64>) {
        let registry = self.registry();
        let serde = avro_serde::<OrderEvent>(&registry).unwrap();
        let records = numbers.map(|number| {
            let mut bytes = vec![];
            serde.serialize(&self.topic, &order(number), &mut bytes).unwrap();
            (number as i32 % PARTITIONS, bytes)
        });
        self.produce_raw(records);
    }

    /// The same with bytes as they are.
    pub fn produce_raw(&self, records: impl IntoIterator<Item = (i32, Vec<u8>)>) {
        let mut producer = self.broker().producer(Some(&unique_name("tx"))).unwrap();
        producer.init_transactions().unwrap();
        producer.begin_transaction().unwrap();
        let topic = producer.topic(&self.topic).unwrap();
        for (partition, bytes) in records {
            producer.send(topic, Some(partition), BEGIN_MS, Some(b"key"), Some(&bytes), &Headers::EMPTY).unwrap();
        }
        producer.flush().unwrap();
        producer.commit_transaction().unwrap();
    }

    /// One number out of the table.
    pub fn number(&self, question: &str) -> u64 {
        let rows = self.client().query(question).unwrap();
        let value = &rows[0][0];
        value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap()
    }

    pub fn rows(&self) -> u64 {
        self.number("SELECT count() FROM order_events")
    }

    /// Waits until the table has `count` rows or more; then that they are these and each is there once.
    pub fn expect_rows(&self, count: u64) {
        wait_for(&format!("{count} rows"), || self.rows() >= count);
        self.expect_each_once(count);
    }

    /// Counts equal, and no order, no offset and no event twice.
    pub fn expect_each_once(&self, count: u64) {
        let facts = self.client().query(
            "SELECT count(), uniqExact(_partition, _offset), uniqExact(order_id), uniqExact(event_id) FROM order_events",
        );
        let facts: Vec<String> = facts.unwrap()[0].iter().map(|fact| fact.to_string().replace('"', "")).collect();
        assert_eq!(facts, vec![count.to_string(); 4]);
    }

    /// What the group holds for each partition.
    pub fn committed(&self) -> Vec<Option<OffsetAndMetadata>> {
        let partitions: Vec<_> = (0..PARTITIONS).map(|number| TopicPartition::new(&*self.topic, number)).collect();
        self.broker().admin().unwrap().committed_offsets(&self.group, &partitions).unwrap()
    }

    /// Waits until nothing is promised and all that was produced is committed as delivered.
    pub fn expect_delivered(&self, per_partition: i64) {
        wait_for("offsets behind all records", || {
            self.committed().iter().all(|committed| {
                committed.as_ref().is_some_and(|c| c.offset >= per_partition && c.metadata.ends_with(" -"))
            })
        });
    }

    /// All dead letters, once `count` of them are there.
    pub fn dead_letters(&self, count: usize) -> Vec<RawRecord> {
        let mut consumer = self.broker().consumer(ConsumerRole::Main).unwrap();
        for number in 0..PARTITIONS {
            let partition = TopicPartition::new(format!("{}.dead-letter", self.topic), number);
            consumer.assign(PartitionId(number as u32), &partition, 0).unwrap();
        }
        let mut letters = vec![];
        wait_for(&format!("{count} dead letters"), || {
            let mut fetched = vec![];
            consumer.poll(Duration::from_millis(300), 1_000, &mut fetched).unwrap();
            letters.extend(fetched.into_iter().filter_map(|item| match item {
                Fetched::Record(_, record) => Some(record),
                _ => None,
            }));
            letters.len() >= count
        });
        letters
    }
}

/// An order's event: every third one delivered, with lines and money, the others ready; two days a month apart.
pub fn order(number: u64) -> OrderEvent {
    let order_id = OrderId(Uuid::from_u128(u128::from(number) + 1));
    let at = EventTime(BEGIN_MS + (number % 2) as i64 * 3 * DAY_MS + number as i64);
    let envelope = Envelope::first(EventId(Uuid::from_u128(u128::from(number) << 64)), at, order_id, "test");
    let restaurant_id = comanda_schemas::RestaurantId(Uuid::from_u128(7));
    let zone = "centro".to_owned();
    if !number.is_multiple_of(3) {
        return OrderReady { envelope, order_id, restaurant_id, zone }.into();
    }
    let item = |quantity| OrderItem {
        item_id: ItemId(Uuid::from_u128(9)),
        name: "Ajiaco".to_owned(),
        quantity,
        unit_price_centavos: Cop(2_590_050),
        options: vec![],
    };
    OrderDelivered {
        envelope,
        order_id,
        customer_id: comanda_schemas::CustomerId(Uuid::from_u128(8)),
        restaurant_id,
        zone,
        driver_id: comanda_schemas::DriverId(Uuid::from_u128(6)),
        items: vec![item(1), item(2)],
        total_centavos: Cop(7_770_150),
        placed_at: at,
        promised_at: None,
    }
    .into()
}

/// Waits for something that comes by itself.
pub fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_there() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until a sink runs with all partitions.
pub fn wait_until_running(sink: &SinkHandle) {
    wait_for("a running sink", || sink.status() == SinkStatus::Running(PARTITIONS as usize));
}
