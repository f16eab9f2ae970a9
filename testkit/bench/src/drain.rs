//! Runs a workload on our engine until its backlog is processed and quiet, and tells what that took.

use crate::error::BenchError;
use crate::figures::Figures;
use crate::job::Job;
use crate::progress::Progress;
use crate::topologies::topology;
use crate::usage::{Usage, peak_rss_mb};
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_streams::{KafkaStreams, KafkaStreamsState};
use std::sync::Arc;
use std::time::Duration;

/// How often progress is looked at; as in the peer's `Drain.java`.
const LOOK: Duration = Duration::from_millis(10);
/// No record in or out for so long after the last input: done. The close commits what is left.
const QUIET_S: f64 = 0.2;

/// One run.
///
/// # Errors
/// If the engine stops before the backlog is processed.
pub fn run(job: &Job) -> Result<Figures, BenchError> {
    let progress = Arc::new(Progress::default());
    let topology = topology(job.workload, &job.input, &job.output, &progress)?;
    let kafka = KafkaBroker::new(KafkaSettings::new(&job.bootstrap))?;
    let mut streams = KafkaStreams::new(topology, job.config(), Arc::new(kafka))?;
    streams.start()?;
    let watched = watch(&streams, &progress, job.records)?;
    let quiet = Usage::now()?;
    let end = streams.close();
    if end != KafkaStreamsState::NotRunning {
        return Err(BenchError::Stopped(format!("closed in state {end:?}")));
    }
    watched.figures(&progress, &quiet, &Usage::now()?)
}

/// The moments that figures are made of.
struct Watched {
    half: Usage,
    records_at_half: u64,
    /// The last look that saw a record go in or out.
    last: Usage,
}

fn watch(streams: &KafkaStreams, progress: &Progress, all: u64) -> Result<Watched, BenchError> {
    let mut half = None;
    let (mut last, mut seen) = (Usage::now()?, 0);
    while progress.records() < all || Usage::now()?.seconds_since(&last) < QUIET_S {
        std::thread::sleep(LOOK);
        if let Some(error) = streams.error() {
            return Err(BenchError::Stopped(error));
        }
        let records = progress.records();
        let moved = records + progress.outputs();
        if moved != seen {
            (seen, last) = (moved, Usage::now()?);
        }
        if half.is_none() && records >= all / 2 {
            half = Some((last, records));
        }
    }
    let (half, records_at_half) = half.unwrap_or((last, all));
    Ok(Watched { half, records_at_half, last })
}

impl Watched {
    fn figures(&self, progress: &Progress, quiet: &Usage, closed: &Usage) -> Result<Figures, BenchError> {
        let first = progress.at_first().ok_or_else(|| BenchError::Stopped("no record came".to_owned()))?;
        Ok(Figures {
            records: progress.records(),
            outputs: progress.outputs(),
            cpu_s: closed.cpu_since(&first) - quiet.cpu_since(&self.last),
            wall_s: closed.seconds_since(&first) - quiet.seconds_since(&self.last),
            warm_records: progress.records() - self.records_at_half,
            warm_cpu_s: self.last.cpu_since(&self.half),
            warm_wall_s: self.last.seconds_since(&self.half),
            start_cpu_s: first.cpu_s,
            peak_rss_mb: peak_rss_mb("self")?,
        })
    }
}
