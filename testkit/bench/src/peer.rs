//! Kafka Streams as a process: `benches/peers/kafka-streams`.

use crate::Job;
use crate::error::BenchError;
use crate::figures::Figures;
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

/// One gigabyte of heap and the collector of servers: on two processors Java would take the one for small machines.
const JVM: [&str; 4] =
    ["-Xmx1g", "-XX:+UseG1GC", "--enable-native-access=ALL-UNNAMED", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];

impl Peer {
    /// Fills an input topic.
    ///
    /// # Errors
    /// If the loader fails.
    pub fn load(&self, workload: &str, bootstrap: &str, topic: &str, records: u64) -> Result<(), BenchError> {
        let mut command = self.command("load", workload);
        command.args([format!("bootstrap={bootstrap}"), format!("topic={topic}"), format!("records={records}")]);
        output_of("the loader", &mut command).map(drop)
    }

    /// One run.
    ///
    /// # Errors
    /// If it fails or tells no figures.
    pub fn run(&self, job: &Job) -> Result<Figures, BenchError> {
        let mut command = self.command("run", &job.workload.to_string());
        command.args([
            format!("bootstrap={}", job.bootstrap),
            format!("id={}", job.id),
            format!("input={}", job.input),
            format!("output={}", job.output),
            format!("state={}", job.state.display()),
            format!("records={}", job.records),
        ]);
        Figures::of_output(&output_of("Kafka Streams", &mut command)?)
    }

    fn command(&self, act: &str, workload: &str) -> Command {
        let mut command = Command::new(&self.java);
        command.args(JVM).args(["-cp", &self.peer_classpath, "comanda.peer.Main", act, workload]);
        command
    }
}

/// One run of ours, in a process of its own as the peer's.
///
/// # Errors
/// If it fails or tells no figures.
pub fn run_ours(job: &Job) -> Result<Figures, BenchError> {
    let program = std::env::current_exe().map_err(BenchError::io("find this program"))?;
    let mut command = Command::new(program);
    command.args(["run", &job.workload.to_string()]);
    command.args(["--bootstrap", &job.bootstrap, "--id", &job.id, "--input", &job.input, "--output", &job.output]);
    command.arg("--state").arg(&job.state).args(["--records", &job.records.to_string()]);
    Figures::of_output(&output_of("Comanda", &mut command)?)
}

/// What it printed; its errors go where ours go.
fn output_of(engine: &'static str, command: &mut Command) -> Result<String, BenchError> {
    let output = command.stderr(Stdio::inherit()).output().map_err(BenchError::io(format!("start {engine}")))?;
    if !output.status.success() {
        return Err(BenchError::RunFailed { engine, status: output.status });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
