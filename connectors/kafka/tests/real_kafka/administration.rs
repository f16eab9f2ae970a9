//! Topics and offsets asked for outside the hot path.

use crate::fixture::*;
use comanda_servers::unique_name;
use comanda_streams::broker::{Broker, ErrorKind, Isolation, NewTopic, OffsetSpec};
use std::time::{Duration, Instant};

#[test]
fn topics_are_created_once_described_in_order_and_listed() {
    let mut admin = broker().admin().unwrap();
    let (name, missing) = (unique_name("admin"), unique_name("missing"));
    let new = NewTopic {
        name: name.clone(),
        partitions: 3,
        replication: -1,
        configs: vec![("cleanup.policy".to_owned(), "compact".to_owned())],
    };
    admin.create_topics(std::slice::from_ref(&new)).unwrap();
    admin.create_topics(&[new]).unwrap();

    let described = admin.describe_topics(&[&missing, &name]).unwrap();
    let [None, Some(found)] = &described[..] else { panic!("{described:?}") };
    assert_eq!((&found.name, found.partitions), (&name, 3));
    assert_ne!(found.id, [0; 16]);
    let listed = admin.list_topics().unwrap();
    assert!(listed.contains(&name) && !listed.contains(&missing));
    assert_eq!(admin.topic_config(&name, "cleanup.policy").unwrap().as_deref(), Some("compact"));
    assert_eq!(admin.topic_config(&name, "no.such.setting").unwrap(), None);
}

#[test]
fn an_invalid_topic_is_refused_in_kafkas_words() {
    let new = NewTopic {
        name: unique_name("admin"),
        partitions: 1,
        replication: 1,
        configs: vec![("cleanup.policy".to_owned(), "nonsense".to_owned())],
    };
    let error = broker().admin().unwrap().create_topics(&[new]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.reason.contains("nonsense"), "{error}");
}

#[test]
fn the_latest_offset_depends_on_the_isolation() {
    let topic = topic(2);
    fill(&topic, 3, 10);
    let mut producer = producer();
    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["open", "open"]);
    producer.flush().unwrap();

    let mut admin = broker().admin().unwrap();
    let asked = [partition(&topic, 1), partition(&topic, 0)];
    let mut list = |spec, isolation| admin.list_offsets(&asked, spec, isolation).unwrap();
    assert_eq!(list(OffsetSpec::Latest, Isolation::ReadUncommitted), [0, 6]);
    assert_eq!(list(OffsetSpec::Latest, Isolation::ReadCommitted), [0, 4]);
    assert_eq!(list(OffsetSpec::Earliest, Isolation::ReadCommitted), [0, 0]);
    producer.abort_transaction().unwrap();
}

#[test]
fn deleted_records_move_the_earliest_offset() {
    let topic = topic(1);
    fill(&topic, 10, 10);
    let mut admin = broker().admin().unwrap();
    let before = |offset| [(partition(&topic, 0), offset)];
    admin.delete_records(&before(4)).unwrap();
    admin.delete_records(&before(2)).unwrap(); // below the start: nothing to do
    let earliest = admin.list_offsets(&[partition(&topic, 0)], OffsetSpec::Earliest, Isolation::ReadCommitted);
    assert_eq!(earliest.unwrap(), [4]);
    assert!(admin.delete_records(&before(1000)).is_err());
}

#[test]
fn a_partition_that_does_not_exist_is_an_unknown_topic() {
    let asked = [partition(&topic(1), 7)];
    let listed = broker().admin().unwrap().list_offsets(&asked, OffsetSpec::Latest, Isolation::ReadCommitted);
    assert_eq!(listed.unwrap_err().kind, ErrorKind::UnknownTopic);
}

#[test]
fn committed_offsets_wait_for_the_open_transaction_on_them() {
    let (topic, group_id) = (topic(1), unique_name("group"));
    let mut group = broker().group(&group_id).unwrap();
    let member = join_alone(&mut *group, &group_id, &topic);
    let mut producer = producer();
    producer.begin_transaction().unwrap();
    send_values(&mut *producer, &topic, &["out"]);
    producer.flush().unwrap();
    producer.send_offsets(&[(partition(&topic, 0), offset(9, ""))], &member).unwrap();

    let asked = [partition(&topic, 0)];
    let waiting = std::thread::spawn(move || broker().admin().unwrap().committed_offsets(&group_id, &asked));
    std::thread::sleep(Duration::from_millis(500));
    let was_waiting = !waiting.is_finished();
    let started = Instant::now();
    producer.commit_transaction().unwrap();
    assert_eq!(waiting.join().unwrap().unwrap(), [Some(offset(9, ""))]);
    assert!(was_waiting && started.elapsed() < Duration::from_secs(5));
}
