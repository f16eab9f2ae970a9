//! What the stand-ins for Apache Kafka's system-test programs share: an instance that runs until it is told to stop. Each
//! says what it processes; the scripts beside this crate start, kill and stop them.
#![deny(unsafe_code, missing_docs)]

use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_streams::{KafkaStreams, KafkaStreamsState, StreamsConfig, Topology};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// As Apache Kafka's ducktape runs set it.
pub const SESSION_TIMEOUT_MS: i32 = 10_000;
/// How often the state is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Runs an instance until SIGTERM: says `RUNNING` once it runs, logs to standard error.
///
/// # Errors
/// What keeps it from starting, ends it, or keeps it from closing in order.
pub fn run(bootstrap: &str, topology: Topology, config: StreamsConfig) -> Result<(), Box<dyn Error>> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let stopped = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, stopped.clone())?;
    let kafka = KafkaBroker::new(KafkaSettings::new(bootstrap))?;
    let mut streams = KafkaStreams::new(topology, config, Arc::new(kafka))?;
    streams.start()?;
    let mut told = false;
    while !stopped.load(Ordering::Relaxed) {
        match streams.state() {
            KafkaStreamsState::Error => return Err(streams.error().unwrap_or_default().into()),
            KafkaStreamsState::Running if !told => {
                println!("RUNNING");
                told = true;
            }
            _ => std::thread::sleep(LOOK),
        }
    }
    match streams.close() {
        KafkaStreamsState::NotRunning => Ok(()),
        other => Err(format!("closed in state {other:?}").into()),
    }
}
