//! The operators of the DSL as nodes of a task: one operator, one file.

mod aggregate;
mod getter;
mod map;
mod sink;
mod source;
mod stream_global_join;
mod stream_table_join;
mod suppress;
mod table_aggregate;
mod table_filter;
mod table_map_values;
mod table_repartition_map;
mod table_source;
mod table_table_join;
mod to_stream;
mod window_aggregate;

pub(crate) use aggregate::{AggregateNode, Initializer};
pub(crate) use getter::{GetterFactory, StoreGetter, ValueGetter};
pub(crate) use map::{BranchNode, FlatMapNode, FnNode, PassNode};
pub(crate) use sink::{SinkNode, SinkTopic};
pub use source::TimestampExtractor;
pub(crate) use source::{SourceNode, SourceSpec, Validator};
pub(crate) use stream_global_join::{KeySelector, StreamGlobalJoinNode};
pub(crate) use stream_table_join::{StreamTableJoinNode, StreamTableJoiner};
pub(crate) use suppress::{SuppressGetter, SuppressNode, Wait};
pub(crate) use table_aggregate::{Adder, Subtractor, TableAggregateNode};
pub(crate) use table_filter::{FilterGetter, TableFilterNode};
pub(crate) use table_map_values::{MapValuesGetter, TableMapValuesNode};
pub(crate) use table_repartition_map::TableRepartitionMapNode;
pub(crate) use table_source::TableSourceNode;
pub(crate) use table_table_join::{JoinGetter, JoinMergeNode, JoinRule, TableTableJoinNode};
pub(crate) use to_stream::ToStreamNode;
pub(crate) use window_aggregate::WindowAggregateNode;
