//! What all threads of an instance share.

use super::opener::Restored;
use super::query::QueryRegistry;
use super::restore_rate::RestoreRate;
use super::simulated::TaskDisks;
use super::state_dir::StateDirectory;
use crate::async_calls::AsyncClients;
use crate::broker::{Broker, TopicPartition};
use crate::config::StreamsConfig;
use crate::error::StreamsError;
use crate::membership::Assignment;
use crate::task_id::TaskId;
use crate::topology::{SubTopology, Topology};
use comanda_state_stores::backend::SharedResources;
use comanda_state_stores::{Persistence, Remedy, StoreError, TaskStorage, Views};
use std::sync::{Arc, Mutex};

/// Is told each task that begins to run.
pub(super) type RestoreListener = Box<dyn Fn(Restored) + Send>;

/// The instance's parts that do not change, and what threads tell each other.
pub(super) struct Shared {
    pub config: StreamsConfig,
    pub topology: Topology,
    pub broker: Arc<dyn Broker>,
    pub directory: StateDirectory,
    pub resources: SharedResources,
    /// Where states lie in a simulation, instead of in RocksDB.
    pub disks: Option<Arc<dyn TaskDisks>>,
    pub queries: Arc<QueryRegistry>,
    pub restore_rate: Mutex<RestoreRate>,
    pub async_clients: Mutex<AsyncClients>,
    pub restore_listener: Mutex<Option<RestoreListener>>,
    /// The global tables, once they were read to their end.
    pub globals: Views,
    /// The last assignment any thread has got: where keys are, for queries.
    pub assignment: Mutex<Option<Assignment>>,
}

impl Shared {
    pub fn part(&self, task: TaskId) -> &SubTopology {
        &self.topology.sub_topologies()[task.sub_topology as usize]
    }

    /// Tells what it took to restore a task.
    pub fn tell_restored(&self, restored: Restored) {
        let labels = [("application", self.config.application_id.clone()), ("task", restored.task.to_string())];
        metrics::counter!("comanda_restored_records_total", &labels).increment(restored.records);
        if let Some(listener) = &*self.restore_listener.lock().expect("listeners must not panic") {
            listener(restored);
        }
    }

    /// Whether tasks may run: the global tables, if there are any, are there.
    pub fn has_globals(&self) -> bool {
        self.topology.globals().is_empty() || self.globals.load().is_some()
    }

    /// Opens the state of the global tables. What cannot be opened is deleted and read anew.
    pub fn open_globals(&self) -> Result<TaskStorage, StreamsError> {
        let specs = self.topology.global_stores(&self.config);
        let open = || {
            let directory = self.directory.global_directory();
            TaskStorage::open(&specs, Persistence::RocksDb { directory, resources: self.resources.clone() })
        };
        let mut storage = match open() {
            Err(error) if error.remedy() == Remedy::TaskCorrupted => {
                tracing::error!(%error, "the state of the global tables is unusable: reading all of it");
                TaskStorage::destroy(&self.directory.global_directory())?;
                open()?
            }
            opened => opened?,
        };
        storage.publish_to(self.globals.clone());
        Ok(storage)
    }

    /// Where a task keeps its state.
    pub fn persistence(&self, task: TaskId) -> Result<Persistence, StoreError> {
        Ok(match &self.disks {
            Some(disks) => Persistence::Backend(disks.open(task)?),
            None => {
                let directory = self.directory.task_directory(task);
                Persistence::RocksDb { directory, resources: self.resources.clone() }
            }
        })
    }

    /// Deletes a task's state.
    pub fn destroy_state(&self, task: TaskId) -> Result<(), StreamsError> {
        match &self.disks {
            Some(disks) => disks.destroy(task)?,
            None => TaskStorage::destroy(&self.directory.task_directory(task))?,
        }
        Ok(())
    }

    /// Input partitions of a task.
    pub fn input_partitions(&self, task: TaskId) -> Vec<TopicPartition> {
        let topics = self.part(task).source_topics.iter();
        topics.map(|topic| TopicPartition::new(topic.resolve(&self.config.application_id), task.partition)).collect()
    }

    /// Stores of a task with their change-log partitions.
    pub fn changelog_partitions(&self, task: TaskId) -> Vec<(String, TopicPartition)> {
        let logs = self.part(task).changelogs.iter();
        logs.map(|log| {
            let topic = log.topic.resolve(&self.config.application_id);
            (log.store.clone(), TopicPartition::new(topic, task.partition))
        })
        .collect()
    }
}
