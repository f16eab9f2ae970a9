//! The upkeep of an instance's global tables: their topics' records in, a state that all tasks read out.

use crate::broker::RawRecord;
use crate::serde::SerdeError;
use crate::topology::Topology;
use comanda_state_stores::{KeyValueStore, Positions, StoreError, TaskStorage, TaskStores, ValueAndTimestamp};

/// Takes the records of global tables' topics in (Kafka Streams' `GlobalStateUpdateTask`). It knows no transaction: what is
/// committed in its topics is all that it reads.
pub struct GlobalTask {
    topology: Topology,
    stores: TaskStores,
    tables: Vec<KeyValueStore>,
}

impl GlobalTask {
    /// Over `storage`, which was opened for [`Topology::global_stores`]; tasks read where it publishes.
    ///
    /// # Errors
    /// If the storage lacks one of them, or the disk's.
    pub fn new(topology: &Topology, storage: TaskStorage) -> Result<Self, StoreError> {
        let stores = TaskStores::new(storage);
        let names = topology.globals().iter().map(|global| global.store.spec.name.clone());
        let tables = names.map(|name| stores.key_value(&name)).collect::<Result<_, _>>()?;
        Ok(Self { topology: topology.clone(), stores, tables })
    }

    /// Its stores.
    pub fn stores(&self) -> &TaskStores {
        &self.stores
    }

    /// Takes a record of a table's topic in; `false` if it has no key or no time and was left out.
    ///
    /// # Errors
    /// What is wrong with it: key, value or a rule of the contract.
    pub fn update(&self, table: usize, record: &RawRecord) -> Result<bool, SerdeError> {
        let timestamp_ms = (self.topology.globals()[table].check)(record)?;
        let Some(key) = record.key.as_deref().filter(|_| timestamp_ms >= 0) else { return Ok(false) };
        match record.value.as_deref() {
            Some(value) => self.tables[table].put_shared(key, ValueAndTimestamp { timestamp_ms, value }.encode()),
            None => self.tables[table].delete(key),
        }
        Ok(true)
    }

    /// Keeps what was taken in, and where it stands in its topics. More than `apply_bytes` of it go to the disk.
    ///
    /// # Errors
    /// The disk's.
    pub fn commit(&self, positions: &Positions, apply_bytes: usize) -> Result<(), StoreError> {
        self.stores.commit(positions);
        if self.stores.committed_bytes() >= apply_bytes {
            self.stores.apply()?;
        }
        Ok(())
    }

    /// Shows tasks what is kept.
    ///
    /// # Errors
    /// The disk's.
    pub fn publish(&self) -> Result<(), StoreError> {
        self.stores.publish()
    }
}
