//! What borrows from an open database, kept together with it.
//!
//! Handles, snapshots and iterators of RocksDB live only as long as the database. Each owner here holds its share of it, so
//! that they may outlive a backend and travel to other threads.

use super::super::TableId;
use hashbrown::HashMap;
use rocksdb::{
    BoundColumnFamily, DBRawIteratorWithThreadMode, DBWithThreadMode, MultiThreaded, SnapshotWithThreadMode,
};
use self_cell::self_cell;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) type Database = DBWithThreadMode<MultiThreaded>;
pub(super) type FamilyHandles<'a> = HashMap<TableId, Arc<BoundColumnFamily<'a>>, foldhash::fast::FixedState>;
pub(super) type DatabaseSnapshot<'a> = SnapshotWithThreadMode<'a, Database>;
pub(super) type DatabaseIterator<'a> = DBRawIteratorWithThreadMode<'a, Database>;

self_cell!(
    /// The database with a handle to each family, fetched once: asking RocksDB for one takes a lock. Made anew when a
    /// family is created or dropped, so that snapshots keep the handles of their time.
    pub(super) struct Families {
        owner: Arc<Database>,
        #[covariant]
        dependent: FamilyHandles,
    }
);

self_cell!(
    pub(super) struct OwnedSnapshot {
        owner: Arc<Families>,
        #[covariant]
        dependent: DatabaseSnapshot,
    }
);

self_cell!(
    pub(super) struct OwnedIterator {
        owner: Arc<Database>,
        #[covariant]
        dependent: DatabaseIterator,
    }
);

/// Fetches the handles.
pub(super) fn families(database: Arc<Database>, names: &BTreeMap<TableId, String>) -> Families {
    Families::new(database, |database| {
        names.iter().filter_map(|(id, name)| Some((*id, database.cf_handle(name)?))).collect()
    })
}
