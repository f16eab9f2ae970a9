//! Runs a workload on our engine until its standard input ends, telling on its standard output how the start goes.

use crate::error::BenchError;
use crate::job::Job;
use crate::progress::Progress;
use crate::topologies::topology;
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_streams::{KafkaStreams, KafkaStreamsState};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Prints `starting`, then `running N` once all tasks run, having restored N records; as the peer's `Serve.java`.
///
/// # Errors
/// If the engine cannot be started or does not close in good order.
pub fn run(job: &Job) -> Result<(), BenchError> {
    let topology = topology(job.workload, &job.input, &job.output, &Arc::new(Progress::default()))?;
    let kafka = KafkaBroker::new(KafkaSettings::new(&job.bootstrap))?;
    let mut streams = KafkaStreams::new(topology, job.config(), Arc::new(kafka))?;
    tell_state(&streams);
    println!("starting");
    streams.start()?;
    std::io::stdin().read_to_end(&mut vec![]).map_err(BenchError::io("wait for the end of standard input"))?;
    streams.close_or_error().map_err(BenchError::Stopped)
}

fn tell_state(streams: &KafkaStreams) {
    let restored = Arc::new(AtomicU64::new(0));
    let so_far = restored.clone();
    streams.set_restore_listener(move |task| {
        restored.fetch_add(task.records, Ordering::Relaxed);
    });
    streams.set_state_listener(move |state, _| match state {
        KafkaStreamsState::Running => println!("running {}", so_far.load(Ordering::Relaxed)),
        KafkaStreamsState::Error => std::process::exit(1), // whoever waits for a line sees the end
        _ => {}
    });
}
