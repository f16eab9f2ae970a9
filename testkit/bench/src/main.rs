//! Our engine beside Kafka Streams: the same topologies over the same topics, run in turn on one broker.
//!
//! ```text
//! comanda-bench run w2 --bootstrap … --id … --input … --output … --state … --records N    one run of ours
//! comanda-bench beside --bootstrap … --java … --peer-classpath … --state …                both, compared
//! ```

mod beside;
mod drain;
mod error;
mod figures;
mod outputs;
mod peer;
mod progress;
mod table;
mod topologies;
mod usage;
mod workload;

use clap::{Parser, Subcommand};
use error::BenchError;
use std::path::PathBuf;
use std::process::ExitCode;
use workload::Workload;

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
    /// Runs both engines in turn, compares their outputs and prints a table.
    Beside(beside::Plan),
}

/// One run of one engine.
#[derive(Clone, Debug, clap::Args)]
struct Job {
    workload: Workload,
    /// host:port of a broker.
    #[arg(long)]
    bootstrap: String,
    /// `application.id`.
    #[arg(long)]
    id: String,
    /// Topic with the backlog.
    #[arg(long)]
    input: String,
    /// Topic for the results; it must exist.
    #[arg(long)]
    output: String,
    /// State directory.
    #[arg(long)]
    state: PathBuf,
    /// Records in the backlog.
    #[arg(long)]
    records: u64,
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
        Command::Beside(plan) => plan.carry_out(),
    }
}
