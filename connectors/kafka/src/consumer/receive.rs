//! From librdkafka's messages to the caller's partitions.

use super::Slots;
use super::arena::Arena;
use super::slot::Slot;
use crate::classify::consumer_error;
use crate::ffi::{Event, FetchQueue, Message};
use bytes::Bytes;
use comanda_streams::broker::{BrokerError, Fetched, Headers, PartitionId, RawRecord};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Finds the caller's number of a message's partition.
#[derive(Default)]
pub(super) struct Router {
    routes: HashMap<(usize, i32), PartitionId>,
}

/// What a received batch leaves to do.
#[derive(Default)]
pub(super) struct After {
    /// Paused partitions that hold back too much.
    pub(super) overfull: Vec<PartitionId>,
    /// Partitions that librdkafka reads at another offset than ours: to be started anew.
    pub(super) misplaced: Vec<PartitionId>,
    /// The first failure.
    pub(super) failure: Option<BrokerError>,
}

impl Router {
    pub(super) fn add(&mut self, topic_key: usize, partition: i32, id: PartitionId) {
        self.routes.insert((topic_key, partition), id);
    }

    pub(super) fn remove(&mut self, topic_key: usize, partition: i32) {
        self.routes.remove(&(topic_key, partition));
    }

    pub(super) fn find(&self, topic_key: usize, partition: i32) -> Option<PartitionId> {
        self.routes.get(&(topic_key, partition)).copied()
    }

    /// Takes one batch and appends what may be delivered.
    pub(super) fn receive(
        &self,
        queue: &mut FetchQueue,
        slots: &mut Slots,
        arena: &mut Arena,
        wait: Duration,
        max: usize,
        out: &mut Vec<Fetched>,
    ) -> After {
        let mut after = After::default();
        let batch = queue.take(wait, max);
        // Messages come in runs of one partition: the map is asked once a run.
        let mut run = ((0, -1), None);
        for message in batch.iter() {
            let source = (message.topic_key(), message.partition());
            if run.0 != source {
                run = (source, self.routes.get(&source).copied());
            }
            match run.1.and_then(|id| Some((id, slots.get_mut(id)?))) {
                Some((id, slot)) => accept(id, slot, &message, arena, out, &mut after),
                None => note_stray(&message, &mut after),
            }
        }
        after
    }
}

fn accept(
    id: PartitionId,
    slot: &mut Slot,
    message: &Message<'_>,
    arena: &mut Arena,
    out: &mut Vec<Fetched>,
    after: &mut After,
) {
    let fetched = match message.event() {
        Event::Record if message.offset() < slot.received() => return, // came before the position: not asked for
        Event::Record => Fetched::Record(id, record(message, arena)),
        Event::End => match slot.end(id, message.offset()) {
            Some(end) => end,
            None => return,
        },
        Event::OutOfRange if message.offset() == slot.received() => Fetched::OutOfRange(id),
        // librdkafka stood elsewhere: behind a marker that we have not seen, or at an offset of an earlier assignment
        // (this error alone carries no version). Ask again at our own position; if that is outside, it says so.
        Event::OutOfRange => return after.misplaced.push(id),
        Event::Failed(failure) => {
            let attempt = format!("read {} at offset {}", slot.partition, slot.received());
            after.failure.get_or_insert_with(|| consumer_error(attempt, &failure));
            return;
        }
    };
    out.extend(slot.receive(fetched));
    if slot.is_overfull() && after.overfull.last() != Some(&id) {
        after.overfull.push(id);
    }
}

/// A message of no assigned partition: one just unassigned, or an error of the whole client.
fn note_stray(message: &Message<'_>, after: &mut After) {
    if let Event::Failed(failure) = message.event()
        && message.topic_key() == 0
    {
        after.failure.get_or_insert_with(|| consumer_error("read", &failure));
    }
}

fn record(message: &Message<'_>, arena: &mut Arena) -> RawRecord {
    RawRecord {
        offset: message.offset(),
        timestamp: message.timestamp(),
        key: message.key().map(|bytes| arena.copy(bytes)),
        value: message.value().map(|bytes| arena.copy(bytes)),
        headers: headers(message, arena),
    }
}

fn headers(message: &Message<'_>, arena: &mut Arena) -> Headers {
    let mut all: Vec<(Arc<str>, Option<Bytes>)> = Vec::new();
    message.for_each_header(|name, value| all.push((name.into(), value.map(|bytes| arena.copy(bytes)))));
    Headers::new(all)
}
