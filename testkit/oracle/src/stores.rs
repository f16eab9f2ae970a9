//! What the named stores hold at the end, read below the engine: from the bytes of the state stores.

use crate::case::Probes;
use crate::observed::{Entry, StoreContent};
use crate::val::{Type, Val, values};
use comanda_state_stores::{Direction, TaskStores, ValueAndTimestamp, VersionedRecord};
use comanda_streams::{Serdes, StreamsError};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a named store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Kv,
    PlainKv,
    Window,
    PlainWindow,
    Versioned,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::PlainKv => "plain_kv",
            Self::Window => "window",
            Self::PlainWindow => "plain_window",
            Self::Versioned => "versioned",
        }
    }

    /// Whether values carry the time of their last update.
    fn is_timed(self) -> bool {
        matches!(self, Self::Kv | Self::Window)
    }
}

/// A named store of a case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    pub kind: Kind,
    pub values: Type,
    /// Whether it is cached if the case has a cache.
    pub caching: bool,
}

/// Reads all named stores, each where it is: with the task, or with the global tables.
pub(crate) fn dump(
    homes: [&TaskStores; 2],
    named: &BTreeMap<String, Named>,
    probes: &Probes,
) -> Result<BTreeMap<String, StoreContent>, StreamsError> {
    let contents = named.iter().map(|(name, store)| {
        let home = homes.into_iter().find(|stores| stores.store_index(name).is_ok()).unwrap_or(homes[0]);
        let entries = Reader { stores: home, name, store }.entries(probes)?;
        Ok((name.clone(), StoreContent { kind: store.kind.name().to_owned(), entries }))
    });
    contents.collect()
}

/// The earliest window start that reads of a window store see now.
pub(crate) fn earliest_visible(stores: &TaskStores, name: &str) -> Result<i64, StreamsError> {
    let observed_ms = stores.window(name)?.observed_stream_time();
    let spec = stores.specs().into_iter().find(|spec| *spec.name == *name);
    let segments = spec.as_ref().and_then(|spec| spec.segments());
    Ok(segments.map_or(i64::MIN, |segments| segments.earliest_visible(observed_ms)))
}

struct Reader<'a> {
    stores: &'a TaskStores,
    name: &'a str,
    store: &'a Named,
}

impl Reader<'_> {
    fn entries(&self, probes: &Probes) -> Result<Vec<Entry>, StreamsError> {
        let mut entries = match self.store.kind {
            Kind::Kv | Kind::PlainKv => self.key_value()?,
            Kind::Window | Kind::PlainWindow => self.windows()?,
            Kind::Versioned => return self.versions(probes),
        };
        entries.sort_by(|a, b| (&a.key, a.start).cmp(&(&b.key, b.start)));
        Ok(entries)
    }

    fn key_value(&self) -> Result<Vec<Entry>, StreamsError> {
        let mut entries = vec![];
        for found in self.stores.key_value(self.name)?.all(Direction::Forward)? {
            let (key, value) = found?;
            entries.push(self.entry(&key, None, &value)?);
        }
        Ok(entries)
    }

    fn windows(&self) -> Result<Vec<Entry>, StreamsError> {
        let store = self.stores.window(self.name)?;
        let mut entries = vec![];
        for found in store.fetch_all(i64::MIN, i64::MAX, Direction::Forward)? {
            let found = found?;
            entries.push(self.entry(found.key(), Some(found.start_ms), &found.value)?);
        }
        Ok(entries)
    }

    fn entry(&self, key: &[u8], start: Option<i64>, stored: &[u8]) -> Result<Entry, StreamsError> {
        let key = Serdes::string().deserialize(self.name, key)?;
        if !self.store.kind.is_timed() {
            return Ok(Entry { key, start, value: Some(self.value(stored)?), ..Entry::default() });
        }
        let Some(stored) = ValueAndTimestamp::decode(stored) else {
            return Err(StreamsError::Fatal(format!("store {} holds a value without a timestamp", self.name)));
        };
        let value = Some(self.value(stored.value)?);
        Ok(Entry { key, start, value, ts: Some(stored.timestamp_ms), ..Entry::default() })
    }

    fn value(&self, bytes: &[u8]) -> Result<Val, StreamsError> {
        Ok(values(self.store.values).deserialize(self.name, bytes)?)
    }

    fn versions(&self, probes: &Probes) -> Result<Vec<Entry>, StreamsError> {
        let store = self.stores.versioned(self.name)?;
        let mut entries = vec![];
        for key in &probes.keys {
            entries.push(self.version(key, "latest".into(), store.get(key.as_bytes())?)?);
            for as_of in &probes.as_of {
                let found = store.get_as_of(key.as_bytes(), *as_of)?;
                entries.push(self.version(key, (*as_of).into(), found)?);
            }
        }
        Ok(entries)
    }

    fn version(&self, key: &str, as_of: Value, found: Option<VersionedRecord>) -> Result<Entry, StreamsError> {
        let value = found.as_ref().map(|found| self.value(&found.value)).transpose()?;
        let ts = found.map(|found| found.valid_from_ms);
        Ok(Entry { key: key.to_owned(), as_of: Some(as_of), value, ts, ..Entry::default() })
    }
}
