//! What an operation yields: a typed stream or table, with the type of its values.

use super::OracleError;
use crate::val::{Key, Type, Val};
use comanda_streams::{GlobalKTable, KGroupedStream, KGroupedTable, KStream, KTable, Windowed};

#[derive(Clone)]
pub(super) enum Node {
    Stream(Stream<String>),
    WindowedStream(Stream<Windowed<String>>),
    Table(Table<String>),
    WindowedTable(Table<Windowed<String>>),
    Grouped(Grouped),
    GroupedTable(GroupedTable),
    GlobalTable(GlobalTable),
}

pub(super) struct Stream<K> {
    pub stream: KStream<K, Val>,
    pub values: Type,
}

impl<K> Clone for Stream<K> {
    fn clone(&self) -> Self {
        Self { stream: self.stream.clone(), values: self.values }
    }
}

pub(super) struct Table<K> {
    pub table: KTable<K, Val>,
    pub values: Type,
}

impl<K> Clone for Table<K> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), values: self.values }
    }
}

#[derive(Clone)]
pub(super) struct Grouped {
    pub stream: std::rc::Rc<KGroupedStream<String, Val>>,
    pub values: Type,
}

#[derive(Clone)]
pub(super) struct GroupedTable {
    pub table: std::rc::Rc<KGroupedTable<String, Val>>,
    pub values: Type,
}

#[derive(Clone)]
pub(super) struct GlobalTable {
    pub table: GlobalKTable<String, Val>,
    pub values: Type,
}

/// Keys of which there are streams and tables.
pub(super) trait NodeKey: Key {
    fn stream(of: Stream<Self>) -> Node;
    fn table(of: Table<Self>) -> Node;
}

impl NodeKey for String {
    fn stream(of: Stream<Self>) -> Node {
        Node::Stream(of)
    }

    fn table(of: Table<Self>) -> Node {
        Node::Table(of)
    }
}

impl NodeKey for Windowed<String> {
    fn stream(of: Stream<Self>) -> Node {
        Node::WindowedStream(of)
    }

    fn table(of: Table<Self>) -> Node {
        Node::WindowedTable(of)
    }
}

/// A node of a stream.
pub(super) fn stream_node<K: NodeKey>(stream: KStream<K, Val>, values: Type) -> Node {
    K::stream(Stream { stream, values })
}

/// A node of a table.
pub(super) fn table_node<K: NodeKey>(table: KTable<K, Val>, values: Type) -> Node {
    K::table(Table { table, values })
}

impl Node {
    /// A stream with plain keys.
    pub fn plain_stream(&self, of: &str) -> Result<Stream<String>, OracleError> {
        match self {
            Self::Stream(stream) => Ok(stream.clone()),
            _ => Err(wrong(of, "a stream with plain keys")),
        }
    }

    /// A table with plain keys.
    pub fn plain_table(&self, of: &str) -> Result<Table<String>, OracleError> {
        match self {
            Self::Table(table) => Ok(table.clone()),
            _ => Err(wrong(of, "a table with plain keys")),
        }
    }

    /// A global table.
    pub fn global_table(&self, of: &str) -> Result<GlobalTable, OracleError> {
        match self {
            Self::GlobalTable(table) => Ok(table.clone()),
            _ => Err(wrong(of, "a global table")),
        }
    }

    /// A grouped stream.
    pub fn grouped(&self, of: &str) -> Result<Grouped, OracleError> {
        match self {
            Self::Grouped(grouped) => Ok(grouped.clone()),
            _ => Err(wrong(of, "a grouped stream")),
        }
    }
}

/// The operation cannot be applied to what it reads.
pub(super) fn wrong(id: &str, needed: &str) -> OracleError {
    OracleError::malformed(format!("`{id}` needs {needed}"))
}
