//! Deadlines in a store: at most one per order, found by time, swept by stream time and by the clock.

use crate::keys::{Moment, moment_keys};
use crate::state_codec::state_serde;
use crate::time_rules::believed_now;
use comanda_schemas::{EventTime, OrderId};
use comanda_streams::{
    Data, InitContext, KeyValueStore, ProcessorContext, PunctuationType, Schedule, StoreBuilder, Stores, StreamsError,
};
use std::rc::Rc;

/// Deadlines are minutes: a second is exact enough.
const SWEEP_EVERY_MS: i64 = 1_000;

/// The store behind an agenda. The value says nothing: the key is the entry.
pub(crate) type AgendaStore = KeyValueStore<Moment, bool>;

pub(crate) fn agenda_store(name: &str) -> StoreBuilder<AgendaStore> {
    Stores::key_value_store(name, moment_keys(), state_serde())
}

/// Who is to be looked at when.
pub(crate) struct Agenda(pub Rc<AgendaStore>);

impl Agenda {
    /// Replaces an order's deadline.
    pub fn change(&self, order: OrderId, from: Option<EventTime>, to: Option<EventTime>) -> Result<(), StreamsError> {
        if from == to {
            return Ok(());
        }
        if let Some(at) = from {
            self.0.delete(&Moment { at, order })?;
        }
        match to {
            Some(at) => self.0.put(&Moment { at, order }, &true),
            None => Ok(()),
        }
    }

    /// The deadlines at or before `now`, oldest first.
    pub fn due(&self, now: EventTime) -> Result<Vec<Moment>, StreamsError> {
        let entries = self.0.range(&Moment::FIRST, &Moment::last_at(now))?;
        Ok(entries.into_iter().map(|(moment, _)| moment).collect())
    }
}

/// When a processor sweeps its agenda.
pub(crate) struct Sweeps {
    by_clock: Schedule,
}

impl Sweeps {
    pub fn new(init: &mut InitContext<'_, '_>) -> Self {
        init.schedule(SWEEP_EVERY_MS, PunctuationType::StreamTime);
        Self { by_clock: init.schedule(SWEEP_EVERY_MS, PunctuationType::WallClockTime) }
    }

    /// Up to which time deadlines have passed: by stream time, which counts up to the clock only, and by the clock
    /// itself while no input waits: after an outage the message that answers a deadline may stand in the backlog.
    pub fn passed<K: Data, V: Data>(&self, ctx: &ProcessorContext<'_, K, V>, schedule: &Schedule) -> EventTime {
        if *schedule == self.by_clock && ctx.is_caught_up() {
            EventTime(ctx.current_system_time_ms())
        } else {
            believed_now(ctx)
        }
    }
}
