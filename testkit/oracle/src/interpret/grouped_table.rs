//! Grouping of tables, and aggregations of grouped tables.

use super::aggregations::{grouped, numbers};
use super::nodes::{GroupedTable, Node, NodeKey, Table, table_node, wrong};
use super::{Drawing, required};
use crate::error::OracleError;
use crate::functions::{self, KeyMapper, Mapped, Mapper};
use crate::op::{Aggregation, Op};
use crate::stores::Kind;
use crate::val::{Type, Val, values};
use comanda_streams::{KGroupedTable, Serdes};
use std::rc::Rc;

impl Drawing {
    pub fn group_table(
        &mut self,
        id: &str,
        from: &str,
        [key_fn, value_fn]: [&str; 2],
        name: Option<&str>,
    ) -> Result<(), OracleError> {
        let key = functions::key(key_fn)?;
        let node = match self.node(from)?.clone() {
            Node::Table(of) => group(&of, key, functions::value(value_fn, of.values)?, name),
            Node::WindowedTable(of) => group(&of, key, functions::value(value_fn, of.values)?, name),
            _ => return Err(wrong(id, "a table")),
        };
        self.define(id, node)
    }

    /// The operation, if it aggregates a grouped table.
    pub fn aggregate_table(&mut self, op: &Op) -> Option<Result<(), OracleError>> {
        let (Op::Count(of) | Op::Reduce(of) | Op::Aggregate(of)) = op else { return None };
        let Some(Node::GroupedTable(grouped)) = self.nodes.get(&of.from).cloned() else { return None };
        let node = match op {
            Op::Count(_) => self.count_table(of, &grouped),
            Op::Reduce(_) => self.reduce_table(of, &grouped),
            _ => self.fold_table(of, &grouped),
        };
        Some(node.and_then(|node| self.define(&of.id, node)))
    }

    fn count_table(&mut self, of: &Aggregation, grouped: &GroupedTable) -> Result<Node, OracleError> {
        let materialized = self.materialized(of.store.as_ref(), Kind::Kv, Type::Long, Serdes::long());
        Ok(numbers(&grouped.table.count(materialized)))
    }

    fn reduce_table(&mut self, of: &Aggregation, grouped: &GroupedTable) -> Result<Node, OracleError> {
        let adder = functions::reducer(required(&of.adder, "adder", of)?)?;
        let subtractor = functions::reducer(required(&of.subtractor, "subtractor", of)?)?;
        let materialized = self.materialized(of.store.as_ref(), Kind::Kv, grouped.values, values(grouped.values));
        let add = move |a: Val, v: Val| adder(Some(&a), Some(&v));
        let subtract = move |a: Val, v: Val| subtractor(Some(&a), Some(&v));
        Ok(table_node(grouped.table.reduce(add, subtract, materialized), grouped.values))
    }

    fn fold_table(&mut self, of: &Aggregation, grouped: &GroupedTable) -> Result<Node, OracleError> {
        let Mapped { values: result, function: init } = functions::init(required(&of.init, "init", of)?)?;
        let adder = functions::aggregator(required(&of.adder, "adder", of)?)?;
        let subtractor = functions::aggregator(required(&of.subtractor, "subtractor", of)?)?;
        let materialized = self.materialized(of.store.as_ref(), Kind::Kv, result, values(result));
        let start = move || init.clone();
        let add = move |k: &String, v: Val, a: Option<Val>| adder(k, Some(&v), a.as_ref());
        let subtract = move |k: &String, v: Val, a: Val| subtractor(k, Some(&v), Some(&a));
        Ok(table_node(grouped.table.aggregate(start, add, subtract, materialized), result))
    }
}

fn group<K: NodeKey>(of: &Table<K>, key: KeyMapper, value: Mapped<Mapper>, name: Option<&str>) -> Node {
    let Mapped { values, function } = value;
    let select = move |k: &K, v: Val| {
        let k = k.text();
        (key(Some(&k), Some(&v)), function(Some(&k), Some(&v)))
    };
    let table: KGroupedTable<String, Val> = of.table.group_by(select, grouped(values, name));
    Node::GroupedTable(GroupedTable { table: Rc::new(table), values })
}
