//! The sink's metrics, through the `metrics` facade.
//!
//! | Name | Kind | Labels |
//! |---|---|---|
//! | `comanda_sink_rows_total`, `…_inserts_total`, `…_insert_retries_total` | counter | topic |
//! | `comanda_sink_dead_letters_total`, `…_tombstones_total`, `…_records_lost_total` | counter | topic |
//! | `comanda_sink_lag_records` | gauge | topic, partition |
//! | `comanda_sink_last_insert_age_seconds` | gauge | – |
//!
//! Rows and inserts are counted as they are acknowledged; a repeated insert counts, though its rows are there once.

use crate::slots::Slots;
use comanda_streams::broker::{Admin, Isolation, OffsetSpec, TopicPartition};
use metrics::{counter, gauge};

/// The lag needs a call to the broker: not more often than this.
const EVERY_MS: i64 = 5_000;

/// Counts and measures.
#[derive(Default)]
pub(crate) struct Observer {
    next_ms: i64,
    last_insert_ms: Option<i64>,
}

impl Observer {
    pub fn inserted(&mut self, now_ms: i64, topic: &str, rows: usize) {
        self.last_insert_ms = Some(now_ms);
        counter!("comanda_sink_inserts_total", "topic" => topic.to_owned()).increment(1);
        counter!("comanda_sink_rows_total", "topic" => topic.to_owned()).increment(rows as u64);
    }

    pub fn retried(&self, topic: &str) {
        counter!("comanda_sink_insert_retries_total", "topic" => topic.to_owned()).increment(1);
    }

    pub fn dead_letters(&self, topic: &str, count: usize) {
        counter!("comanda_sink_dead_letters_total", "topic" => topic.to_owned()).increment(count as u64);
    }

    pub fn skipped(&self, topic: &str, tombstones: u64) {
        if tombstones > 0 {
            counter!("comanda_sink_tombstones_total", "topic" => topic.to_owned()).increment(tombstones);
        }
    }

    /// Lag and age, now and then.
    pub fn observe(&mut self, now_ms: i64, slots: &Slots, admin: &mut dyn Admin) {
        if now_ms < self.next_ms {
            return;
        }
        self.next_ms = now_ms + EVERY_MS;
        if let Some(last_ms) = self.last_insert_ms {
            gauge!("comanda_sink_last_insert_age_seconds").set((now_ms - last_ms) as f64 / 1_000.0);
        }
        let partitions: Vec<TopicPartition> = slots.iter().map(|slot| slot.partition.route.partition.clone()).collect();
        if partitions.is_empty() {
            return;
        }
        let ends = admin.list_offsets(&partitions, OffsetSpec::Latest, Isolation::ReadCommitted);
        let Ok(ends) = ends else {
            return; // the last measure stands; whoever needs the broker says that it is away
        };
        for ((slot, partition), end) in slots.iter().zip(partitions).zip(ends) {
            let lag = (end - slot.partition.delivered()).max(0) as f64;
            let (topic, number) = (partition.topic.to_string(), partition.partition.to_string());
            gauge!("comanda_sink_lag_records", "topic" => topic, "partition" => number).set(lag);
        }
    }
}
