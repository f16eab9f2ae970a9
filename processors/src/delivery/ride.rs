//! One delivery under way, and which step may follow which. A delivery that is over is no ride any more.

use comanda_schemas::{
    DeliveryCommand, DeliveryFailureReason, DeliveryId, DriverId, EventId, EventTime, OrderId, RequestDelivery,
    RestaurantId,
};
use serde::{Deserialize, Serialize};

use super::rules;

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RideStatus {
    /// A driver is looked for, or will be when it is time.
    Waiting,
    /// A driver is on the way to the restaurant.
    Assigned,
    /// The driver has the food.
    PickedUp,
    /// The driver is on the way to the customer.
    InTransit,
}

/// A delivery under way: the value of store `rides`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ride {
    /// The order.
    pub order: OrderId,
    /// Its delivery.
    pub delivery: DeliveryId,
    /// Where the food is cooked.
    pub restaurant: RestaurantId,
    /// Zone of the restaurant.
    pub zone: String,
    /// H3 cell of the restaurant.
    pub restaurant_cell: String,
    /// Latitude and longitude of that cell's centre, degrees.
    pub restaurant_at: (f64, f64),
    /// H3 cell of the customer.
    pub customer_cell: String,
    /// Where it stands.
    pub status: RideStatus,
    /// The message that made it wait: the request, or the last decline.
    pub cause: EventId,
    /// When a driver was asked for.
    pub requested_at: EventTime,
    /// From when on a driver is looked for.
    pub due_at: EventTime,
    /// Who has it.
    pub driver: Option<DriverId>,
    /// Drivers asked so far.
    pub attempt: i32,
    /// Those who gave it back: they are not asked again.
    pub declined_by: Vec<DriverId>,
    /// When the driver was found.
    pub assigned_at: Option<EventTime>,
    /// When the driver had the food.
    pub picked_up_at: Option<EventTime>,
    /// When the ride is to be looked at next: its entry in the agenda.
    pub look_at: Option<EventTime>,
}

/// What a command does to a ride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RideStep {
    /// Its driver gives it back.
    Decline,
    /// Its driver has the food.
    PickUp,
    /// Its driver leaves the restaurant.
    Depart,
    /// The customer has the food.
    HandOver,
    /// Its driver cannot hand it over.
    Fail(DeliveryFailureReason),
    /// The order was cancelled.
    Cancel,
}

impl Ride {
    /// A new one. A cell that is none was refused at the door; here it counts as the middle of nowhere.
    pub fn new(request: &RequestDelivery) -> Self {
        Self {
            order: request.order_id,
            delivery: request.delivery_id,
            restaurant: request.restaurant_id,
            zone: request.zone.clone(),
            restaurant_at: rules::centre_of(&request.restaurant_cell).unwrap_or_default(),
            restaurant_cell: request.restaurant_cell.clone(),
            customer_cell: request.customer_cell.clone(),
            status: RideStatus::Waiting,
            cause: request.envelope.event_id,
            requested_at: request.envelope.occurred_at,
            due_at: rules::due_at(request.envelope.occurred_at, request.ready_at),
            driver: None,
            attempt: 0,
            declined_by: vec![],
            assigned_at: None,
            picked_up_at: None,
            look_at: None,
        }
    }

    /// What a command does to the ride; `None` if it may not: not this driver's, too early, too late, said before.
    pub fn step(&self, command: &DeliveryCommand) -> Option<RideStep> {
        use RideStatus::{Assigned, InTransit, PickedUp, Waiting};
        let its = |driver: DriverId, statuses: &[RideStatus], step: RideStep| {
            (self.driver == Some(driver) && statuses.contains(&self.status)).then_some(step)
        };
        match command {
            DeliveryCommand::DeclineDelivery(c) => its(c.driver_id, &[Assigned], RideStep::Decline),
            DeliveryCommand::ConfirmPickup(c) => its(c.driver_id, &[Assigned], RideStep::PickUp),
            DeliveryCommand::StartTransit(c) => its(c.driver_id, &[PickedUp], RideStep::Depart),
            DeliveryCommand::ConfirmDelivery(c) => its(c.driver_id, &[PickedUp, InTransit], RideStep::HandOver),
            DeliveryCommand::ReportFailure(c) => its(c.driver_id, &[PickedUp, InTransit], RideStep::Fail(c.reason)),
            DeliveryCommand::CancelDelivery(_) => matches!(self.status, Waiting | Assigned).then_some(RideStep::Cancel),
            DeliveryCommand::RequestDelivery(_) | DeliveryCommand::Unknown(_) => None,
        }
    }

    /// Gives it to a driver.
    pub fn assign(&mut self, driver: DriverId, now: EventTime) {
        self.status = RideStatus::Assigned;
        self.driver = Some(driver);
        self.attempt += 1;
        self.assigned_at = Some(now);
    }

    /// Takes it from the driver who gives it back; another is looked for at once.
    pub fn give_back(&mut self, decline: EventId) {
        self.status = RideStatus::Waiting;
        self.declined_by.extend(self.driver.take());
        self.assigned_at = None;
        self.cause = decline;
    }

    /// When it is to be looked at next, seen from `now`: its time has come, or it has waited too long.
    pub fn next_look(&self, now: EventTime) -> EventTime {
        match self.status {
            RideStatus::Waiting if self.due_at > now => self.due_at,
            _ => self.ends_at().0,
        }
    }

    /// When it fails if nothing happens, and why.
    pub fn ends_at(&self) -> (EventTime, DeliveryFailureReason) {
        let since = |time: Option<EventTime>| time.unwrap_or(self.requested_at).max(self.due_at);
        match self.status {
            RideStatus::Waiting => (self.due_at.plus_ms(rules::NO_DRIVER_MS), DeliveryFailureReason::NoDriver),
            RideStatus::Assigned => {
                (since(self.assigned_at).plus_ms(rules::PICK_UP_MS), DeliveryFailureReason::DriverLost)
            }
            RideStatus::PickedUp | RideStatus::InTransit => {
                (since(self.picked_up_at).plus_ms(rules::HAND_OVER_MS), DeliveryFailureReason::DriverLost)
            }
        }
    }
}
