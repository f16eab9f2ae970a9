//! How a thread ends: in good order, or by an error that nothing mends.

use super::thread::{IDLE_WAIT, StreamThread};
use crate::error::StreamsError;
use crate::membership::Member;

/// How long a stop waits for a last commit: longer than a rebalance and a transaction take. After it the commit is left
/// to whoever takes the tasks over.
const STOP_PATIENCE_MS: i64 = 20_000;

impl StreamThread {
    /// Steps of a stop in good order: commit, close, leave.
    pub(super) fn shut_down(&mut self) -> Result<(), StreamsError> {
        self.cancel_openings(|_| true);
        if !self.slots.is_empty() && (!self.commit()? || self.commit_in_flight.is_some()) {
            (self.rest)(IDLE_WAIT);
            return Ok(());
        }
        self.leave()
    }

    /// Whether a stop has waited long enough: the cluster is away, or the group does not come to rest.
    pub(super) fn stop_is_overdue(&self) -> bool {
        self.stopping_since_ms.is_some_and(|since| self.now.steady_ms - since >= STOP_PATIENCE_MS)
    }

    /// Goes without what is not committed: the broker aborts its transaction.
    pub(super) fn leave(&mut self) -> Result<(), StreamsError> {
        self.slots.tasks().into_iter().for_each(|task| self.abandon_task(task));
        self.seat.tell(Member::leave);
        self.carry_out_orders()
    }

    /// After an error that ended the thread: what is committed goes to the disk, and the group need not wait for the
    /// session's end.
    pub(super) fn give_up(&mut self) {
        if let Err(error) = self.abort_transaction() {
            tracing::warn!(thread = self.name, %error, "cannot abort: the broker will, after the transaction time-out");
        }
        if let Err(error) = self.leave() {
            tracing::warn!(thread = self.name, %error, "while leaving the group");
        }
    }
}
