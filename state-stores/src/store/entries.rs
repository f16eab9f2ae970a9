//! What scans yield: entries of one or several tables, in order, as of the moment the scan began.

use super::ttl::is_live;
use crate::backend::{Direction, KeyRange};
use crate::keys::{split_session_key, split_window_key};
use crate::storage::{MergedCursor, StoreReader, TableKey};
use crate::{SharedBytes, StoreError, keys};
use std::collections::VecDeque;

/// Entries of a key-value store. Later writes do not show, so the store may be written to meanwhile.
pub struct Entries {
    /// One per table, in the order of the scan.
    cursors: VecDeque<MergedCursor>,
    filter: Filter,
}

/// Which stored keys belong to the answer; ranges also meet those of longer user keys.
pub(super) enum Filter {
    All,
    Window {
        keys: Keys,
        from_ms: i64,
        to_ms: i64,
    },
    Session {
        keys: Keys,
        earliest_end_ms: i64,
        latest_end_ms: i64,
        latest_start_ms: i64,
    },
    /// By the timestamp in front of the value.
    Ttl {
        earliest_ms: i64,
    },
}

/// Which user keys.
pub(super) enum Keys {
    All,
    One(Vec<u8>),
    /// Both ends inclusive.
    Between(Option<Vec<u8>>, Option<Vec<u8>>),
}

impl Keys {
    fn accepts(&self, key: &[u8]) -> bool {
        match self {
            Keys::All => true,
            Keys::One(wanted) => key == wanted,
            Keys::Between(from, to) => {
                from.as_ref().is_none_or(|from| from.as_slice() <= key)
                    && to.as_ref().is_none_or(|to| key <= to.as_slice())
            }
        }
    }
}

impl Filter {
    fn accepts(&self, stored: &[u8]) -> bool {
        match self {
            Filter::All | Filter::Ttl { .. } => true,
            Filter::Window { keys, from_ms, to_ms } => split_window_key(stored)
                .is_some_and(|(key, start, _)| *from_ms <= start && start <= *to_ms && keys.accepts(key)),
            Filter::Session { keys, earliest_end_ms, latest_end_ms, latest_start_ms } => split_session_key(stored)
                .is_some_and(|(key, start, end)| {
                    *earliest_end_ms <= end && end <= *latest_end_ms && start <= *latest_start_ms && keys.accepts(key)
                }),
        }
    }
}

impl Filter {
    fn accepts_value(&self, stored: &[u8]) -> bool {
        match self {
            Filter::Ttl { earliest_ms } => is_live(stored, *earliest_ms),
            _ => true,
        }
    }
}

impl Entries {
    pub(super) fn empty() -> Self {
        Self { cursors: VecDeque::new(), filter: Filter::All }
    }

    /// Entries of the main table.
    pub(crate) fn of_main(
        reader: &impl StoreReader,
        range: &KeyRange,
        direction: Direction,
    ) -> Result<Self, StoreError> {
        Self::of_main_filtered(reader, range, Filter::All, direction)
    }

    pub(super) fn of_main_filtered(
        reader: &impl StoreReader,
        range: &KeyRange,
        filter: Filter,
        direction: Direction,
    ) -> Result<Self, StoreError> {
        let cursor = reader.scan(TableKey::Main, range, direction)?;
        Ok(Self { cursors: VecDeque::from([cursor]), filter })
    }

    /// Entries of the segments that hold times from `from_ms` to `to_ms` inclusive.
    pub(super) fn of_segments(
        reader: &impl StoreReader,
        (from_ms, to_ms): (i64, i64),
        range: &KeyRange,
        filter: Filter,
        direction: Direction,
    ) -> Result<Self, StoreError> {
        let Some(spec) = reader.spec().segments() else {
            return Ok(Self::empty());
        };
        let mut segments = reader.segments(spec.segment_of(from_ms), spec.segment_of(to_ms));
        if direction == Direction::Backward {
            segments.reverse();
        }
        let scan = |segment| reader.scan(TableKey::Segment(segment), range, direction);
        let cursors = segments.into_iter().map(scan).collect::<Result<_, _>>()?;
        Ok(Self { cursors, filter })
    }

    fn next_entry(&mut self) -> Result<Option<(SharedBytes, SharedBytes)>, StoreError> {
        while let Some(cursor) = self.cursors.front_mut() {
            let filter = &self.filter;
            match cursor.next(|key| filter.accepts(key))? {
                Some(entry) if filter.accepts_value(&entry.1) => return Ok(Some(entry)),
                Some(_) => {}
                None => drop(self.cursors.pop_front()),
            }
        }
        Ok(None)
    }
}

impl Iterator for Entries {
    type Item = Result<(SharedBytes, SharedBytes), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_entry().transpose()
    }
}

/// An entry of a window store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowEntry {
    stored_key: SharedBytes,
    /// Window start in milliseconds.
    pub start_ms: i64,
    /// Value as stored.
    pub value: SharedBytes,
}

impl WindowEntry {
    /// The key without window and sequence number.
    pub fn key(&self) -> &[u8] {
        self.stored_key.get(..self.stored_key.len() - keys::WINDOW_SUFFIX).unwrap_or_default()
    }
}

/// Entries of a window store: segment by segment in the scan's direction of time, within a segment by key, then start.
/// For a single key that is the order of starts.
pub struct WindowEntries(pub(super) Entries);

impl Iterator for WindowEntries {
    type Item = Result<WindowEntry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| {
            let (stored_key, value) = entry?;
            let start_ms = split_window_key(&stored_key).map_or(0, |(_, start, _)| start);
            Ok(WindowEntry { stored_key, start_ms, value })
        })
    }
}

/// An entry of a session store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEntry {
    stored_key: SharedBytes,
    /// Session start in milliseconds.
    pub start_ms: i64,
    /// Session end in milliseconds, inclusive.
    pub end_ms: i64,
    /// Value as stored.
    pub value: SharedBytes,
}

impl SessionEntry {
    /// The key without the session's bounds.
    pub fn key(&self) -> &[u8] {
        self.stored_key.get(..self.stored_key.len() - keys::SESSION_SUFFIX).unwrap_or_default()
    }
}

/// Entries of a session store: segment by segment in the scan's direction of time, within a segment by key, then end,
/// then start. For a single key that is the order of ends, then starts.
pub struct SessionEntries(pub(super) Entries);

impl Iterator for SessionEntries {
    type Item = Result<SessionEntry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| {
            let (stored_key, value) = entry?;
            let (start_ms, end_ms) = split_session_key(&stored_key).map_or((0, 0), |(_, start, end)| (start, end));
            Ok(SessionEntry { stored_key, start_ms, end_ms, value })
        })
    }
}
