//! What must be done after an error before the thread goes on. It is remembered until it is done: each part may fail
//! itself while the cluster is away, and is then tried again.

use super::opener::OpenJob;
use super::slots::Slot;
use super::thread::StreamThread;
use crate::error::StreamsError;
use crate::membership::Member;
use crate::task_id::TaskId;
use std::collections::BTreeSet;

/// What is to be done; the steps go from top to bottom.
#[derive(Default)]
pub(super) struct Mending {
    /// The producer is of no use any more: a new one under the same id ends its transaction, one way or the other.
    pub new_producer: bool,
    /// The open transaction must end without a commit.
    pub abort: bool,
    /// Tasks whose state cannot be used: restored from the beginning.
    pub corrupt: BTreeSet<TaskId>,
    /// Tasks whose disk refuses: closed, and opened as of their last flush.
    pub reopen: BTreeSet<TaskId>,
    pub then: Option<Then>,
}

/// Where the tasks go on: the later one includes the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Then {
    /// At their last commit.
    Rewind,
    /// Where the committed offsets say: nobody here knows whether the last commit took place.
    Reopen,
    /// Nowhere: they are lost.
    Close,
}

impl Mending {
    pub fn is_due(&self) -> bool {
        self.new_producer || self.abort || self.then.is_some()
    }

    /// Ends the transaction, then goes on as `then` says, or as something worse that is due already.
    pub fn abort_and(&mut self, then: Then) {
        self.abort = true;
        self.then = self.then.max(Some(then));
    }
}

impl StreamThread {
    /// Does what is due. What fails stays due.
    pub(super) fn mend(&mut self) -> Result<(), StreamsError> {
        if self.mending.new_producer {
            self.replace_producer()?;
        }
        if self.mending.abort {
            self.abort_transaction()?;
        }
        match self.mending.then {
            None => Ok(()),
            Some(Then::Rewind) => self.rewind(),
            Some(Then::Reopen) => self.reopen_all(),
            Some(Then::Close) => self.close_all(),
        }
    }

    /// A new producer under the same id: fences the old one and ends its transaction.
    fn replace_producer(&mut self) -> Result<(), StreamsError> {
        let id = self.exactly_once.then_some(&*self.transactional_id);
        let mut producer = self.shared.broker.producer(id)?;
        if self.exactly_once {
            producer.init_transactions()?;
        }
        self.collector.borrow_mut().replace_producer(producer)?;
        self.transaction_since_ms = None;
        (self.mending.new_producer, self.mending.abort) = (false, false);
        Ok(())
    }

    /// A producer that cannot even abort is replaced.
    pub(super) fn abort_transaction(&mut self) -> Result<(), StreamsError> {
        let aborted = {
            let mut collector = self.collector.borrow_mut();
            // Without transactions what was sent stays sent; it will be sent again.
            let aborted = match collector.in_transaction() {
                true => collector.producer.abort_transaction(),
                false => Ok(()),
            };
            collector.producer.take_produced();
            aborted
        };
        if let Err(error) = aborted {
            tracing::warn!(thread = self.name, %error, "cannot abort: making a new producer");
            self.mending.new_producer = true;
            return self.replace_producer();
        }
        self.collector.borrow_mut().ended();
        self.transaction_since_ms = None;
        self.mending.abort = false;
        Ok(())
    }

    /// All tasks of the thread go back to the last commit; those with unusable state are restored.
    fn rewind(&mut self) -> Result<(), StreamsError> {
        let corrupt = std::mem::take(&mut self.mending.corrupt);
        for task in std::mem::take(&mut self.mending.reopen).union(&corrupt) {
            if let Some(slot) = self.take_out(*task) {
                drop(slot);
                self.shared.directory.task_let_go(*task);
            }
            self.reopen(*task, corrupt.contains(task));
        }
        self.slots.rewind(&mut *self.consumer)?;
        self.mending.then = None;
        Ok(())
    }

    fn reopen_all(&mut self) -> Result<(), StreamsError> {
        for task in self.slots.tasks() {
            self.abandon_task(task);
            let wipe = self.mending.corrupt.remove(&task);
            self.reopen(task, wipe);
        }
        self.mending.reopen.clear();
        self.mending.then = None;
        Ok(())
    }

    /// A task that moves away gets no other life here: its next owner asks for the committed offsets itself, and `let_go`
    /// acknowledges it without waiting for an opening.
    fn reopen(&mut self, task: TaskId, wipe: bool) {
        if !self.leaving.contains(&task) {
            self.open(OpenJob { task, fence: vec![], wipe, now_ms: self.now.wall_clock_ms });
        }
    }

    /// Everything is lost: what is not committed never happened.
    fn close_all(&mut self) -> Result<(), StreamsError> {
        self.leaving.clear();
        self.commit_in_flight = None;
        self.cancel_openings(|_| true);
        for task in self.slots.tasks() {
            self.abandon_task(task);
        }
        self.mending = Mending::default();
        self.seat.tell(Member::closed);
        Ok(())
    }

    /// Closes a task with uncommitted work: what is committed goes to the disk, the rest is dropped.
    pub(super) fn abandon_task(&mut self, task: TaskId) {
        let corrupt = self.mending.corrupt.contains(&task);
        let Some(mut slot) = self.take_out(task) else { return };
        slot.task.abort();
        if corrupt {
            drop(slot);
            self.shared.directory.task_let_go(task);
        } else {
            self.put_away(slot);
        }
    }

    /// Writes a task's committed state to the disk, so that nothing is restored next time. If that fails the disk still
    /// holds an earlier commit, and the change log the rest.
    pub(super) fn put_away(&mut self, slot: Slot) {
        let task = slot.task.id();
        let stores = slot.task.stores();
        if let Err(error) = stores.apply().and_then(|()| stores.flush()) {
            tracing::warn!(%task, %error, "cannot write the state of a task that closes: its change log has it");
        }
        let sum = stores.positions().changelogs.values().sum();
        drop(slot);
        self.shared.directory.task_closed(task, sum);
        self.shared.directory.task_let_go(task);
    }

    /// Takes a task out of the thread: it is not fed and not queried any more.
    pub(super) fn take_out(&mut self, task: TaskId) -> Option<Slot> {
        self.shared.queries.remove(task);
        self.slots.remove(task, &mut *self.consumer)
    }
}
