//! A table grouped by another key: count, reduce, aggregate. A row that changes leaves its group and enters again.

use super::change_serde::change_serde;
use super::config::{Grouped, Materialized};
use super::grouped::store_name;
use super::kstream::KStream;
use super::ktable::KTable;
use super::table_node::{StoredTable, add_table_store};
use crate::operators::{Adder, Subtractor, TableAggregateNode, TableRepartitionMapNode};
use crate::record::{Change, Data};
use crate::stores::TupleForwarder;
use crate::topology::{Flag, NodeKind, NodeName, Outlet};
use std::rc::Rc;
use std::sync::Arc;

impl<K: Data, V: Data> KTable<K, V> {
    /// Groups the rows: `selector` tells a row's group and what it counts for there. A row without either belongs to no
    /// group.
    pub fn group_by<L: Data + PartialEq, W: Data>(
        &self,
        selector: impl Fn(&K, V) -> (Option<L>, Option<W>) + Send + Sync + 'static,
        grouped: Grouped<L, W>,
    ) -> KGroupedTable<L, W> {
        self.table.enable_old_values(true);
        let node = self.add_child("group-by");
        let outlet: Outlet<L, Change<W>> = Outlet::new();
        let (children, grouper) = (outlet.clone(), Arc::new(selector));
        self.outlet.connect(node, move |wiring| {
            Ok(TableRepartitionMapNode { grouper: grouper.clone(), outputs: children.wire(wiring)? })
        });
        let changes = KStream { key_changed: true, ..KStream::new(self.drawing.clone(), node, outlet) };
        KGroupedTable { changes, grouped }
    }
}

/// A grouped table.
pub struct KGroupedTable<K, V> {
    changes: KStream<K, Change<V>>,
    grouped: Grouped<K, V>,
}

impl<K: Data, V: Data> KGroupedTable<K, V> {
    /// How many rows each group has.
    pub fn count(&self, materialized: Materialized<K, i64>) -> KTable<K, i64> {
        let adder = |_: &K, _: V, count: Option<i64>| Some(count.unwrap_or(0) + 1);
        let subtractor = |_: &K, _: V, count: i64| Some(count - 1);
        self.aggregate_by("count", Arc::new(adder), Arc::new(subtractor), materialized)
    }

    /// Each group's values combined; the first is taken as it is. `None` deletes the group.
    pub fn reduce(
        &self,
        adder: impl Fn(V, V) -> Option<V> + Send + Sync + 'static,
        subtractor: impl Fn(V, V) -> Option<V> + Send + Sync + 'static,
        materialized: Materialized<K, V>,
    ) -> KTable<K, V> {
        let add = move |_: &K, value: V, so_far: Option<V>| match so_far {
            Some(so_far) => adder(so_far, value),
            None => Some(value),
        };
        let subtract = move |_: &K, value: V, so_far: V| subtractor(so_far, value);
        self.aggregate_by("reduce", Arc::new(add), Arc::new(subtract), materialized)
    }

    /// Each group's values folded into an aggregate that starts as `initializer` says. `None` deletes the group.
    pub fn aggregate<A: Data>(
        &self,
        initializer: impl Fn() -> Option<A> + Send + Sync + 'static,
        adder: impl Fn(&K, V, Option<A>) -> Option<A> + Send + Sync + 'static,
        subtractor: impl Fn(&K, V, A) -> Option<A> + Send + Sync + 'static,
        materialized: Materialized<K, A>,
    ) -> KTable<K, A> {
        let add = move |key: &K, value: V, so_far: Option<A>| adder(key, value, so_far.or_else(&initializer));
        self.aggregate_by("aggregate", Arc::new(add), Arc::new(subtractor), materialized)
    }

    fn aggregate_by<A: Data>(
        &self,
        operation: &str,
        adder: Adder<K, V, A>,
        subtractor: Subtractor<K, V, A>,
        materialized: Materialized<K, A>,
    ) -> KTable<K, A> {
        let store = store_name(operation, &self.changes, materialized.name.as_deref());
        let topic = self.grouped.name.as_deref().unwrap_or(&store);
        let serdes = (self.grouped.keys.clone(), change_serde(self.grouped.values.clone()));
        let changes = self.changes.placed_by_key(topic, serdes);
        let drawing = changes.drawing.clone();
        let name = NodeName::of(None, operation, &changes.name());
        let node = drawing.graph.borrow_mut().add_node(name, NodeKind::Processor, &[changes.node], &[]);
        let def = add_table_store(&drawing, node, &store, &materialized);
        let outlet: Outlet<K, Change<A>> = Outlet::new();
        let (children, old_values) = (outlet.clone(), Flag::default());
        let table = Rc::new(StoredTable { def: def.clone(), old_values: old_values.clone() });
        changes.outlet.connect(node, move |wiring| {
            let outputs = children.wire(wiring)?;
            let table = TupleForwarder::new(wiring, &def, outputs, old_values.get())?;
            Ok(TableAggregateNode { adder: adder.clone(), subtractor: subtractor.clone(), table })
        });
        KTable { drawing, node, outlet, table }
    }
}
