//! Identities: UUIDs that cannot be mixed up, lower-case text wherever they leave the program.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Namespace of event ids that follow from their cause.
const CAUSED: Uuid = Uuid::from_u128(0x6c0b_1d5e_8f4a_4f0e_9a63_c04a_6d0a_e0e7);

/// A text that is not a UUID in its one accepted form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a UUID of 36 lower-case characters")]
pub struct IdError(String);

/// Reads the one accepted form: the text is also the record key, so two spellings of one id would be two keys.
fn parse(text: &str) -> Result<Uuid, IdError> {
    let plain = text.len() == 36 && !text.bytes().any(|b| b.is_ascii_uppercase());
    match Uuid::try_parse(text) {
        Ok(id) if plain => Ok(id),
        _ => Err(IdError(text.chars().take(64).collect())),
    }
}

struct IdVisitor;

impl serde::de::Visitor<'_> for IdVisitor {
    type Value = Uuid;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a UUID as text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Uuid, E> {
        parse(text).map_err(E::custom)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(IdVisitor).map(Self)
            }
        }
    )*};
}

ids! {
    /// A message.
    EventId,
    /// A business process.
    CorrelationId,
    /// An order.
    OrderId,
    /// A customer; a pseudonym.
    CustomerId,
    /// A restaurant.
    RestaurantId,
    /// An item on a menu.
    ItemId,
    /// An option of an item on a menu.
    OptionId,
    /// A payment.
    PaymentId,
    /// A stored payment method; a pseudonym.
    PaymentMethodId,
    /// A delivery.
    DeliveryId,
    /// A driver; a pseudonym.
    DriverId,
}

impl EventId {
    /// The id of what `cause` caused: `what` is the event's full name, with a number behind it if there are several.
    pub fn caused_by(cause: EventId, what: &str) -> Self {
        let name = [cause.0.as_bytes(), what.as_bytes()].concat();
        Self(Uuid::new_v5(&CAUSED, &name))
    }
}

impl From<OrderId> for CorrelationId {
    fn from(order: OrderId) -> Self {
        Self(order.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = "0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10";

    #[test]
    fn an_id_reads_and_writes_the_same_text() {
        let id: OrderId = TEXT.parse().unwrap();
        assert_eq!(id.to_string(), TEXT);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{TEXT}\""));
    }

    #[test]
    fn another_spelling_of_an_id_is_refused() {
        for text in [&TEXT.to_uppercase(), &TEXT.replace('-', ""), &format!("{{{TEXT}}}"), "rome-I31-o001", ""] {
            assert!(text.parse::<OrderId>().is_err(), "{text}");
            assert!(serde_json::from_str::<OrderId>(&format!("\"{text}\"")).is_err(), "{text}");
        }
    }

    #[test]
    fn the_same_cause_gives_the_same_event_id_and_another_effect_another() {
        let cause: EventId = TEXT.parse().unwrap();
        let id = EventId::caused_by(cause, "comanda.order.OrderPlaced");
        assert_eq!(id, EventId::caused_by(cause, "comanda.order.OrderPlaced"));
        assert_ne!(id, EventId::caused_by(cause, "comanda.order.OrderReady"));
        assert_ne!(id, EventId::caused_by(id, "comanda.order.OrderPlaced"));
    }
}
