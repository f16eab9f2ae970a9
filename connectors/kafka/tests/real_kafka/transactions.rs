//! What a producer promises.

use crate::fixture::*;
use bytes::Bytes;
use comanda_servers::unique_name;
use comanda_streams::broker::{Broker, ErrorKind, GroupIdentity, Headers, ProducedPartition};
use std::time::Instant;

#[test]
fn a_committed_transaction_is_read_as_it_was_sent_and_the_end_lies_past_its_marker() {
    let topic = topic(1);
    let mut producer = producer();
    let handle = producer.topic(&topic).unwrap();
    let headers = Headers::new(vec![("a".into(), Some(Bytes::from_static(b"1"))), ("b".into(), None)]);
    producer.begin_transaction().unwrap();
    producer.send(handle, Some(0), 1_000, Some(b"key"), Some(b"value"), &headers).unwrap();
    producer.send(handle, Some(0), 2_000, None, Some(b""), &Headers::EMPTY).unwrap();
    producer.send(handle, Some(0), 3_000, Some(b""), None, &Headers::EMPTY).unwrap();
    producer.flush().unwrap();
    assert_eq!(producer.take_produced(), [ProducedPartition { topic: handle, partition: 0, next_offset: 3 }]);
    assert!(producer.take_produced().is_empty());
    producer.commit_transaction().unwrap();

    let mut consumer = consumer(&topic, 0);
    let (records, end) = read_to_end(&mut *consumer);
    let seen: Vec<_> = records.iter().map(|r| (r.offset, r.timestamp, r.key.as_deref(), r.value.as_deref())).collect();
    assert_eq!(
        seen,
        [
            (0, 1_000, Some(&b"key"[..]), Some(&b"value"[..])),
            (1, 2_000, None, Some(&b""[..])),
            (2, 3_000, Some(&b""[..]), None),
        ]
    );
    assert_eq!(records[0].headers, headers);
    assert!(records[1].headers.is_empty());
    assert_eq!((end, consumer.position(ID)), (4, Some(4)));
}

#[test]
fn an_aborted_transaction_is_never_read_and_the_producer_goes_on() {
    let topic = topic(1);
    let mut producer = producer();
    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["dropped"]);
    producer.flush().unwrap();
    producer.abort_transaction().unwrap();
    assert!(producer.take_produced().is_empty());

    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["kept"]);
    producer.flush().unwrap();
    producer.commit_transaction().unwrap();
    assert_eq!(committed_values(&topic), ["kept"]);
}

/// Dropping queued records with librdkafka's purge instead would leave a gap in the sequence numbers, on which some
/// later transaction fails.
#[test]
fn an_abort_with_records_queued_and_in_flight_is_quick_and_leaves_the_next_transaction_whole() {
    let topic = topic(1);
    let mut producer = producer();
    for round in 0..8 {
        producer.begin_transaction().unwrap();
        send_values(&mut *producer, &topic, &vec![vec![b'x'; 500]; 20_000]);
        let started = Instant::now();
        producer.abort_transaction().unwrap();
        assert!(started.elapsed().as_secs() < 5, "{round}: {:?}", started.elapsed());

        producer.begin_transaction().unwrap();
        send_values(&mut *producer, &topic, &[format!("kept {round}")]);
        producer.flush().unwrap();
        producer.commit_transaction().unwrap();
    }
    assert_eq!(committed_values(&topic), (0..8).map(|round| format!("kept {round}")).collect::<Vec<_>>());
}

#[test]
fn a_full_buffer_makes_send_wait_and_loses_nothing() {
    let topic = topic(1);
    let count = 250_000; // more than the buffer takes
    fill(&topic, count, 10);
    let (records, end) = read_to_end(&mut *consumer(&topic, 0));
    assert_eq!((records.len(), end), (count, count as i64 + 1));
    assert!((0..).zip(&records).all(|(offset, record)| record.offset == offset && record.timestamp == offset + 1));
}

#[test]
fn a_newer_producer_of_the_same_id_fences_the_older() {
    let topic = topic(1);
    let id = unique_name("tx");
    let mut older = broker().producer(Some(&id)).unwrap();
    older.init_transactions().unwrap();
    older.begin_transaction().unwrap();
    send_values(&mut *older, &topic, &["of the older"]);
    older.flush().unwrap();

    let mut newer = broker().producer(Some(&id)).unwrap();
    newer.init_transactions().unwrap();
    let error = older.commit_transaction().unwrap_err();
    assert_eq!(error.kind, ErrorKind::ProducerFenced, "{error}");

    newer.begin_transaction().unwrap();
    send_values(&mut *newer, &topic, &["of the newer"]);
    newer.flush().unwrap();
    newer.commit_transaction().unwrap();
    assert_eq!(committed_values(&topic), ["of the newer"]);
}

#[test]
fn a_fenced_producer_learns_it_from_its_records_too() {
    let topic = topic(1);
    let id = unique_name("tx");
    let mut older = broker().producer(Some(&id)).unwrap();
    older.init_transactions().unwrap();
    let mut newer = broker().producer(Some(&id)).unwrap();
    newer.init_transactions().unwrap();

    older.begin_transaction().unwrap();
    send_values(&mut *older, &topic, &["too late"]);
    let error = older.flush().and_then(|()| older.commit_transaction()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::ProducerFenced, "{error}");
}

#[test]
fn offsets_come_back_with_their_metadata_once_the_transaction_is_committed() {
    let (topic, group_id) = (topic(2), unique_name("group"));
    let mut group = broker().group(&group_id).unwrap();
    let identity = join_alone(&mut *group, &group_id, &topic);
    let mut producer = producer();
    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["out"]);
    producer.flush().unwrap();
    let offsets = [(partition(&topic, 1), offset(7, "time=é"))];
    producer.send_offsets(&offsets, &identity).unwrap();
    producer.commit_transaction().unwrap();

    let asked = [partition(&topic, 0), partition(&topic, 1)];
    let committed = broker().admin().unwrap().committed_offsets(&group_id, &asked).unwrap();
    assert_eq!(committed, [None, Some(offset(7, "time=é"))]);
}

#[test]
fn offsets_of_a_stale_or_unknown_member_are_refused_and_the_producer_goes_on() {
    let (topic, group_id) = (topic(1), unique_name("group"));
    let mut group = broker().group(&group_id).unwrap();
    let current = join_alone(&mut *group, &group_id, &topic);
    let stale = GroupIdentity { generation: current.generation - 1, ..current.clone() };
    let stranger = GroupIdentity { member_id: "nobody".to_owned(), ..current.clone() };
    let mut producer = producer();
    for (who, code) in [(stale, 22), (stranger, 25)] {
        producer.begin_transaction().unwrap();
        send_values(&mut *producer, &topic, &["dropped"]);
        producer.flush().unwrap();
        let error = producer.send_offsets(&[(partition(&topic, 0), offset(1, ""))], &who).unwrap_err();
        assert_eq!((error.kind, error.code), (ErrorKind::MemberFenced, Some(code)), "{error}");
        producer.abort_transaction().unwrap();
    }

    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["kept"]);
    producer.flush().unwrap();
    producer.send_offsets(&[(partition(&topic, 0), offset(2, ""))], &current).unwrap();
    producer.commit_transaction().unwrap();
    assert_eq!(committed_values(&topic), ["kept"]);
    let committed = broker().admin().unwrap().committed_offsets(&group_id, &[partition(&topic, 0)]).unwrap();
    assert_eq!(committed, [Some(offset(2, ""))]);
}

#[test]
#[should_panic(expected = "offsets of no member")]
fn offsets_of_no_member_are_never_sent() {
    let nobody =
        GroupIdentity { group_id: "g".to_owned(), member_id: String::new(), generation: -1, instance_id: None };
    let mut producer = broker().producer(Some("never-used")).unwrap();
    let _ = producer.send_offsets(&[], &nobody);
}

#[test]
fn a_record_too_large_for_the_client_costs_the_transaction_not_the_producer() {
    let topic = topic(1);
    let mut producer = producer();
    let handle = producer.topic(&topic).unwrap();
    producer.begin_transaction().unwrap();
    let large = vec![0; 11 << 20];
    let error = producer.send(handle, Some(0), 1, None, Some(&large), &Headers::EMPTY).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Abortable, Some(10)), "{error}");
    producer.abort_transaction().unwrap();
    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["kept"]);
    producer.flush().unwrap();
    producer.commit_transaction().unwrap();
    assert_eq!(committed_values(&topic), ["kept"]);
}

#[test]
fn a_partition_that_does_not_exist_is_named() {
    let topic = topic(1);
    let mut producer = producer();
    let handle = producer.topic(&topic).unwrap();
    producer.begin_transaction().unwrap();
    let sent = producer.send(handle, Some(5), 1, None, Some(b"v"), &Headers::EMPTY);
    let error = sent.and_then(|()| producer.flush()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnknownTopic, "{error}");
    assert!(error.attempt.contains(&topic), "{error}");
    producer.abort_transaction().unwrap();
}

#[test]
fn a_plain_producer_needs_no_transaction() {
    let topic = topic(3);
    let mut producer = broker().producer(None).unwrap();
    let handle = producer.topic(&topic).unwrap();
    for _ in 0..10 {
        producer.send(handle, None, 1, None, Some(b"v"), &Headers::EMPTY).unwrap();
    }
    producer.flush().unwrap();
    let acknowledged: i64 = producer.take_produced().iter().map(|produced| produced.next_offset).sum();
    assert_eq!(acknowledged, 10);
}
