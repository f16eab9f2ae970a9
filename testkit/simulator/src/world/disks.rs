//! The disks of one instance: they outlive it, as far as it has flushed them and chance allows.

use crate::dice::Dice;
use comanda_state_stores::StoreError;
use comanda_state_stores::backend::{Backend, SimulatedDisk, SimulatedDiskBackend};
use comanda_streams::{TaskDisks, TaskId};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(super) struct InstanceDisks(Mutex<BTreeMap<TaskId, SimulatedDisk>>);

impl InstanceDisks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TaskId, SimulatedDisk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process dies: of each disk some prefix of what is not flushed is kept.
    pub fn crash(&self, dice: &mut Dice) {
        for disk in self.lock().values() {
            disk.crash(|unflushed| dice.below(unflushed as u64 + 1) as usize);
        }
    }

    /// All disks by task.
    pub fn all(&self) -> Vec<(TaskId, SimulatedDisk)> {
        self.lock().iter().map(|(task, disk)| (*task, disk.clone())).collect()
    }
}

impl TaskDisks for InstanceDisks {
    fn open(&self, task: TaskId) -> Result<Box<dyn Backend>, StoreError> {
        let mut disks = self.lock();
        let disk = disks.entry(task).or_default();
        unlocked(disk)?;
        Ok(Box::new(SimulatedDiskBackend::open(disk)))
    }

    fn destroy(&self, task: TaskId) -> Result<(), StoreError> {
        let mut disks = self.lock();
        let disk = disks.entry(task).or_default();
        unlocked(disk)?;
        *disk = SimulatedDisk::new();
        Ok(())
    }
}

/// A thread that does not know yet that it has lost a task still has its disk: another one of the process must wait.
fn unlocked(disk: &SimulatedDisk) -> Result<(), StoreError> {
    match disk.is_open() {
        true => {
            Err(StoreError::Locked { directory: Default::default(), cause: "another thread has it open".to_owned() })
        }
        false => Ok(()),
    }
}
