//! The simulated broker behaves as Kafka does where the engine relies on it (compare `connectors/kafka/tests`).

use super::SimulatedBroker;
use crate::faults::Faults;
use comanda_streams::TRANSACTION_TIMEOUT_MS;
use comanda_streams::broker::{
    Broker, Consumer, ConsumerRole, ErrorKind, Fetched, GroupIdentity, GroupRequest, GroupResponse, GroupTransport,
    Headers, Isolation, MemberAssignment, NewTopic, OffsetAndMetadata, OffsetSpec, PartitionId, Producer,
    TopicPartition, error_code,
};
use std::time::Duration;

const GROUP: &str = "group";

fn broker() -> SimulatedBroker {
    let broker = SimulatedBroker::alone(1);
    let topic = NewTopic { name: "t".into(), partitions: 1, replication: 1, configs: vec![] };
    broker.admin().unwrap().create_topics(&[topic]).unwrap();
    broker
}

fn t0() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn producer(broker: &SimulatedBroker, id: &str) -> Box<dyn Producer> {
    let mut producer = broker.producer(Some(id)).unwrap();
    producer.init_transactions().unwrap();
    producer
}

fn write(producer: &mut dyn Producer, value: &str) {
    let topic = producer.topic("t").unwrap();
    producer.begin_transaction().unwrap();
    producer.send(topic, Some(0), 1, Some(b"k"), Some(value.as_bytes()), &Headers::EMPTY).unwrap();
    producer.flush().unwrap();
}

/// What a read_committed reader gets from `offset` on, and the end it is told.
fn read(broker: &SimulatedBroker, offset: i64) -> (Vec<String>, Option<i64>) {
    let mut consumer = broker.consumer(ConsumerRole::Main).unwrap();
    consumer.assign(PartitionId(0), &t0(), offset).unwrap();
    drain(&mut *consumer)
}

fn drain(consumer: &mut dyn Consumer) -> (Vec<String>, Option<i64>) {
    let (mut values, mut end, mut out) = (vec![], None, vec![]);
    for _ in 0..50 {
        consumer.poll(Duration::ZERO, 100, &mut out).unwrap();
        for fetched in out.drain(..) {
            match fetched {
                Fetched::Record(_, record) => values.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap()),
                Fetched::End { position, .. } => end = Some(position),
                Fetched::OutOfRange(_) => values.push("out of range".to_owned()),
            }
        }
    }
    (values, end)
}

fn latest(broker: &SimulatedBroker, isolation: Isolation) -> i64 {
    broker.admin().unwrap().list_offsets(&[t0()], OffsetSpec::Latest, isolation).unwrap()[0]
}

fn at(offset: i64) -> [(TopicPartition, OffsetAndMetadata); 1] {
    [(t0(), OffsetAndMetadata { offset, metadata: String::new() })]
}

/// Sends, and waits for the answer.
fn ask(broker: &SimulatedBroker, transport: &mut dyn GroupTransport, request: GroupRequest) -> GroupResponse {
    transport.send(request);
    for _ in 0..100 {
        broker.advance(10);
        if let Some(response) = transport.poll() {
            return response;
        }
    }
    panic!("no answer")
}

fn join(member_id: &str) -> GroupRequest {
    GroupRequest::Join {
        member_id: member_id.to_owned(),
        instance_id: None,
        session_timeout_ms: 6_000,
        rebalance_timeout_ms: 10_000,
        topics: vec![],
        user_data: vec![],
    }
}

/// A member alone in its group.
fn member(broker: &SimulatedBroker) -> (Box<dyn GroupTransport>, GroupIdentity) {
    let mut transport = broker.group(GROUP).unwrap();
    let GroupResponse::Joined { error: error_code::MEMBER_ID_REQUIRED, member_id, .. } =
        ask(broker, &mut *transport, join(""))
    else {
        panic!("a first join is given an id")
    };
    let GroupResponse::Joined { error: 0, generation, .. } = ask(broker, &mut *transport, join(&member_id)) else {
        panic!("the second is let in")
    };
    let own = MemberAssignment { member_id: member_id.clone(), partitions: vec![], user_data: vec![7] };
    let sync =
        GroupRequest::Sync { generation, member_id: member_id.clone(), instance_id: None, assignments: vec![own] };
    let GroupResponse::Synced { error: 0, user_data } = ask(broker, &mut *transport, sync) else {
        panic!("it is given what it assigned")
    };
    assert_eq!(user_data, [7]);
    (transport, GroupIdentity { group_id: GROUP.into(), member_id, generation, instance_id: None })
}

#[test]
fn markers_and_aborted_records_are_invisible_and_the_end_lies_past_them() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    write(&mut *producer, "a");
    producer.commit_transaction().unwrap();
    write(&mut *producer, "b");
    producer.abort_transaction().unwrap();
    assert_eq!(read(&broker, 0), (vec!["a".to_owned()], Some(4)));
}

#[test]
fn an_open_transaction_holds_the_last_stable_offset_but_not_the_high_watermark() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    write(&mut *producer, "a");
    assert_eq!((latest(&broker, Isolation::ReadCommitted), latest(&broker, Isolation::ReadUncommitted)), (0, 1));
    assert_eq!(read(&broker, 0), (vec![], Some(0)));
}

#[test]
fn a_commit_is_answered_before_its_markers_land() {
    let broker = broker();
    broker.set_faults(Faults { late_markers_one_in: 1, latest_marker_ms: 1_000_000, ..Faults::none() });
    let mut producer = producer(&broker, "p");
    write(&mut *producer, "a");
    producer.commit_transaction().unwrap();
    assert_eq!(latest(&broker, Isolation::ReadCommitted), 0);
    broker.advance(1_000_001);
    assert_eq!(read(&broker, 0), (vec!["a".to_owned()], Some(2)));
}

#[test]
fn a_newer_producer_fences_the_older_and_aborts_what_it_left_open() {
    let broker = broker();
    let mut old = producer(&broker, "p");
    write(&mut *old, "a");
    let mut new = producer(&broker, "p");
    assert_eq!(old.commit_transaction().unwrap_err().kind, ErrorKind::ProducerFenced);
    write(&mut *new, "b");
    new.commit_transaction().unwrap();
    assert_eq!(read(&broker, 0).0, ["b"]);
}

#[test]
fn a_transaction_that_nobody_ends_is_aborted_and_its_producer_fenced() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    write(&mut *producer, "a");
    broker.advance(TRANSACTION_TIMEOUT_MS);
    broker.advance(TRANSACTION_TIMEOUT_MS);
    assert_eq!(producer.commit_transaction().unwrap_err().kind, ErrorKind::ProducerFenced);
    assert_eq!(read(&broker, 0), (vec![], Some(2)));
}

#[test]
fn a_position_outside_the_log_is_out_of_range_and_deleted_records_are_gone() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    for value in ["a", "b"] {
        write(&mut *producer, value);
        producer.commit_transaction().unwrap();
    }
    broker.admin().unwrap().delete_records(&[(t0(), 2)]).unwrap();
    assert_eq!(read(&broker, 0).0, ["out of range"]);
    assert_eq!(read(&broker, 2).0, ["b"]);
    assert_eq!(read(&broker, 9).0, ["out of range"]);
    assert!(broker.admin().unwrap().delete_records(&[(t0(), 9)]).is_err());
}

#[test]
fn offsets_in_a_transaction_show_once_it_is_committed_and_are_waited_for_until_then() {
    let broker = broker();
    let (_transport, identity) = member(&broker);
    let mut producer = producer(&broker, "p");
    producer.begin_transaction().unwrap();
    producer.send_offsets(&at(5), &identity).unwrap();
    let unstable = broker.admin().unwrap().committed_offsets(GROUP, &[t0()]).unwrap_err();
    assert_eq!((unstable.kind, unstable.code), (ErrorKind::Retriable, Some(88)));
    producer.commit_transaction().unwrap();
    let committed = broker.admin().unwrap().committed_offsets(GROUP, &[t0()]).unwrap();
    assert_eq!(committed[0].as_ref().unwrap().offset, 5);
}

#[test]
fn a_member_that_is_unknown_or_of_another_generation_cannot_commit() {
    let broker = broker();
    let (_transport, identity) = member(&broker);
    let mut producer = producer(&broker, "p");
    producer.begin_transaction().unwrap();
    let stale = GroupIdentity { generation: identity.generation - 1, ..identity.clone() };
    let error = producer.send_offsets(&at(5), &stale).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::MemberFenced, Some(error_code::ILLEGAL_GENERATION)));
    broker.advance(6_000);
    let error = producer.send_offsets(&at(5), &identity).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::MemberFenced, Some(error_code::UNKNOWN_MEMBER_ID)));
}

#[test]
fn a_second_member_makes_the_first_rejoin_and_the_old_generation_commits_until_it_has() {
    let broker = broker();
    let (mut first, identity) = member(&broker);
    let mut second = broker.group(GROUP).unwrap();
    let GroupResponse::Joined { member_id: other, .. } = ask(&broker, &mut *second, join("")) else { panic!() };
    second.send(join(&other));
    broker.advance(200);
    let (generation, member_id) = (identity.generation, identity.member_id.clone());
    let heartbeat = GroupRequest::Heartbeat { generation, member_id: member_id.clone(), instance_id: None };
    let GroupResponse::Heartbeat { error } = ask(&broker, &mut *first, heartbeat) else { panic!() };
    assert_eq!(error, error_code::REBALANCE_IN_PROGRESS);
    let mut producer = producer(&broker, "p");
    producer.begin_transaction().unwrap();
    producer.send_offsets(&at(5), &identity).unwrap();
    let GroupResponse::Joined { generation: next, members, .. } = ask(&broker, &mut *first, join(&member_id)) else {
        panic!()
    };
    assert_eq!((next, members.len()), (generation + 1, 2), "the leader stays and sees both");
    assert_eq!(producer.send_offsets(&at(6), &identity).unwrap_err().kind, ErrorKind::MemberFenced);
}

#[test]
fn a_dead_instance_changes_nothing_any_more() {
    let broker = broker();
    let mut producer = producer(&broker, "p");
    write(&mut *producer, "a");
    broker.die();
    assert_eq!(producer.commit_transaction().unwrap_err().kind, ErrorKind::Fatal);
    assert_eq!(broker.cluster().log(&t0()).unwrap().stable(), 0);
}
