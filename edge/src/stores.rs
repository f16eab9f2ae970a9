//! The query ports over the engine's stores. What is in a store belongs to its role: the app says how to read it.

use crate::ports::{Analytics, Answer, CommandOffset, KnownOrder, Orders, QueryError, RefusedOrder};
use comanda_schemas::{Event, OrderId, PlaceOrder, PopularItems};
use comanda_streams::{QueryResult, QueryableStore, StreamsError, TaskId};
use std::sync::Arc;

/// Tells the address of the instance that runs a task, e.g. by `KafkaStreams::key_query_metadata`.
pub type Owner = Arc<dyn Fn(TaskId) -> Option<String> + Send + Sync>;

/// Orders in stores of the order role that `order.commands` feeds directly: those that it took, and those that it refused.
pub struct OrdersInStore<V, R> {
    store: QueryableStore<OrderId, V>,
    read: fn(&V) -> KnownOrder,
    refusals: QueryableStore<OrderId, R>,
    read_refusal: fn(&R) -> RefusedOrder,
    owner: Owner,
}

impl<V, R> OrdersInStore<V, R> {
    /// Reads the stores' values by `read` and `read_refusal`.
    pub fn new(
        store: QueryableStore<OrderId, V>,
        read: fn(&V) -> KnownOrder,
        refusals: QueryableStore<OrderId, R>,
        read_refusal: fn(&R) -> RefusedOrder,
        owner: Owner,
    ) -> Self {
        Self { store, read, refusals, read_refusal, owner }
    }
}

impl<V: 'static, R: 'static> Orders for OrdersInStore<V, R> {
    fn order(&self, order: OrderId, after: Option<CommandOffset>) -> Result<Answer<Option<KnownOrder>>, QueryError> {
        let written = after.map(|CommandOffset(offset)| (PlaceOrder::TOPIC, offset));
        let found = self.store.get_after(&order, written)?;
        Ok(answer(found, &self.owner).map(|value| value.as_ref().map(self.read)))
    }

    fn refusal(&self, order: OrderId) -> Result<Answer<Option<RefusedOrder>>, QueryError> {
        let found = self.refusals.get(&order)?;
        Ok(answer(found, &self.owner).map(|value| value.as_ref().map(self.read_refusal)))
    }
}

/// Rankings in a store of the analytics role: the current or last one of each zone, and of `all`.
pub struct PopularItemsInStore<V> {
    store: QueryableStore<String, V>,
    read: fn(&V) -> PopularItems,
    owner: Owner,
}

impl<V> PopularItemsInStore<V> {
    /// Reads the store's values by `read`.
    pub fn new(store: QueryableStore<String, V>, read: fn(&V) -> PopularItems, owner: Owner) -> Self {
        Self { store, read, owner }
    }
}

impl<V: 'static> Analytics for PopularItemsInStore<V> {
    fn popular_items(&self, zone: &str) -> Result<Answer<Option<PopularItems>>, QueryError> {
        let found = self.store.get(&zone.to_owned())?;
        Ok(answer(found, &self.owner).map(|value| value.as_ref().map(self.read)))
    }
}

fn answer<V>(found: QueryResult<V>, owner: &Owner) -> Answer<Option<V>> {
    match found {
        QueryResult::Found(value) => Answer::Here(value),
        QueryResult::Behind(_) => Answer::Behind,
        QueryResult::NotHere(task) => Answer::Elsewhere { owner: owner(task) },
    }
}

impl<T> Answer<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Answer::Here(value) => Answer::Here(change(value)),
            Answer::Behind => Answer::Behind,
            Answer::Elsewhere { owner } => Answer::Elsewhere { owner },
        }
    }
}

impl From<StreamsError> for QueryError {
    fn from(error: StreamsError) -> Self {
        let retriable = matches!(
            error,
            StreamsError::Retry(_)
                | StreamsError::TaskMigrated(_)
                | StreamsError::TaskCorrupted(_)
                | StreamsError::ReopenTask(_)
        );
        Self { reason: error.to_string(), retriable }
    }
}
