//! What lies under the overlay: named tables, written atomically together, with consistent snapshots.

mod memory;
mod rocks;
mod shared_resources;
mod simulated_disk;

pub use memory::MemoryBackend;
pub(crate) use memory::{MapCursor, SharedMap};
pub use rocks::RocksBackend;
pub use shared_resources::{ResourceSizes, SharedResources};
pub use simulated_disk::{SimulatedDisk, SimulatedDiskBackend};

use crate::keys::{after_key, after_prefix};
use crate::{SharedBytes, StoreError, ValueAndTimestamp};
use std::sync::Arc;

/// A table's number in one open backend. Numbers are not stored and may differ after reopening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub(crate) u32);

impl TableId {
    /// The table that every backend has, for what is not data: positions, times.
    pub const METADATA: TableId = TableId(0);
}

/// Name of the metadata table, for messages.
pub(crate) const METADATA_NAME: &str = "metadata";

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// Keys from `from` (inclusive) up to `to` (exclusive; `None`: to the last).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// First key that may be in the range.
    pub from: Vec<u8>,
    /// First key past the range.
    pub to: Option<Vec<u8>>,
}

impl KeyRange {
    /// All keys.
    pub fn all() -> Self {
        Self::default()
    }

    /// Both ends inclusive, `None` meaning open: Kafka Streams' `range(from, to)`.
    pub fn inclusive(from: Option<&[u8]>, to: Option<&[u8]>) -> Self {
        Self { from: from.unwrap_or_default().to_vec(), to: to.map(after_key) }
    }

    /// All keys that start with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self { from: prefix.to_vec(), to: after_prefix(prefix) }
    }

    /// Whether no key can be in it.
    pub fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }
}

/// A position in a scan. It starts at the first entry and owns what it reads from: later writes do not show.
pub trait Cursor {
    /// The entry under the cursor; `None` past the last.
    fn entry(&self) -> Option<(&[u8], &[u8])>;

    /// The same entry as shared bytes (copied if the backend does not share).
    fn shared_entry(&self) -> Option<(SharedBytes, SharedBytes)> {
        self.entry().map(|(key, value)| (key.into(), value.into()))
    }

    /// Goes on to the next entry in the scan's direction.
    ///
    /// # Errors
    /// Whatever reading from disk may end with.
    fn advance(&mut self) -> Result<(), StoreError>;
}

/// What can be read from a backend and from its snapshots alike.
pub trait ReadTables {
    /// Shows the value of `key` to `visit` and says whether there was one.
    ///
    /// # Errors
    /// The disk's; [`StoreError::Corrupted`].
    fn read(&self, table: TableId, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError>;

    /// A cursor on the first entry of `range` in that direction.
    ///
    /// # Errors
    /// The disk's; [`StoreError::Corrupted`].
    fn scan(&self, table: TableId, range: &KeyRange, direction: Direction) -> Result<Box<dyn Cursor>, StoreError>;

    /// The value of `key`.
    ///
    /// # Errors
    /// As [`ReadTables::read`].
    fn get(&self, table: TableId, key: &[u8]) -> Result<Option<SharedBytes>, StoreError> {
        let mut found = None;
        self.read(table, key, &mut |value| found = Some(value.into()))?;
        Ok(found)
    }
}

/// A consistent state of all tables for other threads.
pub trait Snapshot: ReadTables + Send + Sync {}

/// Bytes on their way into a backend.
#[derive(Clone, Debug)]
pub enum Payload<'a> {
    /// Shared with a layer above: memory keeps it without copying.
    Shared(SharedBytes),
    /// Borrowed from the caller: memory copies it.
    Borrowed(&'a [u8]),
    /// Borrowed from the caller without the timestamp that stands before it: RocksDB copies it once.
    Timestamped(ValueAndTimestamp<'a>),
}

impl Payload<'_> {
    /// The bytes, which may be put together in `room`.
    pub fn bytes<'b>(&'b self, room: &'b mut Vec<u8>) -> &'b [u8] {
        match self {
            Payload::Shared(bytes) => bytes,
            Payload::Borrowed(bytes) => bytes,
            Payload::Timestamped(value) => {
                room.clear();
                value.encode_into(room);
                room
            }
        }
    }

    /// The bytes to keep.
    pub fn into_shared(self) -> SharedBytes {
        match self {
            Payload::Shared(bytes) => bytes,
            Payload::Borrowed(bytes) => bytes.into(),
            Payload::Timestamped(value) => value.encode(),
        }
    }
}

/// One put (or delete, if there is no value) of a batch.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// The table.
    pub table: TableId,
    /// The key.
    pub key: Payload<'a>,
    /// The value; `None` deletes.
    pub value: Option<Payload<'a>>,
}

/// Puts and deletes that take effect together; later ones of the same key win.
#[derive(Clone, Debug, Default)]
pub struct Batch<'a> {
    /// In the order of writing.
    pub operations: Vec<Operation<'a>>,
}

impl<'a> Batch<'a> {
    /// Adds a put, or a delete if `value` is `None`.
    pub fn push(&mut self, table: TableId, key: Payload<'a>, value: Option<Payload<'a>>) {
        self.operations.push(Operation { table, key, value });
    }
}

/// A task's storage.
///
/// # Contract
/// - [`Backend::write`] is atomic: all of the batch or nothing, also after a crash.
/// - After a crash the tables are as of some write at or after the last [`Backend::flush`] that returned: a prefix of
///   the writes, the same for all tables. Creating and dropping tables is durable at once and not part of that order,
///   so a table may be there empty, and must be dropped only when no kept state needs it.
pub trait Backend: ReadTables + Send {
    /// The table of that name, created if it is missing.
    ///
    /// # Errors
    /// The disk's.
    fn open_table(&mut self, name: &str) -> Result<TableId, StoreError>;

    /// Names of all tables but the metadata one.
    fn table_names(&self) -> Vec<String>;

    /// Drops a table and all in it. Snapshots taken before still read it.
    ///
    /// # Errors
    /// The disk's.
    fn drop_table(&mut self, table: TableId) -> Result<(), StoreError>;

    /// Writes a batch atomically.
    ///
    /// # Errors
    /// The disk's; nothing of the batch is written then.
    fn write(&mut self, batch: Batch<'_>) -> Result<(), StoreError>;

    /// Makes everything written so far survive a crash.
    ///
    /// # Errors
    /// The disk's.
    fn flush(&mut self) -> Result<(), StoreError>;

    /// The tables as they are now.
    ///
    /// # Errors
    /// The disk's.
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError>;

    /// About how many entries a table has.
    fn approximate_entries(&self, table: TableId) -> u64;

    /// Deletes everything, durably: no tables but an empty metadata one remain.
    ///
    /// # Errors
    /// The disk's.
    fn wipe(&mut self) -> Result<(), StoreError>;
}
