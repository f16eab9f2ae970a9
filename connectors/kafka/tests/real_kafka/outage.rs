//! A broker that goes away and comes back: everything goes on by itself.

use crate::fixture::*;
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_servers::{Kind, OwnServer, unique_name};
use comanda_streams::broker::{
    Admin, Broker, BrokerError, ConsumerRole, ErrorKind, GroupRequest, GroupResponse, GroupTransport, Headers,
    NewTopic, Producer, error_code,
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
    assert_eq!(read_to_end(&mut *consumer).0.len(), 1);

    server.kill();
    assert_eq!(beat(&mut *group, member.generation, &member.member_id), error_code::COORDINATOR_NOT_AVAILABLE);
    std::thread::sleep(Duration::from_secs(1));
    server.start_again();

    assert!(describe(&mut *admin, &topic));
    commit(&broker, &mut producer, &id, &topic, "after");
    let (records, _) = read_to_end(&mut *consumer);
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

/// Writers that commit one record after the other while the broker is stopped.
const WRITERS: i32 = 4;
const STOPS: usize = 3;

/// Commits numbers from `first` on until that fails: the numbers whose commit was acknowledged, and whether the one
/// after them may have been committed as well.
fn commit_until_it_fails(broker: &KafkaBroker, id: &str, topic: &str, partition: i32, first: usize) -> (usize, bool) {
    let mut producer = broker.producer(Some(id)).unwrap();
    while producer.init_transactions().is_err() {}
    let handle = producer.topic(topic).unwrap();
    for number in first.. {
        let mut attempt = || {
            producer.begin_transaction()?;
            let value = number.to_string();
            producer.send(handle, Some(partition), 1, Some(b"k"), Some(value.as_bytes()), &Headers::EMPTY)?;
            producer.commit_transaction()
        };
        if let Err(error) = attempt() {
            return (number, error.kind == ErrorKind::UnknownOutcome);
        }
    }
    unreachable!("numbers do not end")
}

fn committed_numbers(broker: &KafkaBroker, topic: &str, partition_number: i32) -> Vec<usize> {
    let mut consumer = broker.consumer(ConsumerRole::Main).unwrap();
    consumer.assign(ID, &partition(topic, partition_number), 0).unwrap();
    let (records, _) = read_to_end(&mut *consumer);
    records.iter().map(|record| str::from_utf8(record.value.as_deref().unwrap()).unwrap().parse().unwrap()).collect()
}

/// A broker that gives up its partitions before it stops acknowledges commits whose markers it does not write: see its
/// `controlled.shutdown.enable`.
#[test]
fn a_broker_that_stops_in_order_keeps_every_commit_it_acknowledged() {
    let server = OwnServer::start(Kind::Kafka);
    let broker = KafkaBroker::new(KafkaSettings::new(server.address())).unwrap();
    let (topic, id) = (unique_name("stops"), unique_name("tx"));
    let new = NewTopic { name: topic.clone(), partitions: WRITERS, replication: 1, configs: Vec::new() };
    broker.admin().unwrap().create_topics(&[new]).unwrap();
    let mut next = vec![0; WRITERS as usize];
    for stop in 0..STOPS {
        std::thread::scope(|scope| {
            let write = |(partition, first): (i32, usize)| {
                let (broker, topic, id) = (&broker, &topic, format!("{id}-{partition}"));
                scope.spawn(move || commit_until_it_fails(broker, &id, topic, partition, first))
            };
            let writers: Vec<_> = (0..).zip(next.iter().copied()).map(write).collect();
            std::thread::sleep(Duration::from_secs(2));
            server.stop();
            server.start_again();
            for (partition, writer) in (0..).zip(writers) {
                let (acknowledged, one_more) = writer.join().unwrap();
                // Ends what the writer left open.
                let mut heir = broker.producer(Some(&format!("{id}-{partition}"))).unwrap();
                while heir.init_transactions().is_err() {}
                let found = committed_numbers(&broker, &topic, partition);
                let kept = found.len() == acknowledged || one_more && found.len() == acknowledged + 1;
                let in_order = found.iter().copied().eq(0..found.len());
                assert!(kept && in_order, "after stop {stop}: {acknowledged} acknowledged, {} there", found.len());
                assert!(acknowledged > 0, "writer {partition} committed nothing");
                next[partition as usize] = found.len();
            }
        });
    }
}
