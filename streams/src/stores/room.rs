//! Room for the bytes of one key or value, kept from record to record: the hot path allocates only what is stored.

use crate::error::StreamsError;
use crate::serde::Serde;
use std::cell::{RefCell, RefMut};

/// Bytes that are overwritten by the next record's. A serde must not come back to the store that it writes for.
#[derive(Default)]
pub(crate) struct Room(RefCell<Vec<u8>>);

impl Room {
    /// The bytes of `value`.
    pub fn of<T>(&self, serde: &Serde<T>, topic: &str, value: &T) -> Result<RefMut<'_, Vec<u8>>, StreamsError> {
        let mut room = self.cleared();
        serde.serialize(topic, value, &mut room)?;
        Ok(room)
    }

    /// The bytes of `value` behind its time, as Kafka Streams' `ValueAndTimestampSerializer`.
    pub fn timestamped<T>(
        &self,
        serde: &Serde<T>,
        topic: &str,
        value: &T,
        timestamp: i64,
    ) -> Result<RefMut<'_, Vec<u8>>, StreamsError> {
        let mut room = self.cleared();
        room.extend_from_slice(&timestamp.to_be_bytes());
        serde.serialize(topic, value, &mut room)?;
        Ok(room)
    }

    fn cleared(&self) -> RefMut<'_, Vec<u8>> {
        let mut room = self.0.borrow_mut();
        room.clear();
        room
    }
}
