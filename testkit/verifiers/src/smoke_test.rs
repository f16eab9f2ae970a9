//! Stands in for Kafka Streams in Apache Kafka's SmokeTest (`org.apache.kafka.streams.tests.StreamsSmokeTest`): the same
//! topics, operations, store settings and encodings as its `SmokeTestClient`; Kafka's own driver generates and verifies.
//! `comanda-smoke-test BOOTSTRAP STATE_DIR exactly_once_v2|at_least_once`.

use comanda_streams::*;
use comanda_verifiers::{SESSION_TIMEOUT_MS, run};
use std::error::Error;

const APPLICATION_ID: &str = "SmokeTest";
/// As ducktape's `streams_smoke_test` sets them.
const THREADS: usize = 3;
const COMMIT_INTERVAL_MS: i64 = 1_000;
/// The driver stamps its records two days back, at the edge of what a change log would keep by default.
const CHANGELOG_ADDITIONAL_RETENTION_MS: i64 = 3 * DAY_MS;

const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The driver's last records, one in each partition: they close all windows, and no output shows them.
const FLUSH: &str = "flush";
/// A value that is only echoed.
const END: i32 = i32::MAX;

type Numbers = KStream<String, i32>;

fn topology() -> Result<Topology, StreamsError> {
    let builder = StreamsBuilder::new();
    let source = builder.stream("data", Consumed::with(text(), int()));
    source.filter_not(|key, _| is_flush(key)).to("echo", Produced::with(text(), int()));
    let data = source.filter(|_, value| value != Some(&END));
    minima_by_day(&data);
    sums_by_two_seconds(&data);
    results_by_two_days(&data);
    let cnt = builder.table("cnt", Consumed::with(text(), long()), Some(store(long(), "cntStoreName")));
    differences(&builder);
    averages(&builder, &cnt);
    keys_by_count(&cnt);
    builder.build()
}

/// `min-raw`, `min-suppressed`, `min`.
fn minima_by_day(data: &Numbers) {
    let by_key = data.group_by_key(Grouped::with(text(), int()));
    let minima = by_key.windowed_by(TimeWindows::of_size_and_grace(DAY_MS, 60 * SECOND_MS)).aggregate(
        || Some(i32::MAX),
        |_, value, least| Some(least?.min(value?)),
        store(int(), "uwin-min").with_retention_ms(25 * HOUR_MS),
    );
    write_windows(&minima, "min-raw");
    write_windows(&closed(&minima, DAY_MS), "min-suppressed");
    write_unwindowed(&minima, int(), "min");
}

/// `sws-raw`, `sws-suppressed`.
fn sums_by_two_seconds(data: &Numbers) {
    let windows = TimeWindows::of_size_and_grace(2 * SECOND_MS, 30 * SECOND_MS).advance_by(SECOND_MS);
    let by_key = data.group_by_key(Grouped::with(text(), int()));
    let add = |sum: i32, value: Option<i32>| Some(sum.wrapping_add(value?));
    let sums = by_key.windowed_by(windows).reduce(add, Materialized::with(text(), int()));
    write_windows(&sums, "sws-raw");
    write_windows(&closed(&sums, 2 * SECOND_MS), "sws-suppressed");
}

/// `max`, `sum`, `cnt`.
fn results_by_two_days(data: &Numbers) {
    let by_key = data.group_by_key(Grouped::with(text(), int()));
    let windowed = by_key.windowed_by(TimeWindows::of_size_with_no_grace(2 * DAY_MS));
    let greater = |_: &String, value: Option<i32>, most: Option<i32>| Some(most?.max(value?));
    write_unwindowed(&windowed.aggregate(|| Some(i32::MIN), greater, store(int(), "uwin-max")), int(), "max");
    let add = |_: &String, value: Option<i32>, sum: Option<i64>| Some(sum? + i64::from(value?));
    write_unwindowed(&windowed.aggregate(|| Some(0), add, store(long(), "win-sum")), long(), "sum");
    write_unwindowed(&windowed.count(store(long(), "uwin-cnt")), long(), "cnt");
}

/// `dif`: the greatest less the least value of each key.
fn differences(builder: &StreamsBuilder) {
    let table = |topic, name| builder.table(topic, Consumed::with(text(), int()), Some(store(int(), name)));
    let (most, least) = (table("max", "maxStoreName"), table("min", "minStoreName"));
    let differences = most.join(&least, |most, least| Some(most - least), None);
    differences.to_stream().filter_not(|key, _| is_flush(key)).to("dif", Produced::with(text(), int()));
}

/// `avg`: sum by count of each key.
fn averages(builder: &StreamsBuilder, counts: &KTable<String, i64>) {
    let sums = builder.table("sum", Consumed::with(text(), long()), None);
    let averages = sums.join(counts, |sum: i64, count: i64| Some(sum as f64 / count as f64), None);
    averages.to_stream().filter_not(|key, _| is_flush(key)).to("avg", Produced::with(text(), Serdes::double()));
}

/// `tagg`: how many keys have each count.
fn keys_by_count(counts: &KTable<String, i64>) {
    let by_count = counts.group_by(|_, count| (Some(count.to_string()), Some(1)), Grouped::with(text(), long()));
    let in_memory = store(long(), "cntByCnt").with_store_type(StoreType::InMemory);
    let keys = by_count.aggregate(
        || Some(0),
        |_, one, keys| Some(keys? + one),
        |_, one, keys: i64| Some(keys - one),
        in_memory,
    );
    keys.to_stream().to("tagg", Produced::with(text(), long()));
}

/// Each window once, when it is final.
fn closed(table: &KTable<Windowed<String>, i32>, size_ms: i64) -> KTable<Windowed<String>, i32> {
    let keys = WindowedSerdes::time_windowed(text(), size_ms);
    table.suppress(Suppressed::until_window_closes(keys, int(), BufferConfig::unbounded()))
}

/// Under keys as Java prints them: `[key@start/end]`.
fn write_windows(table: &KTable<Windowed<String>, i32>, topic: &str) {
    let shown = table.to_stream().filter_not(|window, _| is_flush(window.map(|window| &window.key)));
    let shown = shown.map(|window, value| (window.map(|window| format!("[{window}]")), value));
    shown.to(topic, Produced::with(text(), int()));
}

fn write_unwindowed<V: Data>(table: &KTable<Windowed<String>, V>, values: Serde<V>, topic: &str) {
    let by_key = table.to_stream().select_key(|window, _| window.map(|window| window.key.clone()));
    by_key.filter_not(|key, _| is_flush(key)).to(topic, Produced::with(text(), values));
}

fn is_flush(key: Option<&String>) -> bool {
    key.is_some_and(|key| key == FLUSH)
}

fn store<V>(values: Serde<V>, name: &str) -> Materialized<String, V> {
    Materialized::with(text(), values).named(name)
}

fn text() -> Serde<String> {
    Serdes::string()
}

fn int() -> Serde<i32> {
    Serdes::integer()
}

fn long() -> Serde<i64> {
    Serdes::long()
}

fn guarantee(name: &str) -> Option<ProcessingGuarantee> {
    match name {
        "exactly_once_v2" => Some(ProcessingGuarantee::ExactlyOnceV2),
        "at_least_once" => Some(ProcessingGuarantee::AtLeastOnce),
        _ => None,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: comanda-smoke-test BOOTSTRAP STATE_DIR exactly_once_v2|at_least_once";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [broker, state_dir, guarantee_name] = arguments.as_slice() else { return Err(usage.into()) };
    let config = StreamsConfig {
        processing_guarantee: guarantee(guarantee_name).ok_or(usage)?,
        num_stream_threads: THREADS,
        commit_interval_ms: COMMIT_INTERVAL_MS,
        session_timeout_ms: SESSION_TIMEOUT_MS,
        windowstore_changelog_additional_retention_ms: CHANGELOG_ADDITIONAL_RETENTION_MS,
        ..StreamsConfig::new(APPLICATION_ID, state_dir)
    };
    run(broker, topology()?, config)
}
