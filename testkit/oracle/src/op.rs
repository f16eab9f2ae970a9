//! The operations of a case's topology, as they stand in its file, and which of them the engine lacks.

use crate::val::Type;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Store {
    pub name: String,
    #[serde(default = "yes")]
    pub caching: bool,
    #[serde(default = "yes")]
    pub logging: bool,
    pub retention_ms: Option<i64>,
    pub history_ms: Option<i64>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Extractor {
    #[default]
    Fail,
    LogAndSkip,
    UsePartitionTime,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Window {
    Tumbling { size: i64, grace: i64 },
    Hopping { size: i64, advance: i64, grace: i64 },
    Sliding {},
    Session {},
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JoinType {
    Inner,
    Left,
    Outer,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Branch {
    pub id: String,
    #[serde(rename = "fn")]
    pub function: String,
}

/// What a suppression waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Until {
    WindowClose,
    TimeLimit,
}

/// The bounds of a suppression's buffer.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Buffer {
    pub max_records: Option<usize>,
    pub max_bytes: Option<usize>,
    pub full: WhenFull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhenFull {
    EmitEarly,
    Shutdown,
}

/// An aggregation of any kind: which fields count depends on what it aggregates.
#[derive(Debug, Deserialize)]
pub(crate) struct Aggregation {
    pub id: String,
    pub from: String,
    #[serde(rename = "fn")]
    pub function: Option<String>,
    pub init: Option<String>,
    pub adder: Option<String>,
    pub subtractor: Option<String>,
    pub window: Option<Window>,
    pub emit: Option<String>,
    pub store: Option<Store>,
}

/// One operation. Those without fields are none of the engine's yet.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Op {
    Stream {
        id: String,
        topic: Option<String>,
        topics: Option<Vec<String>>,
        value: Type,
        #[serde(default)]
        extractor: Extractor,
    },
    Table {
        id: String,
        topic: String,
        value: Type,
        #[serde(default)]
        extractor: Extractor,
        store: Option<Store>,
    },
    Filter {
        id: String,
        from: String,
        #[serde(rename = "fn")]
        function: String,
        store: Option<Store>,
    },
    FilterNot {
        id: String,
        from: String,
        #[serde(rename = "fn")]
        function: String,
        store: Option<Store>,
    },
    MapValues {
        id: String,
        from: String,
        #[serde(rename = "fn")]
        function: String,
        store: Option<Store>,
    },
    Map {
        id: String,
        from: String,
        key_fn: String,
        value_fn: String,
    },
    FlatMap {
        id: String,
        from: String,
        #[serde(rename = "fn")]
        function: String,
    },
    FlatMapValues {
        id: String,
        from: String,
        #[serde(rename = "fn")]
        function: String,
    },
    SelectKey {
        id: String,
        from: String,
        #[serde(rename = "fn")]
        function: String,
    },
    Merge {
        id: String,
        from: String,
        other: String,
    },
    Split {
        from: String,
        branches: Vec<Branch>,
        default_id: Option<String>,
    },
    Repartition {
        id: String,
        from: String,
        name: Option<String>,
    },
    ToTable {
        id: String,
        from: String,
        store: Option<Store>,
    },
    ToStream {
        id: String,
        from: String,
        key_fn: Option<String>,
    },
    To {
        from: String,
        topic: String,
    },
    GroupByKey {
        id: String,
        from: String,
        name: Option<String>,
    },
    GroupBy {
        id: String,
        from: String,
        key_fn: String,
        value_fn: Option<String>,
        name: Option<String>,
    },
    Count(Aggregation),
    Reduce(Aggregation),
    Aggregate(Aggregation),
    StreamTableJoin {
        id: String,
        left: String,
        right: String,
        #[serde(rename = "type")]
        kind: JoinType,
        joiner: String,
        grace: Option<i64>,
        name: Option<String>,
    },
    TableTableJoin {
        id: String,
        left: String,
        right: String,
        #[serde(rename = "type")]
        kind: JoinType,
        joiner: String,
        store: Option<Store>,
    },
    Process {
        id: String,
        from: String,
        #[serde(rename = "fn")]
        function: String,
        store: Option<Store>,
    },
    ProcessValues {
        id: String,
        from: String,
        #[serde(rename = "fn")]
        function: String,
        store: Option<Store>,
    },
    Suppress {
        id: String,
        from: String,
        until: Until,
        #[serde(default)]
        ms: i64,
        buffer: Option<Buffer>,
    },
    GlobalTable {
        id: String,
        topic: String,
        value: Type,
        store: Option<Store>,
    },
    Cogroup {},
    StreamStreamJoin {},
    StreamGlobalJoin {
        id: String,
        left: String,
        right: String,
        #[serde(rename = "type")]
        kind: JoinType,
        key_fn: String,
        joiner: String,
    },
    ForeignKeyJoin {},
}

impl Op {
    pub fn lacking(&self) -> Option<&'static str> {
        match self {
            Self::Cogroup {} => Some("cogroup"),
            Self::StreamStreamJoin {} => Some("stream_stream_join"),
            Self::ForeignKeyJoin {} => Some("foreign_key_join"),
            Self::StreamTableJoin { grace: Some(_), .. } => Some("stream_table_join with grace"),
            Self::Count(of) | Self::Reduce(of) | Self::Aggregate(of) => of.lacking(),
            Self::Table { store: Some(store), .. } | Self::ToTable { store: Some(store), .. } => store.lacking(),
            Self::Filter { store: Some(store), .. }
            | Self::FilterNot { store: Some(store), .. }
            | Self::MapValues { store: Some(store), .. }
            | Self::TableTableJoin { store: Some(store), .. } => store.lacking(),
            _ => None,
        }
    }
}

impl Aggregation {
    fn lacking(&self) -> Option<&'static str> {
        match self.window {
            Some(Window::Sliding {}) => Some("sliding window"),
            Some(Window::Session {}) => Some("session window"),
            _ if self.emit.is_some() => Some("emit on window close"),
            _ => self.store.as_ref().and_then(Store::lacking),
        }
    }
}

impl Store {
    fn lacking(&self) -> Option<&'static str> {
        self.history_ms.map(|_| "versioned table")
    }
}
