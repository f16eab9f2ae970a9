//! The delivery's events and the driver's states, made from what the dispatcher knows.

use super::ride::Ride;
use super::zone_state::Driver;
use comanda_schemas::{
    CorrelationId, DeclineReason, DeliveryAssigned, DeliveryCancelled, DeliveryDeclined, DeliveryDelivered,
    DeliveryEvent, DeliveryFailed, DeliveryFailureReason, DeliveryInTransit, DeliveryPickedUp, DriverId, DriverState,
    DriverStatus, Envelope, Event, EventId, EventTime, OrderId,
};

/// Name in the envelopes of what this role writes.
pub(super) const PRODUCER: &str = "delivery";

/// What the dispatcher says.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Each goes straight to its sink.
pub(super) enum Said {
    /// To `delivery.events`.
    Event(DeliveryEvent),
    /// To `delivery.drivers`.
    Driver(DriverState),
}

/// The envelope of what `cause` led to at `at`.
pub(super) fn caused<E: Event>(cause: EventId, order: OrderId, at: EventTime) -> Envelope {
    let id = EventId::caused_by(cause, E::FULL_NAME);
    Envelope { causation_id: Some(cause), ..Envelope::first(id, at, order, PRODUCER) }
}

/// A ride that just got its driver.
pub(super) fn assigned(ride: &Ride, driver: &Driver, driver_distance_m: f64, now: EventTime) -> DeliveryEvent {
    DeliveryAssigned {
        envelope: caused::<DeliveryAssigned>(ride.cause, ride.order, now),
        order_id: ride.order,
        delivery_id: ride.delivery,
        driver_id: driver.id,
        restaurant_id: ride.restaurant,
        zone: ride.zone.clone(),
        restaurant_cell: ride.restaurant_cell.clone(),
        customer_cell: ride.customer_cell.clone(),
        attempt: ride.attempt,
        driver_distance_m,
    }
    .into()
}

pub(super) fn declined(ride: &Ride, driver_id: DriverId, reason: DeclineReason, envelope: Envelope) -> DeliveryEvent {
    let (order_id, delivery_id, restaurant_id) = (ride.order, ride.delivery, ride.restaurant);
    let (zone, attempt) = (ride.zone.clone(), ride.attempt);
    DeliveryDeclined { envelope, order_id, delivery_id, driver_id, restaurant_id, zone, attempt, reason }.into()
}

pub(super) fn picked_up(ride: &Ride, driver_id: DriverId, envelope: Envelope) -> DeliveryEvent {
    let (order_id, delivery_id, restaurant_id) = (ride.order, ride.delivery, ride.restaurant);
    DeliveryPickedUp { envelope, order_id, delivery_id, driver_id, restaurant_id, zone: ride.zone.clone() }.into()
}

pub(super) fn in_transit(ride: &Ride, driver_id: DriverId, envelope: Envelope) -> DeliveryEvent {
    let (order_id, delivery_id, restaurant_id) = (ride.order, ride.delivery, ride.restaurant);
    DeliveryInTransit { envelope, order_id, delivery_id, driver_id, restaurant_id, zone: ride.zone.clone() }.into()
}

pub(super) fn delivered(ride: &Ride, driver_id: DriverId, envelope: Envelope) -> DeliveryEvent {
    let at = envelope.occurred_at;
    DeliveryDelivered {
        envelope,
        order_id: ride.order,
        delivery_id: ride.delivery,
        driver_id,
        restaurant_id: ride.restaurant,
        zone: ride.zone.clone(),
        restaurant_cell: ride.restaurant_cell.clone(),
        customer_cell: ride.customer_cell.clone(),
        requested_at: ride.requested_at,
        assigned_at: ride.assigned_at.unwrap_or(at),
        picked_up_at: ride.picked_up_at.unwrap_or(at),
    }
    .into()
}

pub(super) fn failed(ride: &Ride, reason: DeliveryFailureReason, envelope: Envelope) -> DeliveryEvent {
    let (order_id, delivery_id, restaurant_id) = (ride.order, ride.delivery, ride.restaurant);
    let (driver_id, zone, picked_up) = (ride.driver, ride.zone.clone(), ride.picked_up_at.is_some());
    DeliveryFailed { envelope, order_id, delivery_id, driver_id, restaurant_id, zone, reason, picked_up }.into()
}

pub(super) fn cancelled(ride: &Ride, envelope: Envelope) -> DeliveryEvent {
    let (order_id, delivery_id, restaurant_id) = (ride.order, ride.delivery, ride.restaurant);
    let (driver_id, zone) = (ride.driver, ride.zone.clone());
    DeliveryCancelled { envelope, order_id, delivery_id, driver_id, restaurant_id, zone }.into()
}

/// What a driver is doing since `cause`. One message may free one driver and bind another: both names differ.
pub(super) fn driver_state(
    driver: &Driver,
    zone: &str,
    status: DriverStatus,
    cause: EventId,
    at: EventTime,
) -> DriverState {
    let id = EventId::caused_by(cause, &format!("{} {}", DriverState::FULL_NAME, driver.id));
    let correlation_id = CorrelationId(driver.id.0);
    DriverState {
        envelope: Envelope { causation_id: Some(cause), ..Envelope::first(id, at, correlation_id, PRODUCER) },
        driver_id: driver.id,
        zone: zone.to_owned(),
        status,
        lat: driver.lat,
        lon: driver.lon,
        position_at: driver.position_at,
        order_id: driver.job.map(|job| job.order),
        delivery_id: driver.job.map(|job| job.delivery),
        shift_started_at: (status != DriverStatus::OffShift).then_some(driver.shift_started_at),
    }
}
