//! The state machine of one partition, with a registry in memory and no servers.

use super::*;
use crate::mapping::Mapping;
use comanda_registry::{MemoryRegistry, SchemaRegistry, avro_serde};
use comanda_schemas::{CorrelationId, Envelope, EtaPredicted, EventId, EventTime, OrderId, OrderStatus, RestaurantId};
use std::sync::Arc;
use uuid::Uuid;

const JANUARY_MS: i64 = 1_704_067_200_000;
const FEBRUARY_MS: i64 = 1_706_745_600_000;
const BOUNDS: Bounds = Bounds { rows: 3, bytes: 1 << 20, age_ms: 500 };

/// A partition with what it needs to work.
struct Bench {
    registry: Arc<dyn SchemaRegistry>,
    decoder: Decoder,
    layouts: Layouts,
    partition: Partition,
}

impl Bench {
    fn resume(mark: Mark) -> Self {
        let registry: Arc<dyn SchemaRegistry> = Arc::new(MemoryRegistry::default());
        let mapping = Mapping::all().unwrap().into_iter().find(|mapping| mapping.table == "etas").unwrap();
        let table = Arc::new(Table::of_migration(&mapping, include_str!("../../migrations/0005_etas.sql")));
        let partition = TopicPartition::new("etas", 0);
        let route = Route { partition, topic_id: TopicId([0; 16]), table, bounds: BOUNDS };
        Self {
            decoder: Decoder::new(registry.clone()),
            registry,
            layouts: Layouts::default(),
            partition: Partition::resume(route, mark),
        }
    }

    fn fetch(&mut self, offset: i64, at_ms: i64) {
        let id = Uuid::from_u128(offset as u128 + 1);
        let at = EventTime(at_ms);
        let eta = EtaPredicted {
            envelope: Envelope::first(EventId(id), at, CorrelationId(id), "test"),
            order_id: OrderId(id),
            restaurant_id: RestaurantId(id),
            zone: "centro".to_owned(),
            stage: OrderStatus::Ready,
            predicted_at: at,
            p50_at: at,
            p90_at: at,
        };
        let mut value = vec![];
        avro_serde(&self.registry).unwrap().serialize("etas", &eta, &mut value).unwrap();
        self.fetch_raw(offset, Some(value));
    }

    fn fetch_raw(&mut self, offset: i64, value: Option<Vec<u8>>) {
        let value = value.map(Into::into);
        self.partition.fetched(RawRecord { offset, value, ..RawRecord::default() });
    }

    fn work(&mut self, now_ms: i64) {
        self.partition.work(now_ms, &mut self.decoder, &mut self.layouts).unwrap();
    }

    /// The group takes what the partition wants it to hold.
    fn commit(&mut self) -> Mark {
        let mark = self.partition.wanted(true).unwrap();
        self.partition.committed(mark);
        mark
    }

    fn token(&mut self, now_ms: i64) -> Option<String> {
        self.partition.next_insert(now_ms).map(|block| block.token.replace(&"00".repeat(16), "id"))
    }
}

fn promise(delivered: i64, end: i64) -> Mark {
    Mark { delivered, promised: Some(end) }
}

#[test]
fn nothing_is_inserted_before_its_range_is_committed() {
    let mut bench = Bench::resume(Mark::at(10));
    (10..13).for_each(|offset| bench.fetch(offset, JANUARY_MS));
    bench.work(0);
    assert_eq!(bench.token(0), None);
    assert_eq!(bench.commit(), promise(10, 13));
    assert_eq!(bench.token(0).unwrap(), "etas-0/id/10-13/202401");
}

#[test]
fn a_range_is_delivered_when_every_month_of_it_is_inserted() {
    let mut bench = Bench::resume(Mark::at(0));
    [FEBRUARY_MS, JANUARY_MS, FEBRUARY_MS].into_iter().zip(0..).for_each(|(at, offset)| bench.fetch(offset, at));
    bench.work(0);
    bench.commit();
    assert_eq!(bench.token(0).unwrap(), "etas-0/id/0-3/202401");
    assert_eq!(bench.token(MIN_INSERT_INTERVAL_MS), None); // one at a time
    bench.partition.inserted();
    assert_eq!(bench.partition.wanted(true), None);
    assert_eq!(bench.token(0), None); // not faster than the table can remember
    assert_eq!(bench.token(MIN_INSERT_INTERVAL_MS).unwrap(), "etas-0/id/0-3/202402");
    bench.partition.inserted();
    assert_eq!(bench.commit(), Mark::at(3));
}

#[test]
fn the_next_range_is_promised_together_with_the_end_of_the_one_before() {
    let mut bench = Bench::resume(Mark::at(0));
    (0..6).for_each(|offset| bench.fetch(offset, JANUARY_MS));
    bench.work(0);
    bench.commit();
    bench.token(0).unwrap();
    bench.work(0); // fills up meanwhile
    bench.partition.inserted();
    bench.work(0);
    assert_eq!(bench.commit(), promise(3, 6));
    assert_eq!(bench.token(MIN_INSERT_INTERVAL_MS).unwrap(), "etas-0/id/3-6/202401");
}

#[test]
fn after_a_restart_exactly_the_promised_range_comes_again_whatever_the_bounds_are() {
    let mut bench = Bench::resume(promise(0, 5));
    (0..8).for_each(|offset| bench.fetch(offset, JANUARY_MS));
    assert_eq!(bench.partition.wanted(true), None);
    bench.work(0);
    assert_eq!(bench.token(0).unwrap(), "etas-0/id/0-5/202401");
    bench.partition.inserted();
    bench.work(0);
    assert_eq!(bench.commit(), promise(5, 8));
}

#[test]
fn a_promised_range_that_ends_in_markers_is_complete_when_something_comes_behind_them() {
    for next_is_record in [true, false] {
        let mut bench = Bench::resume(promise(0, 2));
        bench.fetch(0, JANUARY_MS); // offset 1 is a marker
        bench.work(0);
        assert_eq!(bench.token(0), None);
        if next_is_record {
            bench.fetch(2, JANUARY_MS);
        } else {
            bench.partition.end_seen(2);
        }
        bench.work(0);
        assert_eq!(bench.token(0).unwrap(), "etas-0/id/0-2/202401");
    }
}

#[test]
fn the_same_range_makes_the_same_rows() {
    let block = |mark, bounds: Bounds| {
        let mut bench = Bench::resume(mark);
        bench.partition.route.bounds = bounds;
        (0..3).for_each(|offset| bench.fetch(offset, JANUARY_MS));
        bench.work(0);
        bench.partition.wanted(true).into_iter().for_each(|mark| bench.partition.committed(mark));
        bench.partition.next_insert(0).unwrap()
    };
    let (first, again) = (block(Mark::at(0), BOUNDS), block(promise(0, 3), Bounds { rows: 1, ..BOUNDS }));
    assert_eq!((&first.token, &first.bytes), (&again.token, &again.bytes));
}

#[test]
fn a_failed_insert_is_made_again_with_the_same_token_after_a_longer_and_longer_pause() {
    let mut bench = Bench::resume(promise(0, 1));
    bench.fetch(0, JANUARY_MS);
    bench.work(0);
    let token = bench.token(0);
    let pauses = [(); 3].map(|()| {
        let pause_ms = bench.partition.failed(0);
        assert_eq!(bench.token(pause_ms - 1), None);
        assert_eq!(bench.token(pause_ms), token);
        pause_ms
    });
    assert_eq!(pauses, [100, 200, 400]);
    (0..40).for_each(|_| assert!(bench.partition.failed(0) <= LONGEST_BACKOFF_MS));
}

#[test]
fn a_refused_block_is_halved_until_the_row_is_alone_and_rejected() {
    let mut bench = Bench::resume(promise(0, 3));
    (0..3).for_each(|offset| bench.fetch(offset, JANUARY_MS));
    bench.work(0);
    let mut inserted = vec![];
    for step in 0.. {
        let Some(block) = bench.partition.next_insert(step * MIN_INSERT_INTERVAL_MS) else { break };
        let offsets: Vec<i64> = block.rows.iter().map(|row| row.record.offset).collect();
        if offsets.contains(&1) {
            bench.partition.refused("VIOLATED_CONSTRAINT");
        } else {
            inserted.extend(offsets);
            bench.partition.inserted();
        }
    }
    assert_eq!(inserted, [0, 2]);
    assert_eq!(bench.partition.wanted(true), None); // not delivered before the dead letter is
    let (rejected, mark) = bench.partition.dead_letters().unwrap();
    assert_eq!((rejected.len(), rejected[0].record.offset, mark), (1, 1, Mark::at(3)));
    bench.partition.dead_letters_sent(mark);
    assert_eq!((bench.partition.wanted(true), bench.partition.delivered()), (None, 3));
}

#[test]
fn what_is_no_row_waits_for_its_neighbours_inserts() {
    let mut bench = Bench::resume(promise(0, 3));
    bench.fetch(0, JANUARY_MS);
    bench.fetch_raw(1, Some(b"hello".to_vec()));
    bench.fetch(2, 99_999_999_999_999);
    bench.work(0);
    assert!(bench.partition.dead_letters().is_none());
    bench.token(0).unwrap();
    bench.partition.inserted();
    let (rejected, _) = bench.partition.dead_letters().unwrap();
    assert!(rejected[0].reason.starts_with("not Avro"), "{}", rejected[0].reason);
    assert_eq!(rejected[1].reason, "column occurred_at: 99999999999999 ms is outside of the years 1900 to 2299");
}

#[test]
fn tombstones_and_markers_only_move_the_offset() {
    let mut bench = Bench::resume(Mark::at(0));
    bench.fetch_raw(0, None);
    bench.partition.end_seen(3);
    bench.work(0);
    bench.work(BOUNDS.age_ms);
    assert_eq!((bench.commit(), bench.partition.take_skipped()), (Mark::at(3), 1));
}

#[test]
fn records_that_find_no_room_hold_the_consumer_back() {
    let mut bench = Bench::resume(Mark::at(0));
    (0..7).for_each(|offset| bench.fetch(offset, JANUARY_MS));
    bench.work(0); // 0 to 2 are sealed,
    bench.work(0); // 3 to 5 fill up, 6 waits
    assert!(bench.partition.is_clogged());
    bench.commit();
    bench.token(0).unwrap();
    bench.partition.inserted();
    bench.work(0);
    bench.work(0);
    assert!(!bench.partition.is_clogged());
}

#[test]
fn a_partition_about_to_be_given_away_promises_nothing_new() {
    let mut bench = Bench::resume(Mark::at(0));
    (0..3).for_each(|offset| bench.fetch(offset, JANUARY_MS));
    bench.work(0);
    assert_eq!(bench.partition.wanted(false), None);
    bench.commit();
    bench.token(0).unwrap();
    bench.partition.inserted();
    assert_eq!(bench.partition.wanted(false), Some(Mark::at(3)));
}

#[test]
fn a_registry_that_does_not_answer_makes_the_record_wait() {
    struct Away;
    impl SchemaRegistry for Away {
        fn register(&self, _: &str, _: &str) -> Result<comanda_registry::SchemaId, comanda_registry::RegistryError> {
            Err(away())
        }
        fn schema(&self, _: comanda_registry::SchemaId) -> Result<String, comanda_registry::RegistryError> {
            Err(away())
        }
    }
    fn away() -> comanda_registry::RegistryError {
        let text = str::to_owned;
        comanda_registry::RegistryError::Unavailable { attempt: text("ask"), url: text("u"), reason: text("down") }
    }
    let mut bench = Bench::resume(Mark::at(0));
    bench.fetch(0, JANUARY_MS);
    let mut without = Decoder::new(Arc::new(Away));
    assert!(bench.partition.work(0, &mut without, &mut bench.layouts).is_err());
    assert!(bench.partition.is_clogged());
    bench.work(0);
    bench.work(BOUNDS.age_ms);
    assert_eq!(bench.commit(), promise(0, 1));
}
