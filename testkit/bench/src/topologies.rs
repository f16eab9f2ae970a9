//! The topologies, as in `benches/peers/kafka-streams/…/Workloads.java`.

use crate::progress::Progress;
use crate::workload::Workload;
use bytes::Bytes;
use comanda_streams::{
    Consumed, Grouped, Joined, KStream, Materialized, Produced, Serdes, StreamsBuilder, StreamsError,
    TimestampExtractor, Topology,
};
use std::sync::Arc;

/// Of a customer, so many bytes go to the order.
const JOINED_BYTES: usize = 20;

/// What a workload does from `input` to `output`.
///
/// # Errors
/// The builder's.
pub fn topology(
    workload: Workload,
    input: &str,
    output: &str,
    progress: &Arc<Progress>,
) -> Result<Topology, StreamsError> {
    let builder = StreamsBuilder::new();
    match workload {
        Workload::W1 => filter_and_map(&builder.stream(input, counted(progress)), output, progress),
        Workload::W2 | Workload::W2c | Workload::W2p1 | Workload::W2p16 => {
            count(&builder.stream(input, counted(progress)), output, progress)
        }
        Workload::W4a => left_join(&builder, input, output, progress),
        Workload::W6 | Workload::W6k => {
            reduce(&builder.stream(input, counted(progress)), mixed, output, progress);
        }
        Workload::W7 => reduce(&builder.stream(input, counted(progress)), numbered, output, progress),
    }
    builder.build()
}

/// The topic of a join's table.
pub fn table_topic(input: &str) -> String {
    format!("{input}-table")
}

/// Records' own times; each record counts.
fn counted(progress: &Arc<Progress>) -> Consumed<Bytes, Bytes> {
    let counted = progress.clone();
    let time_and_count = move |_: Option<&Bytes>, _: Option<&Bytes>, timestamp| counted.record(timestamp);
    Consumed::with(Serdes::bytes(), Serdes::bytes())
        .with_timestamp_extractor(TimestampExtractor::Custom(Arc::new(time_and_count)))
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

fn left_join(builder: &StreamsBuilder, input: &str, output: &str, progress: &Arc<Progress>) {
    let customers = Materialized::with(Serdes::bytes(), Serdes::bytes()).named("customers");
    let customers = builder.table(&table_topic(input), counted(progress), Some(customers));
    builder
        .stream(input, counted(progress))
        .left_join_table(
            &customers,
            |_, order, customer| Some(joined(order, customer)),
            Joined::with(Serdes::bytes(), Serdes::bytes()),
        )
        .to(output, Produced::with(Serdes::bytes(), progress.counting(Serdes::bytes())));
}

/// The order, with the beginning of its customer if there is one.
fn joined(order: Bytes, customer: Option<Bytes>) -> Bytes {
    let Some(customer) = customer else { return order };
    let customer = customer.get(..JOINED_BYTES).unwrap_or(&customer);
    [&order[..], customer].concat().into()
}

fn reduce(stream: &KStream<Bytes, Bytes>, reducer: fn(&[u8], &[u8]) -> Bytes, output: &str, progress: &Arc<Progress>) {
    stream
        .group_by_key(Grouped::with(Serdes::bytes(), Serdes::bytes()))
        .reduce(
            move |row, value| Some(reducer(&row, &value)),
            Materialized::with(Serdes::bytes(), Serdes::bytes()).named("rows"),
        )
        .to_stream()
        .to(output, Produced::with(Serdes::bytes(), progress.counting(Serdes::bytes())));
}

/// A row is what its key's values leave when laid over each other: an update shows each byte of the row before it.
fn mixed(row: &[u8], value: &[u8]) -> Bytes {
    row.iter().zip(value).map(|(row, value)| row ^ value).collect()
}

/// The same, but for the number of the newest record in front: so an output tells which record it answers.
fn numbered(row: &[u8], value: &[u8]) -> Bytes {
    let mixed = row.iter().zip(value).skip(size_of::<u64>()).map(|(row, value)| row ^ value);
    value.iter().take(size_of::<u64>()).copied().chain(mixed).collect()
}
