//! Joins of streams with tables and of tables with tables.

use super::Drawing;
use super::nodes::{Node, NodeKey, Table, stream_node, table_node, wrong};
use super::stateless::seen;
use crate::error::OracleError;
use crate::functions::{self, Joiner, Mapped};
use crate::op::{JoinType, Store};
use crate::val::{Val, values};
use comanda_streams::{Joined, Materialized, Serdes};

impl Drawing {
    pub fn stream_table_join(
        &mut self,
        id: &str,
        [left, right]: [&String; 2],
        kind: JoinType,
        joiner: &str,
        name: Option<&str>,
    ) -> Result<(), OracleError> {
        let (left, right) = (self.node(left)?.plain_stream(id)?, self.node(right)?.plain_table(id)?);
        let Mapped { values: result, function } = functions::joiner(joiner, left.values, right.values)?;
        let joined = Joined::with(Serdes::string(), values(left.values));
        let joined = match name {
            Some(name) => joined.with_name(name),
            None => joined,
        };
        let stream = match kind {
            JoinType::Inner => {
                let join = move |k: Option<&String>, l: Val, r: Val| function(seen(k).as_deref(), Some(&l), Some(&r));
                left.stream.join_table(&right.table, join, joined)
            }
            JoinType::Left => {
                let join = move |k: Option<&String>, l: Val, r: Option<Val>| {
                    function(seen(k).as_deref(), Some(&l), r.as_ref())
                };
                left.stream.left_join_table(&right.table, join, joined)
            }
            JoinType::Outer => return Err(wrong(id, "to be an inner or left join")),
        };
        self.define(id, stream_node(stream, result))
    }

    pub fn table_table_join(
        &mut self,
        id: &str,
        [left, right]: [&String; 2],
        kind: JoinType,
        joiner: &str,
        store: Option<&Store>,
    ) -> Result<(), OracleError> {
        let node = match (self.node(left)?.clone(), self.node(right)?.clone()) {
            (Node::Table(left), Node::Table(right)) => {
                let joiner = functions::joiner(joiner, left.values, right.values)?;
                let store = self.store_if_named(store, joiner.values);
                join_tables(&left, &right, kind, joiner, store)
            }
            (Node::WindowedTable(left), Node::WindowedTable(right)) if store.is_none() => {
                join_tables(&left, &right, kind, functions::joiner(joiner, left.values, right.values)?, None)
            }
            _ => return Err(wrong(id, "two tables with the same keys")),
        };
        self.define(id, node)
    }
}

fn join_tables<K: NodeKey>(
    left: &Table<K>,
    right: &Table<K>,
    kind: JoinType,
    joiner: Mapped<Joiner>,
    store: Option<Materialized<K, Val>>,
) -> Node {
    let Mapped { values, function: join } = joiner;
    let (one, two) = (&left.table, &right.table);
    let table = match kind {
        JoinType::Inner => one.join(two, move |l: Val, r: Val| join(None, Some(&l), Some(&r)), store),
        JoinType::Left => one.left_join(two, move |l: Val, r: Option<Val>| join(None, Some(&l), r.as_ref()), store),
        JoinType::Outer => {
            one.outer_join(two, move |l: Option<Val>, r: Option<Val>| join(None, l.as_ref(), r.as_ref()), store)
        }
    };
    table_node(table, values)
}
