//! Typed stores over the bytes of `comanda-state-stores`.

mod buffered_change;
mod builder;
mod cache;
pub(crate) mod fields;
mod global;
mod key_value;
mod room;
mod suppression_buffer;
mod timestamped;
mod ttl;
mod versioned;
mod window;
mod windowed;

pub use builder::{ConnectedStore, StoreBuilder, StoreHandle, Stores};
pub use global::ReadOnlyKeyValueStore;
pub use key_value::KeyValueStore;
pub use ttl::TtlKeyValueStore;
pub use versioned::{VersionedKeyValueStore, VersionedRecord};
pub use window::WindowStore;

pub(crate) use cache::{CacheEntry, CachedWrite, WriteCache};
pub(crate) use global::GlobalStoreDef;
pub(crate) use room::Room;
pub(crate) use suppression_buffer::{BufferDef, Eviction, SuppressionBuffer};
pub(crate) use timestamped::{StoreDef, TimestampedStore, TupleForwarder};
pub(crate) use windowed::{TimestampedWindowStore, WindowStoreDef, WindowedForwarder};

use crate::error::StreamsError;
use crate::serde::Serde;

/// The bytes of `value`.
pub(crate) fn bytes_of<T>(serde: &Serde<T>, topic: &str, value: &T) -> Result<Vec<u8>, StreamsError> {
    let mut out = Vec::with_capacity(32);
    serde.serialize(topic, value, &mut out)?;
    Ok(out)
}

/// Reads what a store holds. What its serde cannot read is the fault of the store or of its serde, never of the record that
/// asks: that would empty the input into the dead-letter topic.
pub(crate) fn read_stored<T>(serde: &Serde<T>, changelog: &str, bytes: &[u8]) -> Result<T, StreamsError> {
    serde.deserialize(changelog, bytes).map_err(|error| match error.retriable {
        true => error.into(),
        false => StreamsError::Fatal(format!("the store behind `{changelog}` cannot be read: {}", error.reason)),
    })
}

/// Splits what [`Room::timestamped`] wrote.
pub(crate) fn split_timestamp(bytes: &[u8]) -> Result<(i64, &[u8]), StreamsError> {
    match bytes.split_first_chunk::<8>() {
        Some((time, value)) => Ok((i64::from_be_bytes(*time), value)),
        None => Err(StreamsError::Fatal(format!("a timestamped value of {} bytes has no timestamp", bytes.len()))),
    }
}
