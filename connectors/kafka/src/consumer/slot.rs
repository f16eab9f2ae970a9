//! One assigned partition: its positions, and what it holds back while paused.

use crate::ffi::Topic;
use comanda_streams::broker::{Fetched, PartitionId, TopicPartition};
use std::collections::VecDeque;
use std::rc::Rc;

/// A paused partition holds back what was fetched already, so that resuming costs no second fetch; beyond so many bytes
/// librdkafka is told to stop fetching it.
const HELD_BYTES: usize = 256 * 1024;

/// The state of one partition.
pub(super) struct Slot {
    pub(super) partition: TopicPartition,
    pub(super) topic: Rc<Topic>,
    /// Next offset after what the caller has seen.
    position: i64,
    /// Next offset after what has come from librdkafka; ahead of `position` by what is held.
    received: i64,
    paused: bool,
    fetching: bool,
    held: VecDeque<Fetched>,
    held_bytes: usize,
}

impl Slot {
    pub(super) fn new(partition: TopicPartition, topic: Rc<Topic>, offset: i64) -> Self {
        Self {
            partition,
            topic,
            position: offset,
            received: offset,
            paused: false,
            fetching: true,
            held: VecDeque::new(),
            held_bytes: 0,
        }
    }

    pub(super) fn position(&self) -> i64 {
        self.position
    }

    /// Where fetching goes on after a stop.
    pub(super) fn received(&self) -> i64 {
        self.received
    }

    pub(super) fn is_fetching(&self) -> bool {
        self.fetching
    }

    pub(super) fn set_fetching(&mut self, fetching: bool) {
        self.fetching = fetching;
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
    }

    pub(super) fn resume(&mut self) {
        self.paused = false;
    }

    /// Whether it has something to deliver that came earlier.
    pub(super) fn has_backlog(&self) -> bool {
        !self.paused && !self.held.is_empty()
    }

    /// Whether it holds back so much that fetching must stop.
    pub(super) fn is_overfull(&self) -> bool {
        self.fetching && self.held_bytes > HELD_BYTES
    }

    /// Takes in what librdkafka delivered; returns it if it may go straight on to the caller.
    pub(super) fn receive(&mut self, fetched: Fetched) -> Option<Fetched> {
        self.received = next_offset(&fetched).unwrap_or(self.received);
        if self.paused || !self.held.is_empty() {
            self.held_bytes += bytes_of(&fetched);
            self.held.push_back(fetched);
            return None;
        }
        Some(self.deliver(fetched))
    }

    /// The oldest thing held back, for delivery.
    pub(super) fn take_held(&mut self) -> Option<Fetched> {
        let fetched = self.held.pop_front()?;
        self.held_bytes -= bytes_of(&fetched);
        Some(self.deliver(fetched))
    }

    fn deliver(&mut self, fetched: Fetched) -> Fetched {
        self.position = next_offset(&fetched).unwrap_or(self.position);
        fetched
    }

    /// The end of the log at `offset`, unless more has come since.
    pub(super) fn end(&self, id: PartitionId, offset: i64) -> Option<Fetched> {
        (offset >= self.received).then_some(Fetched::End { partition: id, position: offset })
    }
}

fn next_offset(fetched: &Fetched) -> Option<i64> {
    match fetched {
        Fetched::Record(_, record) => Some(record.offset + 1),
        Fetched::End { position, .. } => Some(*position),
        Fetched::OutOfRange(_) => None,
    }
}

fn bytes_of(fetched: &Fetched) -> usize {
    match fetched {
        Fetched::Record(_, record) => record.size(),
        Fetched::End { .. } | Fetched::OutOfRange(_) => 0,
    }
}
