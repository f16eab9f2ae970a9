//! Tables in RocksDB: one database per task, a column family per table, no write-ahead log.
//!
//! The log is off because Kafka's change logs are one: `atomic_flush` brings all families to disk as of the same write,
//! so a crash leaves data and positions of one batch together (measured with `kill -9`).

use super::{
    Backend, Batch, Cursor, Direction, KeyRange, METADATA_NAME, ReadTables, SharedResources,
    Snapshot, TableId,
};
use crate::{StoreError, kill_points};
use hashbrown::HashMap;
use rocksdb::{
    BoundColumnFamily, DBRawIteratorWithThreadMode, DBWithThreadMode, ErrorKind, FlushOptions,
    MultiThreaded, ReadOptions, SnapshotWithThreadMode, WriteBatch, WriteOptions,
};
use self_cell::self_cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Database = DBWithThreadMode<MultiThreaded>;
type FamilyHandles<'a> = HashMap<TableId, Arc<BoundColumnFamily<'a>>, foldhash::fast::FixedState>;
type DatabaseSnapshot<'a> = SnapshotWithThreadMode<'a, Database>;
type DatabaseIterator<'a> = DBRawIteratorWithThreadMode<'a, Database>;

self_cell!(
    /// The database with a handle to each family, fetched once: asking RocksDB for one takes a lock. Made anew when a
    /// family is created or dropped, so that snapshots keep the handles of their time.
    struct Families {
        owner: Arc<Database>,
        #[covariant]
        dependent: FamilyHandles,
    }
);

self_cell!(
    struct OwnedSnapshot {
        owner: Arc<Families>,
        #[covariant]
        dependent: DatabaseSnapshot,
    }
);

self_cell!(
    struct OwnedIterator {
        owner: Arc<Database>,
        #[covariant]
        dependent: DatabaseIterator,
    }
);

/// [`Backend`] on one RocksDB directory.
pub struct RocksBackend {
    directory: PathBuf,
    resources: SharedResources,
    names: BTreeMap<TableId, String>,
    families: Arc<Families>,
    next_id: u32,
}

/// The family that RocksDB insists on; nothing is stored in it.
const UNUSED_DEFAULT_FAMILY: &str = "default";

impl RocksBackend {
    /// Opens the database in `directory`, created if it is missing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if somebody holds it, [`StoreError::Corrupted`] if it must be wiped, else the disk's.
    pub fn open(directory: &Path, resources: SharedResources) -> Result<Self, StoreError> {
        let failed = |cause| open_error(directory, cause);
        let options = resources.database_options();
        std::fs::create_dir_all(directory).map_err(|cause| StoreError::Io {
            action: "create",
            table: "the directory".into(),
            directory: directory.into(),
            cause: cause.to_string(),
        })?;
        let mut names = match directory.join("CURRENT").exists() {
            true => Database::list_cf(&options, directory).map_err(failed)?,
            false => vec![UNUSED_DEFAULT_FAMILY.to_owned()],
        };
        if !names.iter().any(|name| name == METADATA_NAME) {
            names.push(METADATA_NAME.to_owned());
        }
        let with_options = names
            .iter()
            .map(|name| (name.as_str(), resources.table_options()));
        let database =
            Database::open_cf_with_opts(&options, directory, with_options).map_err(failed)?;

        let tables = names
            .into_iter()
            .filter(|name| name != METADATA_NAME && name != UNUSED_DEFAULT_FAMILY);
        let numbered = (TableId::METADATA.0..)
            .map(TableId)
            .zip(std::iter::once(METADATA_NAME.to_owned()).chain(tables));
        let names: BTreeMap<TableId, String> = numbered.collect();
        let next_id = TableId::METADATA.0 + names.len() as u32;
        let families = Arc::new(families(Arc::new(database), &names));
        Ok(Self {
            directory: directory.into(),
            resources,
            names,
            families,
            next_id,
        })
    }

    /// Deletes the database in `directory` with all its files, if there is one: for state that does not even open.
    ///
    /// # Errors
    /// The file system's.
    pub fn destroy(directory: &Path) -> Result<(), StoreError> {
        match std::fs::remove_dir_all(directory) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(StoreError::Io {
                action: "delete",
                table: "the database".into(),
                directory: directory.into(),
                cause: cause.to_string(),
            }),
            _ => Ok(()),
        }
    }

    fn database(&self) -> &Arc<Database> {
        self.families.borrow_owner()
    }

    fn name(&self, table: TableId) -> String {
        self.names
            .get(&table)
            .cloned()
            .unwrap_or_else(|| "a dropped table".into())
    }

    fn refresh_handles(&mut self) {
        self.families = Arc::new(families(Arc::clone(self.database()), &self.names));
    }

    fn create_family(&self, name: &str) -> Result<(), StoreError> {
        let created = self
            .database()
            .create_cf(name, &self.resources.table_options());
        created.map_err(|cause| self.error("create", name, cause))
    }

    fn drop_family(&self, name: &str) -> Result<(), StoreError> {
        self.database()
            .drop_cf(name)
            .map_err(|cause| self.error("drop", name, cause))
    }

    fn error(&self, action: &'static str, table: &str, cause: rocksdb::Error) -> StoreError {
        error(action, table, &self.directory, cause)
    }
}

fn families(database: Arc<Database>, names: &BTreeMap<TableId, String>) -> Families {
    Families::new(database, |database| {
        names
            .iter()
            .filter_map(|(id, name)| Some((*id, database.cf_handle(name)?)))
            .collect()
    })
}

fn error(action: &'static str, table: &str, directory: &Path, cause: rocksdb::Error) -> StoreError {
    let (table, directory, kind) = (table.to_owned(), directory.to_owned(), cause.kind());
    let cause = cause.into_string();
    match kind {
        ErrorKind::Corruption => StoreError::Corrupted {
            action,
            table,
            directory,
            cause,
        },
        _ => StoreError::Io {
            action,
            table,
            directory,
            cause,
        },
    }
}

/// Errors of opening that RocksDB's kinds do not tell apart: a held lock and a missing file are I/O errors, a family that
/// cannot be opened as asked (options of an older build) is an invalid argument. The directory was just made sure of, so
/// a file that is missing is one that the database names.
fn open_error(directory: &Path, cause: rocksdb::Error) -> StoreError {
    let text = cause.to_string();
    if cause.kind() == ErrorKind::IOError
        && (text.contains("lock hold by") || text.contains("While lock file"))
    {
        return StoreError::Locked {
            directory: directory.into(),
            cause: text,
        };
    }
    let unusable = matches!(
        cause.kind(),
        ErrorKind::InvalidArgument | ErrorKind::NotSupported | ErrorKind::NotFound
    );
    if unusable || text.contains("No such file or directory") {
        let (table, directory) = ("the database".to_owned(), directory.to_owned());
        return StoreError::Corrupted {
            action: "open",
            table,
            directory,
            cause: text,
        };
    }
    error("open", "the database", directory, cause)
}

impl ReadTables for RocksBackend {
    fn read(
        &self,
        table: TableId,
        key: &[u8],
        visit: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, StoreError> {
        let family = self
            .families
            .borrow_dependent()
            .get(&table)
            .ok_or(StoreError::Closed)?;
        let pinned = self.database().get_pinned_cf(family, key);
        let value = pinned.map_err(|cause| self.error("read", &self.name(table), cause))?;
        value.iter().for_each(|value| visit(value));
        Ok(value.is_some())
    }

    fn scan(
        &self,
        table: TableId,
        range: &KeyRange,
        direction: Direction,
    ) -> Result<Box<dyn Cursor>, StoreError> {
        let family = self
            .families
            .borrow_dependent()
            .get(&table)
            .ok_or(StoreError::Closed)?;
        let options = bounded(range);
        let iterator = OwnedIterator::new(Arc::clone(self.database()), |database| {
            database.raw_iterator_cf_opt(family, options)
        });
        RocksCursor::start(iterator, None, range, direction, &self.directory)
    }
}

fn bounded(range: &KeyRange) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(range.from.as_slice());
    if let Some(to) = &range.to {
        options.set_iterate_upper_bound(to.as_slice());
    }
    options
}

impl Backend for RocksBackend {
    fn open_table(&mut self, name: &str) -> Result<TableId, StoreError> {
        let known = self
            .names
            .iter()
            .find(|(id, known)| **id != TableId::METADATA && *known == name);
        if let Some((id, _)) = known {
            return Ok(*id);
        }
        self.create_family(name)?;
        let id = TableId(self.next_id);
        self.next_id += 1;
        self.names.insert(id, name.to_owned());
        self.refresh_handles();
        Ok(id)
    }

    fn table_names(&self) -> Vec<String> {
        self.names
            .iter()
            .filter(|(id, _)| **id != TableId::METADATA)
            .map(|(_, name)| name.clone())
            .collect()
    }

    fn drop_table(&mut self, table: TableId) -> Result<(), StoreError> {
        let Some(name) = self.names.get(&table).cloned() else {
            return Ok(());
        };
        self.drop_family(&name)?;
        self.names.remove(&table);
        self.refresh_handles();
        Ok(())
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<(), StoreError> {
        let handles = self.families.borrow_dependent();
        let mut write = WriteBatch::default();
        for operation in &batch.operations {
            let family = handles.get(&operation.table).ok_or(StoreError::Closed)?;
            match &operation.value {
                Some(value) => write.put_cf(family, operation.key.bytes(), value.bytes()),
                None => write.delete_cf(family, operation.key.bytes()),
            }
        }
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.database()
            .write_opt(write, &options)
            .map_err(|cause| self.error("write", "a batch", cause))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let families: Vec<_> = self.families.borrow_dependent().values().collect();
        let mut options = FlushOptions::default();
        if cfg!(feature = "kill-points") {
            // Start it and go on, so that the kill falls into the flush.
            options.set_wait(false);
            let begun = self.database().flush_cfs_opt(&families, &options);
            begun.map_err(|cause| self.error("flush", "all tables", cause))?;
            kill_points::pass("rocksdb.flush");
        }
        options.set_wait(true);
        self.database()
            .flush_cfs_opt(&families, &options)
            .map_err(|cause| self.error("flush", "all tables", cause))
    }

    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        let snapshot = OwnedSnapshot::new(Arc::clone(&self.families), |families| {
            families.borrow_owner().snapshot()
        });
        Ok(Arc::new(RocksSnapshot {
            snapshot: Arc::new(snapshot),
            directory: self.directory.clone(),
        }))
    }

    fn approximate_entries(&self, table: TableId) -> u64 {
        let Some(family) = self.families.borrow_dependent().get(&table) else {
            return 0;
        };
        let estimate = self
            .database()
            .property_int_value_cf(family, c"rocksdb.estimate-num-keys");
        estimate.ok().flatten().unwrap_or(0)
    }

    fn wipe(&mut self) -> Result<(), StoreError> {
        // Positions go first: if a crash comes in between, what is left counts as never restored.
        self.drop_family(METADATA_NAME)?;
        self.create_family(METADATA_NAME)?;
        let tables: Vec<TableId> = self
            .names
            .keys()
            .copied()
            .filter(|id| *id != TableId::METADATA)
            .collect();
        for table in tables {
            self.drop_table(table)?;
        }
        self.refresh_handles();
        Ok(())
    }
}

struct RocksSnapshot {
    snapshot: Arc<OwnedSnapshot>,
    directory: PathBuf,
}

impl Snapshot for RocksSnapshot {}

impl ReadTables for RocksSnapshot {
    fn read(
        &self,
        table: TableId,
        key: &[u8],
        visit: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, StoreError> {
        let family = self
            .snapshot
            .borrow_owner()
            .borrow_dependent()
            .get(&table)
            .ok_or(StoreError::Closed)?;
        let pinned = self.snapshot.borrow_dependent().get_pinned_cf(family, key);
        let value = pinned.map_err(|cause| error("read", "a table", &self.directory, cause))?;
        value.iter().for_each(|value| visit(value));
        Ok(value.is_some())
    }

    fn scan(
        &self,
        table: TableId,
        range: &KeyRange,
        direction: Direction,
    ) -> Result<Box<dyn Cursor>, StoreError> {
        let families = self.snapshot.borrow_owner();
        let family = families
            .borrow_dependent()
            .get(&table)
            .ok_or(StoreError::Closed)?;
        let mut options = bounded(range);
        options.set_snapshot(self.snapshot.borrow_dependent());
        let iterator = OwnedIterator::new(Arc::clone(families.borrow_owner()), |database| {
            database.raw_iterator_cf_opt(family, options)
        });
        let held = Some(Arc::clone(&self.snapshot));
        RocksCursor::start(iterator, held, range, direction, &self.directory)
    }
}

/// A scan of one family, consistent as of its creation.
struct RocksCursor {
    iterator: OwnedIterator,
    direction: Direction,
    directory: PathBuf,
    /// What the iterator reads as of, if that is a snapshot; released after it.
    _snapshot: Option<Arc<OwnedSnapshot>>,
}

impl RocksCursor {
    fn start(
        mut iterator: OwnedIterator,
        snapshot: Option<Arc<OwnedSnapshot>>,
        range: &KeyRange,
        direction: Direction,
        directory: &Path,
    ) -> Result<Box<dyn Cursor>, StoreError> {
        if range.is_empty() {
            return Ok(Box::new(Nothing));
        }
        // The bounds are in the read options: "first" and "last" mean within them.
        iterator.with_dependent_mut(|_, iterator| match direction {
            Direction::Forward => iterator.seek_to_first(),
            Direction::Backward => iterator.seek_to_last(),
        });
        let cursor = Self {
            iterator,
            direction,
            directory: directory.into(),
            _snapshot: snapshot,
        };
        cursor.check()?;
        Ok(Box::new(cursor))
    }

    fn check(&self) -> Result<(), StoreError> {
        let status = self.iterator.borrow_dependent().status();
        status.map_err(|cause| error("scan", "a table", &self.directory, cause))
    }
}

impl Cursor for RocksCursor {
    fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.iterator.borrow_dependent().item()
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        let direction = self.direction;
        self.iterator.with_dependent_mut(|_, iterator| {
            if iterator.valid() {
                match direction {
                    Direction::Forward => iterator.next(),
                    Direction::Backward => iterator.prev(),
                }
            }
        });
        self.check()
    }
}

/// A scan of an empty range.
struct Nothing;

impl Cursor for Nothing {
    fn entry(&self) -> Option<(&[u8], &[u8])> {
        None
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
