//! The other side of asynchronous calls, as a test plays it.

use comanda_streams::{AsyncCall, AsyncClient, AsyncOutcome, AsyncReply};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps the calls it is given until a test answers them. Clones are the same client.
#[derive(Clone, Default)]
pub struct ScriptedClient {
    open: Arc<Mutex<Vec<(AsyncCall, AsyncReply)>>>,
}

impl ScriptedClient {
    /// The calls without an answer, in the order in which they were begun.
    pub fn open_calls(&self) -> Vec<AsyncCall> {
        self.lock().iter().map(|(call, _)| call.clone()).collect()
    }

    /// Answers all open calls for which there is an outcome; how many that were.
    pub fn answer(&self, outcome_of: impl Fn(&AsyncCall) -> Option<AsyncOutcome>) -> usize {
        let mut answered = 0;
        let mut open = self.lock();
        for (call, reply) in std::mem::take(&mut *open) {
            match outcome_of(&call) {
                Some(outcome) => {
                    reply.send(outcome);
                    answered += 1;
                }
                None => open.push((call, reply)),
            }
        }
        answered
    }

    /// Forgets all open calls without an answer.
    pub fn give_up(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(AsyncCall, AsyncReply)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncClient for ScriptedClient {
    fn call(&self, call: AsyncCall, reply: AsyncReply) {
        self.lock().push((call, reply));
    }
}
