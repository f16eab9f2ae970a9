//! A broker that holds one log and nothing else, and what runs on it: a stand-in for tests of opening and reading.
#![allow(clippy::unwrap_used)]

use super::query::QueryRegistry;
use super::restore_rate::RestoreRate;
use super::shared::Shared;
use super::simulated::TaskDisks;
use super::state_dir::StateDirectory;
use crate::broker::{
    Admin, Broker, BrokerError, Consumer, ConsumerRole, Fetched, GroupTransport, Isolation, NewTopic,
    OffsetAndMetadata, OffsetSpec, PartitionId, Producer, RawRecord, TopicDescription, TopicPartition,
};
use crate::config::StreamsConfig;
use crate::membership::ProcessId;
use crate::task_id::TaskId;
use crate::topology::Topology;
use comanda_state_stores::StoreError;
use comanda_state_stores::backend::{Backend, SharedResources, SimulatedDisk, SimulatedDiskBackend};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

pub const HOUR_MS: i64 = 3_600_000;

/// The log: its topic's id and how many records it has.
#[derive(Clone, Copy)]
pub struct Log {
    pub topic_id: u8,
    pub end: i64,
    /// The topic is made again whenever its ends are asked for.
    pub restless: bool,
}

/// A broker that holds it and nothing else.
#[derive(Clone)]
pub struct OneLog(Arc<Mutex<Log>>);

impl OneLog {
    pub fn new(end: i64) -> Self {
        Self(Arc::new(Mutex::new(Log { topic_id: 1, end, restless: false })))
    }

    pub fn restless(end: i64) -> Self {
        Self(Arc::new(Mutex::new(Log { topic_id: 1, end, restless: true })))
    }

    pub fn get(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap()
    }
}

impl Broker for OneLog {
    fn consumer(&self, _: ConsumerRole) -> Result<Box<dyn Consumer>, BrokerError> {
        Ok(Box::new(LogReader { log: self.clone(), at: None }))
    }

    fn producer(&self, _: Option<&str>) -> Result<Box<dyn Producer>, BrokerError> {
        panic!("nobody asks for this here")
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        Ok(Box::new(self.clone()))
    }

    fn group(&self, _: &str) -> Result<Box<dyn GroupTransport>, BrokerError> {
        panic!("nobody asks for this here")
    }
}

impl Admin for OneLog {
    fn describe_topics(&mut self, names: &[&str]) -> Result<Vec<Option<TopicDescription>>, BrokerError> {
        let id = [self.get().topic_id; 16];
        Ok(names.iter().map(|name| Some(TopicDescription { name: (*name).into(), id, partitions: 1 })).collect())
    }

    fn list_topics(&mut self) -> Result<Vec<String>, BrokerError> {
        panic!("nobody asks for this here")
    }

    fn create_topics(&mut self, _: &[NewTopic]) -> Result<(), BrokerError> {
        panic!("nobody asks for this here")
    }

    fn topic_config(&mut self, _: &str, name: &str) -> Result<Option<String>, BrokerError> {
        Ok((name == "delete.retention.ms").then(|| (6 * HOUR_MS).to_string()))
    }

    fn list_offsets(
        &mut self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
        _: Isolation,
    ) -> Result<Vec<i64>, BrokerError> {
        let mut log = self.get();
        log.topic_id += u8::from(log.restless);
        Ok(vec![if spec == OffsetSpec::Latest { log.end } else { 0 }; partitions.len()])
    }

    fn committed_offsets(
        &mut self,
        _: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<OffsetAndMetadata>>, BrokerError> {
        Ok(vec![Some(OffsetAndMetadata { offset: 0, metadata: String::new() }); partitions.len()])
    }

    fn delete_records(&mut self, _: &[(TopicPartition, i64)]) -> Result<(), BrokerError> {
        panic!("nobody asks for this here")
    }
}

struct LogReader {
    log: OneLog,
    at: Option<(PartitionId, i64)>,
}

impl Consumer for LogReader {
    fn assign(&mut self, id: PartitionId, _: &TopicPartition, offset: i64) -> Result<(), BrokerError> {
        self.at = Some((id, offset));
        Ok(())
    }

    fn unassign(&mut self, _: PartitionId) -> Result<(), BrokerError> {
        self.at = None;
        Ok(())
    }

    fn pause(&mut self, _: PartitionId) -> Result<(), BrokerError> {
        panic!("nobody asks for this here")
    }

    fn resume(&mut self, _: PartitionId) -> Result<(), BrokerError> {
        panic!("nobody asks for this here")
    }

    fn poll(&mut self, _: Duration, max: usize, out: &mut Vec<Fetched>) -> Result<(), BrokerError> {
        let Some((id, from)) = self.at else { return Ok(()) };
        let to = self.log.get().end.min(from + max as i64);
        self.at = Some((id, to));
        for offset in from..to {
            let (key, value) = (Some(vec![offset as u8].into()), Some(vec![0; 8].into()));
            out.push(Fetched::Record(id, RawRecord { offset, key, value, ..RawRecord::default() }));
        }
        Ok(())
    }

    fn position(&self, _: PartitionId) -> Option<i64> {
        panic!("nobody asks for this here")
    }
}

struct OneDisk(SimulatedDisk);

impl TaskDisks for OneDisk {
    fn open(&self, _: TaskId) -> Result<Box<dyn Backend>, StoreError> {
        Ok(Box::new(SimulatedDiskBackend::open(&self.0)))
    }

    fn destroy(&self, _: TaskId) -> Result<(), StoreError> {
        panic!("nothing here destroys a state")
    }
}

/// An instance on this broker, its state on a simulated disk.
pub fn shared(broker: &OneLog, topology: Topology, config: StreamsConfig) -> Shared {
    Shared {
        restore_rate: Mutex::new(RestoreRate::new(0)),
        config,
        topology,
        broker: Arc::new(broker.clone()),
        directory: StateDirectory::in_memory(ProcessId([0; 16]), BTreeMap::new()),
        resources: SharedResources::default(),
        disks: Some(Arc::new(OneDisk(SimulatedDisk::new()))),
        queries: Arc::new(QueryRegistry::default()),
        async_clients: Mutex::default(),
        restore_listener: Mutex::new(None),
        globals: Default::default(),
        assignment: Mutex::new(None),
    }
}
