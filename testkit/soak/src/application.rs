//! The application under test: a total per key, every change of it written out.

use crate::topics::{APPLICATION_ID, INPUT, OUTPUT, STORE};
use crate::totals::Total;
use bytes::Bytes;
use comanda_streams::*;
use std::error::Error;
use std::path::Path;

/// Keep an instance within 256 MB, even while it has all four tasks: what is not applied, up to [`APPLY_BYTES`] a task
/// and [`UNCOMMITTED_BYTES`] a thread, Kafka's clients and the program itself come on top of the state's memory.
const STATE_MEMORY_BYTES: usize = 48 << 20;
const APPLY_BYTES: usize = 8 << 20;
const UNCOMMITTED_BYTES: usize = 16 << 20;

fn topology() -> Result<Topology, StreamsError> {
    let (text, number, bytes) = (Serdes::string, Serdes::long, Serdes::bytes);
    let builder = StreamsBuilder::new();
    builder
        .stream(INPUT, Consumed::with(text(), number()))
        .group_by_key(Grouped::with(text(), number()))
        .aggregate(
            || Some(Total::default().encode_padded()),
            |_, amount, total: Option<Bytes>| Some(Total::decode_padded(&total?)?.plus(amount?).encode_padded()),
            Materialized::with(text(), bytes()).named(STORE),
        )
        .to_stream()
        .map_values(|_, total: Option<Bytes>| Some(Total::decode(&total?)?.encode()))
        .to(OUTPUT, Produced::with(text(), bytes()));
    builder.build()
}

/// Runs an instance until SIGTERM.
///
/// # Errors
/// What keeps it from starting, ends it, or keeps it from closing in order.
pub fn run(bootstrap: &str, state_dir: &Path, threads: usize) -> Result<(), Box<dyn Error>> {
    // Every change is written out, so that a gap or a repetition is seen.
    let config = StreamsConfig {
        statestore_cache_max_bytes: 0,
        num_stream_threads: threads,
        state_memory_bytes: STATE_MEMORY_BYTES,
        apply_bytes: APPLY_BYTES,
        max_uncommitted_bytes: UNCOMMITTED_BYTES,
        ..StreamsConfig::new(APPLICATION_ID, state_dir)
    };
    comanda_verifiers::run(bootstrap, topology()?, config)
}
