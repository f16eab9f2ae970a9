//! The way of answers back into the task.

use super::AsyncOutcome;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An answer with the number of its call.
pub(super) type Answer = (u64, AsyncOutcome);

/// Answers that wait for the task's next step. No more than calls are in flight, which are bounded.
#[derive(Clone, Default)]
pub(super) struct Inbox(Arc<Mutex<VecDeque<Answer>>>);

impl Inbox {
    pub fn reply_to(&self, number: u64) -> AsyncReply {
        AsyncReply { inbox: self.clone(), number, is_open: true }
    }

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// What has come since the last time, in that order.
    pub fn take(&self) -> VecDeque<Answer> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the outcome of one call. Whoever drops it without one has failed: the call is made again.
pub struct AsyncReply {
    inbox: Inbox,
    number: u64,
    is_open: bool,
}

impl AsyncReply {
    /// Hands the outcome to the task, which may be gone by now: then nobody hears it, and the task's next owner makes the
    /// call again.
    pub fn send(mut self, outcome: AsyncOutcome) {
        self.push(outcome);
    }

    fn push(&mut self, outcome: AsyncOutcome) {
        self.is_open = false;
        self.inbox.lock().push_back((self.number, outcome));
    }
}

impl Drop for AsyncReply {
    fn drop(&mut self) {
        if self.is_open {
            self.push(AsyncOutcome::Failed { reason: "the client gave the call up".to_owned(), retry: true });
        }
    }
}
