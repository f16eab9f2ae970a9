//! How state is written into stores and internal topics: MessagePack with field names.
//!
//! Field names make it evolvable: a new field takes `#[serde(default)]`, an old one may go, and state written by the
//! build before is still read after a restart. Any MessagePack tool reads a change log. State is nobody else's
//! contract, hence no schema registry.

use comanda_streams::serde::{Deserializer, Serde, SerdeError, Serializer};
use serde::{Serialize, de::DeserializeOwned};

/// The serde of a state record.
pub fn state_serde<T: Serialize + DeserializeOwned + 'static>() -> Serde<T> {
    Serde::new(MessagePack, MessagePack)
}

struct MessagePack;

impl<T: Serialize> Serializer<T> for MessagePack {
    fn serialize(&self, topic: &str, value: &T, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        let written = rmp_serde::encode::write_named(out, value);
        written.map_err(|error| SerdeError::invalid(format!("state for {topic} cannot be written: {error}")))
    }
}

impl<T: DeserializeOwned> Deserializer<T> for MessagePack {
    fn deserialize(&self, topic: &str, bytes: &[u8]) -> Result<T, SerdeError> {
        rmp_serde::from_slice(bytes).map_err(|error| SerdeError::invalid(format!("state in {topic}: {error}")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use comanda_schemas::{DriverId, OrderStatus};
    use serde::Deserialize;

    #[derive(Serialize)]
    struct Yesterday {
        status: OrderStatus,
        gone: u8,
        driver: Option<DriverId>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Today {
        driver: Option<DriverId>,
        status: OrderStatus,
        #[serde(default)]
        new: Vec<i64>,
    }

    #[test]
    fn state_of_the_build_before_is_read_with_new_fields_at_their_defaults() {
        let (mut bytes, driver) = (vec![], Some(DriverId(uuid::Uuid::from_u128(7))));
        let before = Yesterday { status: OrderStatus::PickedUp, gone: 1, driver };
        state_serde_of::<Yesterday>(&before, &mut bytes);
        let read: Today = state_serde().deserialize("orders", &bytes).unwrap();
        assert_eq!(read, Today { driver, status: OrderStatus::PickedUp, new: vec![] });
    }

    fn state_serde_of<T: Serialize>(value: &T, out: &mut Vec<u8>) {
        Serializer::serialize(&MessagePack, "orders", value, out).unwrap();
    }

    #[test]
    fn bytes_of_something_else_are_an_error() {
        assert!(state_serde::<Today>().deserialize("orders", b"{}").is_err());
    }
}
