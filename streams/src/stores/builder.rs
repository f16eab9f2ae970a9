//! Declaring a processor's store once, and opening it in each task.

use super::{KeyValueStore, TtlKeyValueStore, VersionedKeyValueStore, WindowStore};
use crate::error::StreamsError;
use crate::serde::Serde;
use crate::topology::{StoreId, StoreInfo, Wiring};
use comanda_state_stores::StoreSpec;
use std::rc::Rc;
use std::sync::Arc;

type Open<S> = Arc<dyn Fn(&mut Wiring) -> Result<S, StreamsError> + Send + Sync>;

/// A store to be added to a topology, named and typed.
pub struct StoreBuilder<S> {
    pub(crate) info: StoreInfo,
    pub(crate) open: Open<S>,
}

impl<S> StoreBuilder<S> {
    /// Keeps it in memory; restored whole from its change log.
    pub fn in_memory(mut self) -> Self {
        self.info.persistent = Some(false);
        self
    }

    /// Keeps it in RocksDB.
    pub fn persistent(mut self) -> Self {
        self.info.persistent = Some(true);
        self
    }

    /// Writes no change log: its content is gone with the task's directory.
    pub fn with_logging_disabled(mut self) -> Self {
        self.info.spec.logged = false;
        self
    }
}

/// The stores that can be made (Kafka Streams' `Stores`).
pub struct Stores;

impl Stores {
    /// A plain key-value store, as `Stores.keyValueStoreBuilder`.
    pub fn key_value_store<K: 'static, V: 'static>(
        name: &str,
        keys: Serde<K>,
        values: Serde<V>,
    ) -> StoreBuilder<KeyValueStore<K, V>> {
        let store: Arc<str> = name.into();
        let open: Open<KeyValueStore<K, V>> = Arc::new(move |wiring| {
            let changelog = format!("{}-{store}-changelog", wiring.application_id).into();
            let bytes = wiring.stores.key_value(&store)?;
            Ok(KeyValueStore::new(bytes, changelog, keys.clone(), values.clone()))
        });
        StoreBuilder { info: plain(StoreSpec::key_value(name)), open }
    }

    /// A key-value store whose rows live for `ttl_ms` from their timestamps on, by stream time; see
    /// [`TtlKeyValueStore`]. Kafka Streams has none.
    pub fn ttl_key_value_store<K: 'static, V: 'static>(
        name: &str,
        ttl_ms: i64,
        keys: Serde<K>,
        values: Serde<V>,
    ) -> StoreBuilder<TtlKeyValueStore<K, V>> {
        let store: Arc<str> = name.into();
        let open: Open<TtlKeyValueStore<K, V>> =
            Arc::new(move |wiring| TtlKeyValueStore::open(wiring, &store, keys.clone(), values.clone()));
        StoreBuilder { info: plain(StoreSpec::ttl(name, ttl_ms)), open }
    }

    /// A plain window store without duplicates, as `Stores.windowStoreBuilder`. A read sees window starts from the
    /// store's own time − `retention_ms` + 1 on.
    pub fn window_store<K: 'static, V: 'static>(
        name: &str,
        retention_ms: i64,
        window_size_ms: i64,
        keys: Serde<K>,
        values: Serde<V>,
    ) -> StoreBuilder<WindowStore<K, V>> {
        let store: Arc<str> = name.into();
        let open: Open<WindowStore<K, V>> = Arc::new(move |wiring| {
            let changelog = format!("{}-{store}-changelog", wiring.application_id).into();
            let bytes = wiring.stores.window(&store)?;
            Ok(WindowStore::new(bytes, changelog, keys.clone(), values.clone()))
        });
        StoreBuilder { info: plain(StoreSpec::window(name, retention_ms, window_size_ms)), open }
    }

    /// A versioned store that tells what held at a time, `history_ms` back from the store's own time, as
    /// `Stores.versionedKeyValueStoreBuilder`.
    pub fn versioned_key_value_store<K: 'static, V: 'static>(
        name: &str,
        history_ms: i64,
        keys: Serde<K>,
        values: Serde<V>,
    ) -> StoreBuilder<VersionedKeyValueStore<K, V>> {
        let store: Arc<str> = name.into();
        let open: Open<VersionedKeyValueStore<K, V>> = Arc::new(move |wiring| {
            let changelog = format!("{}-{store}-changelog", wiring.application_id).into();
            let bytes = wiring.stores.versioned(&store)?;
            Ok(VersionedKeyValueStore::new(bytes, changelog, keys.clone(), values.clone()))
        });
        StoreBuilder { info: plain(StoreSpec::versioned(name, history_ms)), open }
    }
}

fn plain(spec: StoreSpec) -> StoreInfo {
    StoreInfo { spec, persistent: None }
}

/// A store that was added to a topology: connects it to processors and opens it in their tasks.
pub struct StoreHandle<S> {
    pub(crate) id: StoreId,
    pub(crate) open: Open<S>,
}

impl<S> Clone for StoreHandle<S> {
    fn clone(&self) -> Self {
        Self { id: self.id, open: self.open.clone() }
    }
}

impl<S: 'static> StoreHandle<S> {
    pub(crate) fn open(&self, wiring: &mut Wiring) -> Result<Rc<S>, StreamsError> {
        wiring.store(self.id, |wiring| (self.open)(wiring))
    }
}

/// Any store handle, to list the stores that a processor uses.
pub trait ConnectedStore {
    /// Its number in the topology.
    #[doc(hidden)]
    fn store_number(&self) -> usize;
}

impl<S> ConnectedStore for StoreHandle<S> {
    fn store_number(&self) -> usize {
        self.id.0
    }
}
