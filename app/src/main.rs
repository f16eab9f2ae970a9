//! `comanda`: one binary that runs any set of roles, and the demo.

mod clock;
mod cluster;
mod config;
mod demo;
mod edge;
mod error;
mod payments;
mod reader;
mod reconcile;
mod roles;
mod serve;
mod webhooks;

use clap::{Parser, Subcommand};
use config::Addresses;
use std::path::PathBuf;
use std::process::ExitCode;

/// Also librdkafka's and RocksDB's (feature `override`): librdkafka allocates each record on one thread and frees it on
/// another, at which glibc's allocator spends a third of the processor time that a count takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Food delivery on Kafka: stateful processors, a sink to ClickHouse, and an edge that decides nothing.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    addresses: Addresses,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Creates topics, registers schemas, makes tables: what has to be there before any role runs.
    Prepare,
    /// Runs roles until SIGTERM: order, payment, delivery, analytics, sink, edge; none given means all.
    Run {
        /// Roles.
        roles: Vec<roles::Role>,
        /// Where state is kept; each process needs a directory of its own.
        #[arg(long, env = "COMANDA_STATE_DIR", default_value = "state")]
        state_dir: PathBuf,
        /// Port of the edge, on loopback.
        #[arg(long, env = "COMANDA_EDGE_PORT", default_value_t = 8080)]
        edge_port: u16,
    },
    /// Holds a business day's ledger against the payment providers' own statements; fails if they differ.
    Reconcile {
        /// The day in Bogotá, YYYY-MM-DD.
        #[arg(long)]
        day: String,
    },
    /// Plays one evening of a simulated city through all roles, and compares the result with the city's own books.
    Demo(demo::DemoArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    init_log(matches!(cli.command, Command::Demo(_)));
    let outcome = match cli.command {
        Command::Prepare => cluster::prepare(&cli.addresses).map(|()| true),
        Command::Run { roles, state_dir, edge_port } => {
            serve::run(&cli.addresses, &roles, &state_dir, edge_port).map(|()| true)
        }
        Command::Reconcile { day } => reconcile::run(&cli.addresses, &day),
        Command::Demo(args) => demo::run(&cli.addresses, args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("comanda: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Logs to standard error; the demo is quiet unless `RUST_LOG` says otherwise.
fn init_log(quiet: bool) {
    let default = if quiet { "error" } else { "info" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| default.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
