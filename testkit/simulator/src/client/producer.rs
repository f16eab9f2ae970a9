//! A producer: records wait in the client until they are sent, answers may be lost at any point.

use super::{Moment, SimulatedBroker, unanswered};
use crate::cluster::{Cluster, Epoch, Fate};
use bytes::Bytes;
use comanda_streams::broker::{
    BrokerError, ErrorKind, GroupIdentity, Headers, OffsetAndMetadata, ProducedPartition, Producer, RawRecord,
    TopicHandle, TopicPartition,
};
use std::collections::BTreeMap;

/// One send in so many also sends what waits in the client.
const SEND_ONE_IN: u64 = 8;
/// Sends are made for every record: their faults are rarer.
const SEND_RARITY: u64 = 15;
/// The longest that a commit's request is under way after nobody waits for its answer any more.
const LATEST_COMMIT_MS: i64 = 3_000;

pub(super) struct SimulatedProducer {
    link: SimulatedBroker,
    id: Option<String>,
    epoch: Epoch,
    topics: Vec<String>,
    queue: Vec<(u32, TopicPartition, RawRecord)>,
    produced: BTreeMap<(u32, i32), i64>,
    /// The first failed delivery since the last flush.
    failure: Option<BrokerError>,
}

impl SimulatedProducer {
    pub fn new(link: SimulatedBroker, transactional_id: Option<&str>) -> Self {
        Self {
            link,
            id: transactional_id.map(str::to_owned),
            epoch: -1,
            topics: vec![],
            queue: vec![],
            produced: BTreeMap::new(),
            failure: None,
        }
    }

    fn transactional_id(&self) -> Result<&str, BrokerError> {
        let missing = || BrokerError::new(ErrorKind::Fatal, "a transactional call", "the producer is a plain one");
        self.id.as_deref().ok_or_else(missing)
    }

    /// Sends what waits. A record that is not acknowledged fails the transaction, though it may have arrived.
    fn deliver(&mut self) {
        let (fails, mut cluster) = (self.link.fails(1), self.link.cluster());
        let arrived = match fails {
            true => cluster.dice.below(self.queue.len() as u64 + 1) as usize,
            false => self.queue.len(),
        };
        for (number, (topic, partition, record)) in self.queue.drain(..).enumerate() {
            if self.failure.is_some() || number >= arrived {
                break;
            }
            match append(&mut cluster, self.id.as_deref(), self.epoch, &partition, record) {
                Ok(next_offset) => drop(self.produced.insert((topic, partition.partition), next_offset)),
                Err(error) => self.failure = Some(error),
            }
        }
        if fails {
            cluster.note("records unacknowledged");
            let kind = if self.id.is_some() { ErrorKind::Abortable } else { ErrorKind::Retriable };
            self.failure.get_or_insert_with(|| unanswered(kind, "send"));
        }
    }

    /// What is left of the last transaction in the client.
    fn forget(&mut self) {
        self.queue.clear();
        self.produced.clear();
        self.failure = None;
    }

    fn end(&mut self, fate: Fate, call: &'static str) -> Result<(), BrokerError> {
        let id = self.transactional_id()?;
        self.link.call(call, 1, |cluster| cluster.end(id, self.epoch, fate, call))
    }

    /// A commit that nobody hears the end of.
    fn commit_unanswered(&mut self) -> Result<(), BrokerError> {
        const CALL: &str = "commit_transaction";
        let id = self.transactional_id()?;
        let kind = self.link.cluster().dice.below(3);
        self.link.call(CALL, 1, |cluster| match kind {
            0 => {
                cluster.note("commit done, outcome unknown");
                cluster.end(id, self.epoch, Fate::Committed, CALL)
            }
            1 => {
                cluster.note("commit not done, outcome unknown");
                Ok(())
            }
            _ => {
                let delay_ms = cluster.dice.ms(LATEST_COMMIT_MS);
                cluster.end_later(id, self.epoch, delay_ms);
                Ok(())
            }
        })?;
        Err(unanswered(ErrorKind::UnknownOutcome, CALL))
    }
}

fn append(
    cluster: &mut Cluster,
    id: Option<&str>,
    epoch: Epoch,
    partition: &TopicPartition,
    record: RawRecord,
) -> Result<i64, BrokerError> {
    match id {
        Some(id) => cluster.append(id, epoch, partition, record),
        None => Ok(cluster.log_mut(partition)?.append(None, record) + 1),
    }
}

impl Producer for SimulatedProducer {
    fn init_transactions(&mut self) -> Result<(), BrokerError> {
        const CALL: &str = "init_transactions";
        let fails = self.link.fails(4);
        if fails && self.link.toss() {
            return Err(unanswered(ErrorKind::Retriable, CALL));
        }
        let id = self.transactional_id()?;
        self.epoch = self.link.call(CALL, 1, |cluster| Ok(cluster.init(id)))?;
        if fails { Err(unanswered(ErrorKind::Retriable, CALL)) } else { Ok(()) }
    }

    fn begin_transaction(&mut self) -> Result<(), BrokerError> {
        self.link.alive("begin_transaction")
    }

    fn topic(&mut self, name: &str) -> Result<TopicHandle, BrokerError> {
        let known = self.topics.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.topics.push(name.to_owned());
            self.topics.len() - 1
        });
        Ok(TopicHandle(number as u32))
    }

    fn send(
        &mut self,
        topic: TopicHandle,
        partition: Option<i32>,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &Headers,
    ) -> Result<(), BrokerError> {
        // It waits while the client is full; a slow processor looks the same from outside.
        self.link.pass("send", Moment::Before, SEND_RARITY)?;
        let name = self.topics[topic.0 as usize].as_str();
        let partition = match partition {
            Some(partition) => partition,
            None => {
                let mut cluster = self.link.cluster();
                let count = cluster.describe(name).map_or(1, |topic| topic.partitions);
                cluster.dice.below(count as u64) as i32
            }
        };
        let bytes = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
        let record = RawRecord { offset: 0, timestamp, key: bytes(key), value: bytes(value), headers: headers.clone() };
        self.queue.push((topic.0, TopicPartition::new(name, partition), record));
        let now = self.link.cluster().dice.once_in(SEND_ONE_IN);
        if now {
            self.deliver();
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BrokerError> {
        self.link.call("flush", 1, |_| Ok(()))?;
        self.deliver();
        self.link.call("flush", 1, |_| Ok(()))?;
        self.failure.take().map_or(Ok(()), Err)
    }

    fn take_produced(&mut self) -> Vec<ProducedPartition> {
        let reached = std::mem::take(&mut self.produced);
        let one =
            |((topic, partition), next_offset)| ProducedPartition { topic: TopicHandle(topic), partition, next_offset };
        reached.into_iter().map(one).collect()
    }

    fn send_offsets(
        &mut self,
        offsets: &[(TopicPartition, OffsetAndMetadata)],
        group: &GroupIdentity,
    ) -> Result<(), BrokerError> {
        const CALL: &str = "send_offsets";
        let fails = self.link.fails(1);
        if fails && self.link.toss() {
            return Err(unanswered(ErrorKind::Abortable, CALL));
        }
        let id = self.transactional_id()?;
        self.link.call(CALL, 1, |cluster| cluster.send_offsets(id, self.epoch, offsets, group))?;
        if fails { Err(unanswered(ErrorKind::Abortable, CALL)) } else { Ok(()) }
    }

    fn commit_transaction(&mut self) -> Result<(), BrokerError> {
        let unknown = {
            let mut cluster = self.link.cluster();
            let one_in = cluster.faults.unknown_commit_one_in;
            cluster.dice.once_in(one_in)
        };
        if unknown { self.commit_unanswered() } else { self.end(Fate::Committed, "commit_transaction") }
    }

    fn abort_transaction(&mut self) -> Result<(), BrokerError> {
        self.forget();
        if self.link.fails(4) {
            return Err(unanswered(ErrorKind::Retriable, "abort_transaction"));
        }
        self.end(Fate::Aborted, "abort_transaction")
    }
}
