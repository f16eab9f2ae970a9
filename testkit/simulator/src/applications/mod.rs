//! Applications to be run, each with what must come out of it, computed naively.

mod calling;
mod counting;
mod joining;
mod logs;
mod pending;
mod relaying;
mod windowing;

pub(crate) use logs::Logs;

use crate::dice::Dice;
use comanda_streams::{AsyncClient, StreamsBuilder, StreamsError, Topology};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

/// The group of the first application, and the prefix of its internal topics.
pub(crate) const APPLICATION_ID: &str = "app";
/// The same of the one that reads what the first puts out.
pub(crate) const RELAY_ID: &str = "relay";

/// What is promised of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Each input takes effect once.
    ExactlyOnce,
    /// Each input takes effect at least once; states are at least what they must be. No task ever has two owners.
    AtLeastOnce,
    /// Each input has been through at least once. Of states nothing is promised: without transactions a task's former
    /// owner that does not know of its loss writes to the change log of its successor (in Kafka Streams too).
    AtLeastOnceBesideZombies,
}

/// What a seed decides about an application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Tables forward at commits, not at every update.
    pub caching: bool,
    /// Tables live in memory and are restored whole.
    pub in_memory: bool,
    /// What is judged in the end.
    pub promise: Promise,
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

    /// Its input and output topics with their partition counts; the output comes last.
    fn topics(&self) -> Vec<(&'static str, i32)>;

    /// Some more inputs, as of `now_ms`.
    fn inputs(&mut self, _dice: &mut Dice, _now_ms: i64) -> Vec<Input> {
        vec![]
    }

    /// Inputs that are fed when all others are processed.
    fn last_inputs(&mut self, _now_ms: i64) -> Vec<Input> {
        vec![]
    }

    /// Who makes its asynchronous calls, by name.
    fn async_clients(&self) -> Vec<(&'static str, Arc<dyn AsyncClient>)> {
        vec![]
    }

    /// Time goes on outside too.
    fn pass(&mut self, _now_ms: i64) {}

    /// What must hold when all inputs are processed, each once.
    fn verify(&self, logs: &Logs<'_>, settings: Settings) -> Result<(), String>;

    /// What must hold when all are, each at least once; of states only if `stateful`.
    fn verify_at_least_once(&self, logs: &Logs<'_>, stateful: bool) -> Result<(), String>;
}

/// A topology made of parts.
pub(crate) struct Application {
    pub id: &'static str,
    pub name: &'static str,
    pub topology: Topology,
    pub parts: Vec<Box<dyn Part>>,
}

impl Application {
    /// One of the parts, or all of them in one topology.
    pub fn draw(dice: &mut Dice, settings: Settings) -> Result<Self, StreamsError> {
        let (name, parts): (_, Vec<Box<dyn Part>>) = match dice.below(6) {
            0 => ("counting", vec![Box::new(counting::Counting::default())]),
            1 => ("joining", vec![Box::new(joining::Joining::default())]),
            2 => ("windowing", vec![Box::new(windowing::Windowing::default())]),
            3 => ("pending", vec![Box::new(pending::Pending::default())]),
            4 => ("calling", vec![Box::new(calling::Calling::default())]),
            _ => (
                "all together",
                vec![
                    Box::new(counting::Counting::default()),
                    Box::new(joining::Joining::default()),
                    Box::new(windowing::Windowing::default()),
                    Box::new(pending::Pending::default()),
                    Box::new(calling::Calling::default()),
                ],
            ),
        };
        Self::of_parts(APPLICATION_ID, name, parts, settings)
    }

    /// A second application on the same cluster, which reads an output of the first.
    pub fn relay(first: &[Box<dyn Part>], settings: Settings) -> Result<Self, StreamsError> {
        let (source, partitions) = first[0].topics().pop().expect("every part has an output");
        let part = Box::new(relaying::Relaying { source, partitions });
        Self::of_parts(RELAY_ID, "relaying", vec![part], settings)
    }

    fn of_parts(
        id: &'static str,
        name: &'static str,
        parts: Vec<Box<dyn Part>>,
        settings: Settings,
    ) -> Result<Self, StreamsError> {
        let builder = StreamsBuilder::new();
        parts.iter().for_each(|part| part.draw(&builder, settings));
        Ok(Self { id, name, topology: builder.build()?, parts })
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

/// Fails if something that must be there is missing.
pub(crate) fn includes<T: Ord + std::fmt::Debug>(
    what: impl Display,
    found: impl IntoIterator<Item = T>,
    expected: impl IntoIterator<Item = T>,
) -> Result<(), String> {
    let found: BTreeSet<T> = found.into_iter().collect();
    match expected.into_iter().find(|one| !found.contains(one)) {
        Some(missing) => Err(format!("{what}: {missing:?} is missing ({} found)", found.len())),
        None => Ok(()),
    }
}
