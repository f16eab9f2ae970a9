//! Clicks counted in hopping windows: what is late depends on a time that must survive every crash.

use super::{Input, Logs, Part, Settings, includes, same_sequence};
use crate::dice::Dice;
use comanda_streams::{
    Consumed, Grouped, Materialized, Produced, Serdes, StoreType, StreamsBuilder, TimeWindows, Windowed,
};
use std::collections::BTreeMap;

const CLICKS: &str = "clicks";
const TOTALS: &str = "totals";
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
        builder
            .stream(CLICKS, Consumed::with(text(), text()))
            .group_by_key(Grouped::with(text(), text()))
            .windowed_by(TimeWindows::of_size_and_grace(SIZE_MS, GRACE_MS).advance_by(ADVANCE_MS))
            .count(stored)
            .to_stream()
            .map(|window: Option<Windowed<String>>, count: Option<i64>| {
                let Some(Windowed { key, window }) = window else { return (None, None) };
                (Some(key), Some(line(window.start_ms, count.unwrap_or(0))))
            })
            .to(TOTALS, Produced::with(text(), text()));
    }

    fn topics(&self) -> Vec<(&'static str, i32)> {
        vec![(CLICKS, PARTITIONS), (TOTALS, PARTITIONS)]
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
            let expected = reference(&logs.texts(CLICKS, partition));
            let found = logs.texts(TOTALS, partition).into_iter();
            let found: Vec<(String, String)> = found.map(|(key, value, _)| (key, value.unwrap_or_default())).collect();
            if settings.caching {
                let what = format!("last values of {TOTALS}-{partition}");
                same_sequence(what, &last_of_each(&found), &last_of_each(&expected))?;
            } else {
                same_sequence(format!("{TOTALS}-{partition}"), &found, &expected)?;
            }
        }
        Ok(())
    }

    /// A window's count has been reached at some time. It need not be its last: after a crash the store's own time, read
    /// from a change log without transactions, may be ahead of the committed inputs that are processed again, and their
    /// windows count as out of retention (in Kafka Streams too).
    fn verify_at_least_once(&self, logs: &Logs<'_>, stateful: bool) -> Result<(), String> {
        for partition in 0..PARTITIONS {
            let expected = last_of_each(&reference(&logs.texts(CLICKS, partition)));
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

/// Every update, in order.
fn reference(clicks: &[(String, Option<String>, i64)]) -> Vec<(String, String)> {
    let mut counts: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let (mut stream_time, mut updates) = (i64::MIN, vec![]);
    for (key, _, time) in clicks {
        stream_time = stream_time.max(*time);
        let first = (time - SIZE_MS + ADVANCE_MS).max(0) / ADVANCE_MS * ADVANCE_MS;
        let starts = (0..).map(|n| first + n * ADVANCE_MS).take_while(|start| start <= time);
        for start in starts.filter(|start| start + SIZE_MS > stream_time - GRACE_MS) {
            let count = counts.entry((key.clone(), start)).or_insert(0);
            *count += 1;
            updates.push((key.clone(), line(start, *count)));
        }
    }
    updates
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
