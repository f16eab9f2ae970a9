//! Commands into Kafka, over a double of the engine's port.

use crate::doubles::order_body;
use comanda_edge::{AppendError, CommandOffset, Commands, KafkaCommands};
use comanda_registry::{MemoryRegistry, SchemaRegistry, avro_serde};
use comanda_schemas::{Envelope, EventTime, OrderCommand, OrderId, OrderItem, PlaceOrder, Sealed};
use comanda_streams::Serde;
use comanda_streams::broker::{
    Admin, Broker, BrokerError, Consumer, ConsumerRole, ErrorKind, GroupIdentity, GroupTransport, Headers, Isolation,
    NewTopic, OffsetAndMetadata, OffsetSpec, ProducedPartition, Producer, TopicDescription, TopicHandle,
    TopicPartition,
};
use comanda_streams::partitioner::partition_for_key;
use std::sync::{Arc, Condvar, Mutex};
use uuid::Uuid;

const PARTITIONS: i32 = 4;

/// One topic in memory; its producer can be told to fail or to stand still.
#[derive(Default)]
struct LogDouble {
    state: Mutex<Log>,
    changed: Condvar,
}

#[derive(Default)]
struct Log {
    records: Vec<Written>,
    flushes: usize,
    producers: usize,
    no_topic: bool,
    flush_fails: bool,
    stands_still: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Written {
    partition: i32,
    offset: i64,
    timestamp: i64,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl LogDouble {
    fn set(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    fn get<T>(&self, read: impl FnOnce(&Log) -> T) -> T {
        read(&self.state.lock().unwrap())
    }
}

struct BrokerDouble(Arc<LogDouble>);
struct AdminDouble(Arc<LogDouble>);
struct ProducerDouble(Arc<LogDouble>, Vec<Written>, Vec<ProducedPartition>);

impl Broker for BrokerDouble {
    fn consumer(&self, _: ConsumerRole) -> Result<Box<dyn Consumer>, BrokerError> {
        unreachable!("the edge consumes nothing")
    }

    fn producer(&self, transactional_id: Option<&str>) -> Result<Box<dyn Producer>, BrokerError> {
        assert_eq!(transactional_id, None);
        self.0.set(|log| log.producers += 1);
        Ok(Box::new(ProducerDouble(self.0.clone(), vec![], vec![])))
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        Ok(Box::new(AdminDouble(self.0.clone())))
    }

    fn group(&self, _: &str) -> Result<Box<dyn GroupTransport>, BrokerError> {
        unreachable!("the edge is in no group")
    }
}

impl Admin for AdminDouble {
    fn describe_topics(&mut self, names: &[&str]) -> Result<Vec<Option<TopicDescription>>, BrokerError> {
        assert_eq!(names, ["order.commands"]);
        let description = TopicDescription { name: names[0].to_owned(), id: [0; 16], partitions: PARTITIONS };
        Ok(vec![(!self.0.get(|log| log.no_topic)).then_some(description)])
    }

    fn list_topics(&mut self) -> Result<Vec<String>, BrokerError> {
        unreachable!()
    }

    fn create_topics(&mut self, _: &[NewTopic]) -> Result<(), BrokerError> {
        unreachable!("topics are created by the app")
    }

    fn topic_config(&mut self, _: &str, _: &str) -> Result<Option<String>, BrokerError> {
        unreachable!()
    }

    fn list_offsets(&mut self, _: &[TopicPartition], _: OffsetSpec, _: Isolation) -> Result<Vec<i64>, BrokerError> {
        unreachable!()
    }

    fn committed_offsets(
        &mut self,
        _: &str,
        _: &[TopicPartition],
    ) -> Result<Vec<Option<OffsetAndMetadata>>, BrokerError> {
        unreachable!()
    }

    fn delete_records(&mut self, _: &[(TopicPartition, i64)]) -> Result<(), BrokerError> {
        unreachable!()
    }
}

impl Producer for ProducerDouble {
    fn topic(&mut self, name: &str) -> Result<TopicHandle, BrokerError> {
        assert_eq!(name, "order.commands");
        Ok(TopicHandle(5))
    }

    fn send(
        &mut self,
        topic: TopicHandle,
        partition: Option<i32>,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &Headers,
    ) -> Result<(), BrokerError> {
        assert!(topic == TopicHandle(5) && headers.is_empty());
        let (key, value) = (key.unwrap().to_vec(), value.unwrap().to_vec());
        self.1.push(Written { partition: partition.unwrap(), offset: -1, timestamp, key, value });
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BrokerError> {
        let log = self.0.state.lock().unwrap();
        let mut log = self.0.changed.wait_while(log, |log| log.stands_still).unwrap();
        log.flushes += 1;
        if log.flush_fails {
            return Err(BrokerError::new(ErrorKind::Retriable, "deliver", "timed out"));
        }
        for mut record in self.1.drain(..) {
            record.offset = log.records.iter().filter(|other| other.partition == record.partition).count() as i64;
            self.2.retain(|produced| produced.partition != record.partition);
            let (partition, next_offset) = (record.partition, record.offset + 1);
            self.2.push(ProducedPartition { topic: TopicHandle(5), partition, next_offset });
            log.records.push(record);
        }
        Ok(())
    }

    fn take_produced(&mut self) -> Vec<ProducedPartition> {
        std::mem::take(&mut self.2)
    }

    fn init_transactions(&mut self) -> Result<(), BrokerError> {
        unreachable!("the edge has no transactions")
    }

    fn begin_transaction(&mut self) -> Result<(), BrokerError> {
        unreachable!()
    }

    fn send_offsets(
        &mut self,
        _: &[(TopicPartition, OffsetAndMetadata)],
        _: &GroupIdentity,
    ) -> Result<(), BrokerError> {
        unreachable!()
    }

    fn commit_transaction(&mut self) -> Result<(), BrokerError> {
        unreachable!()
    }

    fn abort_transaction(&mut self) -> Result<(), BrokerError> {
        unreachable!()
    }
}

fn command(number: u128) -> PlaceOrder {
    let body = order_body();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    let items: Vec<OrderItem> = serde_json::from_value(body["items"].clone()).unwrap();
    let order_id = OrderId(Uuid::from_u128(number));
    let at = EventTime(1_000 + number as i64);
    PlaceOrder {
        envelope: Envelope::first(comanda_schemas::EventId(order_id.0), at, order_id, "edge"),
        order_id,
        customer_id: text("customer_id").parse().unwrap(),
        restaurant_id: text("restaurant_id").parse().unwrap(),
        zone: text("zone"),
        restaurant_cell: text("restaurant_cell"),
        customer_cell: text("customer_cell"),
        items,
        subtotal_centavos: Default::default(),
        delivery_fee_centavos: Default::default(),
        tax_centavos: Default::default(),
        discount_centavos: Default::default(),
        total_centavos: Default::default(),
        payment_method_id: text("payment_method_id").parse().unwrap(),
        delivery_address: Sealed { key_id: "k".to_owned(), bytes: vec![1, 2, 3].into() },
        placed_at: at,
        scheduled_for: None,
        promised_at: None,
    }
}

fn commands() -> (KafkaCommands<OrderCommand>, Arc<LogDouble>, Serde<OrderCommand>) {
    let registry: Arc<dyn SchemaRegistry> = Arc::new(MemoryRegistry::default());
    let serde: Serde<OrderCommand> = avro_serde(&registry).unwrap();
    let log = Arc::<LogDouble>::default();
    let commands = KafkaCommands::start(Arc::new(BrokerDouble(log.clone())), serde.clone()).unwrap();
    (commands, log, serde)
}

#[tokio::test]
async fn a_command_is_written_as_avro_to_the_partition_of_its_key_at_its_time() {
    let (commands, log, serde) = commands();
    let place = command(7);
    assert_eq!(commands.append(place.clone().into()).await, Ok(CommandOffset(0)));
    let [record] = <[_; 1]>::try_from(log.get(|log| log.records.clone())).unwrap();
    let key = place.order_id.to_string().into_bytes();
    assert_eq!((record.partition, record.timestamp), (partition_for_key(&key, PARTITIONS), 1_007));
    assert_eq!(record.key, key);
    assert_eq!(serde.deserialize("order.commands", &record.value), Ok(place.into()));
}

#[tokio::test]
async fn commands_that_wait_together_share_a_flush_and_each_knows_an_offset_at_or_past_its_own() {
    let (commands, log, _) = commands();
    log.set(|log| log.stands_still = true);
    let waiting: Vec<_> = (0..100).map(|n| commands.append(command(n).into())).collect();
    log.set(|log| log.stands_still = false);
    for (n, waiting) in waiting.into_iter().enumerate() {
        let CommandOffset(reached) = waiting.await.unwrap();
        let key = command(n as u128).order_id.to_string().into_bytes();
        let own = log.get(|log| log.records.iter().find(|record| record.key == key).unwrap().offset);
        assert!(reached >= own, "{reached} < {own}");
    }
    assert!(log.get(|log| log.flushes) <= 3);
}

#[tokio::test]
async fn a_flush_that_fails_leaves_the_outcome_unknown_and_the_next_command_gets_a_new_producer() {
    let (commands, log, _) = commands();
    log.set(|log| log.flush_fails = true);
    assert!(matches!(commands.append(command(1).into()).await, Err(AppendError::OutcomeUnknown(_))));
    log.set(|log| log.flush_fails = false);
    assert_eq!(commands.append(command(2).into()).await, Ok(CommandOffset(0)));
    assert_eq!(log.get(|log| (log.producers, log.records.len())), (2, 1), "nothing of the failed flush follows");
}

#[tokio::test]
async fn without_its_topic_nothing_is_written_and_later_it_works() {
    let (commands, log, _) = commands();
    log.set(|log| log.no_topic = true);
    assert!(matches!(commands.append(command(1).into()).await, Err(AppendError::NotWritten(_))));
    log.set(|log| log.no_topic = false);
    assert_eq!(commands.append(command(1).into()).await, Ok(CommandOffset(0)));
}

#[tokio::test]
async fn a_command_whose_caller_has_gone_is_not_written_later() {
    let (commands, log, _) = commands();
    log.set(|log| log.stands_still = true);
    let first = commands.append(command(1).into());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while log.get(|log| log.producers) == 0 {
        assert!(std::time::Instant::now() < deadline, "the thread has not taken the first command");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    drop(commands.append(command(2).into()));
    let third = commands.append(command(3).into());
    log.set(|log| log.stands_still = false);
    first.await.unwrap();
    third.await.unwrap();
    let written = log.get(|log| log.records.iter().map(|record| record.timestamp).collect::<Vec<_>>());
    assert_eq!(written, [1_001, 1_003]);
}

#[tokio::test]
async fn a_full_queue_turns_commands_away_at_once() {
    let (commands, log, _) = commands();
    log.set(|log| log.stands_still = true);
    let waiting: Vec<_> = (0..2_000).map(|n| commands.append(command(n).into())).collect();
    let last = commands.append(command(9_999).into()).await;
    assert!(matches!(last, Err(AppendError::NotWritten(_))), "{last:?}");
    log.set(|log| log.stands_still = false);
    drop(waiting);
}
