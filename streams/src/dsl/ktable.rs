//! A table: the latest value of each key, and its stateless operators.

use super::builder::BuilderRef;
use super::config::Materialized;
use super::kstream::KStream;
use super::table_node::{DerivedTable, SourceTable, StoredTable, TableNode, add_table_store};
use crate::operators::{
    FilterGetter, GetterFactory, MapValuesGetter, TableFilterNode, TableMapValuesNode, TableSourceNode, ToStreamNode,
};
use crate::record::{Change, Data};
use crate::stores::{StoreDef, TupleForwarder};
use crate::topology::{Flag, NodeId, NodeKind, NodeName, Outlet, StoreId};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// A changelog stream read as a table.
pub struct KTable<K, V> {
    pub(crate) drawing: BuilderRef,
    pub(crate) node: NodeId,
    pub(crate) outlet: Outlet<K, Change<V>>,
    pub(crate) table: Rc<dyn TableNode<K, V>>,
}

impl<K, V> Clone for KTable<K, V> {
    fn clone(&self) -> Self {
        Self { drawing: self.drawing.clone(), node: self.node, outlet: self.outlet.clone(), table: self.table.clone() }
    }
}

/// The table of a source or a stream: `KTableSource` below `parent`.
pub(crate) fn source<K: Data, V: Data>(
    drawing: BuilderRef,
    parent: NodeId,
    input: &Outlet<K, V>,
    input_name: &str,
    materialized: Materialized<K, V>,
) -> KTable<K, V> {
    let name = NodeName::of(None, "table", input_name);
    let node = drawing.graph.borrow_mut().add_node(name, NodeKind::Processor, &[parent], &[]);
    let (def, old_values) = (Arc::new(Mutex::new(None)), Flag::default());
    let named = materialized.name.is_some();
    let table =
        SourceTable { drawing: drawing.clone(), node, materialized, def: def.clone(), old_values: old_values.clone() };
    if named {
        table.store();
    }
    let outlet: Outlet<K, Change<V>> = Outlet::new();
    let children = outlet.clone();
    input.connect(node, move |wiring| {
        let outputs = children.wire(wiring)?;
        let def: Option<StoreDef<K, V>> = def.lock().expect("no panic while drawing").clone();
        Ok(match def {
            Some(def) => TableSourceNode::Stored(TupleForwarder::new(wiring, &def, outputs, old_values.get())?),
            None => TableSourceNode::NotStored(outputs),
        })
    });
    KTable { drawing, node, outlet, table: Rc::new(table) }
}

impl<K: Data, V: Data> KTable<K, V> {
    pub(crate) fn name(&self) -> String {
        self.drawing.graph.borrow().name(self.node).to_owned()
    }

    pub(super) fn add_child(&self, operation: &str) -> NodeId {
        let name = NodeName::of(None, operation, &self.name());
        self.drawing.graph.borrow_mut().add_node(name, NodeKind::Processor, &[self.node], &[])
    }

    /// The rows for which `predicate` holds.
    pub fn filter(
        &self,
        predicate: impl Fn(&K, &V) -> bool + Send + Sync + 'static,
        materialized: Option<Materialized<K, V>>,
    ) -> KTable<K, V> {
        self.filtered("filter", Arc::new(predicate), materialized)
    }

    /// The rows for which `predicate` does not hold.
    pub fn filter_not(
        &self,
        predicate: impl Fn(&K, &V) -> bool + Send + Sync + 'static,
        materialized: Option<Materialized<K, V>>,
    ) -> KTable<K, V> {
        self.filtered("filter-not", Arc::new(move |k: &K, v: &V| !predicate(k, v)), materialized)
    }

    fn filtered(
        &self,
        operation: &str,
        passes: Arc<dyn Fn(&K, &V) -> bool + Send + Sync>,
        materialized: Option<Materialized<K, V>>,
    ) -> KTable<K, V> {
        let node = self.add_child(operation);
        let (old_values, parent, keep) = (Flag::default(), self.table.clone(), passes.clone());
        // Where old values cost nothing more, they spare tombstones for rows that never passed (`KTableFilter`).
        if parent.enable_old_values(false) {
            old_values.set();
        }
        let (stored, table) = self.place(node, materialized, &old_values, move || {
            let (rows, stores) = parent.getter();
            let keep = keep.clone();
            let getter: GetterFactory<K, V> =
                Arc::new(move |wiring| Ok(Rc::new(FilterGetter { parent: rows(wiring)?, passes: keep.clone() })));
            (getter, stores)
        });
        let outlet: Outlet<K, Change<V>> = Outlet::new();
        let children = outlet.clone();
        self.outlet.connect(node, move |wiring| {
            let outputs = children.wire(wiring)?;
            let send_old_values = old_values.get();
            let stored = match &stored {
                Some(def) => Some(TupleForwarder::new(wiring, def, outputs.clone(), send_old_values)?),
                None => None,
            };
            Ok(TableFilterNode { passes: passes.clone(), send_old_values, outputs, stored })
        });
        KTable { drawing: self.drawing.clone(), node, outlet, table }
    }

    /// Replaces each row's value; `None` deletes the row.
    pub fn map_values<W: Data>(
        &self,
        mapper: impl Fn(&K, V) -> Option<W> + Send + Sync + 'static,
        materialized: Option<Materialized<K, W>>,
    ) -> KTable<K, W> {
        let mapper: Arc<dyn Fn(&K, V) -> Option<W> + Send + Sync> = Arc::new(mapper);
        let node = self.add_child("map-values");
        let (old_values, parent, map) = (Flag::default(), self.table.clone(), mapper.clone());
        let (stored, table) = self.place(node, materialized, &old_values, move || {
            let (rows, stores) = parent.getter();
            let map = map.clone();
            let getter: GetterFactory<K, W> =
                Arc::new(move |wiring| Ok(Rc::new(MapValuesGetter { parent: rows(wiring)?, mapper: map.clone() })));
            (getter, stores)
        });
        let outlet: Outlet<K, Change<W>> = Outlet::new();
        let children = outlet.clone();
        self.outlet.connect(node, move |wiring| {
            let outputs = children.wire(wiring)?;
            let send_old_values = old_values.get();
            let stored = match &stored {
                Some(def) => Some(TupleForwarder::new(wiring, def, outputs.clone(), send_old_values)?),
                None => None,
            };
            Ok(TableMapValuesNode { mapper: mapper.clone(), send_old_values, outputs, stored })
        });
        KTable { drawing: self.drawing.clone(), node, outlet, table }
    }

    /// A result's reading side: a store of its own if one is named, else computed from this table.
    fn place<W: Data>(
        &self,
        node: NodeId,
        materialized: Option<Materialized<K, W>>,
        old_values: &Flag,
        getter: impl Fn() -> (GetterFactory<K, W>, Vec<StoreId>) + 'static,
    ) -> (Option<StoreDef<K, W>>, Rc<dyn TableNode<K, W>>) {
        let old_values = old_values.clone();
        if let Some(materialized) = materialized.filter(|m| m.name.is_some()) {
            let def = add_table_store(&self.drawing, node, "", &materialized);
            return (Some(def.clone()), Rc::new(StoredTable { def, old_values }));
        }
        let parent = self.table.clone();
        let table = DerivedTable {
            parents_enable_old_values: Box::new(move |force| parent.enable_old_values(force)),
            getter: Box::new(getter),
            old_values,
        };
        (None, Rc::new(table))
    }

    /// The table's updates as a stream.
    pub fn to_stream(&self) -> KStream<K, V> {
        let node = self.add_child("to-stream");
        let outlet: Outlet<K, V> = Outlet::new();
        let children = outlet.clone();
        self.outlet.connect(node, move |wiring| Ok(ToStreamNode { outputs: children.wire(wiring)? }));
        KStream::new(self.drawing.clone(), node, outlet)
    }
}
