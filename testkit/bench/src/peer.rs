//! Both engines as processes: Kafka Streams is `benches/peers/kafka-streams`, ours this program.

use crate::error::BenchError;
use crate::figures::Figures;
use crate::job::Job;
use crate::workload::Input;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How the peer is started.
#[derive(Clone, Debug, clap::Args)]
pub struct Peer {
    /// The `java` to run it with.
    #[arg(long)]
    java: PathBuf,
    /// Its classes and libraries.
    #[arg(long)]
    peer_classpath: String,
}

/// Which engine, by what is told apart in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Kafka Streams.
    Peer,
    /// Ours.
    Ours,
    /// Ours, committing as often as it pays.
    OursAtLowLatency,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 3] = [Engine::Peer, Engine::Ours, Engine::OursAtLowLatency];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Peer => "Kafka Streams",
            Engine::Ours => "Comanda",
            Engine::OursAtLowLatency => "Comanda, low latency",
        }
    }

    /// Its name in topics and folders.
    pub fn id(self) -> &'static str {
        match self {
            Engine::Peer => "peer",
            Engine::Ours => "comanda",
            Engine::OursAtLowLatency => "comanda-quick",
        }
    }

    /// `commit.interval.ms`: Kafka Streams' default under exactly-once, or ours for low latency.
    pub fn commit_ms(self) -> i64 {
        match self {
            Engine::Peer | Engine::Ours => 100,
            Engine::OursAtLowLatency => 5,
        }
    }
}

/// One gigabyte of heap and the collector of servers: on two processors Java would take the one for small machines.
const JVM: [&str; 4] =
    ["-Xmx1g", "-XX:+UseG1GC", "--enable-native-access=ALL-UNNAMED", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];

impl Peer {
    /// Fills an input topic.
    ///
    /// # Errors
    /// If the loader fails.
    pub fn load(&self, input: Input, bootstrap: &str, topic: &str, records: u64) -> Result<(), BenchError> {
        let mut command = self.java("load", input.kind);
        command.args([format!("bootstrap={bootstrap}"), format!("topic={topic}"), format!("records={records}")]);
        command.arg(format!("partitions={}", input.partitions));
        output_of("the loader", &mut command).map(drop)
    }

    /// Drains a backlog on one of the engines, in a process of its own.
    ///
    /// # Errors
    /// If it fails or tells no figures.
    pub fn drain(&self, engine: Engine, job: &Job) -> Result<Figures, BenchError> {
        Figures::of_output(&output_of(engine.name(), &mut self.command(engine, "run", job)?)?)
    }

    /// The command that has an engine do a job: `run` or `serve`.
    ///
    /// # Errors
    /// If this program cannot be found.
    pub fn command(&self, engine: Engine, act: &str, job: &Job) -> Result<Command, BenchError> {
        Ok(match engine {
            Engine::Peer => {
                let mut command = self.java(act, &job.workload.to_string());
                command.args(job.arguments().map(|(name, value)| format!("{name}={value}")));
                command
            }
            Engine::Ours | Engine::OursAtLowLatency => {
                let mut command = Command::new(std::env::current_exe().map_err(BenchError::io("find this program"))?);
                command.args([act, &job.workload.to_string()]);
                command.args(job.arguments().map(|(name, value)| format!("--{name}={value}")));
                command
            }
        })
    }

    fn java(&self, act: &str, workload: &str) -> Command {
        let mut command = Command::new(&self.java);
        command.args(JVM).args(["-cp", &self.peer_classpath, "comanda.peer.Main", act, workload]);
        command
    }
}

/// What it printed; its errors go where ours go.
fn output_of(engine: &'static str, command: &mut Command) -> Result<String, BenchError> {
    let output = command.stderr(Stdio::inherit()).output().map_err(BenchError::io(format!("start {engine}")))?;
    if !output.status.success() {
        return Err(BenchError::RunFailed { engine, status: output.status });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
