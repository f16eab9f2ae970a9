//! Topics, records and members for the tests.

use bytes::Bytes;
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::{
    Broker, Consumer, ConsumerRole, ErrorKind, Fetched, GroupIdentity, GroupRequest, GroupResponse, GroupTransport,
    Headers, NewTopic, OffsetAndMetadata, PartitionId, Producer, RawRecord, TopicPartition, error_code,
};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// The partition that most tests read.
pub const ID: PartitionId = PartitionId(0);

pub fn broker() -> KafkaBroker {
    KafkaBroker::new(KafkaSettings::new(Servers::kafka())).unwrap()
}

/// A fresh topic.
pub fn topic(partitions: i32) -> String {
    let name = unique_name("real_kafka");
    let new = NewTopic { name: name.clone(), partitions, replication: 1, configs: Vec::new() };
    broker().admin().unwrap().create_topics(&[new]).unwrap();
    name
}

pub fn partition(topic: &str, number: i32) -> TopicPartition {
    TopicPartition::new(topic, number)
}

/// A transactional producer that is ready.
pub fn producer() -> Box<dyn Producer> {
    let mut producer = broker().producer(Some(&unique_name("tx"))).unwrap();
    producer.init_transactions().unwrap();
    producer
}

/// Commits `count` records of `size` bytes to partition 0 in one transaction; record `i` has the timestamp `i + 1`.
pub fn fill(topic: &str, count: usize, size: usize) {
    let mut producer = producer();
    producer.begin_transaction().unwrap();
    send_values(&mut *producer, topic, &vec![vec![b'x'; size]; count]);
    producer.flush().unwrap();
    producer.commit_transaction().unwrap();
}

/// Queues records with these values for partition 0.
pub fn send_values<V: AsRef<[u8]>>(producer: &mut dyn Producer, topic: &str, values: &[V]) {
    let handle = producer.topic(topic).unwrap();
    for (timestamp, value) in (1..).zip(values) {
        producer.send(handle, Some(0), timestamp, Some(b"k"), Some(value.as_ref()), &Headers::EMPTY).unwrap();
    }
}

/// A consumer of partition 0 from `offset`.
pub fn consumer(topic: &str, offset: i64) -> Box<dyn Consumer> {
    let mut consumer = broker().consumer(ConsumerRole::Main).unwrap();
    consumer.assign(ID, &partition(topic, 0), offset).unwrap();
    consumer
}

/// Polls once; for items of any partition.
pub fn poll(consumer: &mut dyn Consumer, max: usize) -> Vec<Fetched> {
    let mut out = Vec::new();
    consumer.poll(Duration::from_millis(100), max, &mut out).unwrap();
    out
}

/// Reads partition 0 up to its end: the records, and the end's position.
pub fn read_to_end(consumer: &mut dyn Consumer) -> (Vec<RawRecord>, i64) {
    let deadline = Instant::now() + PATIENCE;
    let mut records = Vec::new();
    while Instant::now() < deadline {
        for fetched in poll(consumer, 1000) {
            match fetched {
                Fetched::Record(ID, record) => records.push(record),
                Fetched::End { partition: ID, position } => return (records, position),
                other => panic!("{other:?}"),
            }
        }
    }
    panic!("no end within {PATIENCE:?} after {} records", records.len());
}

/// The values of all committed records of partition 0.
pub fn committed_values(topic: &str) -> Vec<Bytes> {
    let (records, _) = read_to_end(&mut *consumer(topic, 0));
    records.into_iter().map(|record| record.value.unwrap()).collect()
}

pub fn offset(offset: i64, metadata: &str) -> OffsetAndMetadata {
    OffsetAndMetadata { offset, metadata: metadata.to_owned() }
}

/// Waits for the transport's next answer.
pub fn answer(group: &mut dyn GroupTransport) -> GroupResponse {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        match group.poll() {
            Some(answer) => return answer,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    panic!("no answer within {PATIENCE:?}");
}

/// A Join as the engine sends it.
pub fn join_request(member_id: &str, topic: &str, user_data: &[u8]) -> GroupRequest {
    GroupRequest::Join {
        member_id: member_id.to_owned(),
        instance_id: None,
        session_timeout_ms: 6_000,
        rebalance_timeout_ms: 15_000,
        topics: vec![topic.to_owned()],
        user_data: user_data.to_vec(),
    }
}

/// Joins for the first time: the member id. A fresh broker first makes its offsets topic.
pub fn first_join(group: &mut dyn GroupTransport, topic: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        group.send(join_request("", topic, b""));
        match answer(group) {
            GroupResponse::Joined { error: error_code::MEMBER_ID_REQUIRED, member_id, .. } => return member_id,
            GroupResponse::Joined { error: 14..=16, .. } => {}
            GroupResponse::Failed { error } if error.kind == ErrorKind::Retriable => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("no member id within {PATIENCE:?}");
}

/// Joins as the only member and syncs with an empty assignment.
pub fn join_alone(group: &mut dyn GroupTransport, group_id: &str, topic: &str) -> GroupIdentity {
    let member_id = first_join(group, topic);
    group.send(join_request(&member_id, topic, b""));
    let GroupResponse::Joined { error: 0, generation, .. } = answer(group) else { panic!("not joined") };
    group.send(GroupRequest::Sync {
        generation,
        member_id: member_id.clone(),
        instance_id: None,
        assignments: Vec::new(),
    });
    let GroupResponse::Synced { error: 0, .. } = answer(group) else { panic!("not synced") };
    GroupIdentity { group_id: group_id.to_owned(), member_id, generation, instance_id: None }
}
