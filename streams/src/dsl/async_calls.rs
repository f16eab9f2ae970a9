//! Drawing asynchronous calls.

use super::kstream::KStream;
use crate::async_calls::{AsyncResult, CallNode, CallNodeSpec, RetryPolicy};
use crate::record::Data;
use crate::serde::Serde;
use crate::topology::StoreInfo;
use comanda_state_stores::StoreSpec;
use std::sync::Arc;

/// Calls in flight per task unless set otherwise: enough to hide a round trip, few enough for one provider's limits.
const MAX_IN_FLIGHT: usize = 100;

/// How a stream's records are made into calls.
pub struct AsyncCalls<K, V, R> {
    spec: CallNodeSpec<K, V, R>,
}

impl<K: Data, V: Data, R: Data> AsyncCalls<K, V, R> {
    /// Calls by the client that is given under `name`, which also names the node and its store. `idempotency_key` tells
    /// a call apart from all others, for all time; it is all that the other side can know a repeated call by.
    pub fn new(
        name: &str,
        idempotency_key: impl Fn(&K, &V) -> String + Send + Sync + 'static,
        keys: Serde<K>,
        requests: Serde<V>,
        responses: Serde<R>,
    ) -> Self {
        let spec = CallNodeSpec {
            name: name.to_owned(),
            store: format!("{name}-pending"),
            idempotency_key: Arc::new(idempotency_key),
            keys,
            requests,
            responses,
            max_in_flight: MAX_IN_FLIGHT,
            retry: RetryPolicy::default(),
        };
        Self { spec }
    }

    /// At most so many calls of a task are under way at a time; the others wait in the store.
    pub fn with_max_in_flight(mut self, calls: usize) -> Self {
        self.spec.max_in_flight = calls.max(1);
        self
    }

    /// When failed calls are made again, of those that the client says may be.
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.spec.retry = retry;
        self
    }
}

impl<K: Data, V: Data> KStream<K, V> {
    /// Makes a call of each record and a record of each answer, with key, time and headers of the record that asked.
    ///
    /// Calls of one key are made in order: the next begins when the answer of the former is committed. Calls of other keys
    /// run meanwhile. What is accepted survives crashes and is made again under the same idempotency key until its answer
    /// is committed; see [`crate::AsyncClient`]. Records without key or value are dropped. An answer has no input record,
    /// so that `SkipRecord` from a processor below stops the application, as in a punctuation.
    pub fn call_async<R: Data>(&self, calls: AsyncCalls<K, V, R>) -> KStream<K, AsyncResult<V, R>> {
        let spec = Arc::new(calls.spec);
        let placed = self.placed_by_key(&spec.name, (spec.keys.clone(), spec.requests.clone()));
        let info = StoreInfo { spec: StoreSpec::key_value(&spec.store), persistent: None };
        let store = self.drawing.graph.borrow_mut().add_store(info);
        let made = spec.clone();
        placed.add_node(Some(&spec.name), "call-async", &[store], move |wiring, children| {
            let outputs = children.wire(wiring)?;
            CallNode::open(wiring, &made, outputs)
        })
    }
}
