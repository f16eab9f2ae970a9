//! Stands in for Kafka Streams in Apache Kafka's EosTest (`org.apache.kafka.streams.tests.StreamsEosTest`): the same
//! application id, topics, operations and encodings as its `EosTestClient`; Kafka's own generator and verifier do the
//! rest. `comanda-eos-test BOOTSTRAP STATE_DIR simple|complex`.

use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_streams::*;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The verifier asks for this group.
const APPLICATION_ID: &str = "EosTest";
/// As ducktape's `streams_eos_test` sets it.
const SESSION_TIMEOUT_MS: i32 = 10_000;

/// `data` → `echo`, `min`, `sum`; complex also → `repartition` → `max`, `cnt`. No cache: every input has its output.
fn topology(complex: bool) -> Result<Topology, StreamsError> {
    let (text, number, long) = (Serdes::string, Serdes::integer, Serdes::long);
    let builder = StreamsBuilder::new();
    let data = builder.stream("data", Consumed::with(text(), number()));
    data.to("echo", Produced::with(text(), number()));
    let by_key = data.group_by_key(Grouped::with(text(), number()));
    by_key
        .aggregate(|| Some(i32::MAX), |_, value, least| Some(least?.min(value?)), store(number(), "min"))
        .to_stream()
        .to("min", Produced::with(text(), number()));
    by_key
        .aggregate(|| Some(0), |_, value, sum| Some(sum? + i64::from(value?)), store(long(), "sum"))
        .to_stream()
        .to("sum", Produced::with(text(), long()));
    if complex {
        data.to("repartition", Produced::with(text(), number()));
        let moved = builder.stream("repartition", Consumed::with(text(), number()));
        let by_key = moved.group_by_key(Grouped::with(text(), number()));
        by_key
            .aggregate(|| Some(i32::MIN), |_, value, most| Some(most?.max(value?)), store(number(), "max"))
            .to_stream()
            .to("max", Produced::with(text(), number()));
        by_key.count(store(long(), "cnt")).to_stream().to("cnt", Produced::with(text(), long()));
    }
    builder.build()
}

fn store<V>(values: Serde<V>, name: &str) -> Materialized<String, V> {
    Materialized::with(Serdes::string(), values).named(name)
}

fn main() -> Result<(), Box<dyn Error>> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [broker, state_dir, mode] = arguments.as_slice() else {
        return Err("usage: comanda-eos-test BOOTSTRAP STATE_DIR simple|complex".into());
    };
    let stopped = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, stopped.clone())?;
    let config = StreamsConfig {
        session_timeout_ms: SESSION_TIMEOUT_MS,
        statestore_cache_max_bytes: 0,
        ..StreamsConfig::new(APPLICATION_ID, state_dir)
    };
    let kafka = KafkaBroker::new(KafkaSettings::new(broker))?;
    let mut streams = KafkaStreams::new(topology(mode == "complex")?, config, Arc::new(kafka))?;
    streams.start()?;
    let mut told = false;
    while !stopped.load(Ordering::Relaxed) {
        match streams.state() {
            KafkaStreamsState::Error => return Err(streams.error().unwrap_or_default().into()),
            KafkaStreamsState::Running if !told => {
                println!("RUNNING");
                told = true;
            }
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
    match streams.close() {
        KafkaStreamsState::NotRunning => Ok(()),
        other => Err(format!("closed in state {other:?}").into()),
    }
}
