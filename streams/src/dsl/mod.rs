//! The DSL: streams and tables, in Kafka Streams' vocabulary.
//!
//! Functions see keys and values as `Option`, since Kafka's may be null.

mod async_calls;
mod builder;
mod change_serde;
mod config;
mod global_table;
mod grouped;
mod grouped_table;
mod kstream;
mod ktable;
mod ktable_join;
mod ktable_suppress;
mod stream_table;
mod suppressed;
mod table_node;
mod windowed;
mod windows;

pub use async_calls::AsyncCalls;
pub use builder::StreamsBuilder;
pub use config::{Consumed, Grouped, Joined, Materialized, Produced, Repartitioned, StoreType};
pub use global_table::GlobalKTable;
pub use grouped::KGroupedStream;
pub use grouped_table::KGroupedTable;
pub use kstream::KStream;
pub use ktable::KTable;
pub(crate) use suppressed::WhenFull;
pub use suppressed::{Bounds, BufferConfig, EagerBufferConfig, StrictBufferConfig, Suppressed};
pub use windowed::TimeWindowedKStream;
pub use windows::TimeWindows;
