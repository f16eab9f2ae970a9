//! A stateful exactly-once application under faults, its load, and the judge of its outputs: one process each. The scripts
//! in `testkit/prove` start, kill, stop and pause them.
#![deny(unsafe_code, missing_docs)]

mod application;
mod judge;
mod load;
mod proxy;
mod topics;
mod totals;
mod waits;

use clap::{Parser, Subcommand};
use std::error::Error;
use std::path::PathBuf;

/// As the product's binary has it: what is measured here is to hold there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Creates input and output.
    Create { bootstrap: String },
    /// An instance of the application, with so many threads, until SIGTERM.
    Run { bootstrap: String, state_dir: PathBuf, threads: usize },
    /// Each key once, as fast as it goes, then any of them, so many a second or so many per cent of the application's
    /// measured capacity (`70%`), until SIGTERM.
    Load { bootstrap: String, keys: u64, then: load::Rate },
    /// Passes connections on; while it is stopped (SIGSTOP) nothing passes.
    Proxy { listen: String, target: String },
    /// Waits until the application has committed all of its input.
    Drained { bootstrap: String, limit_s: u64 },
    /// Compares outputs and state with a recomputation; says how long inputs waited around each fault.
    Judge { bootstrap: String, sent: u64, faults: PathBuf },
}

fn main() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().command {
        Command::Create { bootstrap } => topics::create(&bootstrap),
        Command::Run { bootstrap, state_dir, threads } => application::run(&bootstrap, &state_dir, threads),
        Command::Load { bootstrap, keys, then } => load::run(&bootstrap, keys, then),
        Command::Proxy { listen, target } => proxy::run(&listen, &target),
        Command::Drained { bootstrap, limit_s } => topics::await_drained(&bootstrap, limit_s),
        Command::Judge { bootstrap, sent, faults } => judge::run(&bootstrap, sent, &faults),
    }
}
