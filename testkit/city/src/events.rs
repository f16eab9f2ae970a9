//! The city's deeds as events of the contract. All of its shapes are filled in here and nowhere else.

use comanda_schemas::{
    AcceptOrder, CancelOrder, CancelledBy, CatalogItem, ConfirmDelivery, ConfirmPickup, Cop, CorrelationId,
    DeclineDelivery, DeclineReason, DeliveryCommand, DeliveryFailureReason, DeliveryId, DriverId, DriverMessage,
    DriverPing, DriverShiftEnded, DriverShiftStarted, Envelope, Event, EventId, EventTime, MarkReady, OrderCommand,
    OrderId, PaymentAuthorized, PaymentEvent, PaymentId, PlaceOrder, RejectOrder, ReportFailure, RestaurantCatalog,
    RestaurantRejectReason, Sealed, StartPreparing, StartTransit,
};

use crate::fate::Fate;
use crate::menu;
use crate::order::Order;
use crate::place::Place;
use crate::restaurant::Restaurant;

/// Who wrote it.
pub(crate) const PRODUCER: &str = "city";
/// Lead time from which an order counts as scheduled by its customer.
const SCHEDULED_FROM_MS: i64 = 90 * 60_000;

/// An event that the city writes, by topic.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Most are small, but a box would cost each ping an allocation.
pub enum CityEvent {
    /// To `order.commands`.
    Order(OrderCommand),
    /// To `payment.events`.
    Payment(PaymentEvent),
    /// To `delivery.commands`.
    Delivery(DeliveryCommand),
    /// To `delivery.driver-pings`.
    Driver(DriverMessage),
    /// To `restaurant.catalog`.
    Catalog(RestaurantCatalog),
}

impl CityEvent {
    /// Its topic.
    pub fn topic(&self) -> &'static str {
        match self {
            CityEvent::Order(_) => PlaceOrder::TOPIC,
            CityEvent::Payment(_) => PaymentAuthorized::TOPIC,
            CityEvent::Delivery(_) => ConfirmPickup::TOPIC,
            CityEvent::Driver(_) => DriverPing::TOPIC,
            CityEvent::Catalog(_) => RestaurantCatalog::TOPIC,
        }
    }
}

/// What every event begins with: who it is about, when, and why.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) event_id: EventId,
    pub(crate) at_ms: i64,
    pub(crate) cause: Option<EventId>,
}

impl Head {
    fn about(self, correlation_id: impl Into<CorrelationId>) -> Envelope {
        Envelope {
            event_id: self.event_id,
            occurred_at: EventTime(self.at_ms),
            correlation_id: correlation_id.into(),
            causation_id: self.cause,
            producer: PRODUCER.to_owned(),
        }
    }
}

/// Whether its customer wants it later.
pub(crate) fn is_scheduled(order: &Order) -> bool {
    order.promised_ms - order.placed_ms > SCHEDULED_FROM_MS
}

pub(crate) fn place_order(
    head: Head,
    order: &Order,
    restaurant: &Restaurant,
    zone: &str,
    fate: &mut Fate,
) -> CityEvent {
    CityEvent::Order(OrderCommand::PlaceOrder(PlaceOrder {
        envelope: head.about(order.id),
        order_id: order.id,
        customer_id: order.customer,
        restaurant_id: restaurant.id,
        zone: zone.to_owned(),
        restaurant_cell: restaurant.place.cell(),
        customer_cell: order.home.cell(),
        items: order.lines.clone(),
        subtotal_centavos: order.bill.subtotal,
        delivery_fee_centavos: order.bill.delivery_fee,
        tax_centavos: order.bill.tax,
        discount_centavos: order.bill.discount,
        total_centavos: order.bill.total,
        payment_method_id: order.payment_method(),
        delivery_address: sealed(order, fate),
        placed_at: EventTime(order.placed_ms),
        scheduled_for: is_scheduled(order).then_some(EventTime(order.promised_ms)),
        promised_at: Some(EventTime(order.promised_ms)),
    }))
}

/// Looks like a sealed address (nonce, ciphertext, tag) under a key that nobody has: there is nothing to read.
fn sealed(order: &Order, fate: &mut Fate) -> Sealed {
    let bytes: Vec<u8> = (0..12).flat_map(|_| fate.next().to_be_bytes()).collect();
    Sealed { key_id: order.customer.to_string(), bytes: bytes.into() }
}

pub(crate) fn cancel_order(head: Head, order: &Order) -> CityEvent {
    let envelope = head.about(order.id);
    CityEvent::Order(
        CancelOrder {
            envelope,
            order_id: order.id,
            requested_by: CancelledBy::Customer,
            customer_id: Some(order.customer),
            restaurant_id: None,
        }
        .into(),
    )
}

pub(crate) fn accept_order(head: Head, order: &Order, restaurant: &Restaurant, ready_ms: i64) -> CityEvent {
    let (envelope, estimated_ready_at) = (head.about(order.id), Some(EventTime(ready_ms)));
    CityEvent::Order(
        AcceptOrder { envelope, order_id: order.id, restaurant_id: restaurant.id, estimated_ready_at }.into(),
    )
}

pub(crate) fn reject_order(
    head: Head,
    order: &Order,
    restaurant: &Restaurant,
    reason: RestaurantRejectReason,
) -> CityEvent {
    let envelope = head.about(order.id);
    CityEvent::Order(RejectOrder { envelope, order_id: order.id, restaurant_id: restaurant.id, reason }.into())
}

pub(crate) fn start_preparing(head: Head, order: &Order, restaurant: &Restaurant) -> CityEvent {
    let envelope = head.about(order.id);
    CityEvent::Order(StartPreparing { envelope, order_id: order.id, restaurant_id: restaurant.id }.into())
}

pub(crate) fn mark_ready(head: Head, order: &Order, restaurant: &Restaurant) -> CityEvent {
    let envelope = head.about(order.id);
    CityEvent::Order(MarkReady { envelope, order_id: order.id, restaurant_id: restaurant.id }.into())
}

/// What a courier does with an order.
#[derive(Clone, Copy)]
pub(crate) enum Ride {
    Decline(DeclineReason),
    Pickup,
    Depart,
    Deliver,
    Fail(DeliveryFailureReason),
}

pub(crate) fn ride(
    head: Head,
    order_id: OrderId,
    delivery_id: DeliveryId,
    driver_id: DriverId,
    what: Ride,
) -> CityEvent {
    let envelope = head.about(order_id);
    CityEvent::Delivery(match what {
        Ride::Decline(reason) => DeclineDelivery { envelope, order_id, delivery_id, driver_id, reason }.into(),
        Ride::Pickup => ConfirmPickup { envelope, order_id, delivery_id, driver_id }.into(),
        Ride::Depart => StartTransit { envelope, order_id, delivery_id, driver_id }.into(),
        Ride::Deliver => ConfirmDelivery { envelope, order_id, delivery_id, driver_id }.into(),
        Ride::Fail(reason) => ReportFailure { envelope, order_id, delivery_id, driver_id, reason }.into(),
    })
}

pub(crate) fn shift_started(head: Head, driver_id: DriverId, zone: &str, place: Place) -> CityEvent {
    let ((lat, lon), envelope) = (place.lat_lon_deg(), head.about(CorrelationId(driver_id.0)));
    CityEvent::Driver(DriverShiftStarted { envelope, driver_id, zone: zone.to_owned(), lat, lon }.into())
}

pub(crate) fn ping(head: Head, driver_id: DriverId, zone: &str, place: Place, speed_mps: f64) -> CityEvent {
    let ((lat, lon), envelope) = (place.lat_lon_deg(), head.about(CorrelationId(driver_id.0)));
    CityEvent::Driver(
        DriverPing { envelope, driver_id, zone: zone.to_owned(), lat, lon, speed_mps: Some(speed_mps) }.into(),
    )
}

pub(crate) fn shift_ended(head: Head, driver_id: DriverId, zone: &str) -> CityEvent {
    let envelope = head.about(CorrelationId(driver_id.0));
    CityEvent::Driver(DriverShiftEnded { envelope, driver_id, zone: zone.to_owned() }.into())
}

pub(crate) fn authorized(head: Head, order_id: OrderId, payment_id: PaymentId, amount_centavos: Cop) -> CityEvent {
    let (envelope, provider_reference) = (head.about(order_id), format!("authorize-{payment_id}-1"));
    CityEvent::Payment(
        PaymentAuthorized { envelope, order_id, payment_id, amount_centavos, attempt: 1, provider_reference }.into(),
    )
}

/// Minutes after midnight at which every house opens and closes: nobody orders later.
const HOURS: (i32, i32) = (16 * 60, 27 * 60);
/// Every house brings anywhere in the city.
const RANGE_M: i32 = 30_000;

pub(crate) fn catalog(head: Head, restaurant: &Restaurant, zone: &str) -> CityEvent {
    let (lat, lon) = restaurant.place.lat_lon_deg();
    let item = |dish: &menu::Dish| CatalogItem {
        item_id: dish.id,
        name: dish.name.to_owned(),
        price_centavos: dish.price,
        available: true,
        option_groups: vec![],
    };
    CityEvent::Catalog(RestaurantCatalog {
        envelope: head.about(CorrelationId(restaurant.id.0)),
        restaurant_id: restaurant.id,
        name: restaurant.menu.house.clone(),
        zone: zone.to_owned(),
        cell: restaurant.place.cell(),
        lat,
        lon,
        open: true,
        opens_minute: HOURS.0,
        closes_minute: HOURS.1,
        items: restaurant.menu.dishes.iter().map(item).collect(),
        tax_basis_points: menu::TAX_BASIS_POINTS,
        delivery_range_m: Some(RANGE_M),
    })
}
