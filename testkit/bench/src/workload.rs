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
    /// From a record's production until its output can be read: a keyed reduction under steady input.
    W7,
    /// W2 as one task.
    W2p1,
    /// W2 as 16 tasks.
    W2p16,
}

/// What a workload reads, loaded before all runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// What the loader draws.
    pub kind: &'static str,
    /// Partitions of each of its topics.
    pub partitions: u32,
}

/// Workloads that are measured alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A backlog is drained.
    Drain,
    /// A state is restored.
    Restore,
    /// Records are waited for.
    Latency,
}

/// A figure that is told.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What, in which unit.
    pub name: &'static str,
    /// How many of it mean something.
    pub decimals: usize,
    /// Whether an engine wants it large.
    pub more_is_better: bool,
}

/// Record cache of W2c and W4a, Kafka Streams' default and ours.
const CACHE_BYTES: usize = 10 << 20;
/// W4a: a customer for so many orders.
const ORDERS_PER_CUSTOMER: u64 = 10;

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 9] = [
        Workload::W1,
        Workload::W2,
        Workload::W2c,
        Workload::W4a,
        Workload::W2p1,
        Workload::W2p16,
        Workload::W6,
        Workload::W6k,
        Workload::W7,
    ];

    /// How it is measured.
    pub fn family(self) -> Family {
        match self {
            Workload::W1 | Workload::W2 | Workload::W2c | Workload::W4a => Family::Drain,
            Workload::W2p1 | Workload::W2p16 => Family::Drain,
            Workload::W6 | Workload::W6k => Family::Restore,
            Workload::W7 => Family::Latency,
        }
    }

    /// Who runs it.
    pub fn engines(self) -> &'static [Engine] {
        match self {
            // How our own cost goes with the number of tasks.
            Workload::W2p1 | Workload::W2p16 => &[Engine::Ours],
            Workload::W7 => &[Engine::Peer, Engine::Ours, Engine::OursAtLowLatency],
            _ => &[Engine::Peer, Engine::Ours],
        }
    }

    /// Partitions of its input and output.
    pub fn partitions(self) -> u32 {
        match self {
            Workload::W2p1 => 1,
            Workload::W2p16 => 16,
            _ => 4,
        }
    }

    /// `statestore.cache.max.bytes`. A join's table has it as both engines' defaults give it: no update goes out from
    /// there.
    pub fn cache_bytes(self) -> usize {
        if matches!(self, Workload::W2c | Workload::W4a) { CACHE_BYTES } else { 0 }
    }

    /// Whether each output record is determined by the input; else only the last one of a key is, since a cache merges
    /// as commits fall.
    pub fn every_output_is_determined(self) -> bool {
        self != Workload::W2c
    }

    /// The input it reads; none if each run is fed as it goes.
    pub fn input(self) -> Option<Input> {
        let kind = match self {
            Workload::W1 => "w1",
            Workload::W2 | Workload::W2c | Workload::W2p1 | Workload::W2p16 => "w2",
            Workload::W4a => "w4a",
            Workload::W6 | Workload::W6k | Workload::W7 => return None,
        };
        Some(Input { kind, partitions: self.partitions() })
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
            Workload::W7 => "w7",
            Workload::W2p1 => "w2p1",
            Workload::W2p16 => "w2p16",
        })
    }
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 3] = [Family::Drain, Family::Restore, Family::Latency];

    /// What is told of each run, in the order of its figures.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Family::Drain => DRAIN,
            Family::Restore => RESTORE,
            Family::Latency => LATENCY,
        }
    }
}

const DRAIN: &[Column] = &[
    Column::less("CPU-s per 1M, warm", 2),
    Column::less("CPU-s per 1M, whole run", 2),
    Column::less("CPU-s to start", 2),
    Column::less("µs per record, warm", 2),
    Column::less("peak RSS, MB", 0),
];
const RESTORE: &[Column] = &[
    Column::less("records restored", 0),
    Column::less("% of the keys", 1),
    Column::less("s to RUNNING", 2),
    Column::less("s with the process's start", 2),
    Column::less("CPU-s to RUNNING", 2),
    Column::more("records/s", 0),
    Column::less("peak RSS, MB", 0),
];
const LATENCY: &[Column] = &[
    Column::less("p50, ms", 1),
    Column::less("p99, ms", 1),
    Column::less("longest, ms", 0),
    Column::less("cores", 3),
    Column::less("peak RSS, MB", 0),
];

impl Column {
    const fn less(name: &'static str, decimals: usize) -> Self {
        Self { name, decimals, more_is_better: false }
    }

    const fn more(name: &'static str, decimals: usize) -> Self {
        Self { name, decimals, more_is_better: true }
    }

    /// How many times `ours` is better than `theirs`.
    pub fn ratio(self, theirs: f64, ours: f64) -> f64 {
        if self.more_is_better { ours / theirs } else { theirs / ours }
    }

    /// A figure with its name.
    pub fn told(self, figure: f64) -> String {
        format!("{} {figure:.*}", self.name, self.decimals)
    }
}
