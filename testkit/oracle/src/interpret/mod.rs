//! A case's operations become a topology in our DSL.

mod aggregations;
mod globals;
mod grouped_table;
mod joins;
mod nodes;
mod processing;
mod stateless;
mod suppression;

use crate::case::Case;
use crate::error::OracleError;
use crate::op::{Aggregation, Op, Store};
use crate::stores::{Kind, Named};
use crate::val::{Type, values};
use comanda_streams::{Materialized, Serde, Serdes, StreamsBuilder, StreamsError, Topology};
use nodes::Node;
use std::collections::BTreeMap;

/// A case's topology, and what is needed to feed and read it.
pub(crate) struct Interpreted {
    pub topology: Topology,
    /// Value type of every topic that can be piped.
    pub inputs: BTreeMap<String, Type>,
    /// Value type of every sink topic.
    pub sinks: BTreeMap<String, Type>,
    /// Every named store.
    pub stores: BTreeMap<String, Named>,
}

/// Draws the topology. The inner error is the engine's: it refuses the topology.
pub(crate) fn interpret(case: &Case) -> Result<Result<Interpreted, StreamsError>, OracleError> {
    let lacking = case.lacking();
    if !lacking.is_empty() {
        return Err(OracleError::Unsupported(lacking));
    }
    let mut drawing = Drawing::default();
    for op in &case.topology {
        drawing.apply(op)?;
    }
    let Drawing { builder, inputs, sinks, stores, .. } = drawing;
    Ok(builder.build().map(|topology| Interpreted { topology, inputs, sinks, stores }))
}

/// What has been drawn so far.
#[derive(Default)]
struct Drawing {
    builder: StreamsBuilder,
    nodes: BTreeMap<String, Node>,
    inputs: BTreeMap<String, Type>,
    sinks: BTreeMap<String, Type>,
    stores: BTreeMap<String, Named>,
    /// Of each windowed table.
    window_sizes_ms: BTreeMap<String, i64>,
}

impl Drawing {
    fn apply(&mut self, op: &Op) -> Result<(), OracleError> {
        self.remember_window(op);
        match op {
            Op::Stream { id, topic, topics, value, extractor } => {
                let topics = topics.iter().flatten().chain(topic).map(String::as_str).collect::<Vec<_>>();
                self.stream(id, &topics, *value, *extractor)
            }
            Op::Table { id, topic, value, extractor, store } => {
                self.table(id, topic, *value, *extractor, store.as_ref())
            }
            Op::GlobalTable { id, topic, value, store } => self.global_table(id, topic, *value, store.as_ref()),
            Op::Filter { id, from, function, store } => self.filter(id, from, function, store.as_ref(), true),
            Op::FilterNot { id, from, function, store } => self.filter(id, from, function, store.as_ref(), false),
            Op::MapValues { id, from, function, store } => self.map_values(id, from, function, store.as_ref()),
            Op::Map { id, from, key_fn, value_fn } => self.map(id, from, key_fn, value_fn),
            Op::FlatMap { id, from, function } => self.flat_map(id, from, function),
            Op::FlatMapValues { id, from, function } => self.flat_map_values(id, from, function),
            Op::SelectKey { id, from, function } => self.select_key(id, from, function),
            Op::Merge { id, from, other } => self.merge(id, from, other),
            Op::Split { from, branches, default_id } => self.split(from, branches, default_id.as_deref()),
            Op::Repartition { id, from, name } => self.repartition(id, from, name.as_deref()),
            Op::ToTable { id, from, store } => self.table_of(id, from, store.as_ref()),
            Op::ToStream { id, from, key_fn } => self.stream_of(id, from, key_fn.as_deref()),
            Op::To { from, topic } => self.to(from, topic),
            _ => self.apply_stateful(op),
        }
    }

    fn apply_stateful(&mut self, op: &Op) -> Result<(), OracleError> {
        if let Some(result) = self.aggregate_table(op) {
            return result;
        }
        match op {
            Op::GroupByKey { id, from, name } => self.group_by_key(id, from, name.as_deref()),
            Op::GroupBy { id, from, key_fn, value_fn: Some(value_fn), name } => {
                self.group_table(id, from, [key_fn, value_fn], name.as_deref())
            }
            Op::GroupBy { id, from, key_fn, name, .. } => self.group_by(id, from, key_fn, name.as_deref()),
            Op::Count(of) => self.count(of),
            Op::Reduce(of) => self.reduce(of),
            Op::Aggregate(of) => self.aggregate(of),
            Op::StreamTableJoin { id, left, right, kind, joiner, name, .. } => {
                self.stream_table_join(id, [left, right], *kind, joiner, name.as_deref())
            }
            Op::StreamGlobalJoin { id, left, right, kind, key_fn, joiner } => {
                self.stream_global_join(id, [left, right], *kind, [key_fn, joiner])
            }
            Op::TableTableJoin { id, left, right, kind, joiner, store } => {
                self.table_table_join(id, [left, right], *kind, joiner, store.as_ref())
            }
            Op::Suppress { id, from, until, ms, buffer } => self.suppress(id, from, (*until, *ms), *buffer),
            Op::Process { id, from, function, store } => self.process(id, from, function, store.as_ref()),
            Op::ProcessValues { id, from, function, store } => self.process_values(id, from, function, store.as_ref()),
            other => Err(OracleError::malformed(format!("{other:?} should have been refused as lacking"))),
        }
    }

    fn node(&self, id: &str) -> Result<&Node, OracleError> {
        self.nodes.get(id).ok_or_else(|| OracleError::malformed(format!("no node `{id}`")))
    }

    fn define(&mut self, id: &str, node: Node) -> Result<(), OracleError> {
        match self.nodes.insert(id.to_owned(), node) {
            None => Ok(()),
            Some(_) => Err(OracleError::malformed(format!("two nodes `{id}`"))),
        }
    }

    /// The materialization of a table of plain keys that may go without a store.
    fn store_if_named(&mut self, store: Option<&Store>, of: Type) -> Option<Materialized<String, crate::Val>> {
        store.map(|store| self.materialized(Some(store), Kind::Kv, of, values(of)))
    }

    /// The materialization of a table that has a store in any case. A named one is dumped at the end.
    fn materialized<V>(
        &mut self,
        store: Option<&Store>,
        kind: Kind,
        of: Type,
        serde: Serde<V>,
    ) -> Materialized<String, V> {
        let materialized = Materialized::with(Serdes::string(), serde);
        let Some(store) = store else {
            return materialized;
        };
        let named = Named { kind, values: of, caching: store.caching };
        self.stores.insert(store.name.clone(), named);
        let named = materialized.named(&store.name);
        let cached = if store.caching { named } else { named.with_caching_disabled() };
        let logged = if store.logging { cached } else { cached.with_logging_disabled() };
        match store.retention_ms {
            Some(retention_ms) => logged.with_retention_ms(retention_ms),
            None => logged,
        }
    }
}

/// A field that this operation needs.
fn required<'a>(field: &'a Option<String>, name: &str, of: &Aggregation) -> Result<&'a str, OracleError> {
    field.as_deref().ok_or_else(|| OracleError::malformed(format!("`{}` has no `{name}`", of.id)))
}
