//! What a table can tell its readers while the topology is drawn: how to read its rows, and whether it can say what a
//! row was before.

use super::builder::BuilderRef;
use super::config::Materialized;
use crate::operators::{GetterFactory, StoreGetter};
use crate::record::Data;
use crate::stores::StoreDef;
use crate::topology::{Flag, NodeId, StoreId, StoreInfo};
use comanda_state_stores::StoreSpec;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// The reading side of a table.
pub(crate) trait TableNode<K, V> {
    /// Asks for old values in its updates. `force` makes a source table store its rows; without it the answer may be
    /// no.
    fn enable_old_values(&self, force: bool) -> bool;

    /// How its rows are read, and the stores that takes.
    fn getter(&self) -> (GetterFactory<K, V>, Vec<StoreId>);
}

/// A table with a store of its own.
pub(crate) struct StoredTable<K, V> {
    pub def: StoreDef<K, V>,
    pub old_values: Flag,
}

impl<K: Data, V: Data> TableNode<K, V> for StoredTable<K, V> {
    fn enable_old_values(&self, _force: bool) -> bool {
        self.old_values.set();
        true
    }

    fn getter(&self) -> (GetterFactory<K, V>, Vec<StoreId>) {
        (store_getter(&self.def), vec![self.def.id])
    }
}

fn store_getter<K: Data, V: Data>(def: &StoreDef<K, V>) -> GetterFactory<K, V> {
    let def = def.clone();
    Arc::new(move |wiring| Ok(Rc::new(StoreGetter(def.open(wiring)?))))
}

/// A source's table: stored as soon as somebody needs that.
pub(crate) struct SourceTable<K, V> {
    pub drawing: BuilderRef,
    pub node: NodeId,
    pub materialized: Materialized<K, V>,
    pub def: Arc<Mutex<Option<StoreDef<K, V>>>>,
    pub old_values: Flag,
}

impl<K: Data, V: Data> SourceTable<K, V> {
    /// The store, made now if it was not needed before.
    pub fn store(&self) -> StoreDef<K, V> {
        let mut def = self.def.lock().expect("drawing a topology does not panic while it holds the lock");
        def.get_or_insert_with(|| {
            let derived = format!("{}-store", self.drawing.graph.borrow().name(self.node));
            add_table_store(&self.drawing, self.node, &derived, &self.materialized)
        })
        .clone()
    }

    fn is_stored(&self) -> bool {
        self.def.lock().expect("drawing a topology does not panic while it holds the lock").is_some()
    }
}

impl<K: Data, V: Data> TableNode<K, V> for SourceTable<K, V> {
    fn enable_old_values(&self, force: bool) -> bool {
        if !force && !self.is_stored() {
            return false;
        }
        self.store();
        self.old_values.set();
        true
    }

    fn getter(&self) -> (GetterFactory<K, V>, Vec<StoreId>) {
        let def = self.store();
        (store_getter(&def), vec![def.id])
    }
}

type MakeGetter<K, V> = Box<dyn Fn() -> (GetterFactory<K, V>, Vec<StoreId>)>;

/// A table computed from others, without a store.
pub(crate) struct DerivedTable<K, V> {
    /// Asks all parents.
    pub parents_enable_old_values: Box<dyn Fn(bool) -> bool>,
    pub getter: MakeGetter<K, V>,
    pub old_values: Flag,
}

impl<K, V> TableNode<K, V> for DerivedTable<K, V> {
    fn enable_old_values(&self, force: bool) -> bool {
        if !self.old_values.get() && (self.parents_enable_old_values)(force) {
            self.old_values.set();
        }
        self.old_values.get()
    }

    fn getter(&self) -> (GetterFactory<K, V>, Vec<StoreId>) {
        (self.getter)()
    }
}

/// Adds the store of a table to the graph.
pub(crate) fn add_table_store<K, V>(
    drawing: &BuilderRef,
    node: NodeId,
    derived_name: &str,
    materialized: &Materialized<K, V>,
) -> StoreDef<K, V> {
    let name = materialized.name.clone().unwrap_or_else(|| derived_name.to_owned());
    let info = store_info(StoreSpec::key_value(&name), materialized);
    let mut graph = drawing.graph.borrow_mut();
    let id = graph.add_store(info);
    graph.connect_store(node, id);
    StoreDef {
        id,
        name: name.into(),
        caching: materialized.caching,
        keys: materialized.keys.clone(),
        values: materialized.values.clone(),
    }
}

/// A table's store as the graph keeps it.
pub(crate) fn store_info<K, V>(spec: StoreSpec, materialized: &Materialized<K, V>) -> StoreInfo {
    StoreInfo {
        spec: StoreSpec { logged: materialized.logging, ..spec.timestamped() },
        persistent: materialized.store_type.map(|t| t == super::StoreType::RocksDb),
    }
}
