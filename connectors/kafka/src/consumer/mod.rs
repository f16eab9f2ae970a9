//! The port's consumer: partitions assigned by hand, positions kept here.
//!
//! librdkafka's own positions are not used: with end-of-partition events and batches they run ahead (librdkafka #4844),
//! and its pause drops what was fetched. Pausing is done here, by holding back (see `slot`).

mod arena;
mod receive;
mod slot;

use crate::KafkaError;
use crate::classify::consumer_error;
use crate::ffi::{Client, Config, FetchQueue, Topic};
use arena::Arena;
use comanda_streams::broker::{BrokerError, Consumer, ErrorKind, Fetched, PartitionId, TopicPartition};
use receive::Router;
use slot::Slot;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Messages taken from librdkafka at once; a larger batch only delays the caller's next step.
const BATCH_RECORDS: usize = 2048;

/// A librdkafka consumer without a group.
pub(crate) struct KafkaConsumer {
    queue: FetchQueue,
    slots: Slots,
    router: Router,
    /// Resumed partitions that hold something back.
    backlog: VecDeque<PartitionId>,
    arena: Arena,
    /// A fetch failure that came together with records: told by the next poll.
    failure: Option<BrokerError>,
    topics: HashMap<Arc<str>, Rc<Topic>>,
    client: Rc<Client>,
}

/// Assigned partitions by the caller's number.
#[derive(Default)]
struct Slots(Vec<Option<Slot>>);

impl Slots {
    fn get(&self, id: PartitionId) -> Option<&Slot> {
        self.0.get(id.0 as usize)?.as_ref()
    }

    fn get_mut(&mut self, id: PartitionId) -> Option<&mut Slot> {
        self.0.get_mut(id.0 as usize)?.as_mut()
    }

    fn put(&mut self, id: PartitionId, slot: Option<Slot>) -> Option<Slot> {
        let index = id.0 as usize;
        if self.0.len() <= index {
            self.0.resize_with(index + 1, || None);
        }
        std::mem::replace(&mut self.0[index], slot)
    }
}

impl KafkaConsumer {
    /// A consumer with all its settings.
    pub(crate) fn new(settings: &[(String, String)]) -> Result<Self, KafkaError> {
        let client = Rc::new(Client::consumer(Config::new(settings)?)?);
        Ok(Self {
            queue: FetchQueue::new(&client),
            slots: Slots::default(),
            router: Router::default(),
            backlog: VecDeque::new(),
            arena: Arena::default(),
            failure: None,
            topics: HashMap::new(),
            client,
        })
    }

    fn topic(&mut self, name: &Arc<str>) -> Result<Rc<Topic>, BrokerError> {
        if let Some(topic) = self.topics.get(name) {
            return Ok(topic.clone());
        }
        let topic = Topic::new(&self.client, name)
            .map(Rc::new)
            .map_err(|e| consumer_error(format!("make a handle of topic {name}"), &e))?;
        self.topics.insert(name.clone(), topic.clone());
        Ok(topic)
    }

    fn slot(&mut self, id: PartitionId, attempt: &str) -> Result<&mut Slot, BrokerError> {
        self.slots.get_mut(id).ok_or_else(|| {
            BrokerError::new(ErrorKind::Fatal, attempt, format!("no partition is assigned as number {}", id.0))
        })
    }

    fn start_fetching(&mut self, id: PartitionId) -> Result<(), BrokerError> {
        let Some(slot) = self.slots.get_mut(id) else {
            return Ok(());
        };
        let (partition, offset) = (slot.partition.partition, slot.received());
        self.queue
            .start(&slot.topic, partition, offset)
            .map_err(|e| consumer_error(format!("read {} from offset {offset}", slot.partition), &e))?;
        slot.set_fetching(true);
        Ok(())
    }

    fn stop_fetching(&mut self, id: PartitionId) -> Result<(), BrokerError> {
        let Some(slot) = self.slots.get_mut(id) else {
            return Ok(());
        };
        if !slot.is_fetching() {
            return Ok(());
        }
        slot.set_fetching(false);
        self.queue
            .stop(&slot.topic, slot.partition.partition)
            .map_err(|e| consumer_error(format!("stop reading {}", slot.partition), &e))
    }

    /// A missing or forbidden topic comes without its partition's version: only what is assigned now counts.
    fn topic_failure(&self) -> Option<BrokerError> {
        self.client.take_topic_failures().iter().find_map(|failure| {
            let of_slot = |slot: &&Slot| {
                let name = format!("{} [{}]:", slot.partition.topic, slot.partition.partition);
                failure.text.starts_with(&name)
            };
            let slot = self.slots.0.iter().flatten().find(of_slot)?;
            Some(consumer_error(format!("read {}", slot.partition), failure))
        })
    }

    fn deliver_backlog(&mut self, max: usize, out: &mut Vec<Fetched>) {
        let limit = out.len() + max;
        while out.len() < limit {
            let Some(id) = self.backlog.front() else {
                return;
            };
            match self.slots.get_mut(*id).filter(|slot| slot.has_backlog()).and_then(Slot::take_held) {
                Some(fetched) => out.push(fetched),
                None => drop(self.backlog.pop_front()),
            }
        }
    }

    fn receive(&mut self, wait: Duration, max: usize, out: &mut Vec<Fetched>) -> Result<(), BrokerError> {
        let after = self.router.receive(&mut self.queue, &mut self.slots, &mut self.arena, wait, max, out);
        self.failure = after.failure.or_else(|| self.topic_failure());
        for id in after.overfull {
            self.stop_fetching(id)?;
        }
        for id in after.misplaced {
            self.stop_fetching(id)?;
            self.start_fetching(id)?;
        }
        Ok(())
    }
}

impl Consumer for KafkaConsumer {
    fn assign(&mut self, id: PartitionId, partition: &TopicPartition, offset: i64) -> Result<(), BrokerError> {
        if offset < 0 {
            let attempt = format!("read {partition} from offset {offset}");
            return Err(BrokerError::new(ErrorKind::Fatal, attempt, "positions are absolute, from 0"));
        }
        self.unassign(id)?;
        let topic = self.topic(&partition.topic)?;
        if let Some(other) = self.router.find(topic.key(), partition.partition) {
            self.unassign(other)?;
        }
        self.router.add(topic.key(), partition.partition, id);
        self.slots.put(id, Some(Slot::new(partition.clone(), topic, offset)));
        self.start_fetching(id)
    }

    fn unassign(&mut self, id: PartitionId) -> Result<(), BrokerError> {
        let stopped = self.stop_fetching(id);
        if let Some(slot) = self.slots.put(id, None) {
            self.router.remove(slot.topic.key(), slot.partition.partition);
            self.backlog.retain(|held| *held != id);
        }
        stopped
    }

    fn pause(&mut self, id: PartitionId) -> Result<(), BrokerError> {
        self.slot(id, "pause")?.pause();
        Ok(())
    }

    fn resume(&mut self, id: PartitionId) -> Result<(), BrokerError> {
        let slot = self.slot(id, "resume")?;
        slot.resume();
        let (backlog, fetching) = (slot.has_backlog(), slot.is_fetching());
        if backlog && !self.backlog.contains(&id) {
            self.backlog.push_back(id);
        }
        if fetching { Ok(()) } else { self.start_fetching(id) }
    }

    fn poll(&mut self, wait: Duration, max: usize, out: &mut Vec<Fetched>) -> Result<(), BrokerError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let before = out.len();
        self.deliver_backlog(max, out);
        let delivered = out.len() - before;
        if delivered < max {
            let wait = if delivered > 0 { Duration::ZERO } else { wait };
            self.receive(wait, (max - delivered).min(BATCH_RECORDS), out)?;
        }
        if out.len() == before { self.failure.take().map_or(Ok(()), Err) } else { Ok(()) }
    }

    fn position(&self, id: PartitionId) -> Option<i64> {
        self.slots.get(id).map(Slot::position)
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        for index in 0..self.slots.0.len() {
            let id = PartitionId(u32::try_from(index).expect("indices came from 32-bit numbers"));
            // The client goes anyway; a partition that would not stop changes nothing.
            if let Err(error) = self.stop_fetching(id) {
                tracing::debug!(%error, "while closing a consumer");
            }
        }
    }
}
