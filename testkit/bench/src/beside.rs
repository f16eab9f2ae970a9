//! Both engines in turn over the same input: A B, B A, A B, so that a machine that grows busy favours neither.

use crate::Job;
use crate::error::BenchError;
use crate::figures::Figures;
use crate::outputs::{Outputs, PARTITIONS};
use crate::peer::{Peer, run_ours};
use crate::table;
use crate::usage::load_average;
use crate::workload::Workload;
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_streams::broker::{Broker, NewTopic};
use std::path::PathBuf;

/// What to compare.
#[derive(Clone, Debug, clap::Args)]
pub struct Plan {
    /// Workloads, all if none is given.
    workloads: Vec<Workload>,
    /// host:port of a broker that has none of our topics.
    #[arg(long)]
    bootstrap: String,
    /// Folder for both engines' state.
    #[arg(long)]
    state: PathBuf,
    /// Records of each input.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Runs of each engine and workload.
    #[arg(long, default_value_t = 3)]
    runs: u32,
    #[command(flatten)]
    peer: Peer,
}

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Kafka Streams.
    Peer,
    /// Ours.
    Ours,
}

impl Engine {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Peer => "Kafka Streams",
            Engine::Ours => "Comanda",
        }
    }

    fn id(self) -> &'static str {
        match self {
            Engine::Peer => "peer",
            Engine::Ours => "comanda",
        }
    }
}

/// One finished run.
pub struct Run {
    /// Workload.
    pub workload: Workload,
    /// Engine.
    pub engine: Engine,
    /// What it took.
    pub figures: Figures,
}

impl Plan {
    /// Loads, runs, compares, prints.
    ///
    /// # Errors
    /// If a run fails or the engines' outputs differ.
    pub fn carry_out(&self) -> Result<(), BenchError> {
        let broker = KafkaBroker::new(KafkaSettings::new(&self.bootstrap))?;
        let workloads = if self.workloads.is_empty() { &Workload::ALL[..] } else { &self.workloads };
        self.load(workloads)?;
        let mut runs = vec![];
        for round in 0..self.runs {
            for workload in workloads {
                runs.extend(self.round(&broker, *workload, round)?);
            }
        }
        println!("\n{}", table::of(workloads, &runs));
        Ok(())
    }

    fn load(&self, workloads: &[Workload]) -> Result<(), BenchError> {
        let mut kinds: Vec<&str> = workloads.iter().map(|workload| workload.loaded_as()).collect();
        kinds.dedup();
        for kind in kinds {
            eprintln!("loading {} records for {kind} …", self.records);
            self.peer.load(kind, &self.bootstrap, &input_topic(kind), self.records)?;
        }
        Ok(())
    }

    /// One run of each engine, outputs compared.
    fn round(&self, broker: &dyn Broker, workload: Workload, round: u32) -> Result<Vec<Run>, BenchError> {
        let order = if round.is_multiple_of(2) { [Engine::Peer, Engine::Ours] } else { [Engine::Ours, Engine::Peer] };
        let mut runs = vec![];
        let mut outputs = vec![];
        for engine in order {
            let job = self.job(workload, engine, round);
            runs.push(Run { workload, engine, figures: run(broker, &self.peer, engine, &job)? });
            outputs.push(Outputs::read(broker, &job.output, workload)?);
        }
        let expected_outputs = outputs[0].len();
        match outputs[0].difference(&outputs[1]) {
            Some(difference) => Err(BenchError::OutputsDiffer { workload, difference }),
            None => {
                let what = if workload.every_output_is_determined() { "records in order" } else { "last values" };
                eprintln!("{workload} run {}: outputs are equal ({expected_outputs} {what})", round + 1);
                Ok(runs)
            }
        }
    }

    fn job(&self, workload: Workload, engine: Engine, round: u32) -> Job {
        let id = format!("{}-{workload}-{}", engine.id(), round + 1);
        Job {
            workload,
            bootstrap: self.bootstrap.clone(),
            input: input_topic(workload.loaded_as()),
            output: format!("{id}-out"),
            state: self.state.join(&id),
            records: workload.backlog(self.records),
            id,
        }
    }
}

fn input_topic(kind: &str) -> String {
    format!("{kind}-in")
}

fn run(broker: &dyn Broker, peer: &Peer, engine: Engine, job: &Job) -> Result<Figures, BenchError> {
    let output = NewTopic { name: job.output.clone(), partitions: PARTITIONS as i32, replication: 1, configs: vec![] };
    broker.admin()?.create_topics(&[output])?;
    let load = load_average()?;
    let figures = match engine {
        Engine::Peer => peer.run(job)?,
        Engine::Ours => run_ours(job)?,
    };
    eprintln!("{} {} (load average before {load}): {}", job.workload, engine.name(), figures.to_json()?);
    Ok(figures)
}
