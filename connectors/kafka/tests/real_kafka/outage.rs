//! A broker that goes away and comes back: everything goes on by itself.

use crate::fixture::*;
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_servers::{Kind, OwnServer, unique_name};
use comanda_streams::broker::{
    Admin, Broker, BrokerError, Consumer, ConsumerRole, ErrorKind, GroupRequest, GroupResponse, GroupTransport,
    NewTopic, Producer, RawRecord, error_code,
};
use std::time::{Duration, Instant};

/// One transaction of one record, begun anew after whatever an outage does to it.
fn commit(broker: &KafkaBroker, producer: &mut Box<dyn Producer>, id: &str, topic: &str, value: &str) {
    let deadline = Instant::now() + PATIENCE;
    let mut rebuild = false;
    while Instant::now() < deadline {
        if rebuild {
            *producer = broker.producer(Some(id)).unwrap();
            rebuild = producer.init_transactions().is_err();
            continue;
        }
        match try_commit(&mut **producer, topic, value) {
            Ok(()) => return,
            Err(error) => match error.kind {
                ErrorKind::Abortable | ErrorKind::Retriable => rebuild = producer.abort_transaction().is_err(),
                ErrorKind::ProducerFenced => rebuild = true,
                _ => panic!("{error}"), // of an outcome unknown this test could not tell what to expect
            },
        }
    }
    panic!("no commit within {PATIENCE:?}");
}

fn try_commit(producer: &mut dyn Producer, topic: &str, value: &str) -> Result<(), BrokerError> {
    producer.begin_transaction()?;
    send_values(producer, topic, &[value]);
    producer.flush()?;
    producer.commit_transaction()
}

fn beat(group: &mut dyn GroupTransport, generation: i32, member_id: &str) -> i16 {
    group.send(GroupRequest::Heartbeat { generation, member_id: member_id.to_owned(), instance_id: None });
    match answer(group) {
        GroupResponse::Heartbeat { error } => error,
        other => panic!("{other:?}"),
    }
}

fn describe(admin: &mut dyn Admin, topic: &str) -> bool {
    admin.describe_topics(&[topic]).unwrap()[0].is_some()
}

/// A commit is answered before its marker is there.
fn read_some(consumer: &mut dyn Consumer) -> Vec<RawRecord> {
    loop {
        let (records, _) = read_to_end(consumer);
        if !records.is_empty() {
            return records;
        }
    }
}

#[test]
fn reader_writer_member_and_administrator_outlive_a_killed_broker() {
    let server = OwnServer::start(Kind::Kafka);
    let broker = KafkaBroker::new(KafkaSettings::new(server.address())).unwrap();
    let (topic, group_id, id) = (unique_name("outage"), unique_name("group"), unique_name("tx"));
    let mut admin = broker.admin().unwrap();
    let new = NewTopic { name: topic.clone(), partitions: 1, replication: 1, configs: Vec::new() };
    admin.create_topics(&[new]).unwrap();
    let mut group = broker.group(&group_id).unwrap();
    let member = join_alone(&mut *group, &group_id, &topic);
    let mut producer = broker.producer(Some(&id)).unwrap();
    producer.init_transactions().unwrap();
    commit(&broker, &mut producer, &id, &topic, "before");
    let mut consumer = broker.consumer(ConsumerRole::Main).unwrap();
    consumer.assign(ID, &partition(&topic, 0), 0).unwrap();
    assert_eq!(read_some(&mut *consumer).len(), 1);

    server.kill();
    assert_eq!(beat(&mut *group, member.generation, &member.member_id), error_code::COORDINATOR_NOT_AVAILABLE);
    std::thread::sleep(Duration::from_secs(1));
    server.start_again();

    assert!(describe(&mut *admin, &topic));
    commit(&broker, &mut producer, &id, &topic, "after");
    let records = read_some(&mut *consumer);
    assert_eq!(records.iter().map(|r| r.value.as_deref().unwrap()).collect::<Vec<_>>(), [b"after"]);
    // The broker counts the session from when it has loaded the group: the member is still there, or has run out.
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline);
        match beat(&mut *group, member.generation, &member.member_id) {
            error_code::NONE | error_code::UNKNOWN_MEMBER_ID => break,
            14..=16 => std::thread::sleep(Duration::from_millis(50)),
            other => panic!("heartbeat answered {other}"),
        }
    }
}
