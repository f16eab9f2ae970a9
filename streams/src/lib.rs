//! Comanda Streams: the equivalent of Kafka Streams for Rust, an embeddable library with exactly-once state.
//!
//! What it is not: a cluster, a server or a client for Kafka. Kafka is reached through the [`broker`] port, state
//! through `comanda-state-stores`.
//!
//! Start at [`StreamsBuilder`]: it draws a [`Topology`], which a runtime or a test driver runs.

mod async_calls;
pub mod broker;
mod config;
mod dsl;
mod error;
pub mod membership;
mod operators;
pub mod partitioner;
pub mod processor;
mod record;
mod runtime;
pub mod serde;
mod stores;
pub mod task;
mod task_id;
pub mod topology;
mod windowed_serde;

pub use async_calls::{AsyncCall, AsyncClient, AsyncClients, AsyncOutcome, AsyncReply, AsyncResult, RetryPolicy};
pub use comanda_state_stores::Validity;
pub use config::{ErrorHandler, ProcessingGuarantee, ProductionHandler, StreamsConfig};
pub use dsl::{
    AsyncCalls, Bounds, BufferConfig, Consumed, EagerBufferConfig, GlobalKTable, Grouped, Joined, KGroupedStream,
    KGroupedTable, KStream, KTable, Materialized, Produced, Repartitioned, StoreType, StreamsBuilder,
    StrictBufferConfig, Suppressed, TimeWindowedKStream, TimeWindows,
};
pub use error::StreamsError;
pub use operators::TimestampExtractor;
pub use processor::{
    FixedKeyProcessor, FixedKeyProcessorContext, FixedKeyRecord, InitContext, Processor, ProcessorContext,
    PunctuationType, Schedule,
};
pub use record::{Change, Data, Record, ValueAndTimestamp, Window, Windowed};
pub use runtime::{
    Clock, KafkaStreams, KafkaStreamsState, KeyQueryMetadata, Now, Pulse, QueryRegistry, QueryResult, QueryableStore,
    Restored, SimulatedInstance, Simulation, StreamThread, SystemClock, TRANSACTION_TIMEOUT_MS, TaskDisks,
};
pub use serde::{Deserializer, Serde, SerdeError, Serdes, Serializer};
pub use stores::{
    ConnectedStore, KeyValueStore, ReadOnlyKeyValueStore, StoreBuilder, StoreHandle, Stores, TtlKeyValueStore,
    VersionedKeyValueStore, VersionedRecord, WindowStore,
};
pub use task_id::TaskId;
pub use topology::{OffsetReset, Topology};
pub use windowed_serde::WindowedSerdes;
