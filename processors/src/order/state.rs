//! What the order role knows about one order: the value of store `orders`.

use super::payment::{Payment, Wish};
use super::reaction::Cause;
use comanda_schemas::{
    CancelReason, DeliveryId, DeliveryStatus, DriverId, EventId, EventTime, OrderId, OrderStatus, PlaceOrder,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An order causes some fifteen messages; whoever repeats one does it long before so many others came in.
const REMEMBERED_MESSAGES: usize = 64;

/// One order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderState {
    /// As it was placed.
    pub placed: PlaceOrder,
    /// Where it stands.
    pub status: OrderStatus,
    /// Changes so far.
    pub version: i64,
    /// Latest time of anything taken in.
    pub changed_at: EventTime,
    /// What changed it last.
    pub(super) changed_by: Cause,
    /// The restaurant's word.
    pub accepted: Option<Acceptance>,
    /// Its payment.
    pub payment: Payment,
    /// The provider has answered something.
    pub payment_known: bool,
    /// Its delivery.
    pub delivery: Delivery,
    /// The latest estimate.
    pub eta: Option<Estimate>,
    /// When what happened.
    pub times: Times,
    /// Why it was cancelled.
    pub cancel_reason: Option<CancelReason>,
    /// Identities of the messages taken in last.
    pub(super) seen: Vec<Uuid>,
}

/// The restaurant has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acceptance {
    /// When.
    pub at: EventTime,
    /// When it expects the food to be ready.
    pub estimated_ready_at: Option<EventTime>,
}

/// The delivery as far as the order has heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its identity, one per order.
    pub id: DeliveryId,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Who has or had it.
    pub driver: Option<DriverId>,
}

/// When it will be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// As of when.
    pub predicted_at: EventTime,
    /// By then in half of the cases.
    pub p50_at: EventTime,
    /// By then in nine of ten.
    pub p90_at: EventTime,
}

/// When the order got where, as far as it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // Named after the statuses.
pub struct Times {
    #[serde(default)]
    pub released_at: Option<EventTime>,
    pub confirmed_at: Option<EventTime>,
    pub preparing_at: Option<EventTime>,
    pub ready_at: Option<EventTime>,
    pub assigned_at: Option<EventTime>,
    pub picked_up_at: Option<EventTime>,
    pub delivered_at: Option<EventTime>,
    pub cancelled_at: Option<EventTime>,
}

impl OrderState {
    pub(super) fn new(placed: PlaceOrder) -> Self {
        let (order, at) = (placed.order_id, placed.envelope.occurred_at);
        Self {
            status: if placed.scheduled_for.is_some() { OrderStatus::Scheduled } else { OrderStatus::Pending },
            version: 0,
            changed_at: at,
            changed_by: Cause::message(&placed.envelope),
            accepted: None,
            payment: Payment::new(order, placed.total_centavos),
            payment_known: false,
            delivery: Delivery::of(order),
            eta: None,
            times: Times::default(),
            cancel_reason: None,
            seen: vec![placed.envelope.event_id.0],
            placed,
        }
    }

    /// Its identity.
    pub fn id(&self) -> OrderId {
        self.placed.order_id
    }

    /// Remembers a message; whether it is new.
    pub(super) fn is_first(&mut self, message: EventId) -> bool {
        if self.seen.contains(&message.0) {
            return false;
        }
        if self.seen.len() == REMEMBERED_MESSAGES {
            self.seen.remove(0);
        }
        self.seen.push(message.0);
        true
    }

    /// Where its money should be.
    pub fn wish(&self) -> Wish {
        match self.status {
            OrderStatus::PickedUp | OrderStatus::Delivered => Wish::Take,
            OrderStatus::Scheduled | OrderStatus::Cancelled => Wish::GiveBack,
            _ => Wish::Reserve,
        }
    }

    /// Whether it was delivered or cancelled.
    pub fn is_over(&self) -> bool {
        matches!(self.status, OrderStatus::Delivered | OrderStatus::Cancelled)
    }
}

impl Delivery {
    fn of(order: OrderId) -> Self {
        let id = DeliveryId(Uuid::new_v5(&order.0, b"delivery"));
        Self { id, status: DeliveryStatus::NotRequested, driver: None }
    }

    /// Whether somebody looks for a driver, or a driver is on the way to the restaurant.
    pub fn can_be_cancelled(&self) -> bool {
        matches!(self.status, DeliveryStatus::Requested | DeliveryStatus::Assigned | DeliveryStatus::Declined)
    }
}
