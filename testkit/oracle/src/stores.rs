//! What the named stores hold at the end, read below the engine: from the bytes of the state stores.

use crate::case::Probes;
use crate::observed::{Entry, StoreContent};
use crate::val::{Type, Val, values};
use comanda_state_stores::{Direction, TaskStores, ValueAndTimestamp};
use comanda_streams::{Serdes, StreamsError};
use std::collections::BTreeMap;

/// What a named store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Kv,
    PlainKv,
    Window,
    PlainWindow,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::PlainKv => "plain_kv",
            Self::Window => "window",
            Self::PlainWindow => "plain_window",
        }
    }
}

/// Reads all named stores.
pub(crate) fn dump(
    stores: &TaskStores,
    named: &BTreeMap<String, (Kind, Type)>,
    _probes: &Probes,
) -> Result<BTreeMap<String, StoreContent>, StreamsError> {
    let contents = named.iter().map(|(name, (kind, of))| {
        let mut entries = entries(stores, name, *kind, *of)?;
        entries.sort_by(|a, b| (&a.key, a.start).cmp(&(&b.key, b.start)));
        Ok((
            name.clone(),
            StoreContent {
                kind: kind.name().to_owned(),
                entries,
            },
        ))
    });
    contents.collect()
}

fn entries(
    stores: &TaskStores,
    name: &str,
    kind: Kind,
    of: Type,
) -> Result<Vec<Entry>, StreamsError> {
    let timed = matches!(kind, Kind::Kv | Kind::Window);
    if matches!(kind, Kind::Kv | Kind::PlainKv) {
        let all = stores.key_value(name)?.all(Direction::Forward)?;
        return all
            .map(|found| {
                let (key, value) = found?;
                entry(name, &key, None, &value, timed, of)
            })
            .collect();
    }
    let all = stores
        .window(name)?
        .fetch_all(i64::MIN, i64::MAX, Direction::Forward)?;
    all.map(|found| {
        let found = found?;
        entry(
            name,
            found.key(),
            Some(found.start_ms),
            &found.value,
            timed,
            of,
        )
    })
    .collect()
}

fn entry(
    store: &str,
    key: &[u8],
    start: Option<i64>,
    stored: &[u8],
    timed: bool,
    of: Type,
) -> Result<Entry, StreamsError> {
    let key = Serdes::string().deserialize(store, key)?;
    let value = |bytes: &[u8]| -> Result<Option<Val>, StreamsError> {
        Ok(Some(values(of).deserialize(store, bytes)?))
    };
    if !timed {
        return Ok(Entry {
            key,
            start,
            value: value(stored)?,
            ..Entry::default()
        });
    }
    let Some(stored) = ValueAndTimestamp::decode(stored) else {
        return Err(StreamsError::Fatal(format!(
            "store {store} holds a value without a timestamp"
        )));
    };
    Ok(Entry {
        key,
        start,
        value: value(stored.value)?,
        ts: Some(stored.timestamp_ms),
        ..Entry::default()
    })
}
