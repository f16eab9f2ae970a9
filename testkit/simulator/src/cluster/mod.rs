//! The cluster in memory: logs, transactions, groups and a clock that moves only when told to.

mod coordinator;
mod log;
mod network;
mod offsets;
mod ownership;
mod rebalance;
mod retention;
mod transactions;

pub(crate) use coordinator::Coordinator;
pub(crate) use log::{Fate, Log, Txn};
pub(crate) use network::{ConnectionId, Network};
pub(crate) use offsets::Offsets;
pub(crate) use transactions::{Epoch, TransactionalId};

use crate::dice::Dice;
use crate::faults::Faults;
use comanda_streams::broker::{BrokerError, ErrorKind, NewTopic, RawRecord, TopicDescription, TopicPartition};
use std::collections::BTreeMap;

/// Everything that outlives instances.
pub(crate) struct Cluster {
    pub now_ms: i64,
    pub dice: Dice,
    pub faults: Faults,
    pub topics: BTreeMap<String, Topic>,
    pub logs: BTreeMap<TopicPartition, Log>,
    /// By transaction number.
    pub fates: Vec<Fate>,
    pub transactional_ids: BTreeMap<String, TransactionalId>,
    /// Commits whose requests are still on their way: due, id, epoch, transaction.
    pub late_commits: Vec<(i64, String, Epoch, Txn)>,
    pub next_sweep_ms: i64,
    pub coordinators: BTreeMap<String, Coordinator>,
    pub offsets: BTreeMap<String, Offsets>,
    /// By group and input topic.
    sub_topologies: BTreeMap<(String, String), u32>,
    pub network: Network,
    /// Rebalances begin one after the other until then.
    pub storm_until_ms: i64,
    /// Which faults have happened, for the test that wants to see all of them.
    pub seen: BTreeMap<&'static str, u64>,
    /// What must never happen, and did.
    pub violations: Vec<String>,
}

/// A topic.
pub(crate) struct Topic {
    pub id: [u8; 16],
    pub partitions: i32,
    pub configs: Vec<(String, String)>,
}

impl Cluster {
    pub fn new(dice: Dice, faults: Faults) -> Self {
        Self {
            now_ms: 0,
            dice,
            faults,
            topics: BTreeMap::new(),
            logs: BTreeMap::new(),
            fates: vec![],
            transactional_ids: BTreeMap::new(),
            late_commits: vec![],
            next_sweep_ms: 0,
            coordinators: BTreeMap::new(),
            offsets: BTreeMap::new(),
            sub_topologies: BTreeMap::new(),
            network: Network::default(),
            storm_until_ms: 0,
            seen: BTreeMap::new(),
            violations: vec![],
        }
    }

    /// Lets time pass, and all that is due by then happen.
    pub fn advance(&mut self, by_ms: i64) {
        self.now_ms += by_ms;
        self.advance_transactions();
        self.advance_groups();
    }

    /// Notes that a fault has happened.
    pub fn note(&mut self, fault: &'static str) {
        *self.seen.entry(fault).or_insert(0) += 1;
    }

    /// Creates topics that do not exist.
    pub fn create_topics(&mut self, topics: &[NewTopic]) {
        for new in topics {
            if self.topics.contains_key(&new.name) {
                continue;
            }
            let topic = Topic { id: self.new_topic_id(), partitions: new.partitions, configs: new.configs.clone() };
            self.topics.insert(new.name.clone(), topic);
            for partition in 0..new.partitions {
                self.logs.insert(TopicPartition::new(new.name.as_str(), partition), Log::default());
            }
        }
    }

    fn new_topic_id(&mut self) -> [u8; 16] {
        u128::from(self.dice.below(u64::MAX)).to_be_bytes()
    }

    pub fn describe(&self, name: &str) -> Option<TopicDescription> {
        let topic = self.topics.get(name)?;
        Some(TopicDescription { name: name.to_owned(), id: topic.id, partitions: topic.partitions })
    }

    pub fn log(&self, partition: &TopicPartition) -> Result<&Log, BrokerError> {
        self.logs.get(partition).ok_or_else(|| unknown(partition))
    }

    pub fn log_mut(&mut self, partition: &TopicPartition) -> Result<&mut Log, BrokerError> {
        self.logs.get_mut(partition).ok_or_else(|| unknown(partition))
    }

    /// Committed records of a partition, oldest first, with those that are deleted by now; without those that were
    /// deleted before anybody could read them.
    pub fn history(&self, topic: &str, partition: i32) -> Vec<&RawRecord> {
        let log = self.logs.get(&TopicPartition::new(topic, partition));
        let all = log.into_iter().flat_map(|log| log.all_committed(log.end(), &self.fates).map(move |r| (log, r)));
        all.filter(|(log, record)| !log.is_lost(record.offset)).map(|(_, record)| record).collect()
    }

    /// A number that differs if any log does (FNV-1a).
    pub fn digest(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for (partition, log) in &self.logs {
            add(partition.to_string().as_bytes());
            for record in log.all_committed(log.end(), &self.fates) {
                add(&record.offset.to_be_bytes());
                add(record.key.as_deref().unwrap_or_default());
                add(record.value.as_deref().unwrap_or_default());
            }
        }
        hash
    }
}

fn unknown(partition: &TopicPartition) -> BrokerError {
    const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
    BrokerError::new(ErrorKind::UnknownTopic, format!("use {partition}"), "it does not exist")
        .with_code(UNKNOWN_TOPIC_OR_PARTITION)
}
