//! What is measured, and what sets the workloads apart.

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
}

/// Record cache of W2c, Kafka Streams' default.
const CACHE_BYTES: usize = 10 << 20;
/// W4a: a customer for so many orders.
const ORDERS_PER_CUSTOMER: u64 = 10;

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 4] = [Workload::W1, Workload::W2, Workload::W2c, Workload::W4a];

    /// `statestore.cache.max.bytes`.
    pub fn cache_bytes(self) -> usize {
        if self == Workload::W2c { CACHE_BYTES } else { 0 }
    }

    /// Whether each output record is determined by the input; else only the last one of a key is, since a cache merges
    /// as commits fall.
    pub fn every_output_is_determined(self) -> bool {
        self != Workload::W2c
    }

    /// The workload whose input it reads.
    pub fn loaded_as(self) -> &'static str {
        match self {
            Workload::W1 => "w1",
            Workload::W2 | Workload::W2c => "w2",
            Workload::W4a => "w4a",
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
        })
    }
}
