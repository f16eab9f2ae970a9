//! A consumer: markers and, for read_committed, aborted records are invisible; ends are told past them.

use super::{SimulatedBroker, unanswered};
use crate::cluster::Cluster;
use comanda_streams::broker::{
    BrokerError, Consumer, ConsumerRole, ErrorKind, Fetched, Isolation, PartitionId, TopicPartition,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the port promises of each role.
fn isolation_of(role: ConsumerRole) -> Isolation {
    match role {
        ConsumerRole::Main | ConsumerRole::Global => Isolation::ReadCommitted,
        ConsumerRole::Restore => Isolation::ReadCommitted,
    }
}

/// A fetch yields at most so many records of a partition: small, so that ends and records of several polls mix.
const MOST_AT_ONCE: u64 = 20;
/// Polls are made in every step: their faults are rarer.
const RARITY: u64 = 40;

struct Slot {
    partition: TopicPartition,
    position: i64,
    paused: bool,
    /// The end that was told last.
    told_end: Option<i64>,
    out_of_range: bool,
}

pub(super) struct SimulatedConsumer {
    link: SimulatedBroker,
    isolation: Isolation,
    slots: BTreeMap<PartitionId, Slot>,
}

impl SimulatedConsumer {
    pub fn new(link: SimulatedBroker, role: ConsumerRole) -> Self {
        Self { link, isolation: isolation_of(role), slots: BTreeMap::new() }
    }

    fn slot(&mut self, id: PartitionId) -> Result<&mut Slot, BrokerError> {
        let missing = || BrokerError::new(ErrorKind::Fatal, "pause or resume", format!("{id:?} is not assigned"));
        self.slots.get_mut(&id).ok_or_else(missing)
    }
}

impl Consumer for SimulatedConsumer {
    fn assign(&mut self, id: PartitionId, partition: &TopicPartition, offset: i64) -> Result<(), BrokerError> {
        self.link.alive("assign")?;
        if offset < 0 {
            let attempt = format!("read {partition} from offset {offset}");
            return Err(BrokerError::new(ErrorKind::Fatal, attempt, "positions are absolute, from 0"));
        }
        self.slots.retain(|_, slot| slot.partition != *partition);
        let partition = partition.clone();
        let slot = Slot { partition, position: offset, paused: false, told_end: None, out_of_range: false };
        self.slots.insert(id, slot);
        Ok(())
    }

    fn unassign(&mut self, id: PartitionId) -> Result<(), BrokerError> {
        self.slots.remove(&id);
        self.link.alive("unassign")
    }

    fn pause(&mut self, id: PartitionId) -> Result<(), BrokerError> {
        self.slot(id)?.paused = true;
        Ok(())
    }

    fn resume(&mut self, id: PartitionId) -> Result<(), BrokerError> {
        self.slot(id)?.paused = false;
        Ok(())
    }

    fn poll(&mut self, _wait: Duration, max: usize, out: &mut Vec<Fetched>) -> Result<(), BrokerError> {
        if self.link.fails(RARITY) {
            return Err(unanswered(ErrorKind::Retriable, "poll"));
        }
        let slots = &mut self.slots;
        let (isolation, limit) = (self.isolation, out.len() + max);
        self.link.call("poll", RARITY, |cluster| {
            let mut order: Vec<&PartitionId> = slots.keys().collect();
            cluster.dice.shuffle(&mut order);
            let order: Vec<PartitionId> = order.into_iter().copied().collect();
            for id in order {
                // Each partition has its own broker: some answer later.
                if cluster.dice.once_in(4) {
                    continue;
                }
                let most = (1 + cluster.dice.below(MOST_AT_ONCE)) as usize;
                let Some(slot) = slots.get_mut(&id) else { continue };
                fetch(cluster, isolation, id, slot, most.min(limit.saturating_sub(out.len())), out)?;
            }
            Ok(())
        })
    }

    fn position(&self, id: PartitionId) -> Option<i64> {
        self.slots.get(&id).map(|slot| slot.position)
    }
}

fn fetch(
    cluster: &Cluster,
    isolation: Isolation,
    id: PartitionId,
    slot: &mut Slot,
    most: usize,
    out: &mut Vec<Fetched>,
) -> Result<(), BrokerError> {
    if slot.paused || slot.out_of_range {
        return Ok(());
    }
    let log = cluster.log(&slot.partition)?;
    if slot.position < log.start() || slot.position > log.end() {
        slot.out_of_range = true;
        out.push(Fetched::OutOfRange(id));
        return Ok(());
    }
    for _ in 0..most {
        let Some(record) = log.next(slot.position, isolation, &cluster.fates) else {
            slot.position = slot.position.max(log.end_for(isolation));
            if slot.told_end != Some(slot.position) {
                slot.told_end = Some(slot.position);
                out.push(Fetched::End { partition: id, position: slot.position });
            }
            return Ok(());
        };
        slot.position = record.offset + 1;
        out.push(Fetched::Record(id, record.clone()));
    }
    Ok(())
}
