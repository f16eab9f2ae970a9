//! The agenda: what happens next, by time, and in the order of planning where times are equal.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use comanda_schemas::{DeclineReason, DeliveryId, EventId, PaymentCommand};

/// What happens next to whom. Couriers' happenings carry the trip they belong to: a changed plan voids them.
#[derive(Debug)]
pub(crate) enum Happening {
    Open(usize),
    Place(usize),
    Decide(usize),
    Cook(usize),
    Ready(usize),
    Regret(usize),
    Impatience(usize),
    GiveUp(usize),
    ShiftStarts(usize),
    ShiftEnds(usize),
    Ping(usize),
    Decline(usize, usize, DeliveryId, DeclineReason, EventId),
    Reach(usize, u32),
    PickUp(usize, u32),
    Depart(usize, u32),
    Door(usize, u32),
    Pay(Box<PaymentCommand>),
    Fault(usize, u64),
}

#[derive(Debug)]
struct Entry {
    at_ms: i64,
    number: u64,
    happening: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ms, self.number).cmp(&(other.at_ms, other.number))
    }
}

/// What is to come.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    planned: u64,
}

impl Agenda {
    pub(crate) fn plan(&mut self, at_ms: i64, happening: Happening) {
        let number = self.planned;
        self.entries.push(Reverse(Entry { at_ms, number, happening }));
        self.planned += 1;
    }

    /// The next happening before `until_ms`, and its time.
    pub(crate) fn next_before(&mut self, until_ms: i64) -> Option<(i64, Happening)> {
        let Reverse(next) = self.entries.peek()?;
        if next.at_ms >= until_ms {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| (entry.at_ms, entry.happening))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn happenings_of_the_same_time_come_in_the_order_of_planning() {
        let mut agenda = Agenda::default();
        for (at_ms, order) in [(5, 1), (3, 2), (5, 3), (4, 4)] {
            agenda.plan(at_ms, Happening::Place(order));
        }
        let mut seen = Vec::new();
        while let Some((at_ms, Happening::Place(order))) = agenda.next_before(6) {
            seen.push((at_ms, order));
        }
        assert_eq!(seen, [(3, 2), (4, 4), (5, 1), (5, 3)]);
        agenda.plan(6, Happening::Place(5));
        assert!(agenda.next_before(6).is_none());
    }
}
