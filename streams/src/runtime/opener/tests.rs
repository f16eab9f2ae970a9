//! How much of a change log an opening reads, on a broker that holds one log and nothing else.

use super::*;
use crate::config::StreamsConfig;
use crate::runtime::one_log::{HOUR_MS, Log, OneLog, shared};
use crate::runtime::restore_rate::RestoreRate;
use crate::{Consumed, Grouped, Materialized, Serdes, StreamsBuilder};
use comanda_state_stores::Positions;

const TASK: TaskId = TaskId { sub_topology: 0, partition: 0 };

fn opener(broker: &OneLog) -> Opener {
    opener_with_rate(broker, 0)
}

fn opener_with_rate(broker: &OneLog, bytes_per_s: u64) -> Opener {
    let builder = StreamsBuilder::new();
    let text = Serdes::string;
    builder
        .stream("in", Consumed::with(text(), text()))
        .group_by_key(Grouped::with(text(), text()))
        .count(Materialized::with(text(), Serdes::long()).named("counts"));
    let shared = shared(broker, builder.build().unwrap(), StreamsConfig::new("app", ""));
    *shared.restore_rate.lock().unwrap() = RestoreRate::new(bytes_per_s);
    Opener::new(Arc::new(shared)).unwrap()
}

fn job(at_hour: i64) -> OpenJob {
    OpenJob { task: TASK, fence: vec![], wipe: false, now_ms: at_hour * HOUR_MS }
}

/// Opens the task at an hour and saves its state; the records that it took.
fn restored(opener: &mut Opener, at_hour: i64) -> Result<u64, StreamsError> {
    opener.submit(job(at_hour));
    let opened = std::iter::from_fn(|| Some(opener.step(0, Duration::ZERO))).flatten().next().unwrap();
    let OpenedState { mut storage, restored, .. } = opened.outcome?;
    storage.commit(&Positions::default());
    storage.apply()?;
    storage.flush()?;
    Ok(restored.records)
}

/// Records read by an opening of a state that had all of a log of ten records at hour 0.
fn restored_later(topic_id: u8, end: i64, at_hour: i64) -> u64 {
    let broker = OneLog::new(10);
    let mut opener = opener(&broker);
    assert_eq!(restored(&mut opener, 0).unwrap(), 10);
    *broker.get() = Log { topic_id, end, restless: false };
    restored(&mut opener, at_hour).unwrap()
}

#[test]
fn the_tail_alone_is_read_while_its_tombstones_are_kept() {
    assert_eq!(restored_later(1, 13, 5), 3);
}

#[test]
fn all_is_read_of_a_topic_that_was_made_again() {
    assert_eq!(restored_later(2, 13, 5), 13);
}

#[test]
fn all_is_read_once_tombstones_of_the_tail_may_be_gone() {
    assert_eq!(restored_later(1, 13, 6), 13);
}

#[test]
fn nothing_is_read_of_a_log_without_a_tail_however_old_the_state() {
    assert_eq!(restored_later(1, 10, 100), 0);
}

#[test]
fn a_state_is_as_young_as_its_last_restore() {
    let broker = OneLog::new(10);
    let mut opener = opener(&broker);
    let mut read = vec![];
    for (end, at_hour) in [(10, 0), (13, 5), (14, 10), (15, 16)] {
        broker.get().end = end;
        read.push(restored(&mut opener, at_hour).unwrap());
    }
    assert_eq!(read, [10, 3, 1, 15]);
}

#[test]
fn a_topic_made_again_while_its_ends_are_asked_for_is_asked_again() {
    let broker = OneLog::restless(10);
    let outcome = restored(&mut opener(&broker), 0);
    assert!(matches!(outcome, Err(StreamsError::Retry(_))), "{outcome:?}");
}

#[test]
fn what_was_read_is_waited_for_before_more_is_read() {
    let broker = OneLog::new(10);
    // Ten records of nine bytes at nine bytes a second.
    let mut opener = opener_with_rate(&broker, 9);
    assert_eq!(restored(&mut opener, 0).unwrap(), 10);
    broker.get().end = 13;
    opener.submit(job(0));
    assert!((0..100).all(|_| opener.step(9_999, Duration::ZERO).is_none()));
    let opened = opener.step(10_000, Duration::ZERO).expect("it may read now");
    assert_eq!(opened.outcome.unwrap().restored.records, 3);
}
