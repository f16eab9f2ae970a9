//! Words counted behind a repartition topic: two sub-topologies, transactions that feed each other.

use super::{APPLICATION_ID, Input, Logs, Part, Settings, includes, same_sequence};
use crate::dice::Dice;
use comanda_streams::{Consumed, Grouped, Materialized, Produced, Serdes, StoreType, StreamsBuilder};
use std::collections::BTreeMap;

const TEXTS: &str = "texts";
const COUNTS: &str = "counts";
const PARTITIONS: i32 = 3;

#[derive(Default)]
pub(super) struct Counting {
    made: u64,
}

impl Part for Counting {
    fn draw(&self, builder: &StreamsBuilder, settings: Settings) {
        let (text, number) = (Serdes::string, Serdes::long);
        let mut counts = Materialized::with(text(), number()).named("counts");
        if settings.in_memory {
            counts = counts.with_store_type(StoreType::InMemory);
        }
        builder
            .stream(TEXTS, Consumed::with(text(), text()))
            .group_by(
                |_, value: Option<&String>| value.map(|value| word(value)),
                Grouped::with(text(), text()).with_name("by-word"),
            )
            .count(counts)
            .to_stream()
            .to(COUNTS, Produced::with(text(), number()));
    }

    fn topics(&self) -> Vec<(&'static str, i32)> {
        vec![(TEXTS, PARTITIONS), (COUNTS, PARTITIONS)]
    }

    fn inputs(&mut self, dice: &mut Dice, now_ms: i64) -> Vec<Input> {
        let count = 1 + dice.below(6);
        let mut one = || {
            self.made += 1;
            let value = format!("word{}#{:06}", dice.below(8), self.made);
            Input { topic: TEXTS, key: format!("k{}", dice.below(20)), value: Some(value), timestamp: now_ms }
        };
        (0..count).map(|_| one()).collect()
    }

    fn verify(&self, logs: &Logs<'_>, settings: Settings) -> Result<(), String> {
        let through = through();
        verify_passage(logs, &through)?;
        for partition in 0..PARTITIONS {
            let mut counts: BTreeMap<String, i64> = BTreeMap::new();
            let mut expected = vec![];
            for (word, ..) in logs.texts(&through, partition) {
                let count = counts.entry(word.clone()).or_insert(0);
                *count += 1;
                expected.push((word, *count));
            }
            let found = logs.longs(COUNTS, partition)?;
            if settings.caching {
                verify_merged(COUNTS, partition, &found, &counts)?;
            } else {
                same_sequence(format!("{COUNTS}-{partition}"), &found, &expected)?;
            }
        }
        Ok(())
    }

    /// A text comes through wherever its word belongs, and its word is counted.
    fn verify_at_least_once(&self, logs: &Logs<'_>, stateful: bool) -> Result<(), String> {
        let values = |topic: &str| -> Vec<String> {
            let all = (0..PARTITIONS).flat_map(|partition| logs.texts(topic, partition));
            all.filter_map(|(_, value, _)| value).collect()
        };
        let (texts, passed) = (values(TEXTS), values(&through()));
        includes("texts behind the repartition topic", &passed, &texts)?;
        includes("texts before the repartition topic", &texts, &passed)?;
        let mut counted: BTreeMap<String, i64> = BTreeMap::new();
        for partition in 0..PARTITIONS {
            counted.extend(logs.longs(COUNTS, partition)?);
        }
        let words: Vec<String> = texts.iter().map(|text| word(text)).collect();
        includes(COUNTS, counted.keys(), &words)?;
        let short = |word: &&String| counted[*word] < words.iter().filter(|other| other == word).count() as i64;
        match words.iter().find(short).filter(|_| stateful) {
            Some(word) => Err(format!("{COUNTS}: {word} is {} in the end, which is too few", counted[word])),
            None => Ok(()),
        }
    }
}

fn through() -> String {
    format!("{APPLICATION_ID}-by-word-repartition")
}

/// Every text passes once; those of one partition stay in order wherever they go.
fn verify_passage(logs: &Logs<'_>, through: &str) -> Result<(), String> {
    let mut from: BTreeMap<String, i32> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        from.extend(logs.texts(TEXTS, partition).into_iter().filter_map(|(_, value, _)| Some((value?, partition))));
    }
    let mut passed: Vec<String> = vec![];
    for partition in logs.partitions(through) {
        let mut last: BTreeMap<i32, String> = BTreeMap::new();
        for (_, value, _) in logs.texts(through, partition) {
            let value = value.unwrap_or_default();
            let Some(source) = from.get(&value) else {
                return Err(format!("{through} has {value}, which nobody sent"));
            };
            let before = last.insert(*source, number(&value).to_owned());
            if let Some(before) = before.filter(|before| **before >= *number(&value)) {
                return Err(format!("{through}-{partition}: {value} of {TEXTS}-{source} comes after {before}"));
            }
            passed.push(value);
        }
    }
    passed.sort_by(|a, b| number(a).cmp(number(b)));
    let mut expected: Vec<String> = from.into_keys().collect();
    expected.sort_by(|a, b| number(a).cmp(number(b)));
    same_sequence(through, &passed, &expected)
}

/// With a cache some counts are left out, never the last.
pub(super) fn verify_merged(
    topic: &str,
    partition: i32,
    found: &[(String, i64)],
    counts: &BTreeMap<String, i64>,
) -> Result<(), String> {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for (word, count) in found {
        let before = last.insert(word.clone(), *count).unwrap_or(0);
        if before >= *count {
            return Err(format!("{topic}-{partition}: {word} went from {before} to {count}"));
        }
    }
    let found: Vec<_> = last.into_iter().collect();
    let expected: Vec<_> = counts.clone().into_iter().collect();
    same_sequence(format!("last values of {topic}-{partition}"), &found, &expected)
}

fn word(value: &str) -> String {
    value.split('#').next().unwrap_or_default().to_owned()
}

fn number(value: &str) -> &str {
    value.split('#').nth(1).unwrap_or_default()
}
