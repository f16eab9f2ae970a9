//! Bad records, each kind a known number of times, so that the books can say what must land in dead-letter topics.

use comanda_schemas::{
    ConfirmPickup, Cop, DeliveryId, DriverId, DriverPing, Event, EventId, OrderCommand, OrderId, PaymentAuthorized,
    PaymentId, PlaceOrder,
};

use crate::events::{CityEvent, Head, Ride};
use crate::fate::Fate;
use crate::network::{Emission, Payload, Placement};
use crate::order::Order;
use crate::place::Place;
use crate::restaurant::Restaurant;

/// What is wrong with a bad record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Text where Avro should be.
    NotAvro,
    /// A well-formed header that names a schema nobody registered.
    UnknownSchemaId,
    /// An order with an amount below nothing.
    NegativeAmount,
    /// An order of nothing.
    NoItems,
    /// A good event without a key.
    NullKey,
    /// A good event in a partition that its key does not give.
    Misrouted,
}

impl FaultKind {
    /// As the books call it.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::NotAvro => "not_avro",
            FaultKind::UnknownSchemaId => "unknown_schema_id",
            FaultKind::NegativeAmount => "negative_amount",
            FaultKind::NoItems => "no_items",
            FaultKind::NullKey => "null_key",
            FaultKind::Misrouted => "misrouted",
        }
    }
}

/// Which faults occur where: every topic of the city's that a processor reads.
pub(crate) const FAULTS: [(&str, FaultKind); 18] = [
    (PlaceOrder::TOPIC, FaultKind::NotAvro),
    (PlaceOrder::TOPIC, FaultKind::UnknownSchemaId),
    (PlaceOrder::TOPIC, FaultKind::NegativeAmount),
    (PlaceOrder::TOPIC, FaultKind::NoItems),
    (PlaceOrder::TOPIC, FaultKind::NullKey),
    (PlaceOrder::TOPIC, FaultKind::Misrouted),
    (PaymentAuthorized::TOPIC, FaultKind::NotAvro),
    (PaymentAuthorized::TOPIC, FaultKind::UnknownSchemaId),
    (PaymentAuthorized::TOPIC, FaultKind::NullKey),
    (PaymentAuthorized::TOPIC, FaultKind::Misrouted),
    (ConfirmPickup::TOPIC, FaultKind::NotAvro),
    (ConfirmPickup::TOPIC, FaultKind::UnknownSchemaId),
    (ConfirmPickup::TOPIC, FaultKind::NullKey),
    (ConfirmPickup::TOPIC, FaultKind::Misrouted),
    (DriverPing::TOPIC, FaultKind::NotAvro),
    (DriverPing::TOPIC, FaultKind::UnknownSchemaId),
    (DriverPing::TOPIC, FaultKind::NullKey),
    (DriverPing::TOPIC, FaultKind::Misrouted),
];

/// No registry counts that far.
const NO_SCHEMA_ID: u32 = 0x7FFF_FFF0;

/// The bad record number `fault` of [`FAULTS`]. It is about an order, a courier and a payment that do not exist
/// otherwise; `order` only lends its shape.
pub(crate) fn emission(
    fault: usize,
    at_ms: i64,
    order: &Order,
    restaurant: &Restaurant,
    zone: &str,
    mut fate: Fate,
) -> Emission {
    let (topic, kind) = FAULTS[fault];
    let (event, key) = event(topic, at_ms, order, restaurant, zone, &mut fate);
    let payload = match (kind, event) {
        (FaultKind::NotAvro, _) => Payload::Bytes(br#"{"order":"two arepas, please"}"#.to_vec()),
        (FaultKind::UnknownSchemaId, _) => {
            Payload::Bytes([&[0], &NO_SCHEMA_ID.to_be_bytes()[..], &fate.next().to_be_bytes()].concat())
        }
        (kind, event) => Payload::Event(broken(kind, event)),
    };
    Emission {
        at_ms,
        send_at_ms: at_ms,
        topic,
        key: (kind != FaultKind::NullKey).then_some(key),
        placement: if kind == FaultKind::Misrouted { Placement::Misrouted } else { Placement::ByKey },
        payload,
        fault: Some(kind),
    }
}

/// A good event for `topic` about things that do not exist, and its key.
fn event(
    topic: &str,
    at_ms: i64,
    order: &Order,
    restaurant: &Restaurant,
    zone: &str,
    fate: &mut Fate,
) -> (CityEvent, String) {
    let head = Head { event_id: EventId(fate.uuid()), at_ms, cause: None };
    let (id, other) = (OrderId(fate.uuid()), fate.uuid());
    if topic == PlaceOrder::TOPIC {
        let mut event = crate::events::place_order(head, order, restaurant, zone, fate);
        if let CityEvent::Order(OrderCommand::PlaceOrder(place)) = &mut event {
            (place.order_id, place.envelope.correlation_id, place.placed_at.0) = (id, id.into(), at_ms);
        }
        (event, id.to_string())
    } else if topic == PaymentAuthorized::TOPIC {
        (crate::events::authorized(head, id, PaymentId(other), Cop(1_000_000)), id.to_string())
    } else if topic == ConfirmPickup::TOPIC {
        (crate::events::ride(head, id, DeliveryId(other), DriverId(fate.uuid()), Ride::Pickup), id.to_string())
    } else {
        let driver = DriverId(other);
        (crate::events::ping(head, driver, zone, Place::default(), 0.0), driver.to_string())
    }
}

fn broken(kind: FaultKind, mut event: CityEvent) -> CityEvent {
    if let CityEvent::Order(OrderCommand::PlaceOrder(place)) = &mut event {
        match kind {
            FaultKind::NegativeAmount => place.total_centavos = Cop(-place.total_centavos.0),
            FaultKind::NoItems => place.items.clear(),
            _ => {}
        }
    }
    event
}
