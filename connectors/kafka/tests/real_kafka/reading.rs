//! What a consumer promises: the right records, each once, in order, and nothing from before.

use crate::fixture::*;
use comanda_streams::broker::{Broker, ConsumerRole, ErrorKind, Fetched, PartitionId};
use std::time::{Duration, Instant};

/// Polls until `done` says so; the offsets seen of partition 0's records.
fn offsets_until(
    consumer: &mut dyn comanda_streams::broker::Consumer,
    max: usize,
    mut done: impl FnMut(&[i64]) -> bool,
) -> Vec<i64> {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    while !done(&seen) {
        assert!(Instant::now() < deadline, "{} records within {PATIENCE:?}", seen.len());
        for fetched in poll(consumer, max) {
            if let Fetched::Record(ID, record) = fetched {
                seen.push(record.offset);
            }
        }
    }
    seen
}

#[test]
fn a_position_outside_the_log_is_told_and_nothing_comes_until_it_is_assigned_anew() {
    let topic = topic(1);
    fill(&topic, 10, 10);
    let mut consumer = consumer(&topic, 5_000);
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    while seen.is_empty() && Instant::now() < deadline {
        seen = poll(&mut *consumer, 100);
    }
    assert!(matches!(seen[..], [Fetched::OutOfRange(ID)]), "{seen:?}");
    assert!(poll(&mut *consumer, 100).is_empty());

    consumer.assign(ID, &partition(&topic, 0), 8).unwrap();
    let (records, end) = read_to_end(&mut *consumer);
    assert_eq!((records.iter().map(|r| r.offset).collect::<Vec<_>>(), end), (vec![8, 9], 11));
}

#[test]
fn a_position_that_was_deleted_is_out_of_range() {
    let topic = topic(1);
    fill(&topic, 100, 10);
    broker().admin().unwrap().delete_records(&[(partition(&topic, 0), 50)]).unwrap();
    let mut consumer = consumer(&topic, 10);
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    while seen.is_empty() && Instant::now() < deadline {
        seen = poll(&mut *consumer, 100);
    }
    assert!(matches!(seen[..], [Fetched::OutOfRange(ID)]), "{seen:?}");
}

#[test]
fn a_partition_assigned_at_another_offset_never_delivers_what_was_fetched_before() {
    const RECORDS: i64 = 40_000;
    let topic = topic(1);
    fill(&topic, RECORDS as usize, 50);
    let mut consumer = consumer(&topic, 0);
    for round in 0..200_i64 {
        let start = round * 7919 % (RECORDS - 300);
        consumer.assign(ID, &partition(&topic, 0), start).unwrap();
        // Few records at a time, so that the rest of a fetch waits in the client when the next round comes.
        let wanted = 1 + (round % 250) as usize;
        let seen = offsets_until(&mut *consumer, wanted, |seen| seen.len() >= wanted);
        assert!((start..).zip(&seen).all(|(expected, offset)| *offset == expected), "round {round}: {seen:?}");
        assert_eq!(consumer.position(ID), Some(start + seen.len() as i64));
    }
}

#[test]
fn a_number_or_a_partition_that_changes_hands_takes_nothing_with_it() {
    let (first, second) = (topic(1), topic(1));
    fill(&first, 1000, 10);
    fill(&second, 2000, 10);
    let mut consumer = consumer(&first, 0);
    offsets_until(&mut *consumer, 10, |seen| seen.len() >= 10);
    consumer.assign(ID, &partition(&second, 0), 1500).unwrap(); // the number goes to another partition
    let (records, _) = read_to_end(&mut *consumer);
    assert_eq!(records.iter().map(|r| r.offset).collect::<Vec<_>>(), (1500..2000).collect::<Vec<_>>());

    let other = PartitionId(3);
    consumer.assign(other, &partition(&second, 0), 1999).unwrap(); // the partition goes to another number
    assert_eq!(consumer.position(ID), None);
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    while seen.len() < 2 && Instant::now() < deadline {
        seen.extend(poll(&mut *consumer, 10));
    }
    let [Fetched::Record(PartitionId(3), record), Fetched::End { partition: PartitionId(3), position: 2001 }] =
        &seen[..]
    else {
        panic!("{seen:?}")
    };
    assert_eq!(record.offset, 1999);
}

#[test]
fn an_unassigned_partition_is_silent() {
    let topic = topic(1);
    fill(&topic, 5_000, 10);
    let mut consumer = consumer(&topic, 0);
    offsets_until(&mut *consumer, 10, |seen| seen.len() >= 10);
    consumer.unassign(ID).unwrap();
    assert!((0..5).all(|_| poll(&mut *consumer, 100).is_empty()));
    assert!(consumer.pause(ID).is_err());
}

#[test]
fn a_paused_partition_is_silent_while_others_go_on_and_misses_nothing_afterwards() {
    const RECORDS: usize = 20_000;
    const LARGE: usize = 500; // 10 MB: more than a pause holds back
    let (paused, other) = (topic(1), topic(1));
    fill(&paused, RECORDS, LARGE);
    fill(&other, RECORDS, LARGE);
    let mut consumer = broker().consumer(ConsumerRole::Main).unwrap();
    let other_id = PartitionId(1);
    consumer.assign(ID, &partition(&paused, 0), 0).unwrap();
    consumer.assign(other_id, &partition(&other, 0), 0).unwrap();
    let mut seen = offsets_until(&mut *consumer, 100, |seen| seen.len() >= 100);

    for round in 0..3 {
        consumer.pause(ID).unwrap();
        assert_eq!(consumer.position(ID), Some(seen.len() as i64));
        let deadline = Instant::now() + Duration::from_millis(if round == 0 { 3_000 } else { 200 });
        while Instant::now() < deadline {
            assert!(poll(&mut *consumer, 500).iter().all(|f| !matches!(f, Fetched::Record(ID, _))));
        }
        consumer.resume(ID).unwrap();
        seen.extend(offsets_until(&mut *consumer, 500, |seen| seen.len() >= 1_000));
    }
    let left = RECORDS - seen.len();
    seen.extend(offsets_until(&mut *consumer, 2_000, |seen| seen.len() >= left));
    assert_eq!(seen, (0..RECORDS as i64).collect::<Vec<_>>());
    assert_eq!(consumer.position(other_id), Some(RECORDS as i64 + 1));
}

#[test]
fn a_resumed_partition_that_was_moved_while_paused_starts_at_its_new_place() {
    let topic = topic(1);
    fill(&topic, 10_000, 10);
    let mut consumer = consumer(&topic, 0);
    offsets_until(&mut *consumer, 10, |seen| seen.len() >= 10);
    consumer.pause(ID).unwrap();
    assert!((0..5).all(|_| poll(&mut *consumer, 100).is_empty()));
    consumer.assign(ID, &partition(&topic, 0), 9_000).unwrap();
    let (records, _) = read_to_end(&mut *consumer);
    assert_eq!(records.iter().map(|r| r.offset).collect::<Vec<_>>(), (9_000..10_000).collect::<Vec<_>>());
}

#[test]
fn the_end_is_told_again_after_more_was_written_and_stands_past_an_abort() {
    let topic = topic(1);
    fill(&topic, 3, 10);
    let mut consumer = consumer(&topic, 0);
    assert_eq!(read_to_end(&mut *consumer).1, 4);
    let mut producer = producer();
    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["dropped", "dropped"]);
    producer.flush().unwrap();
    producer.abort_transaction().unwrap();
    let (records, end) = read_to_end(&mut *consumer);
    assert_eq!((records.len(), end), (0, 7)); // two records and the abort's marker
    fill(&topic, 2, 10);
    let (records, end) = read_to_end(&mut *consumer);
    assert_eq!((records.iter().map(|r| r.offset).collect::<Vec<_>>(), end), (vec![7, 8], 10));
}

#[test]
fn an_open_transaction_holds_back_what_lies_behind_it() {
    let topic = topic(1);
    fill(&topic, 2, 10);
    let mut producer = producer();
    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["open"]);
    producer.flush().unwrap();
    let mut consumer = consumer(&topic, 0);
    let (records, end) = read_to_end(&mut *consumer);
    assert_eq!((records.len(), end), (2, 3));
    producer.commit_transaction().unwrap();
    let (records, end) = read_to_end(&mut *consumer);
    assert_eq!((records.len(), end), (1, 5));
}

#[test]
fn records_outlive_their_poll_and_their_consumer() {
    let topic = topic(1);
    fill(&topic, 3_000, 100);
    let (records, _) = read_to_end(&mut *consumer(&topic, 0));
    assert!(records.iter().all(|r| r.value.as_deref() == Some(&[b'x'; 100][..])));
}

#[test]
fn a_missing_topic_is_named() {
    let name = comanda_servers::unique_name("missing");
    let broker = comanda_kafka::KafkaBroker::new(
        comanda_kafka::KafkaSettings::new(comanda_servers::Servers::kafka())
            .with("main.consumer.topic.metadata.propagation.max.ms", "100"),
    )
    .unwrap();
    let mut consumer = broker.consumer(ConsumerRole::Main).unwrap();
    consumer.assign(ID, &partition(&name, 0), 0).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < deadline, "no error");
        if let Err(error) = consumer.poll(Duration::from_millis(100), 10, &mut Vec::new()) {
            break error;
        }
    };
    assert_eq!(error.kind, ErrorKind::UnknownTopic, "{error}");
    assert!(error.attempt.contains(&name), "{error}");
}
