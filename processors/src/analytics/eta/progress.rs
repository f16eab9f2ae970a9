//! What happens in a zone, as far as delivery times depend on it: the value of the repartition topic by zone.

use comanda_schemas::{
    DeliveryEvent, DriverId, DriverState, DriverStatus, Envelope, EventId, EventTime, OrderEvent, OrderId, OrderPlaced,
    RestaurantId,
};
use serde::{Deserialize, Serialize};

/// An order without readable cells is taken for one of usual length.
const USUAL_KM: f64 = 1.5;

/// Something happened in a zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum News {
    /// To an order.
    Order(Progress),
    /// A driver is or is not at work.
    Driver { driver: DriverId, on_shift: bool },
}

/// Something happened to an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub order: OrderId,
    pub event: EventId,
    pub at: EventTime,
    pub step: Step,
}

/// What it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Step {
    Placed {
        restaurant: RestaurantId,
        /// From the restaurant to the customer, as the crow flies.
        ride_km: f64,
        /// When it is to be there: as booked, or as promised.
        wanted_at: Option<EventTime>,
    },
    Confirmed {
        estimated_ready_at: Option<EventTime>,
    },
    Preparing,
    Ready,
    Assigned {
        /// From the driver to the restaurant.
        approach_km: f64,
    },
    /// The driver gave it back.
    Declined,
    PickedUp,
    Delivered,
    Cancelled,
}

/// What an order event tells, with its zone.
pub(super) fn of_order(event: &OrderEvent) -> Option<(&str, News)> {
    let (order, zone, envelope, step) = match event {
        OrderEvent::OrderPlaced(e) => (e.order_id, &e.zone, &e.envelope, placed(e)),
        OrderEvent::OrderConfirmed(e) => {
            (e.order_id, &e.zone, &e.envelope, Step::Confirmed { estimated_ready_at: e.estimated_ready_at })
        }
        OrderEvent::OrderPreparing(e) => (e.order_id, &e.zone, &e.envelope, Step::Preparing),
        OrderEvent::OrderReady(e) => (e.order_id, &e.zone, &e.envelope, Step::Ready),
        OrderEvent::OrderPickedUp(e) => (e.order_id, &e.zone, &e.envelope, Step::PickedUp),
        OrderEvent::OrderDelivered(e) => (e.order_id, &e.zone, &e.envelope, Step::Delivered),
        OrderEvent::OrderCancelled(e) => (e.order_id, &e.zone, &e.envelope, Step::Cancelled),
        // The promise counts from the placing on; that its time has come says nothing new.
        OrderEvent::OrderReleased(_) | OrderEvent::OrderCommandRejected(_) | OrderEvent::Unknown(_) => return None,
    };
    Some((zone, progress(order, envelope, step)))
}

/// What a delivery event tells, with its zone. Pick-up and end come with the order's events.
pub(super) fn of_delivery(event: &DeliveryEvent) -> Option<(&str, News)> {
    let (order, zone, envelope, step) = match event {
        DeliveryEvent::DeliveryAssigned(e) => {
            let approach_km = (e.driver_distance_m / 1_000.0).max(0.0);
            (e.order_id, &e.zone, &e.envelope, Step::Assigned { approach_km })
        }
        DeliveryEvent::DeliveryDeclined(e) => (e.order_id, &e.zone, &e.envelope, Step::Declined),
        _ => return None,
    };
    Some((zone, progress(order, envelope, step)))
}

/// What a driver's state tells, with the zone.
pub(super) fn of_driver(state: &DriverState) -> (&str, News) {
    let on_shift = state.status != DriverStatus::OffShift;
    (&state.zone, News::Driver { driver: state.driver_id, on_shift })
}

fn progress(order: OrderId, envelope: &Envelope, step: Step) -> News {
    News::Order(Progress { order, event: envelope.event_id, at: envelope.occurred_at, step })
}

fn placed(e: &OrderPlaced) -> Step {
    Step::Placed {
        restaurant: e.restaurant_id,
        ride_km: km_between(&e.restaurant_cell, &e.customer_cell).unwrap_or(USUAL_KM),
        wanted_at: e.scheduled_for.or(e.promised_at),
    }
}

/// Between the middles of two H3 cells.
fn km_between(from: &str, to: &str) -> Option<f64> {
    let middle = |cell: &str| cell.parse::<h3o::CellIndex>().ok().map(h3o::LatLng::from);
    Some(middle(from)?.distance_km(middle(to)?))
}
