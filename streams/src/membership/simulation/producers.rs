//! Transactional ids with their epochs, and which of their transactions are open over which tasks.

use crate::task_id::TaskId;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Producers {
    epochs: BTreeMap<String, u64>,
    open: BTreeSet<(String, TaskId)>,
    /// Times that a plan had an heir fence an owner whose transaction was open.
    pub fenced: usize,
}

impl Producers {
    /// `init_transactions`: ends what earlier producers of this id left open.
    pub fn init(&mut self, id: &str) -> u64 {
        self.open.retain(|(owner, _)| owner != id);
        let epoch = self.epochs.entry(id.to_owned()).or_insert(0);
        *epoch += 1;
        *epoch
    }

    pub fn is_current(&self, id: &str, epoch: u64) -> bool {
        self.epochs.get(id) == Some(&epoch)
    }

    /// Whose transactions over `task` are open.
    pub fn open_over(&self, task: TaskId) -> impl Iterator<Item = &str> {
        self.open.iter().filter(move |(_, open)| *open == task).map(|(owner, _)| owner.as_str())
    }

    pub fn write(&mut self, id: &str, epoch: u64, task: TaskId) {
        if self.is_current(id, epoch) {
            self.open.insert((id.to_owned(), task));
        }
    }

    /// Ends the transaction, one way or the other.
    pub fn abort(&mut self, id: &str, epoch: u64) {
        if self.is_current(id, epoch) {
            self.open.retain(|(owner, _)| owner != id);
        }
    }

    /// What still blocks the heir of `task` has waited for the transaction time-out.
    pub fn time_out(&mut self, task: TaskId, heir: &str) {
        self.open.retain(|(owner, open)| *open != task || owner == heir);
    }
}
