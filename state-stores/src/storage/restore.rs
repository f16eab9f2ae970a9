//! Restoring from change logs: straight into the backend, in bounded batches, each with the offset it reaches.

use super::table::table_name;
use super::{Sweep, TableKey, TaskStorage, home_of};
use crate::backend::{Batch, Payload, TableId};
use crate::keys::{split_session_key, split_window_key};
use crate::{StoreError, StoreKind, ValueAndTimestamp};

/// Bytes of records in one batch: the larger, the faster, until the memtables are full.
const RESTORE_BATCH_BYTES: usize = 4 << 20;

/// A record of a change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangelogRecord<'a> {
    /// Store key, as the change log has it.
    pub key: &'a [u8],
    /// Value; `None` deletes.
    pub value: Option<&'a [u8]>,
    /// The record's timestamp in milliseconds.
    pub timestamp_ms: i64,
    /// The record's offset.
    pub offset: i64,
}

impl TaskStorage {
    /// Writes `records` of a store's change log, in their order, and notes that its log is restored up to
    /// `next_offset` (which may lie past the last record: transaction markers are invisible).
    ///
    /// The backend keeps a batch and the offset it reaches together, so that stopping anywhere is safe.
    ///
    /// # Errors
    /// [`StoreError::UncommittedWrites`]; [`StoreError::ForeignRecord`] for a key that is none of this kind of store; the
    /// disk's.
    pub fn restore<'a>(
        &mut self,
        index: usize,
        records: impl IntoIterator<Item = ChangelogRecord<'a>>,
        next_offset: i64,
    ) -> Result<(), StoreError> {
        self.refuse_uncommitted("restoring")?;
        // What is committed is older than what the change log goes on with, and must not hide it.
        self.apply()?;
        let mut records = records.into_iter().peekable();
        loop {
            let mut bytes = 0;
            let mut batch = Batch::default();
            let mut reached = next_offset;
            while let Some(record) = records.next() {
                bytes += record.key.len() + record.value.map_or(0, <[u8]>::len);
                self.restore_record(index, &record, &mut batch)?;
                if bytes >= RESTORE_BATCH_BYTES && records.peek().is_some() {
                    reached = record.offset + 1;
                    break;
                }
            }
            self.write_restored(index, batch, reached)?;
            if records.peek().is_none() {
                return Ok(());
            }
        }
    }

    pub(super) fn refuse_uncommitted(&self, action: &'static str) -> Result<(), StoreError> {
        if self.uncommitted_bytes() > 0 { Err(StoreError::UncommittedWrites { action }) } else { Ok(()) }
    }

    fn restore_record<'a>(
        &mut self,
        index: usize,
        record: &ChangelogRecord<'a>,
        batch: &mut Batch<'a>,
    ) -> Result<(), StoreError> {
        let store = &self.stores[index];
        let time = match &store.spec.kind {
            StoreKind::Versioned(_) => {
                // Versions depend on what is there: they take the ordinary way, without being logged again.
                self.versioned_put(index, record.key, record.value, record.timestamp_ms)?;
                self.stores[index].version_log.clear();
                return Ok(());
            }
            StoreKind::KeyValue => None,
            StoreKind::Ttl { .. } => {
                self.restore_expiry(index, record, batch)?;
                None
            }
            StoreKind::Window(_) => Some(split_window_key(record.key).map(|(_, start, sequence)| (start, sequence))),
            StoreKind::Session(_) => Some(split_session_key(record.key).map(|(_, _, end)| (end, 0))),
        };
        let store = &mut self.stores[index];
        let mut table = store.segment_of(0);
        if let Some(time) = time {
            let (time_ms, sequence) = time.ok_or_else(|| foreign(&store.spec.name, record))?;
            store.now.observed_ms = store.now.observed_ms.max(time_ms);
            store.now.sequence = store.now.sequence.max(sequence);
            if time_ms < store.earliest_visible() {
                return Ok(());
            }
            table = store.segment_of(time_ms);
        }
        let value = record.value.map(|value| match store.spec.timestamped {
            true => Payload::Timestamped(ValueAndTimestamp { timestamp_ms: record.timestamp_ms, value }),
            false => Payload::Borrowed(value),
        });
        let id = self.backend_table(index, table)?;
        batch.push(id, Payload::Borrowed(record.key), value);
        Ok(())
    }

    /// The entry of a row that it replaces stays in the index: deleting expired rows passes over it.
    fn restore_expiry<'a>(
        &mut self,
        index: usize,
        record: &ChangelogRecord<'a>,
        batch: &mut Batch<'a>,
    ) -> Result<(), StoreError> {
        if record.value.is_some() {
            let id = self.backend_table(index, TableKey::EXPIRY)?;
            let entry = crate::store::expiry_entry(record.timestamp_ms, record.key);
            batch.push(id, Payload::Shared(entry.into()), Some(Payload::Borrowed(&[])));
        }
        self.stores[index].sweep = Sweep::FROM_THE_BEGINNING;
        Ok(())
    }

    fn write_restored(&mut self, index: usize, mut batch: Batch<'_>, reached: i64) -> Result<(), StoreError> {
        let store = &mut self.stores[index];
        store.commit();
        let (home, name) = (store.home, store.spec.name.clone());
        self.committed.changelogs.insert(name, reached);
        if matches!(self.stores[index].spec.kind, StoreKind::Versioned(_)) {
            self.apply_due = true;
            return self.apply();
        }
        self.push_saved_state(home, &self.committed, &mut batch);
        self.backend_mut(home).write(batch)?;
        // The batch went past the read cache.
        self.stores[index].applied(0);
        self.applied.clone_from(&self.committed);
        Ok(())
    }

    /// The backend's table, opened if this is the first write to it.
    fn backend_table(&mut self, index: usize, key: TableKey) -> Result<TableId, StoreError> {
        let store = &mut self.stores[index];
        if let Some(id) = store.table(key).and_then(|table| table.backend) {
            return Ok(id);
        }
        let name = table_name(&store.spec, key);
        let id = home_of(store.home, &mut self.persistent, &mut self.memory).open_table(&name)?;
        store.table_mut(key).backend = Some(id);
        Ok(id)
    }
}

fn foreign(store: &str, record: &ChangelogRecord<'_>) -> StoreError {
    StoreError::ForeignRecord { store: store.to_owned(), offset: record.offset, key_bytes: record.key.len() }
}
