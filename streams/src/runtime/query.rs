//! Interactive queries: reading tasks' committed state from other threads.

use crate::error::StreamsError;
use crate::partitioner::partition_for_key;
use crate::serde::Serde;
use crate::stores::split_timestamp;
use crate::task_id::TaskId;
use comanda_state_stores::{StoresView, Views};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

/// The states of the tasks that run in this instance.
#[derive(Default)]
pub struct QueryRegistry {
    tasks: RwLock<BTreeMap<TaskId, Views>>,
    /// Somebody queries: tasks publish their state with each commit.
    enabled: AtomicBool,
}

impl QueryRegistry {
    pub(super) fn enable(&self) {
        self.enabled.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    pub(super) fn insert(&self, task: TaskId, views: Views) {
        self.tasks.write().expect("no reader panics while it holds the lock").insert(task, views);
    }

    pub(super) fn remove(&self, task: TaskId) {
        self.tasks.write().expect("no reader panics while it holds the lock").remove(&task);
    }

    /// The newest committed state of a task that runs here.
    pub fn task(&self, task: TaskId) -> Option<Arc<StoresView>> {
        self.tasks.read().expect("no writer panics while it holds the lock").get(&task)?.load()
    }

    /// All tasks of a sub-topology that run here.
    pub fn tasks_of(&self, sub_topology: u32) -> Vec<(TaskId, Arc<StoresView>)> {
        let tasks = self.tasks.read().expect("no writer panics while it holds the lock");
        let here = tasks.iter().filter(|(task, _)| task.sub_topology == sub_topology);
        here.filter_map(|(task, views)| Some((*task, views.load()?))).collect()
    }
}

/// A store to be queried, by key.
pub struct QueryableStore<K, V> {
    pub(super) registry: Arc<QueryRegistry>,
    pub(super) sub_topology: u32,
    pub(super) store: String,
    pub(super) partitions: i32,
    pub(super) timestamped: bool,
    pub(super) keys: Serde<K>,
    pub(super) values: Serde<V>,
}

/// What a query by key finds.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryResult<V> {
    /// This instance has the key's task.
    Found(Option<V>),
    /// The key's task runs elsewhere, or is just being opened.
    NotHere(TaskId),
    /// The task has not yet taken in the position waited for.
    Behind(TaskId),
}

impl<K, V> QueryableStore<K, V> {
    /// The task that has a key.
    pub fn task_of(&self, key: &K) -> Result<TaskId, StreamsError> {
        let partition = partition_for_key(&self.key_bytes(key)?, self.partitions);
        Ok(TaskId { sub_topology: self.sub_topology, partition })
    }

    /// The value of `key` as of the last commit.
    pub fn get(&self, key: &K) -> Result<QueryResult<V>, StreamsError> {
        self.get_after(key, None)
    }

    /// The same, once the task has taken in the record at `written.1` of topic `written.0` (in the key's partition): a
    /// caller reads its own write.
    pub fn get_after(&self, key: &K, written: Option<(&str, i64)>) -> Result<QueryResult<V>, StreamsError> {
        let task = self.task_of(key)?;
        let Some(view) = self.registry.task(task) else { return Ok(QueryResult::NotHere(task)) };
        if let Some((topic, offset)) = written {
            let reached = view.positions().inputs.get(&(topic.into(), task.partition)).copied().unwrap_or(0);
            if reached <= offset {
                return Ok(QueryResult::Behind(task));
            }
        }
        let found = view.store(&self.store)?.get(&self.key_bytes(key)?)?;
        Ok(QueryResult::Found(found.map(|bytes| self.value(&bytes)).transpose()?))
    }

    /// All entries of this instance's tasks, by task and key bytes.
    pub fn all(&self) -> Result<Vec<(K, V)>, StreamsError> {
        let mut entries = vec![];
        for (_, view) in self.registry.tasks_of(self.sub_topology) {
            for entry in view.store(&self.store)?.range(None, None, comanda_state_stores::Direction::Forward)? {
                let (key, value) = entry?;
                entries.push((self.keys.deserialize(&self.store, &key)?, self.value(&value)?));
            }
        }
        Ok(entries)
    }

    fn key_bytes(&self, key: &K) -> Result<Vec<u8>, StreamsError> {
        crate::stores::bytes_of(&self.keys, &self.store, key)
    }

    fn value(&self, bytes: &[u8]) -> Result<V, StreamsError> {
        let value = if self.timestamped { split_timestamp(bytes)?.1 } else { bytes };
        Ok(self.values.deserialize(&self.store, value)?)
    }
}
