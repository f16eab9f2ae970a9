//! The way of answers back into the task.

use super::AsyncOutcome;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A call's number and key. The key tells apart calls with the same number, which only exactly-once rules out.
pub(super) type CallId = (u64, Bytes);

/// An answer with its call.
pub(super) type Answer = (CallId, AsyncOutcome);

/// Answers that wait for the task's next step. No more than calls are in flight, which are bounded.
#[derive(Clone, Default)]
pub(super) struct Inbox(Arc<Mutex<VecDeque<Answer>>>);

impl Inbox {
    pub fn reply_to(&self, call: CallId) -> AsyncReply {
        AsyncReply { inbox: self.clone(), call, is_open: true }
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
    call: CallId,
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
        self.inbox.lock().push_back((self.call.clone(), outcome));
    }
}

impl Drop for AsyncReply {
    fn drop(&mut self) {
        if self.is_open {
            self.push(AsyncOutcome::Failed { reason: "the client gave the call up".to_owned(), retry: true });
        }
    }
}
