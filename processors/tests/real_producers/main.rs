//! Producers in other languages: what Java and Python write lands where our processors look for it, reads as it was
//! meant, and is joined with what Rust writes. On a broker of its own: the topics' names are the contract's.
#![allow(clippy::unwrap_used)]

mod programs;

use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_processors::{TopicSerdes, order};
use comanda_registry::{
    AvroDeserializer, HttpRegistry, HttpSettings, SchemaId, SchemaRegistry, avro_serde, register_all,
};
use comanda_schemas::*;
use comanda_servers::{Kind, OwnServer, Servers, unique_name};
use comanda_streams::broker::{
    Broker, ConsumerRole, Fetched, Headers, NewTopic, PartitionId, RawRecord, TopicPartition,
};
use comanda_streams::partitioner::partition_for_key;
use comanda_streams::{KafkaStreams, Serde, StreamsConfig};
use programs::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Enough that every partition of four has some.
const ORDERS: usize = 24;
const LIMIT: Duration = Duration::from_secs(30);

fn topic_serdes(registry: &Arc<dyn SchemaRegistry>) -> TopicSerdes {
    TopicSerdes {
        order_commands: avro_serde(registry).unwrap(),
        order_events: avro_serde(registry).unwrap(),
        order_views: avro_serde(registry).unwrap(),
        payment_commands: avro_serde(registry).unwrap(),
        payment_events: avro_serde(registry).unwrap(),
        payment_ledger: avro_serde(registry).unwrap(),
        payment_method_commands: avro_serde(registry).unwrap(),
        payment_methods: avro_serde(registry).unwrap(),
        delivery_commands: avro_serde(registry).unwrap(),
        delivery_events: avro_serde(registry).unwrap(),
        driver_pings: avro_serde(registry).unwrap(),
        drivers: avro_serde(registry).unwrap(),
        restaurant_catalog: avro_serde(registry).unwrap(),
        eta: avro_serde(registry).unwrap(),
        popular_items: avro_serde(registry).unwrap(),
        delivery_metrics: avro_serde(registry).unwrap(),
    }
}

fn create_topics(broker: &dyn Broker) {
    let new = |topic: &Topic| NewTopic {
        name: topic.name.clone(),
        partitions: topic.partitions,
        replication: 1,
        configs: topic.configs(),
    };
    broker.admin().unwrap().create_topics(&topics().iter().map(new).collect::<Vec<_>>()).unwrap();
}

/// Registers the contract. One schema is under another subject before: so the numbers of schemas and the numbers of
/// versions, between which a client can mix up, differ.
fn register(registry: &HttpRegistry) -> BTreeMap<String, SchemaId> {
    for _ in 0..2 {
        registry.register(&unique_name("elsewhere"), PlaceOrder::SCHEMA_JSON).unwrap();
    }
    let registered = register_all(registry, topics()).unwrap();
    registered.into_iter().map(|registered| (registered.subject, registered.id)).collect()
}

fn write_catalog(broker: &dyn Broker, serde: &Serde<RestaurantCatalog>) {
    let (mut producer, mut value) = (broker.producer(None).unwrap(), vec![]);
    serde.serialize(RestaurantCatalog::TOPIC, &catalog(), &mut value).unwrap();
    let (topic, key) = (producer.topic(RestaurantCatalog::TOPIC).unwrap(), restaurant().to_string());
    producer.send(topic, None, 0, Some(key.as_bytes()), Some(&value), &Headers::EMPTY).unwrap();
    producer.flush().unwrap();
}

fn start_order_role(broker: &Arc<dyn Broker>, serdes: &TopicSerdes, state: &Path) -> KafkaStreams {
    let config = StreamsConfig::new(order::APPLICATION_ID, state);
    let mut streams = KafkaStreams::new(order::topology(serdes).unwrap(), config, broker.clone()).unwrap();
    streams.start().unwrap();
    assert!(streams.wait_until_running(LIMIT), "{:?}", streams.error());
    streams
}

/// Committed records of a topic from its start, with their partitions, as soon as there are `count` that `counts` holds for.
fn read(broker: &dyn Broker, name: &str, count: usize, counts: impl Fn(&RawRecord) -> bool) -> Vec<(i32, RawRecord)> {
    let mut consumer = broker.consumer(ConsumerRole::Restore).unwrap();
    for partition in 0..topic(name).unwrap().partitions {
        consumer.assign(PartitionId(partition as u32), &TopicPartition::new(name, partition), 0).unwrap();
    }
    let deadline = Instant::now() + LIMIT;
    let mut records = vec![];
    while records.iter().filter(|(_, record)| counts(record)).count() < count {
        assert!(Instant::now() < deadline, "{name}: {} records after {LIMIT:?}: {records:?}", records.len());
        let mut fetched = vec![];
        consumer.poll(Duration::from_millis(100), 1_000, &mut fetched).unwrap();
        records.extend(fetched.into_iter().filter_map(|item| match item {
            Fetched::Record(partition, record) => Some((partition.0 as i32, record)),
            Fetched::End { .. } | Fetched::OutOfRange(_) => None,
        }));
    }
    records
}

/// Holds a foreign program's records against what it was to write, down to partition, timestamp and schema id.
fn check<M, E>(
    records: &[(i32, RawRecord)],
    registry: &Arc<dyn SchemaRegistry>,
    id: SchemaId,
    expected: impl Fn(EventId, OrderId) -> E,
) where
    M: Message + PartialEq + std::fmt::Debug,
    E: Event + Into<M>,
{
    let deserializer = AvroDeserializer::<M>::new(registry.clone());
    let mut partitions = vec![0; topic(E::TOPIC).unwrap().partitions as usize];
    for (partition, record) in records {
        let (key, value) = (record.key.as_deref().unwrap(), record.value.as_deref().unwrap());
        assert_eq!(*partition, partition_for_key(key, partitions.len() as i32));
        partitions[*partition as usize] += 1;
        assert!(record.headers.is_empty(), "{:?}", record.headers.iter().collect::<Vec<_>>());
        assert_eq!(value[..5], [&[0], &id.0.to_be_bytes()[..]].concat());
        let read = deserializer.read(value).unwrap();
        let envelope = read.envelope().unwrap();
        assert_eq!(record.timestamp, envelope.occurred_at.millis());
        let order: OrderId = std::str::from_utf8(key).unwrap().parse().unwrap();
        assert_eq!(read, expected(envelope.event_id, order).into());
    }
    assert!(partitions.iter().all(|count| *count > 0), "{partitions:?}");
}

fn accept(broker: &dyn Broker, serde: &Serde<OrderCommand>, orders: &[OrderId], at: EventTime) {
    let mut producer = broker.producer(None).unwrap();
    let commands = producer.topic("order.commands").unwrap();
    for order in orders {
        let envelope = Envelope::first(EventId(Uuid::new_v4()), at, *order, "test");
        let accept = AcceptOrder { envelope, order_id: *order, restaurant_id: restaurant(), estimated_ready_at: None };
        let (key, mut value) = (order.to_string(), vec![]);
        serde.serialize("order.commands", &accept.into(), &mut value).unwrap();
        let partition = partition_for_key(key.as_bytes(), topic("order.commands").unwrap().partitions);
        let key = Some(key.as_bytes());
        producer.send(commands, Some(partition), at.millis(), key, Some(&value), &Headers::EMPTY).unwrap();
    }
    producer.flush().unwrap();
}

fn now() -> EventTime {
    EventTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

#[test]
fn orders_from_java_and_payments_from_python_meet_in_the_order_role() {
    let server = OwnServer::start(Kind::Kafka);
    let addresses = Addresses { kafka: server.address(), registry: Servers::registry() };
    let broker: Arc<dyn Broker> = Arc::new(KafkaBroker::new(KafkaSettings::new(addresses.kafka)).unwrap());
    create_topics(&*broker);
    let http = HttpRegistry::new(addresses.registry, HttpSettings::default());
    let ids = register(&http);
    let registry: Arc<dyn SchemaRegistry> = Arc::new(http);
    let (serdes, state) = (topic_serdes(&registry), tempfile::tempdir().unwrap());
    write_catalog(&*broker, &serdes.restaurant_catalog);
    let role = start_order_role(&broker, &serdes, state.path());
    let orders: Vec<OrderId> = (0..ORDERS).map(|n| OrderId(Uuid::from_u128(0x0b9f_a8f2_0000 + n as u128))).collect();
    let (placed_at, answered_at) = (now(), now().plus_ms(1_000));

    place_orders(&addresses, placed_at, &orders);
    let commands = read(&*broker, "order.commands", ORDERS, |_| true);
    let id = ids["order.commands-comanda.order.PlaceOrder"];
    check::<OrderCommand, _>(&commands, &registry, id, |event, order| java_order(event, order, placed_at));
    read(&*broker, "order.events", ORDERS, |_| true); // a payment for an order that nobody knows would be dropped

    accept(&*broker, &serdes.order_commands, &orders, answered_at);
    authorize_payments(&addresses, answered_at, &orders);
    let payments = read(&*broker, "payment.events", ORDERS, |_| true);
    let id = ids["payment.events-comanda.payment.PaymentAuthorized"];
    check::<PaymentEvent, _>(&payments, &registry, id, |event, order| python_payment(event, order, answered_at));

    let events = AvroDeserializer::<OrderEvent>::new(registry.clone());
    let event = |record: &RawRecord| events.read(record.value.as_deref().unwrap()).unwrap();
    let said = read(&*broker, "order.events", ORDERS, |record| matches!(event(record), OrderEvent::OrderConfirmed(_)));
    for order in orders {
        let of_order =
            said.iter().map(|(_, record)| event(record)).filter(|said| said.key() == Some(order.to_string()));
        match &of_order.collect::<Vec<_>>()[..] {
            [OrderEvent::OrderPlaced(placed), OrderEvent::OrderConfirmed(_)] => {
                assert_eq!(placed.items, java_order(placed.envelope.event_id, order, placed_at).items);
            }
            other => panic!("{order}: {other:?}"),
        }
    }
    drop(role);
}
