//! Joins of a stream with a table, and a stream made a table.

use super::config::{Joined, Materialized};
use super::kstream::KStream;
use super::ktable::{self, KTable};
use crate::operators::StreamTableJoinNode;
use crate::record::Data;
use crate::topology::{CoPartition, Outlet};
use std::sync::Arc;

type Joiner<K, V, T, R> = Arc<dyn Fn(Option<&K>, V, Option<T>) -> Option<R> + Send + Sync>;

impl<K: Data, V: Data> KStream<K, V> {
    /// Each record with the table's row of its key; records without one are left out.
    pub fn join_table<T: Data, R: Data>(
        &self,
        table: &KTable<K, T>,
        joiner: impl Fn(Option<&K>, V, T) -> Option<R> + Send + Sync + 'static,
        joined: Joined<K, V>,
    ) -> KStream<K, R> {
        self.table_join(table, false, Arc::new(move |k, v, t| joiner(k, v, t?)), joined)
    }

    /// Each record with the table's row of its key, or with none.
    pub fn left_join_table<T: Data, R: Data>(
        &self,
        table: &KTable<K, T>,
        joiner: impl Fn(Option<&K>, V, Option<T>) -> Option<R> + Send + Sync + 'static,
        joined: Joined<K, V>,
    ) -> KStream<K, R> {
        self.table_join(table, true, Arc::new(joiner), joined)
    }

    fn table_join<T: Data, R: Data>(
        &self,
        table: &KTable<K, T>,
        left: bool,
        joiner: Joiner<K, V, T, R>,
        joined: Joined<K, V>,
    ) -> KStream<K, R> {
        let topic = joined.name.clone().unwrap_or_else(|| self.name());
        let stream = self.placed_by_key(&topic, (joined.keys, joined.values));
        let (rows, stores) = table.table.getter();
        let operation = if left { "left-join-table" } else { "join-table" };
        let result =
            stream.add_node(joined.name.as_deref(), operation, &stores, move |wiring, children: &Outlet<K, R>| {
                let outputs = children.wire(wiring)?;
                Ok(StreamTableJoinNode { left, table: rows(wiring)?, joiner: joiner.clone(), outputs })
            });
        let mut graph = self.drawing.graph.borrow_mut();
        let sources = [graph.sources_of(stream.node), graph.sources_of(table.node)];
        graph.copartitions.push(CoPartition { node: result.node, sources });
        if left {
            graph.takes_null_keys(result.node);
        }
        drop(graph);
        result
    }

    /// The latest value of each key as a table; repartitions first if the key may have changed.
    pub fn to_table(&self, materialized: Materialized<K, V>) -> KTable<K, V> {
        let name = materialized.name.clone().unwrap_or_else(|| format!("to-table.{}", self.name()));
        let serdes = (materialized.keys.clone(), materialized.values.clone());
        let stream = self.placed_by_key(&name, serdes);
        ktable::source(self.drawing.clone(), stream.node, &stream.outlet, &stream.name(), materialized)
    }
}
