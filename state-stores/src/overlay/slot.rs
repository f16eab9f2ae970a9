//! One key's place in the overlay.

use crate::SharedBytes;
use std::cell::Cell;

/// A write to one key: `Some(None)` is a delete, `None` no write.
pub(super) type Write = Option<Option<SharedBytes>>;

/// What a slot costs beside its key and value, for the bounds in bytes: slot, index, reference counts, allocator.
pub(super) const SLOT_OVERHEAD_BYTES: usize = 176;

/// When a write happened: its number in the task, and the time of the record that caused it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stamp {
    pub number: u64,
    pub timestamp_ms: i64,
}

/// A key with its values of both layers.
pub(super) struct Slot {
    pub key: SharedBytes,
    pub hash: u64,
    pub uncommitted: Write,
    /// Committed, and applied too if it is `clean`.
    pub committed: Write,
    /// The backend has `committed`: the slot is a cache and may go.
    pub clean: bool,
    /// Written since the change log last asked.
    pub undrained: bool,
    /// Used since the eviction's hand last came by.
    pub used: Cell<bool>,
    /// Of the last write.
    pub stamp: Stamp,
}

impl Slot {
    pub fn newest(&self) -> Option<&Option<SharedBytes>> {
        self.uncommitted.as_ref().or(self.committed.as_ref())
    }

    /// What a scan must take from here rather than from the backend.
    pub fn newest_unapplied(&self) -> Option<&Option<SharedBytes>> {
        self.uncommitted.as_ref().or(self.committed.as_ref().filter(|_| !self.clean))
    }

    pub fn cost(&self, value: &Option<SharedBytes>) -> usize {
        SLOT_OVERHEAD_BYTES + self.key.len() + value.as_ref().map_or(0, |value| value.len())
    }
}
