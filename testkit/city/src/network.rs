//! The way from the city to Kafka: some records arrive late and some twice, each counted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use comanda_schemas::EventId;

use crate::books::TopicBook;
use crate::config::CityConfig;
use crate::events::CityEvent;
use crate::fate::{Fate, Realm};
use crate::faults::FaultKind;

/// One record to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Emission {
    /// Event time, milliseconds since 1970: the record's timestamp.
    pub at_ms: i64,
    /// When to write it; after `at_ms` if it was held up.
    pub send_at_ms: i64,
    /// Where to.
    pub topic: &'static str,
    /// Record key; `None` only for a fault.
    pub key: Option<String>,
    /// Which partition.
    pub placement: Placement,
    /// What to write.
    pub payload: Payload,
    /// What is wrong with it, if it is meant to land in the dead-letter topic.
    pub fault: Option<FaultKind>,
}

/// Which partition a record goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The one that murmur2 gives for the key.
    ByKey,
    /// Any other than that.
    Misrouted,
}

/// What a record's value is.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Bytes are the rare case.
pub enum Payload {
    /// To be written as Avro under its schema.
    Event(CityEvent),
    /// To be written as it is.
    Bytes(Vec<u8>),
}

/// What one order or one courier's device has sent: its messages keep their order, though they may be late.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lane {
    sent: u64,
    held_until_ms: i64,
}

/// Something to be sent.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) event: CityEvent,
    pub(crate) key: String,
    pub(crate) at_ms: i64,
    /// By a device on the road: dead spots instead of single hold-ups.
    pub(crate) by_device: bool,
}

/// Whose lane it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sender {
    Order(usize),
    Courier(usize),
    Restaurant(usize),
}

/// A single message is held up by this much …
const HOLD_UP_MS: (i64, i64) = (2_000, 60_000);
/// … and a device that lost the net sends everything of this time at its end.
const DEAD_SPOT_MS: (i64, i64) = (15_000, 90_000);
/// Messages that a dead spot catches: its mean length over the mean time between pings.
const CAUGHT_BY_DEAD_SPOT: f64 = 52_500.0;
/// The second copy of a message follows after this time.
const REPEATED_AFTER_MS: (i64, i64) = (500, 30_000);

#[derive(Debug)]
pub(crate) struct Network {
    seed: u64,
    late_share: f64,
    dead_spot_share: f64,
    duplicate_share: f64,
    /// Held-up records by (time of sending, number).
    held: BinaryHeap<Reverse<(i64, u64)>>,
    held_records: BTreeMap<u64, Emission>,
    held_count: u64,
    pub(crate) books: BTreeMap<&'static str, TopicBook>,
}

impl Network {
    pub(crate) fn new(config: &CityConfig) -> Network {
        let ping_ms = (config.ping_every_ms.0 + config.ping_every_ms.1) as f64 / 2.0;
        Network {
            seed: config.seed,
            late_share: config.late_share,
            dead_spot_share: config.late_share / (CAUGHT_BY_DEAD_SPOT / ping_ms).max(1.0),
            duplicate_share: config.duplicate_share,
            held: BinaryHeap::new(),
            held_records: BTreeMap::new(),
            held_count: 0,
            books: BTreeMap::new(),
        }
    }

    /// The chance of the next message of `lane`: its identity comes first.
    pub(crate) fn next_message(&self, sender: Sender, lane: &mut Lane) -> (EventId, Fate) {
        let (kind, number) = match sender {
            Sender::Order(number) => (0, number),
            Sender::Courier(number) => (1, number),
            Sender::Restaurant(number) => (2, number),
        };
        let mut fate = Fate::of(self.seed, Realm::Network, (kind << 62) | ((number as u64) << 24) | lane.sent);
        lane.sent += 1;
        (EventId(fate.uuid()), fate)
    }

    /// Sends `message` with its `fate`; `lanes` are those of its sender and of what it is about. What goes at once is
    /// put into `out`, the rest is held.
    pub(crate) fn send(&mut self, message: Message, mut fate: Fate, lanes: &mut [&mut Lane], out: &mut Vec<Emission>) {
        let Message { event, key, at_ms, by_device } = message;
        let mut send_at_ms = lanes.iter().map(|lane| lane.held_until_ms).fold(at_ms, i64::max);
        let (share, hold_up_ms) =
            if by_device { (self.dead_spot_share, DEAD_SPOT_MS) } else { (self.late_share, HOLD_UP_MS) };
        if fate.chance(share) {
            send_at_ms = send_at_ms.max(at_ms + fate.between_ms(hold_up_ms.0, hold_up_ms.1));
        }
        lanes.iter_mut().for_each(|lane| lane.held_until_ms = lane.held_until_ms.max(send_at_ms));
        let (topic, key, payload) = (event.topic(), Some(key), Payload::Event(event));
        let emission = Emission { at_ms, send_at_ms, topic, key, placement: Placement::ByKey, payload, fault: None };
        if fate.chance(self.duplicate_share) {
            self.books.entry(topic).or_default().duplicates += 1;
            let again_ms = send_at_ms + fate.between_ms(REPEATED_AFTER_MS.0, REPEATED_AFTER_MS.1);
            self.pass(Emission { send_at_ms: again_ms, ..emission.clone() }, out);
        }
        self.pass(emission, out);
    }

    /// Counts a finished record and sends or holds it.
    pub(crate) fn pass(&mut self, emission: Emission, out: &mut Vec<Emission>) {
        let book = self.books.entry(emission.topic).or_default();
        book.sent += 1;
        book.faults += u64::from(emission.fault.is_some());
        if emission.send_at_ms <= emission.at_ms {
            return out.push(emission);
        }
        book.late += 1;
        self.held.push(Reverse((emission.send_at_ms, self.held_count)));
        self.held_records.insert(self.held_count, emission);
        self.held_count += 1;
    }

    /// Puts what is due at or before `until_ms` into `out`.
    pub(crate) fn release(&mut self, until_ms: i64, out: &mut Vec<Emission>) {
        while let Some(&Reverse((send_at_ms, number))) = self.held.peek() {
            if send_at_ms > until_ms {
                return;
            }
            self.held.pop();
            out.extend(self.held_records.remove(&number));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}
