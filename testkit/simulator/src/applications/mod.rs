//! Applications to be run, each with what must come out of it, computed naively.

mod counting;
mod joining;
mod pending;
mod windowing;

use crate::cluster::Cluster;
use crate::dice::Dice;
use comanda_streams::broker::RawRecord;
use comanda_streams::{StreamsBuilder, StreamsError, Topology};
use std::fmt::Display;

/// The group, and the prefix of internal topics.
pub(crate) const APPLICATION_ID: &str = "app";

/// What a seed decides about stores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Tables forward at commits, not at every update.
    pub caching: bool,
    /// Tables live in memory and are restored whole.
    pub in_memory: bool,
}

/// A record to be fed.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub topic: &'static str,
    pub key: String,
    pub value: Option<String>,
    pub timestamp: i64,
}

/// A part of an application: one or two sub-topologies, with their inputs and what must hold in the end.
pub(crate) trait Part {
    /// Adds itself to a topology.
    fn draw(&self, builder: &StreamsBuilder, settings: Settings);

    /// Its input and output topics with their partition counts.
    fn topics(&self) -> Vec<(&'static str, i32)>;

    /// Some more inputs, as of `now_ms`.
    fn inputs(&mut self, dice: &mut Dice, now_ms: i64) -> Vec<Input>;

    /// Inputs that are fed when all others are processed.
    fn last_inputs(&mut self, _now_ms: i64) -> Vec<Input> {
        vec![]
    }

    /// What must hold when all inputs are processed.
    fn verify(&self, logs: &Logs<'_>, settings: Settings) -> Result<(), String>;
}

/// A topology made of parts.
pub(crate) struct Application {
    pub name: &'static str,
    pub topology: Topology,
    pub parts: Vec<Box<dyn Part>>,
}

impl Application {
    /// One of the parts, or all of them in one topology.
    pub fn draw(dice: &mut Dice, settings: Settings) -> Result<Self, StreamsError> {
        let (name, parts): (_, Vec<Box<dyn Part>>) = match dice.below(5) {
            0 => ("counting", vec![Box::new(counting::Counting::default())]),
            1 => ("joining", vec![Box::new(joining::Joining::default())]),
            2 => ("windowing", vec![Box::new(windowing::Windowing::default())]),
            3 => ("pending", vec![Box::new(pending::Pending::default())]),
            _ => (
                "all together",
                vec![
                    Box::new(counting::Counting::default()),
                    Box::new(joining::Joining::default()),
                    Box::new(windowing::Windowing::default()),
                    Box::new(pending::Pending::default()),
                ],
            ),
        };
        let builder = StreamsBuilder::new();
        parts.iter().for_each(|part| part.draw(&builder, settings));
        Ok(Self { name, topology: builder.build()?, parts })
    }
}

/// The cluster's logs as a verifier reads them: committed records only.
pub(crate) struct Logs<'a>(pub &'a Cluster);

impl Logs<'_> {
    /// Committed records of a partition as (key, value, timestamp), oldest first.
    pub fn texts(&self, topic: &str, partition: i32) -> Vec<(String, Option<String>, i64)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |record: &RawRecord| {
            (text(record.key.as_deref().unwrap_or_default()), record.value.as_deref().map(text), record.timestamp)
        };
        self.0.history(topic, partition).into_iter().map(one).collect()
    }

    /// The same with the long that each value is.
    pub fn longs(&self, topic: &str, partition: i32) -> Result<Vec<(String, i64)>, String> {
        let one = |record: &RawRecord| {
            let value = record.value.as_deref().and_then(|value| value.try_into().ok()).map(i64::from_be_bytes);
            let key = String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into_owned();
            Ok((key, value.ok_or_else(|| format!("{topic}-{partition} has a value that is no long"))?))
        };
        self.0.history(topic, partition).into_iter().map(one).collect()
    }

    /// Partitions of a topic; none if it does not exist.
    pub fn partitions(&self, topic: &str) -> std::ops::Range<i32> {
        0..self.0.describe(topic).map_or(0, |topic| topic.partitions)
    }
}

/// Fails unless both are equal, saying where they part.
pub(crate) fn same_sequence<T: PartialEq + std::fmt::Debug>(
    what: impl Display,
    found: &[T],
    expected: &[T],
) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(found.len().min(expected.len()));
    Err(format!(
        "{what}: from number {at} on it is {:?}, must be {:?} ({} found, {} expected)",
        &found[at..found.len().min(at + 4)],
        &expected[at..expected.len().min(at + 4)],
        found.len(),
        expected.len()
    ))
}
