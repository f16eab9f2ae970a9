//! What is measured, and what sets the workloads apart.

use crate::peer::Engine;
use std::fmt;

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Workload {
    /// Filter (drops a tenth) and map 200-byte values: no state.
    W1,
    /// Count 100-byte records by 100,000 keys; every update goes out.
    W2,
    /// The same with a record cache: updates of a key are merged until the commit.
    W2c,
    /// Left join of 100-byte orders with a table of customers, a tenth of the orders as many; nine in ten orders have one.
    W4a,
    /// Restore of a table of 100-byte rows, one record a key, after its state was deleted.
    W6,
    /// The same after `kill -9` in steady state.
    W6k,
}

/// Workloads that are measured alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A backlog is drained.
    Drain,
    /// A state is restored.
    Restore,
}

/// A figure that is told.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What, in which unit.
    pub name: &'static str,
    /// How many of it mean something.
    pub decimals: usize,
}

/// Record cache of W2c, Kafka Streams' default.
const CACHE_BYTES: usize = 10 << 20;
/// W4a: a customer for so many orders.
const ORDERS_PER_CUSTOMER: u64 = 10;

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 6] =
        [Workload::W1, Workload::W2, Workload::W2c, Workload::W4a, Workload::W6, Workload::W6k];

    /// How it is measured.
    pub fn family(self) -> Family {
        match self {
            Workload::W1 | Workload::W2 | Workload::W2c | Workload::W4a => Family::Drain,
            Workload::W6 | Workload::W6k => Family::Restore,
        }
    }

    /// Who runs it.
    pub fn engines(self) -> &'static [Engine] {
        &[Engine::Peer, Engine::Ours]
    }

    /// `statestore.cache.max.bytes`.
    pub fn cache_bytes(self) -> usize {
        if self == Workload::W2c { CACHE_BYTES } else { 0 }
    }

    /// Whether each output record is determined by the input; else only the last one of a key is, since a cache merges
    /// as commits fall.
    pub fn every_output_is_determined(self) -> bool {
        self != Workload::W2c
    }

    /// The workload whose input it reads, loaded before all runs; none if each run is fed as it goes.
    pub fn loaded_as(self) -> Option<&'static str> {
        match self {
            Workload::W1 => Some("w1"),
            Workload::W2 | Workload::W2c => Some("w2"),
            Workload::W4a => Some("w4a"),
            Workload::W6 | Workload::W6k => None,
        }
    }

    /// Records to read when its input topic has `records`: a table's come on top.
    pub fn backlog(self, records: u64) -> u64 {
        match self {
            Workload::W4a => records + records / ORDERS_PER_CUSTOMER,
            _ => records,
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Workload::W1 => "w1",
            Workload::W2 => "w2",
            Workload::W2c => "w2c",
            Workload::W4a => "w4a",
            Workload::W6 => "w6",
            Workload::W6k => "w6k",
        })
    }
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 2] = [Family::Drain, Family::Restore];

    /// What is told of each run, in the order of its figures.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Family::Drain => &[
                Column { name: "CPU-s per 1M, warm", decimals: 2 },
                Column { name: "CPU-s per 1M, whole run", decimals: 2 },
                Column { name: "CPU-s to start", decimals: 2 },
                Column { name: "µs per record, warm", decimals: 2 },
                Column { name: "peak RSS, MB", decimals: 0 },
            ],
            Family::Restore => &[
                Column { name: "records restored", decimals: 0 },
                Column { name: "% of the keys", decimals: 1 },
                Column { name: "s to RUNNING", decimals: 2 },
                Column { name: "s with the process's start", decimals: 2 },
                Column { name: "CPU-s to RUNNING", decimals: 2 },
                Column { name: "records/s", decimals: 0 },
                Column { name: "peak RSS, MB", decimals: 0 },
            ],
        }
    }
}

impl Column {
    /// A figure with its name.
    pub fn told(self, figure: f64) -> String {
        format!("{} {figure:.*}", self.name, self.decimals)
    }
}
