//! Tables in RocksDB: one database per task, a column family per table, no write-ahead log.
//!
//! The log is off because Kafka's change logs are one: `atomic_flush` brings all families to disk as of the same write,
//! so a crash leaves data and positions of one batch together (measured with `kill -9`).

mod cursor;
mod errors;
mod handles;
mod snapshot;

use super::{
    Backend, Batch, Cursor, Direction, KeyRange, METADATA_NAME, ReadTables, SharedResources, Snapshot, TableId,
};
use crate::{StoreError, kill_points};
use cursor::{RocksCursor, bounded};
use errors::{error, open_error};
use handles::{Database, Families, OwnedIterator, OwnedSnapshot, families};
use rocksdb::{FlushOptions, WriteBatch, WriteOptions};
use snapshot::RocksSnapshot;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
        let with_options = names.iter().map(|name| (name.as_str(), resources.table_options()));
        let database = Database::open_cf_with_opts(&options, directory, with_options).map_err(failed)?;

        let tables = names.into_iter().filter(|name| name != METADATA_NAME && name != UNUSED_DEFAULT_FAMILY);
        let numbered =
            (TableId::METADATA.0..).map(TableId).zip(std::iter::once(METADATA_NAME.to_owned()).chain(tables));
        let names: BTreeMap<TableId, String> = numbered.collect();
        let next_id = TableId::METADATA.0 + names.len() as u32;
        let families = Arc::new(families(Arc::new(database), &names));
        Ok(Self { directory: directory.into(), resources, names, families, next_id })
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
        self.names.get(&table).cloned().unwrap_or_else(|| "a dropped table".into())
    }

    fn refresh_handles(&mut self) {
        self.families = Arc::new(families(Arc::clone(self.database()), &self.names));
    }

    fn create_family(&self, name: &str) -> Result<(), StoreError> {
        let created = self.database().create_cf(name, &self.resources.table_options());
        created.map_err(|cause| self.error("create", name, cause))
    }

    fn drop_family(&self, name: &str) -> Result<(), StoreError> {
        self.database().drop_cf(name).map_err(|cause| self.error("drop", name, cause))
    }

    fn error(&self, action: &'static str, table: &str, cause: rocksdb::Error) -> StoreError {
        error(action, table, &self.directory, cause)
    }
}

impl ReadTables for RocksBackend {
    fn read(&self, table: TableId, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool, StoreError> {
        let family = self.families.borrow_dependent().get(&table).ok_or(StoreError::Closed)?;
        let pinned = self.database().get_pinned_cf(family, key);
        let value = pinned.map_err(|cause| self.error("read", &self.name(table), cause))?;
        value.iter().for_each(|value| visit(value));
        Ok(value.is_some())
    }

    fn scan(&self, table: TableId, range: &KeyRange, direction: Direction) -> Result<Box<dyn Cursor>, StoreError> {
        let family = self.families.borrow_dependent().get(&table).ok_or(StoreError::Closed)?;
        let options = bounded(range);
        let iterator =
            OwnedIterator::new(Arc::clone(self.database()), |database| database.raw_iterator_cf_opt(family, options));
        RocksCursor::start(iterator, None, range, direction, &self.directory)
    }
}

impl Backend for RocksBackend {
    fn open_table(&mut self, name: &str) -> Result<TableId, StoreError> {
        let known = self.names.iter().find(|(id, known)| **id != TableId::METADATA && *known == name);
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
        self.names.iter().filter(|(id, _)| **id != TableId::METADATA).map(|(_, name)| name.clone()).collect()
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
        let (mut key_room, mut value_room) = (Vec::new(), Vec::new());
        for operation in &batch.operations {
            let family = handles.get(&operation.table).ok_or(StoreError::Closed)?;
            let key = operation.key.bytes(&mut key_room);
            match &operation.value {
                Some(value) => write.put_cf(family, key, value.bytes(&mut value_room)),
                None => write.delete_cf(family, key),
            }
        }
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        self.database().write_opt(write, &options).map_err(|cause| self.error("write", "a batch", cause))
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
        self.database().flush_cfs_opt(&families, &options).map_err(|cause| self.error("flush", "all tables", cause))
    }

    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        let snapshot = OwnedSnapshot::new(Arc::clone(&self.families), |families| families.borrow_owner().snapshot());
        Ok(Arc::new(RocksSnapshot { snapshot: Arc::new(snapshot), directory: self.directory.clone() }))
    }

    fn approximate_entries(&self, table: TableId) -> u64 {
        let Some(family) = self.families.borrow_dependent().get(&table) else {
            return 0;
        };
        let estimate = self.database().property_int_value_cf(family, c"rocksdb.estimate-num-keys");
        estimate.ok().flatten().unwrap_or(0)
    }

    fn wipe(&mut self) -> Result<(), StoreError> {
        // Positions go first: if a crash comes in between, what is left counts as never restored.
        self.drop_family(METADATA_NAME)?;
        self.create_family(METADATA_NAME)?;
        let tables: Vec<TableId> = self.names.keys().copied().filter(|id| *id != TableId::METADATA).collect();
        for table in tables {
            self.drop_table(table)?;
        }
        self.refresh_handles();
        Ok(())
    }
}
