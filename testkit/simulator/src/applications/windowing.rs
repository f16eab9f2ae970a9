//! Clicks counted in hopping windows: what is late depends on a time that must survive every crash. Each window also
//! comes out once, when it is closed: what waits until then must survive too.

use super::{Input, Logs, Part, Settings, includes, same_sequence};
use crate::dice::Dice;
use comanda_streams::{
    BufferConfig, Consumed, Grouped, KTable, Materialized, Produced, Serdes, StoreType, StreamsBuilder, Suppressed,
    TimeWindows, Windowed, WindowedSerdes,
};
use std::collections::{BTreeMap, BTreeSet};

const CLICKS: &str = "clicks";
const TOTALS: &str = "totals";
const FINALS: &str = "finals";
const PARTITIONS: i32 = 2;
const SIZE_MS: i64 = 4_000;
const ADVANCE_MS: i64 = 2_000;
const GRACE_MS: i64 = 1_000;

#[derive(Default)]
pub(super) struct Windowing {
    made: u64,
}

impl Part for Windowing {
    fn draw(&self, builder: &StreamsBuilder, settings: Settings) {
        let (text, number) = (Serdes::string, Serdes::long);
        let mut stored = Materialized::with(text(), number()).named("totals");
        if settings.in_memory {
            stored = stored.with_store_type(StoreType::InMemory);
        }
        let counts = builder
            .stream(CLICKS, Consumed::with(text(), text()))
            .group_by_key(Grouped::with(text(), text()))
            .windowed_by(TimeWindows::of_size_and_grace(SIZE_MS, GRACE_MS).advance_by(ADVANCE_MS))
            .count(stored);
        write_lines(&counts, TOTALS);
        let keys = WindowedSerdes::time_windowed(text(), SIZE_MS);
        let closed = Suppressed::until_window_closes(keys, number(), BufferConfig::unbounded());
        write_lines(&counts.suppress(closed), FINALS);
    }

    fn topics(&self) -> Vec<(&'static str, i32)> {
        vec![(CLICKS, PARTITIONS), (TOTALS, PARTITIONS), (FINALS, PARTITIONS)]
    }

    fn inputs(&mut self, dice: &mut Dice, now_ms: i64) -> Vec<Input> {
        let count = 1 + dice.below(4);
        let mut one = || {
            self.made += 1;
            let late_ms = if dice.once_in(4) { dice.ms(8_000) } else { dice.ms(200) };
            Input {
                topic: CLICKS,
                key: format!("k{}", dice.below(5)),
                value: Some(format!("{:06}", self.made)),
                timestamp: now_ms - late_ms,
            }
        };
        (0..count).map(|_| one()).collect()
    }

    fn verify(&self, logs: &Logs<'_>, settings: Settings) -> Result<(), String> {
        for partition in 0..PARTITIONS {
            let mut expected = reference(&logs.texts(CLICKS, partition));
            let (mut totals, mut finals) = (lines(logs, TOTALS, partition), lines(logs, FINALS, partition));
            if settings.caching {
                // What is merged until a commit closes windows later and in another order.
                (totals, expected.totals) = (last_of_each(&totals), last_of_each(&expected.totals));
                finals.sort();
                expected.finals.sort();
            }
            same_sequence(format!("{TOTALS}-{partition}"), &totals, &expected.totals)?;
            same_sequence(format!("{FINALS}-{partition}"), &finals, &expected.finals)?;
        }
        Ok(())
    }

    /// A window's count has been reached at some time. It need not be its last: after a crash the store's own time, read
    /// from a change log without transactions, may be ahead of the committed inputs that are processed again, and their
    /// windows count as out of retention (in Kafka Streams too).
    fn verify_at_least_once(&self, logs: &Logs<'_>, stateful: bool) -> Result<(), String> {
        for partition in 0..PARTITIONS {
            let expected = last_of_each(&reference(&logs.texts(CLICKS, partition)).totals);
            let found = logs.texts(TOTALS, partition).into_iter();
            let found: Vec<(String, String)> = found.map(|(key, value, _)| (key, value.unwrap_or_default())).collect();
            let mut most: BTreeMap<(&str, &str), i64> = BTreeMap::new();
            for (window, count) in found.iter().map(parse) {
                let most = most.entry(window).or_insert(0);
                *most = count.max(*most);
            }
            let needed: BTreeMap<(&str, &str), i64> = expected.iter().map(parse).collect();
            includes(format!("{TOTALS}-{partition}"), most.keys(), needed.keys())?;
            if let Some((window, count)) = needed.iter().find(|(window, count)| stateful && most[*window] < **count) {
                let found = most[window];
                return Err(format!("{TOTALS}-{partition}: {window:?} got to {found}, must get to {count} at least"));
            }
        }
        Ok(())
    }
}

/// Key, window and count of an update.
fn parse((key, line): &(String, String)) -> ((&str, &str), i64) {
    let (start, count) = line.split_once('=').unwrap_or_default();
    ((key, start), count.parse().unwrap_or(0))
}

fn write_lines(counts: &KTable<Windowed<String>, i64>, topic: &str) {
    counts
        .to_stream()
        .map(|window: Option<Windowed<String>>, count: Option<i64>| {
            let Some(Windowed { key, window }) = window else { return (None, None) };
            (Some(key), Some(line(window.start_ms, count.unwrap_or(0))))
        })
        .to(topic, Produced::with(Serdes::string(), Serdes::string()));
}

fn lines(logs: &Logs<'_>, topic: &str, partition: i32) -> Vec<(String, String)> {
    let found = logs.texts(topic, partition).into_iter();
    found.map(|(key, value, _)| (key, value.unwrap_or_default())).collect()
}

/// What must come out of a partition.
#[derive(Default)]
struct Expected {
    /// Every update, in order.
    totals: Vec<(String, String)>,
    /// Every window that is closed, in the order of closing, then of keys.
    finals: Vec<(String, String)>,
}

fn reference(clicks: &[(String, Option<String>, i64)]) -> Expected {
    let mut counts: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let mut open: BTreeSet<(i64, String)> = BTreeSet::new();
    let (mut stream_time, mut expected) = (i64::MIN, Expected::default());
    for (key, _, time) in clicks {
        stream_time = stream_time.max(*time);
        let closed_until = stream_time - GRACE_MS - SIZE_MS;
        let first = (time - SIZE_MS + ADVANCE_MS).max(0) / ADVANCE_MS * ADVANCE_MS;
        let starts = (0..).map(|n| first + n * ADVANCE_MS).take_while(|start| start <= time);
        for start in starts.filter(|start| *start > closed_until) {
            let count = counts.entry((key.clone(), start)).or_insert(0);
            *count += 1;
            open.insert((start, key.clone()));
            expected.totals.push((key.clone(), line(start, *count)));
        }
        while open.first().is_some_and(|(start, _)| *start <= closed_until) {
            let Some((start, key)) = open.pop_first() else { break };
            let count = counts.get(&(key.clone(), start)).copied().unwrap_or(0);
            expected.finals.push((key, line(start, count)));
        }
    }
    expected
}

fn last_of_each(updates: &[(String, String)]) -> Vec<(String, String)> {
    let mut last: BTreeMap<(String, String), String> = BTreeMap::new();
    for (key, value) in updates {
        let start = value.split('=').next().unwrap_or_default().to_owned();
        last.insert((key.clone(), start), value.clone());
    }
    last.into_iter().map(|((key, _), value)| (key, value)).collect()
}

fn line(start_ms: i64, count: i64) -> String {
    format!("{start_ms}={count}")
}
