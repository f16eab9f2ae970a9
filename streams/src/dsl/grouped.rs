//! A stream grouped by key: count, reduce, aggregate.

use super::config::{Grouped, Materialized};
use super::kstream::KStream;
use super::ktable::KTable;
use super::table_node::{StoredTable, add_table_store};
use super::windowed::TimeWindowedKStream;
use super::windows::TimeWindows;
use crate::operators::{AggregateNode, Initializer};
use crate::record::{Change, Data};
use crate::stores::TupleForwarder;
use crate::topology::{Flag, NodeKind, NodeName, Outlet};
use std::rc::Rc;
use std::sync::Arc;

type Aggregator<K, V, A> = Arc<dyn Fn(&K, Option<V>, Option<A>) -> Option<A> + Send + Sync>;

/// A grouped stream.
pub struct KGroupedStream<K, V> {
    pub(crate) stream: KStream<K, V>,
    pub(crate) grouped: Grouped<K, V>,
}

impl<K: Data, V: Data> KGroupedStream<K, V> {
    /// How many records each key has had.
    pub fn count(&self, materialized: Materialized<K, i64>) -> KTable<K, i64> {
        let count = |_: &K, _: Option<V>, count: Option<i64>| Some(count.unwrap_or(0) + 1);
        self.aggregate_by("count", Some(Arc::new(|| Some(0))), Arc::new(count), materialized)
    }

    /// Each key's values combined; the first is taken as it is. `None` deletes the row.
    pub fn reduce(
        &self,
        reducer: impl Fn(V, V) -> Option<V> + Send + Sync + 'static,
        materialized: Materialized<K, V>,
    ) -> KTable<K, V> {
        let combine = move |_: &K, value: Option<V>, so_far: Option<V>| match (so_far, value) {
            (Some(so_far), Some(value)) => reducer(so_far, value),
            (so_far, value) => value.or(so_far),
        };
        self.aggregate_by("reduce", None, Arc::new(combine), materialized)
    }

    /// Each key's values folded into an aggregate that starts as `initializer` says. `None` deletes the row.
    pub fn aggregate<A: Data>(
        &self,
        initializer: impl Fn() -> Option<A> + Send + Sync + 'static,
        aggregator: impl Fn(&K, Option<V>, Option<A>) -> Option<A> + Send + Sync + 'static,
        materialized: Materialized<K, A>,
    ) -> KTable<K, A> {
        self.aggregate_by("aggregate", Some(Arc::new(initializer)), Arc::new(aggregator), materialized)
    }

    /// The same per window.
    pub fn windowed_by(&self, windows: TimeWindows) -> TimeWindowedKStream<K, V> {
        TimeWindowedKStream { stream: self.stream.clone(), grouped: self.grouped_again(), windows }
    }

    fn grouped_again(&self) -> Grouped<K, V> {
        Grouped {
            keys: self.grouped.keys.clone(),
            values: self.grouped.values.clone(),
            name: self.grouped.name.clone(),
        }
    }

    fn aggregate_by<A: Data>(
        &self,
        operation: &str,
        initializer: Option<Initializer<A>>,
        aggregator: Aggregator<K, V, A>,
        materialized: Materialized<K, A>,
    ) -> KTable<K, A> {
        let store = store_name(operation, &self.stream, materialized.name.as_deref());
        let stream = repartitioned(&self.stream, &self.grouped, &store);
        let drawing = stream.drawing.clone();
        let name = NodeName::of(None, operation, &stream.name());
        let node = drawing.graph.borrow_mut().add_node(name, NodeKind::Processor, &[stream.node], &[]);
        let def = add_table_store(&drawing, node, &store, &materialized);
        let outlet: Outlet<K, Change<A>> = Outlet::new();
        let (children, old_values) = (outlet.clone(), Flag::default());
        let table = Rc::new(StoredTable { def: def.clone(), old_values: old_values.clone() });
        stream.outlet.connect(node, move |wiring| {
            let outputs = children.wire(wiring)?;
            let table = TupleForwarder::new(wiring, &def, outputs, old_values.get())?;
            Ok(AggregateNode { initializer: initializer.clone(), aggregator: aggregator.clone(), table })
        });
        KTable { drawing, node, outlet, table }
    }
}

/// The store's name, given or derived from what is aggregated.
pub(super) fn store_name<K: Data, V: Data>(operation: &str, stream: &KStream<K, V>, given: Option<&str>) -> String {
    given.map_or_else(|| format!("{operation}.{}-store", stream.name()), str::to_owned)
}

/// The stream placed by its key: through a topic `<name>-repartition` if the key may have changed.
pub(super) fn repartitioned<K: Data, V: Data>(
    stream: &KStream<K, V>,
    grouped: &Grouped<K, V>,
    store: &str,
) -> KStream<K, V> {
    let name = grouped.name.as_deref().unwrap_or(store);
    stream.placed_by_key(name, (grouped.keys.clone(), grouped.values.clone()))
}
