//! The topologies, as in `benches/peers/kafka-streams/…/Workloads.java`.

use crate::progress::Progress;
use bytes::Bytes;
use comanda_streams::{
    Consumed, Grouped, KStream, Materialized, Produced, Serdes, StreamsBuilder, StreamsError, TimestampExtractor,
    Topology,
};
use std::fmt;
use std::sync::Arc;

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Workload {
    /// Filter (drops a tenth) and map 200-byte values: no state.
    W1,
    /// Count 100-byte records by 100,000 keys; every update goes out.
    W2,
    /// The same with a record cache: updates of a key are merged until the commit.
    W2c,
}

/// Record cache of W2c, Kafka Streams' default.
const CACHE_BYTES: usize = 10 << 20;

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 3] = [Workload::W1, Workload::W2, Workload::W2c];

    /// `statestore.cache.max.bytes`.
    pub fn cache_bytes(self) -> usize {
        if self == Workload::W2c { CACHE_BYTES } else { 0 }
    }

    /// Whether each output record is determined by the input; else only the last one of a key is, since a cache merges
    /// as commits fall.
    pub fn every_output_is_determined(self) -> bool {
        self != Workload::W2c
    }

    /// The workload whose input it reads.
    pub fn loaded_as(self) -> &'static str {
        match self {
            Workload::W1 => "w1",
            Workload::W2 | Workload::W2c => "w2",
        }
    }

    /// From `input` to `output`.
    ///
    /// # Errors
    /// The builder's.
    pub fn topology(self, input: &str, output: &str, progress: &Arc<Progress>) -> Result<Topology, StreamsError> {
        let counted = progress.clone();
        let time_and_count = move |_: Option<&Bytes>, _: Option<&Bytes>, timestamp| counted.record(timestamp);
        let consumed = Consumed::with(Serdes::bytes(), Serdes::bytes())
            .with_timestamp_extractor(TimestampExtractor::Custom(Arc::new(time_and_count)));
        let builder = StreamsBuilder::new();
        let stream = builder.stream(input, consumed);
        match self {
            Workload::W1 => filter_and_map(&stream, output, progress),
            Workload::W2 | Workload::W2c => count(&stream, output, progress),
        }
        builder.build()
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Workload::W1 => "w1",
            Workload::W2 => "w2",
            Workload::W2c => "w2c",
        })
    }
}

fn filter_and_map(stream: &KStream<Bytes, Bytes>, output: &str, progress: &Arc<Progress>) {
    stream
        .filter(|_, value| value.and_then(|value| value.first()).is_some_and(|first| first % 10 != 0))
        .map_values(|_, value| value.map(|value| value.iter().map(|byte| byte ^ 0x20).collect::<Bytes>()))
        .to(output, Produced::with(Serdes::bytes(), progress.counting(Serdes::bytes())));
}

fn count(stream: &KStream<Bytes, Bytes>, output: &str, progress: &Arc<Progress>) {
    stream
        .group_by_key(Grouped::with(Serdes::bytes(), Serdes::bytes()))
        .count(Materialized::with(Serdes::bytes(), Serdes::long()).named("counts"))
        .to_stream()
        .to(output, Produced::with(Serdes::bytes(), progress.counting(Serdes::long())));
}
