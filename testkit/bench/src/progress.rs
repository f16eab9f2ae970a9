//! What the topology has read and written so far, and what the process had used when the first record came.

use crate::usage::Usage;
use comanda_streams::{Deserializer, Serde, SerdeError, Serializer};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Counters that the topology moves and the measuring thread reads.
#[derive(Default)]
pub struct Progress {
    records: AtomicU64,
    outputs: AtomicU64,
    at_first: OnceLock<Usage>,
}

impl Progress {
    /// Counts an input record, handing its time back.
    pub fn record(&self, timestamp: i64) -> i64 {
        if self.at_first.get().is_none() {
            // Unreadable accounting shows as "no first record" when the run is over.
            let _ = Usage::now().map(|usage| self.at_first.set(usage));
        }
        self.records.fetch_add(1, Ordering::Relaxed);
        timestamp
    }

    /// Input records so far.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Output records so far.
    pub fn outputs(&self) -> u64 {
        self.outputs.load(Ordering::Relaxed)
    }

    /// The process's usage when the first record came.
    pub fn at_first(&self) -> Option<Usage> {
        self.at_first.get().copied()
    }

    /// `serde`, counting what it writes.
    pub fn counting<T: 'static>(self: &Arc<Self>, serde: Serde<T>) -> Serde<T> {
        Serde::new(Counting { serde: serde.clone(), progress: self.clone() }, Reading(serde))
    }
}

struct Counting<T> {
    serde: Serde<T>,
    progress: Arc<Progress>,
}

impl<T> Serializer<T> for Counting<T> {
    fn serialize(&self, topic: &str, value: &T, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        self.progress.outputs.fetch_add(1, Ordering::Relaxed);
        self.serde.serialize(topic, value, out)
    }
}

struct Reading<T>(Serde<T>);

impl<T> Deserializer<T> for Reading<T> {
    fn deserialize(&self, topic: &str, bytes: &[u8]) -> Result<T, SerdeError> {
        self.0.deserialize(topic, bytes)
    }
}
