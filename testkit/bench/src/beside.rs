//! Both engines in turn over the same input: A B, B A, A B, so that a machine that grows busy favours neither.

use crate::error::BenchError;
use crate::job::Job;
use crate::latency;
use crate::outputs::Outputs;
use crate::peer::{Engine, Peer};
use crate::restores::Scene;
use crate::table::{self, Run};
use crate::usage::load_average;
use crate::workload::{Input, Workload};
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
    /// Records of each input; keys, where a state is restored.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Runs of each engine and workload.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Runs our engine alone: nothing is compared.
    #[arg(long)]
    ours_alone: bool,
    #[command(flatten)]
    peer: Peer,
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
        let mut inputs: Vec<Input> = vec![];
        for input in workloads.iter().filter_map(|workload| workload.input()) {
            if !inputs.contains(&input) {
                inputs.push(input);
            }
        }
        for input in inputs {
            eprintln!("loading {} records for {} into {} partitions …", self.records, input.kind, input.partitions);
            self.peer.load(input, &self.bootstrap, &input_topic(input), self.records)?;
        }
        Ok(())
    }

    /// One run of each engine, outputs compared.
    fn round(&self, broker: &dyn Broker, workload: Workload, round: usize) -> Result<Vec<Run>, BenchError> {
        let mut engines = workload.engines().to_vec();
        engines.retain(|engine| *engine != Engine::Peer || !self.ours_alone);
        if !round.is_multiple_of(2) {
            engines.reverse();
        }
        let mut runs = vec![];
        let mut outputs: Vec<Outputs> = vec![];
        for engine in engines {
            let job = self.job(workload, engine, round);
            runs.push(self.run(broker, engine, &job)?);
            outputs.push(Outputs::read(broker, &job.output, workload)?);
        }
        let [first, others @ ..] = &outputs[..] else { return Ok(runs) };
        if let Some(difference) = others.iter().find_map(|other| first.difference(other)) {
            return Err(BenchError::OutputsDiffer { workload, difference });
        }
        let what = if workload.every_output_is_determined() { "records in order" } else { "last values" };
        let said = if others.is_empty() { "outputs" } else { "outputs are equal" };
        eprintln!("{workload} run {}: {said} ({} {what})", round + 1, first.len());
        Ok(runs)
    }

    fn job(&self, workload: Workload, engine: Engine, round: usize) -> Job {
        let id = format!("{}-{workload}-{}", engine.id(), round + 1);
        Job {
            workload,
            bootstrap: self.bootstrap.clone(),
            input: workload.input().map_or_else(|| format!("{id}-in"), input_topic),
            output: format!("{id}-out"),
            state: self.state.join(&id),
            records: workload.backlog(self.records),
            commit_ms: engine.commit_ms(),
            id,
        }
    }

    fn run(&self, broker: &dyn Broker, engine: Engine, job: &Job) -> Result<Run, BenchError> {
        let (workload, peer) = (job.workload, &self.peer);
        create_topic(broker, &job.output, workload)?;
        if workload.input().is_none() {
            create_topic(broker, &job.input, workload)?;
        }
        let load = load_average()?;
        let scene = Scene { broker, peer, engine, job };
        let figures = match workload {
            Workload::W6 => scene.after_deletion()?.values(),
            Workload::W6k => scene.after_kill()?.values(),
            Workload::W7 => latency::measure(broker, peer, engine, job)?.values(),
            _ => peer.drain(engine, job)?.values(),
        };
        let told = workload.family().columns().iter().zip(&figures);
        let told: Vec<String> = told.map(|(column, figure)| column.told(*figure)).collect();
        eprintln!("{workload} {} (load average before {load}): {}", engine.name(), told.join("; "));
        Ok(Run { workload, engine, figures })
    }
}

fn input_topic(input: Input) -> String {
    format!("{}-in-{}", input.kind, input.partitions)
}

fn create_topic(broker: &dyn Broker, name: &str, workload: Workload) -> Result<(), BenchError> {
    let partitions = workload.partitions() as i32;
    let topic = NewTopic { name: name.to_owned(), partitions, replication: 1, configs: vec![] };
    broker.admin()?.create_topics(&[topic])?;
    Ok(())
}
