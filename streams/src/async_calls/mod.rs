//! Asynchronous calls per key: a stream's records become calls to the outside, their answers records again.
//!
//! ```text
//! record ─► pending store ──commit──► client.call() ─ ─ ─► reply ─► answer ─► downstream, entry removed
//!           (change-logged)           only now, outside of any transaction     (one transaction)
//! ```
//!
//! An accepted call is an entry of a change-logged store, written in the transaction of the record that asked for it. It is
//! begun only after that transaction has committed: an aborted one has called nobody. Its answer enters the task between
//! records and removes the entry in the transaction that takes the answer's effects. Meanwhile no transaction is open, so
//! that calls may take longer than one may, and commits never wait.
//!
//! Calls of one key follow each other; others run side by side, up to a bound. After a crash or a move of the task the
//! calls that still stand in the store are made again, under the same idempotency keys: the other side sees a call at
//! least once and must know it by its key. Flink's Async I/O is the relative of this; it orders by partition, or not at all.

mod inbox;
mod node;
mod pending;
mod retry;

pub use inbox::AsyncReply;
pub use retry::RetryPolicy;

pub(crate) use node::{CallNode, CallNodeSpec, CallingNode};

use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A call to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsyncCall {
    /// By which the other side knows a call that it has seen before: the same whenever this call is made again.
    pub idempotency_key: String,
    /// The record's key.
    pub key: Bytes,
    /// The record's value: what is asked for.
    pub request: Bytes,
    /// Number of this attempt, from 1; not counting those that a crash or a move of the task cut short.
    pub attempt: u32,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AsyncOutcome {
    /// The other side has answered.
    Done(Bytes),
    /// It has not, or with an error.
    Failed {
        /// Why, for people.
        reason: String,
        /// The same call may succeed later, and making it again does no harm.
        retry: bool,
    },
}

/// Makes the calls of one kind: the port that whoever runs a topology gives to it. One client serves all tasks.
///
/// # Contract
/// `call` returns at once; it waits nowhere but on threads of its own. Every call gets an answer in the end: a time-out is
/// the client's to keep, for the engine waits as long as it takes and holds the key's later calls back meanwhile.
pub trait AsyncClient: Send + Sync {
    /// Begins a call; its outcome goes to `reply`, at any time and from any thread.
    fn call(&self, call: AsyncCall, reply: AsyncReply);
}

/// The clients of an application by the names that its topology calls them.
#[derive(Clone, Default)]
pub struct AsyncClients(BTreeMap<String, Arc<dyn AsyncClient>>);

impl AsyncClients {
    /// The same and `client` under `name`.
    pub fn with(mut self, name: &str, client: Arc<dyn AsyncClient>) -> Self {
        self.0.insert(name.to_owned(), client);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn AsyncClient>> {
        self.0.get(name).cloned()
    }
}

impl fmt::Debug for AsyncClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a call came to: the value of the records that a stream of calls yields.
#[derive(Clone, Debug, PartialEq)]
pub struct AsyncResult<V, R> {
    /// What was asked for.
    pub request: V,
    /// The answer, or why there is none and will be none.
    pub response: Result<R, String>,
    /// Attempts it took.
    pub attempts: u32,
}
