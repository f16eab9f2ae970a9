//! Stands in for Kafka Streams in Apache Kafka's EosTest (`org.apache.kafka.streams.tests.StreamsEosTest`): the same
//! application id, topics, operations and encodings as its `EosTestClient`; Kafka's own generator and verifier do the
//! rest. `comanda-eos-test BOOTSTRAP STATE_DIR simple|complex`.

use comanda_streams::*;
use comanda_verifiers::{SESSION_TIMEOUT_MS, run};
use std::error::Error;

/// The verifier asks for this group.
const APPLICATION_ID: &str = "EosTest";

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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [broker, state_dir, mode] = arguments.as_slice() else {
        return Err("usage: comanda-eos-test BOOTSTRAP STATE_DIR simple|complex".into());
    };
    let config = StreamsConfig {
        session_timeout_ms: SESSION_TIMEOUT_MS,
        statestore_cache_max_bytes: 0,
        ..StreamsConfig::new(APPLICATION_ID, state_dir)
    };
    run(broker, topology(mode == "complex")?, config)
}
