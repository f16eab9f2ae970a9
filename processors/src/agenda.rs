//! Deadlines in a store: at most one per order, found by time.

use crate::keys::{Moment, moment_keys};
use crate::state_codec::state_serde;
use comanda_schemas::{EventTime, OrderId};
use comanda_streams::{KeyValueStore, StoreBuilder, Stores, StreamsError};
use std::rc::Rc;

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
