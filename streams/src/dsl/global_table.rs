//! Global tables, and joins of streams with them.

use super::builder::{StreamsBuilder, spec_of};
use super::config::{Consumed, Materialized};
use super::kstream::KStream;
use super::table_node::store_info;
use crate::operators::{KeySelector, StreamGlobalJoinNode, StreamTableJoiner};
use crate::record::Data;
use crate::stores::GlobalStoreDef;
use crate::topology::{GlobalCheck, GlobalSource, Outlet};
use comanda_state_stores::StoreSpec;
use std::rc::Rc;
use std::sync::Arc;

/// A table that every instance has whole, whatever its partitions: small, and changed rarely beside the streams that look
/// into it. Nothing flows out of it; streams join it by any key, processors open it.
pub struct GlobalKTable<K, V> {
    pub(crate) def: GlobalStoreDef<K, V>,
}

impl<K, V> Clone for GlobalKTable<K, V> {
    fn clone(&self) -> Self {
        Self { def: self.def.clone() }
    }
}

impl StreamsBuilder {
    /// Reads a topic whole in every instance, to its end before any task runs. Its bad records are reported and left out
    /// (an instance that only reads has no transaction to write a dead letter in). The topic is its own change log: it
    /// should be compacted.
    pub fn global_table<K: Data, V: Data>(
        &self,
        topic: &str,
        consumed: Consumed<K, V>,
        materialized: Option<Materialized<K, V>>,
    ) -> GlobalKTable<K, V> {
        let (keys, values) = (consumed.keys.clone(), consumed.values.clone());
        let materialized = materialized.unwrap_or_else(|| Materialized::with(keys, values)).with_logging_disabled();
        let name = materialized.name.clone().unwrap_or_else(|| format!("global-table.{topic}-store"));
        let store = store_info(StoreSpec::key_value(&name), &materialized);
        let (spec, from) = (spec_of(&consumed), topic.to_owned());
        let check: GlobalCheck = Arc::new(move |raw| spec.extract_time(&spec.decode(&from, raw)?, None));
        let number = self.drawing.graph.borrow_mut().add_global(GlobalSource { topic: topic.to_owned(), store, check });
        let (keys, values) = (materialized.keys, materialized.values);
        GlobalKTable { def: GlobalStoreDef { number, name: name.into(), topic: topic.into(), keys, values } }
    }
}

impl<K: Data, V: Data> KStream<K, V> {
    /// Each record with the row whose key `key_of` tells; records without one are left out.
    pub fn join_global_table<G: Data, T: Data, R: Data>(
        &self,
        table: &GlobalKTable<G, T>,
        key_of: impl Fn(Option<&K>, &V) -> Option<G> + Send + Sync + 'static,
        joiner: impl Fn(Option<&K>, V, T) -> Option<R> + Send + Sync + 'static,
    ) -> KStream<K, R> {
        self.global_join(table, false, Arc::new(key_of), Arc::new(move |k, v, t| joiner(k, v, t?)))
    }

    /// Each record with the row whose key `key_of` tells, or with none.
    pub fn left_join_global_table<G: Data, T: Data, R: Data>(
        &self,
        table: &GlobalKTable<G, T>,
        key_of: impl Fn(Option<&K>, &V) -> Option<G> + Send + Sync + 'static,
        joiner: impl Fn(Option<&K>, V, Option<T>) -> Option<R> + Send + Sync + 'static,
    ) -> KStream<K, R> {
        self.global_join(table, true, Arc::new(key_of), Arc::new(joiner))
    }

    fn global_join<G: Data, T: Data, R: Data>(
        &self,
        table: &GlobalKTable<G, T>,
        left: bool,
        key_of: KeySelector<K, V, G>,
        joiner: StreamTableJoiner<K, V, T, R>,
    ) -> KStream<K, R> {
        let (operation, def) = (if left { "left-join-global-table" } else { "join-global-table" }, table.def.clone());
        self.add_node(None, operation, &[], move |wiring, children: &Outlet<K, R>| {
            let (outputs, table) = (children.wire(wiring)?, Rc::new(def.open(wiring)));
            Ok(StreamGlobalJoinNode { left, key_of: key_of.clone(), table, joiner: joiner.clone(), outputs })
        })
    }
}
