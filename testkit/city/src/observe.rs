//! What the processors publish comes back into the city.

use comanda_schemas::{
    CancelReason, DeliveryEvent, EventId, OrderCancelled, OrderCommandRejected, OrderEvent, OrderId, PaymentCommand,
};

use crate::agenda::Happening;
use crate::books::Outcome;
use crate::city::City;
use crate::fate::{Fate, Realm};
use crate::order::Cancellation;
use crate::provider;

/// A record of a topic that the city watches, see [`WATCHED_TOPICS`].
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // It is handed over by value once.
pub enum Observation {
    /// From `order.events`.
    Order(OrderEvent),
    /// From `payment.commands`.
    Payment(PaymentCommand),
    /// From `delivery.events`.
    Delivery(DeliveryEvent),
}

/// The topics whose records [`City::observe`] wants, all of them and in the order of each partition. A record seen
/// twice changes nothing.
pub const WATCHED_TOPICS: [&str; 3] = ["order.events", "payment.commands", "delivery.events"];

/// How long the provider takes.
const PROVIDER_MS: (i64, i64) = (200, 3_500);
/// The command that customers send and must hear about.
const CANCEL_ORDER: &str = "CancelOrder";

impl City {
    /// Takes in what a processor published. It takes effect at the city's clock, or as much later as people need to
    /// react.
    pub fn observe(&mut self, observation: Observation) {
        match observation {
            Observation::Order(event) => self.observe_order(event),
            Observation::Payment(command) => self.observe_payment(command),
            Observation::Delivery(event) => self.observe_delivery(event),
        }
    }

    fn observe_order(&mut self, event: OrderEvent) {
        let at_ms = self.clock_ms;
        match event {
            OrderEvent::OrderPlaced(placed) => {
                let order = self.known(placed.order_id, Some(placed.envelope.event_id));
                if let Some(order) = order.filter(|_| placed.scheduled_for.is_none()) {
                    self.ask_restaurant(order, at_ms);
                }
            }
            OrderEvent::OrderReleased(released) => {
                if let Some(order) = self.known(released.order_id, Some(released.envelope.event_id)) {
                    self.wait_for_confirmation(order, at_ms);
                    self.ask_restaurant(order, at_ms);
                }
            }
            OrderEvent::OrderConfirmed(confirmed) => {
                if let Some(order) = self.known(confirmed.order_id, Some(confirmed.envelope.event_id)) {
                    self.confirmed(order, at_ms);
                }
            }
            OrderEvent::OrderCancelled(cancelled) => self.observe_cancelled(&cancelled, at_ms),
            OrderEvent::OrderCommandRejected(rejected) => self.observe_rejected(&rejected, at_ms),
            OrderEvent::OrderDelivered(delivered) => {
                let order = self.known(delivered.order_id, None);
                if order.is_some_and(|order| self.orders[order].outcome != Outcome::Delivered) {
                    self.complain("delivered_before_the_hand_over");
                }
            }
            OrderEvent::OrderPreparing(_)
            | OrderEvent::OrderReady(_)
            | OrderEvent::OrderPickedUp(_)
            | OrderEvent::Unknown(_) => {}
        }
    }

    fn observe_cancelled(&mut self, cancelled: &OrderCancelled, at_ms: i64) {
        let Some(order) = self.known(cancelled.order_id, None) else {
            return;
        };
        let this = &mut self.orders[order];
        let outcome = match (cancelled.reason, this.cancellation) {
            (CancelReason::CustomerRequest, Cancellation::Asked(outcome)) => outcome,
            (CancelReason::PaymentFailed, _) => Outcome::PaymentDeclined,
            (CancelReason::RestaurantRejected, _) => Outcome::Rejected,
            (CancelReason::Undeliverable, _) => Outcome::Undeliverable,
            _ => Outcome::BySystem,
        };
        let explained = match outcome {
            Outcome::PaymentDeclined => this.card_trouble.is_some(),
            Outcome::Rejected => this.rejection.is_some(),
            Outcome::Undeliverable => this.closed_door,
            _ => true,
        };
        if !explained {
            self.complain("cancelled_for_what_did_not_happen");
        }
        match self.orders[order].outcome {
            Outcome::Open => self.end_order(order, outcome, at_ms),
            Outcome::Unanswered => self.orders[order].outcome = outcome,
            Outcome::Delivered => self.complain("cancelled_after_the_hand_over"),
            _ => {}
        }
    }

    fn observe_rejected(&mut self, rejected: &OrderCommandRejected, at_ms: i64) {
        if rejected.command == CANCEL_ORDER
            && let Some(order) = self.known(rejected.order_id, None)
        {
            self.cancellation_refused(order, at_ms);
        }
    }

    fn observe_payment(&mut self, command: PaymentCommand) {
        let Some(request) = provider::request(&command) else {
            return;
        };
        let Some(order) = self.known(request.key.0, None) else { return };
        if !self.config.plays_provider {
            return self.check_amount(order, &request);
        }
        if !self.provider.knows(&command) {
            let (_, operation, attempt) = request.key;
            let salt = (operation as u64) << 8 | attempt as u64 & 0xFF;
            let order = self.order_numbers[&request.key.0] as u64;
            let mut fate = Fate::of(self.config.seed, Realm::Order, (4 << 60) | order << 16 | salt);
            let at_ms = self.clock_ms + fate.between_ms(PROVIDER_MS.0, PROVIDER_MS.1);
            self.plan(at_ms, Happening::Pay(Box::new(command)));
        }
    }

    /// The provider does it, once, and tells.
    pub(crate) fn pay(&mut self, command: &PaymentCommand, at_ms: i64) {
        let Some(request) = provider::request(command).filter(|_| !self.provider.knows(command)) else {
            return;
        };
        let order = self.order_numbers[&request.key.0];
        self.check_amount(order, &request);
        let decline = self.orders[order].card_trouble;
        if let Some(event) = self.provider.answer(command, at_ms, decline) {
            if decline.is_none() && matches!(event, comanda_schemas::PaymentEvent::PaymentFailed(_)) {
                self.complain("impossible_payment_operation");
            }
            self.send_payment(order, event, at_ms);
        }
    }

    fn check_amount(&mut self, order: usize, request: &provider::Request) {
        let void = request.key.1 == comanda_schemas::PaymentOperation::Void;
        if !void && request.amount != self.orders[order].bill.total.0 {
            self.complain("payment_of_another_amount");
        }
    }

    fn observe_delivery(&mut self, event: DeliveryEvent) {
        let at_ms = self.clock_ms;
        match event {
            DeliveryEvent::DeliveryAssigned(assigned) => {
                let Some(order) = self.known(assigned.order_id, None) else {
                    return;
                };
                let Some(&courier) = self.courier_numbers.get(&assigned.driver_id) else {
                    return self.complain("assigned_to_an_unknown_courier");
                };
                self.assigned(
                    order,
                    courier,
                    assigned.delivery_id,
                    assigned.attempt,
                    assigned.envelope.event_id,
                    at_ms,
                );
            }
            DeliveryEvent::DeliveryCancelled(cancelled) => {
                let Some(order) = self.known(cancelled.order_id, None) else {
                    return;
                };
                let this = &self.orders[order];
                if let Some((courier, _)) = this.ride.filter(|_| this.picked_up_ms.is_none()) {
                    self.orders[order].ride = None;
                    self.release_courier(courier, order, at_ms);
                }
            }
            DeliveryEvent::DeliveryDeclined(_)
            | DeliveryEvent::DeliveryPickedUp(_)
            | DeliveryEvent::DeliveryInTransit(_)
            | DeliveryEvent::DeliveryDelivered(_)
            | DeliveryEvent::DeliveryFailed(_)
            | DeliveryEvent::Unknown(_) => {}
        }
    }

    /// The number of an order that the city has placed, remembering what was heard of it. Others (the edge's, say)
    /// are none of the city's business.
    fn known(&mut self, order: OrderId, cause: Option<EventId>) -> Option<usize> {
        let number = *self.order_numbers.get(&order)?;
        let this = &mut self.orders[number];
        this.cause = cause.or(this.cause);
        this.placed.then_some(number)
    }
}
