//! The contract of Comanda: events as Avro records, topics, and the Rust types made from both.
//!
//! The files are `avro/` and `topics.yaml`; `README.md` tells who writes what and when. What it is not: a codec. Bytes
//! are made and read by `comanda-registry`.

mod event;
mod ids;
mod money;
mod price;
#[cfg(test)]
mod rules;
mod time;
mod topics;

pub use event::{Envelope, Event, EventSchema, Message};
pub use generated::*;
pub use ids::{
    CorrelationId, CustomerId, DeliveryId, DriverId, EventId, IdError, ItemId, OptionId, OrderId, PaymentId,
    PaymentMethodId, RestaurantId,
};
pub use money::{Cop, CopOverflow};
pub use time::EventTime;
pub use topics::{Cleanup, Topic, topic, topics};

/// Compatibility of every subject: each version can be read by each, older or newer.
pub const COMPATIBILITY: &str = "FULL_TRANSITIVE";

/// Made by `build.rs`.
#[allow(clippy::large_enum_variant)] // An order is large and most messages are about one: a box would not save much.
mod generated {
    use crate::event::{all_events, event, message};
    use crate::{
        Cop, CorrelationId, CustomerId, DeliveryId, DriverId, Envelope, Event, EventId, EventSchema, EventTime, ItemId,
        Message, OptionId, OrderId, PaymentId, PaymentMethodId, RestaurantId,
    };

    include!(concat!(env!("OUT_DIR"), "/types.rs"));
}
