//! Grouping and aggregations of streams, plain and in windows.

use super::nodes::{Grouped as GroupedNode, Node, NodeKey, table_node};
use super::stateless::{seen, select_key};
use super::{Drawing, required};
use crate::error::OracleError;
use crate::functions::{self, Aggregator, Mapped, Reducer};
use crate::op::{Aggregation, Window};
use crate::stores::Kind;
use crate::val::{Type, Val, values};
use comanda_streams::{Grouped, KTable, Serdes, TimeWindows};
use std::rc::Rc;

impl Drawing {
    pub fn group_by_key(&mut self, id: &str, from: &str, name: Option<&str>) -> Result<(), OracleError> {
        let of = self.node(from)?.plain_stream(id)?;
        let stream = Rc::new(of.stream.group_by_key(grouped(of.values, name)));
        self.define(id, Node::Grouped(GroupedNode { stream, values: of.values }))
    }

    pub fn group_by(&mut self, id: &str, from: &str, key_fn: &str, name: Option<&str>) -> Result<(), OracleError> {
        let key = functions::key(key_fn)?;
        let (stream, of) = match self.node(from)?.clone() {
            Node::Stream(of) => {
                let select = move |k: Option<&String>, v: Option<&Val>| key(seen(k).as_deref(), v);
                (of.stream.group_by(select, grouped(of.values, name)), of.values)
            }
            Node::WindowedStream(of) => (select_key(&of.stream, key).group_by_key(grouped(of.values, name)), of.values),
            _ => return Err(super::nodes::wrong(id, "a stream")),
        };
        self.define(id, Node::Grouped(GroupedNode { stream: Rc::new(stream), values: of }))
    }

    pub fn count(&mut self, of: &Aggregation) -> Result<(), OracleError> {
        let grouped = self.node(&of.from)?.grouped(&of.id)?;
        let materialized = self.materialized(of.store.as_ref(), kind(of), Type::Long, Serdes::long());
        let node = match time_windows(of) {
            None => numbers(&grouped.stream.count(materialized)),
            Some(windows) => numbers(&grouped.stream.windowed_by(windows).count(materialized)),
        };
        self.define(&of.id, node)
    }

    pub fn reduce(&mut self, of: &Aggregation) -> Result<(), OracleError> {
        let grouped = self.node(&of.from)?.grouped(&of.id)?;
        let reducer: Reducer = functions::reducer(required(&of.function, "fn", of)?)?;
        let materialized = self.materialized(of.store.as_ref(), kind(of), grouped.values, values(grouped.values));
        let node = match time_windows(of) {
            None => {
                let reduce = move |a: Val, v: Val| reducer(Some(&a), Some(&v));
                table_node(grouped.stream.reduce(reduce, materialized), grouped.values)
            }
            Some(windows) => {
                let reduce = move |a: Val, v: Option<Val>| reducer(Some(&a), v.as_ref());
                table_node(grouped.stream.windowed_by(windows).reduce(reduce, materialized), grouped.values)
            }
        };
        self.define(&of.id, node)
    }

    pub fn aggregate(&mut self, of: &Aggregation) -> Result<(), OracleError> {
        let grouped = self.node(&of.from)?.grouped(&of.id)?;
        let Mapped { values: result, function: init } = functions::init(required(&of.init, "init", of)?)?;
        let aggregator: Aggregator = functions::aggregator(required(&of.function, "fn", of)?)?;
        let fold = move |k: &String, v: Option<Val>, a: Option<Val>| aggregator(k, v.as_ref(), a.as_ref());
        let start = move || init.clone();
        let materialized = self.materialized(of.store.as_ref(), kind(of), result, values(result));
        let node = match time_windows(of) {
            None => table_node(grouped.stream.aggregate(start, fold, materialized), result),
            Some(windows) => {
                table_node(grouped.stream.windowed_by(windows).aggregate(start, fold, materialized), result)
            }
        };
        self.define(&of.id, node)
    }
}

pub(super) fn grouped(of: Type, name: Option<&str>) -> Grouped<String, Val> {
    let grouped = Grouped::with(Serdes::string(), values(of));
    match name {
        Some(name) => grouped.with_name(name),
        None => grouped,
    }
}

/// A count's table with the values of all other nodes. The mapping is not stored and changes nothing: it asks its parent
/// for all that it is asked.
pub(super) fn numbers<K: NodeKey>(counts: &KTable<K, i64>) -> Node {
    table_node(counts.map_values(|_, count| Some(Val::Long(count)), None), Type::Long)
}

fn kind(of: &Aggregation) -> Kind {
    if of.window.is_some() { Kind::Window } else { Kind::Kv }
}

fn time_windows(of: &Aggregation) -> Option<TimeWindows> {
    match of.window? {
        Window::Tumbling { size, grace } => Some(TimeWindows::of_size_and_grace(size, grace)),
        Window::Hopping { size, advance, grace } => {
            Some(TimeWindows::of_size_and_grace(size, grace).advance_by(advance))
        }
        Window::Sliding {} | Window::Session {} => None,
    }
}
