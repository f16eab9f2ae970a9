//! Our engine beside Kafka Streams: the same topologies over the same topics, run in turn on one broker.
//!
//! ```text
//! comanda-bench run w2 --bootstrap … --id … --input … --output … --state …      our engine drains a backlog
//! comanda-bench serve w6 --bootstrap … --id … --input … --output … --state …    our engine runs until its input ends
//! comanda-bench beside --bootstrap … --java … --peer-classpath … --state …      both, compared
//! ```

mod beside;
mod drain;
mod error;
mod feed;
mod figures;
mod job;
mod latency;
mod outputs;
mod peer;
mod progress;
mod reader;
mod restores;
mod serve;
mod service;
mod table;
mod topologies;
mod usage;
mod workload;

use clap::{Parser, Subcommand};
use error::BenchError;
use job::Job;
use std::process::ExitCode;

/// As the product's program has it: see `app`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Comanda Streams beside Kafka Streams.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Drains one workload's backlog on our engine and prints the figures as a line of JSON.
    Run(Job),
    /// Runs one workload on our engine until standard input ends, telling how the start goes.
    Serve(Job),
    /// Runs both engines in turn, compares their outputs and prints a table.
    Beside(beside::Plan),
}

fn main() -> ExitCode {
    match act(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("comanda-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn act(command: Command) -> Result<(), BenchError> {
    match command {
        Command::Run(job) => {
            println!("{}", drain::run(&job)?.to_json()?);
            Ok(())
        }
        Command::Serve(job) => serve::run(&job),
        Command::Beside(plan) => plan.carry_out(),
    }
}
