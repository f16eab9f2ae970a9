//! The partitions that are being delivered, by the number under which the consumer knows them.

use crate::lease::Lease;
use crate::partition::Partition;
use comanda_streams::TaskId;
use comanda_streams::broker::{Consumer, PartitionId};
use std::sync::Arc;

/// A partition and what the loop knows of it.
pub(crate) struct Slot {
    pub task: TaskId,
    pub partition: Partition,
    /// Taken away: nothing new is begun.
    pub releasing: bool,
    /// Of the insert under way.
    pub ticket: Option<u64>,
    pub lease: Option<Arc<Lease>>,
    pub rows_under_way: usize,
    /// The registry is not asked again before.
    pub stalled_until_ms: i64,
    paused: bool,
}

impl Slot {
    /// A partition that was just opened.
    pub fn new(task: TaskId, partition: Partition) -> Self {
        Self {
            task,
            partition,
            releasing: false,
            ticket: None,
            lease: None,
            rows_under_way: 0,
            stalled_until_ms: 0,
            paused: false,
        }
    }

    /// What was given out must not be sent any more.
    pub fn revoke_lease(&self) {
        if let Some(lease) = &self.lease {
            lease.revoke();
        }
    }

    /// Holds the consumer back while fetched records wait for room.
    pub fn pause_or_resume(&mut self, id: PartitionId, consumer: &mut dyn Consumer) {
        let pause = self.partition.is_clogged();
        if pause == self.paused {
            return;
        }
        let done = if pause { consumer.pause(id) } else { consumer.resume(id) };
        match done {
            Ok(()) => self.paused = pause,
            Err(error) => tracing::warn!(%error, "cannot pause or resume a partition; trying again"),
        }
    }
}

/// All of them.
#[derive(Default)]
pub(crate) struct Slots(Vec<Option<Slot>>);

impl Slots {
    /// Puts a partition into a free place.
    pub fn insert(&mut self, slot: Slot) -> PartitionId {
        let free = self.0.iter().position(Option::is_none).unwrap_or_else(|| {
            self.0.push(None);
            self.0.len() - 1
        });
        self.0[free] = Some(slot);
        id(free)
    }

    /// By number.
    pub fn get_mut(&mut self, id: PartitionId) -> Option<&mut Slot> {
        self.0.get_mut(id.0 as usize)?.as_mut()
    }

    /// By task.
    pub fn of(&mut self, task: TaskId) -> Option<&mut Slot> {
        self.iter_mut().find(|slot| slot.task == task)
    }

    /// Takes one out.
    pub fn remove(&mut self, id: PartitionId) -> Option<Slot> {
        self.0.get_mut(id.0 as usize)?.take()
    }

    /// Takes out those that `wanted` chooses.
    pub fn remove_where(&mut self, wanted: impl Fn(&Slot) -> bool) -> Vec<(PartitionId, Slot)> {
        let places = self.0.iter_mut().enumerate();
        places.filter_map(|(index, slot)| Some((id(index), slot.take_if(|slot| wanted(slot))?))).collect()
    }

    /// Takes all out.
    pub fn drain(&mut self) -> Vec<(PartitionId, Slot)> {
        self.remove_where(|_| true)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.0.iter_mut().flatten()
    }

    pub fn entries_mut(&mut self) -> impl Iterator<Item = (PartitionId, &mut Slot)> {
        let places = self.0.iter_mut().enumerate();
        places.filter_map(|(index, slot)| Some((id(index), slot.as_mut()?)))
    }

    /// The numbers in use.
    pub fn ids(&self) -> Vec<PartitionId> {
        let places = self.0.iter().enumerate();
        places.filter_map(|(index, slot)| slot.as_ref().map(|_| id(index))).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

fn id(index: usize) -> PartitionId {
    PartitionId(u32::try_from(index).expect("a group has far fewer partitions than 32 bits count"))
}
