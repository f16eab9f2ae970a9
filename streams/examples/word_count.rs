//! Word count: `cargo run -p comanda-streams --example word_count -- 127.0.0.1:19092`.

use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_streams::*;
use std::sync::Arc;

pub(crate) fn word_count(lines: &str, counts: &str) -> Result<Topology, StreamsError> {
    let (text, number) = (Serdes::string, Serdes::long);
    let builder = StreamsBuilder::new();
    builder
        .stream(lines, Consumed::with(text(), text()))
        .flat_map_values(|_, line: Option<String>| words(&line.unwrap_or_default()))
        .group_by(|_, word| word.cloned(), Grouped::with(text(), text()).with_name("by-word"))
        .count(Materialized::with(text(), number()).named("counts"))
        .to_stream()
        .to(counts, Produced::with(text(), number()));
    builder.build()
}

fn words(line: &str) -> Vec<Option<String>> {
    line.split_whitespace().map(|word| Some(word.to_lowercase())).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let broker = std::env::args().nth(1).ok_or("which broker? host:port")?;
    let kafka = KafkaBroker::new(KafkaSettings::new(&broker))?;
    let config = StreamsConfig::new("word-count", std::env::temp_dir().join("word-count"));
    let mut streams = KafkaStreams::new(word_count("lines", "word-counts")?, config, Arc::new(kafka))?;
    streams.start()?;
    std::io::stdin().read_line(&mut String::new())?; // until Enter or end of input
    streams.close();
    Ok(())
}
