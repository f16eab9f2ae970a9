//! Sources, sinks, record-wise operations, conversions between streams and tables.

use super::Drawing;
use super::nodes::{Node, NodeKey, Stream, Table, stream_node, table_node, wrong};
use crate::error::OracleError;
use crate::functions::{self, Mapped};
use crate::op::{Branch, Extractor, Store};
use crate::stores::Kind;
use crate::val::{Key, Type, Val, rendered_keys, values};
use comanda_streams::{Consumed, KStream, Materialized, Produced, Repartitioned, Serdes, TimestampExtractor};
use std::borrow::Cow;

/// A key as functions see it.
pub(super) fn seen<K: Key>(key: Option<&K>) -> Option<Cow<'_, str>> {
    key.map(Key::text)
}

pub(super) fn consumed(of: Type, extractor: Extractor) -> Consumed<String, Val> {
    let extractor = match extractor {
        Extractor::Fail => TimestampExtractor::FailOnInvalid,
        Extractor::LogAndSkip => TimestampExtractor::LogAndSkipOnInvalid,
        Extractor::UsePartitionTime => TimestampExtractor::UsePartitionTimeOnInvalid,
    };
    Consumed::with(Serdes::string(), values(of)).with_timestamp_extractor(extractor)
}

impl Drawing {
    pub fn stream(&mut self, id: &str, topics: &[&str], of: Type, extractor: Extractor) -> Result<(), OracleError> {
        self.inputs.extend(topics.iter().map(|topic| ((*topic).to_owned(), of)));
        let stream = self.builder.stream_of(topics, consumed(of, extractor));
        self.define(id, stream_node(stream, of))
    }

    pub fn table(
        &mut self,
        id: &str,
        topic: &str,
        of: Type,
        extractor: Extractor,
        store: Option<&Store>,
    ) -> Result<(), OracleError> {
        self.inputs.insert(topic.to_owned(), of);
        let store = self.store_if_named(store, of);
        let table = self.builder.table(topic, consumed(of, extractor), store);
        self.define(id, table_node(table, of))
    }

    pub fn filter(
        &mut self,
        id: &str,
        from: &str,
        function: &str,
        store: Option<&Store>,
        keep: bool,
    ) -> Result<(), OracleError> {
        let predicate = functions::predicate(function)?;
        let node = match self.node(from)?.clone() {
            Node::Stream(of) => filter_stream(&of, predicate, keep),
            Node::WindowedStream(of) => filter_stream(&of, predicate, keep),
            Node::Table(of) => {
                let store = self.store_if_named(store, of.values);
                filter_table(&of, predicate, keep, store)
            }
            Node::WindowedTable(of) if store.is_none() => filter_table(&of, predicate, keep, None),
            _ => return Err(wrong(id, "a stream or an unstored table")),
        };
        self.define(id, node)
    }

    pub fn map_values(
        &mut self,
        id: &str,
        from: &str,
        function: &str,
        store: Option<&Store>,
    ) -> Result<(), OracleError> {
        let from = self.node(from)?.clone();
        let mapper = |of| functions::value(function, of);
        let node = match from {
            Node::Stream(of) => map_stream(&of, mapper(of.values)?),
            Node::WindowedStream(of) => map_stream(&of, mapper(of.values)?),
            Node::Table(of) => {
                let mapper = mapper(of.values)?;
                let store = self.store_if_named(store, mapper.values);
                map_table(&of, mapper, store)
            }
            Node::WindowedTable(of) if store.is_none() => map_table(&of, mapper(of.values)?, None),
            _ => return Err(wrong(id, "a stream or an unstored table")),
        };
        self.define(id, node)
    }

    pub fn map(&mut self, id: &str, from: &str, key_fn: &str, value_fn: &str) -> Result<(), OracleError> {
        let key = functions::key(key_fn)?;
        let node = match self.node(from)?.clone() {
            Node::Stream(of) => map_both(&of, key, functions::value(value_fn, of.values)?),
            Node::WindowedStream(of) => map_both(&of, key, functions::value(value_fn, of.values)?),
            _ => return Err(wrong(id, "a stream")),
        };
        self.define(id, node)
    }

    pub fn flat_map(&mut self, id: &str, from: &str, function: &str) -> Result<(), OracleError> {
        let node = match self.node(from)?.clone() {
            Node::Stream(of) => flat_map(&of, functions::flat(function, of.values)?),
            Node::WindowedStream(of) => flat_map(&of, functions::flat(function, of.values)?),
            _ => return Err(wrong(id, "a stream")),
        };
        self.define(id, node)
    }

    pub fn flat_map_values(&mut self, id: &str, from: &str, function: &str) -> Result<(), OracleError> {
        let node = match self.node(from)?.clone() {
            Node::Stream(of) => flat_map_values(&of, functions::flat_values(function, of.values)?),
            Node::WindowedStream(of) => flat_map_values(&of, functions::flat_values(function, of.values)?),
            _ => return Err(wrong(id, "a stream")),
        };
        self.define(id, node)
    }

    pub fn select_key(&mut self, id: &str, from: &str, function: &str) -> Result<(), OracleError> {
        let key = functions::key(function)?;
        let node = match self.node(from)?.clone() {
            Node::Stream(of) => stream_node(select_key(&of.stream, key), of.values),
            Node::WindowedStream(of) => stream_node(select_key(&of.stream, key), of.values),
            _ => return Err(wrong(id, "a stream")),
        };
        self.define(id, node)
    }

    pub fn merge(&mut self, id: &str, from: &str, other: &str) -> Result<(), OracleError> {
        let node = match (self.node(from)?, self.node(other)?) {
            (Node::Stream(one), Node::Stream(two)) => stream_node(one.stream.merge(&two.stream), one.values),
            (Node::WindowedStream(one), Node::WindowedStream(two)) => {
                stream_node(one.stream.merge(&two.stream), one.values)
            }
            _ => return Err(wrong(id, "two streams with the same keys")),
        };
        self.define(id, node)
    }

    pub fn split(&mut self, from: &str, branches: &[Branch], default: Option<&str>) -> Result<(), OracleError> {
        let predicates = branches.iter().map(|branch| functions::predicate(&branch.function));
        let predicates = predicates.collect::<Result<Vec<_>, _>>()?;
        let nodes = match self.node(from)?.clone() {
            Node::Stream(of) => split(&of, predicates),
            Node::WindowedStream(of) => split(&of, predicates),
            _ => return Err(wrong(from, "to be a stream to be split")),
        };
        let ids = branches.iter().map(|branch| branch.id.as_str()).chain(default);
        for (id, node) in ids.zip(nodes) {
            self.define(id, node)?;
        }
        Ok(())
    }

    pub fn repartition(&mut self, id: &str, from: &str, name: Option<&str>) -> Result<(), OracleError> {
        let of = self.node(from)?.plain_stream(id)?;
        let how = Repartitioned::with(Serdes::string(), values(of.values));
        let how = match name {
            Some(name) => how.with_name(name),
            None => how,
        };
        self.define(id, stream_node(of.stream.repartition(how), of.values))
    }

    pub fn table_of(&mut self, id: &str, from: &str, store: Option<&Store>) -> Result<(), OracleError> {
        let of = self.node(from)?.plain_stream(id)?;
        let materialized = self.materialized(store, Kind::Kv, of.values, values(of.values));
        self.define(id, table_node(of.stream.to_table(materialized), of.values))
    }

    pub fn stream_of(&mut self, id: &str, from: &str, key_fn: Option<&str>) -> Result<(), OracleError> {
        let key = key_fn.map(functions::key).transpose()?;
        let node = match (self.node(from)?, key) {
            (Node::Table(of), None) => stream_node(of.table.to_stream(), of.values),
            (Node::WindowedTable(of), None) => stream_node(of.table.to_stream(), of.values),
            (Node::Table(of), Some(key)) => stream_node(select_key(&of.table.to_stream(), key), of.values),
            (Node::WindowedTable(of), Some(key)) => stream_node(select_key(&of.table.to_stream(), key), of.values),
            _ => return Err(wrong(id, "a table")),
        };
        self.define(id, node)
    }

    pub fn to(&mut self, from: &str, topic: &str) -> Result<(), OracleError> {
        let of = match self.node(from)? {
            Node::Stream(of) => write(of, topic),
            Node::WindowedStream(of) => write(of, topic),
            _ => return Err(wrong(from, "to be a stream to be written")),
        };
        match self.sinks.insert(topic.to_owned(), of) {
            Some(before) if before != of => Err(OracleError::malformed(format!("`{topic}` has two value types"))),
            _ => Ok(()),
        }
    }
}

fn filter_stream<K: NodeKey>(of: &Stream<K>, predicate: functions::Predicate, keep: bool) -> Node {
    let test = move |k: Option<&K>, v: Option<&Val>| predicate(seen(k).as_deref(), v);
    stream_node(if keep { of.stream.filter(test) } else { of.stream.filter_not(test) }, of.values)
}

fn filter_table<K: NodeKey>(
    of: &Table<K>,
    predicate: functions::Predicate,
    keep: bool,
    store: Option<Materialized<K, Val>>,
) -> Node {
    let test = move |k: &K, v: &Val| predicate(Some(&k.text()), Some(v));
    table_node(if keep { of.table.filter(test, store) } else { of.table.filter_not(test, store) }, of.values)
}

fn map_stream<K: NodeKey>(of: &Stream<K>, mapper: Mapped<functions::Mapper>) -> Node {
    let Mapped { values, function } = mapper;
    let map = move |k: Option<&K>, v: Option<Val>| function(seen(k).as_deref(), v.as_ref());
    stream_node(of.stream.map_values(map), values)
}

fn map_table<K: NodeKey>(
    of: &Table<K>,
    mapper: Mapped<functions::Mapper>,
    store: Option<Materialized<K, Val>>,
) -> Node {
    let Mapped { values, function } = mapper;
    let map = move |k: &K, v: Val| function(Some(&k.text()), Some(&v));
    table_node(of.table.map_values(map, store), values)
}

fn map_both<K: NodeKey>(of: &Stream<K>, key: functions::KeyMapper, value: Mapped<functions::Mapper>) -> Node {
    let Mapped { values, function } = value;
    let mapped = of.stream.map(move |k: Option<K>, v: Option<Val>| {
        let k = seen(k.as_ref());
        (key(k.as_deref(), v.as_ref()), function(k.as_deref(), v.as_ref()))
    });
    stream_node(mapped, values)
}

fn flat_map<K: NodeKey>(of: &Stream<K>, flat: Mapped<functions::Flat>) -> Node {
    let Mapped { values, function } = flat;
    let map = move |k: Option<K>, v: Option<Val>| function(seen(k.as_ref()).as_deref(), v.as_ref());
    stream_node(of.stream.flat_map(map), values)
}

fn flat_map_values<K: NodeKey>(of: &Stream<K>, flat: Mapped<functions::FlatValues>) -> Node {
    let Mapped { values, function } = flat;
    stream_node(of.stream.flat_map_values(move |_, v: Option<Val>| function(v.as_ref())), values)
}

pub(super) fn select_key<K: NodeKey>(stream: &KStream<K, Val>, key: functions::KeyMapper) -> KStream<String, Val> {
    stream.select_key(move |k: Option<&K>, v: Option<&Val>| key(seen(k).as_deref(), v))
}

type StreamTest<K> = Box<dyn Fn(Option<&K>, Option<&Val>) -> bool + Send + Sync>;

fn split<K: NodeKey>(of: &Stream<K>, predicates: Vec<functions::Predicate>) -> Vec<Node> {
    let test = |predicate: functions::Predicate| -> StreamTest<K> {
        Box::new(move |k: Option<&K>, v: Option<&Val>| predicate(seen(k).as_deref(), v))
    };
    let branches = of.stream.branch(predicates.into_iter().map(test).collect());
    branches.into_iter().map(|stream| stream_node(stream, of.values)).collect()
}

fn write<K: NodeKey>(of: &Stream<K>, topic: &str) -> Type {
    of.stream.to(topic, Produced::with(rendered_keys(), values(of.values)));
    of.values
}
