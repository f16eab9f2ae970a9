//! What comes into the order role, what goes out, and how the one is named as the cause of the other.

use super::life_cycle::{Actor, Step, Trigger, step};
use super::state::OrderState;
use super::view::view;
use comanda_schemas::{
    AuthorizePayment, CapturePayment, CommandRejectReason, DeliveryCommand, DeliveryEvent, Envelope, EtaPredicted,
    Event, EventId, EventTime, Message, OrderCommand, OrderCommandRejected, OrderEvent, OrderId, OrderView,
    PaymentCommand, PaymentEvent, PaymentOperation, RefundPayment, VoidPayment,
};
use serde::{Deserialize, Serialize};

/// Name in the envelopes of what this role writes.
pub(crate) const PRODUCER: &str = "order";

/// A record that the order role reads.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // One is in process at a time.
pub enum OrderInput {
    /// From `order.commands`.
    Command(OrderCommand),
    /// From `payment.events`.
    Payment(PaymentEvent),
    /// From `delivery.events`.
    Delivery(DeliveryEvent),
    /// From `analytics.eta`.
    Eta(EtaPredicted),
}

/// A record that the order role writes.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Each goes straight to its sink.
pub enum OrderOutput {
    /// To `order.events`.
    Event(OrderEvent),
    /// To `payment.commands`.
    Payment(PaymentCommand),
    /// To `delivery.commands`.
    Delivery(DeliveryCommand),
    /// To `order.views`.
    View(OrderView),
}

/// A message or a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cause {
    id: EventId,
    pub at: EventTime,
    by_clock: bool,
}

impl Cause {
    pub fn message(envelope: &Envelope) -> Self {
        Self { id: envelope.event_id, at: envelope.occurred_at, by_clock: false }
    }

    /// A time limit of an order, with an identity of its own so that what it causes has one too.
    pub fn time_limit(placed: EventId, at: EventTime) -> Self {
        Self { id: EventId::caused_by(placed, &format!("time limit {}", at.millis())), at, by_clock: true }
    }

    /// The envelope of what it causes; a clock is not named as a cause.
    pub fn envelope<E: Event>(&self, order: OrderId, occurred_at: EventTime) -> Envelope {
        let event_id = EventId::caused_by(self.id, E::FULL_NAME);
        let causation_id = (!self.by_clock).then_some(self.id);
        Envelope { causation_id, ..Envelope::first(event_id, occurred_at, order, PRODUCER) }
    }
}

/// One change of one order under way: the state as it becomes, and what is to be said.
pub(super) struct Change<'a> {
    pub state: &'a mut OrderState,
    pub cause: Cause,
    pub out: Vec<OrderOutput>,
}

impl<'a> Change<'a> {
    pub fn new(state: &'a mut OrderState, cause: Cause) -> Self {
        Self { state, cause, out: vec![] }
    }

    pub fn envelope<E: Event>(&self) -> Envelope {
        self.cause.envelope::<E>(self.state.id(), self.cause.at)
    }

    pub fn say(&mut self, event: impl Into<OrderEvent>) {
        self.out.push(OrderOutput::Event(event.into()));
    }

    pub fn step(&self, trigger: Trigger, actor: Actor) -> Option<Step> {
        step(self.state.status, trigger, actor)
    }

    /// Refuses the command that is the cause.
    pub fn reject(&mut self, command: &str, reason: CommandRejectReason) {
        let envelope = self.envelope::<OrderCommandRejected>();
        let status = self.state.status;
        self.say(OrderCommandRejected {
            envelope,
            order_id: self.state.id(),
            command: command.to_owned(),
            command_id: self.cause.id,
            reason,
            status: Some(status),
            detail: Some(format!("{command} is not possible: {}, the order is {}", reason.symbol(), status.symbol())),
        });
    }

    /// Ends a change that moved something: the payment follows, then the view is told.
    pub fn finish(mut self) -> Vec<OrderOutput> {
        self.ask_for_payment();
        let state = self.state;
        state.version += 1;
        state.changed_at = state.changed_at.max(self.cause.at);
        state.changed_by = self.cause;
        self.out.push(OrderOutput::View(view(state)));
        self.out
    }

    fn ask_for_payment(&mut self) {
        let (wish, now) = (self.state.wish(), self.cause.at);
        let Some(operation) = self.state.payment.ask(wish, now) else { return };
        let (order_id, payment_id) = (self.state.id(), self.state.payment.id);
        let (amount_centavos, attempt) = (operation.amount, operation.attempt);
        let command = match operation.kind {
            PaymentOperation::Authorize => {
                let envelope = self.envelope::<AuthorizePayment>();
                let placed = &self.state.placed;
                AuthorizePayment {
                    envelope,
                    order_id,
                    payment_id,
                    customer_id: placed.customer_id,
                    payment_method_id: placed.payment_method_id,
                    amount_centavos,
                    restaurant_id: placed.restaurant_id,
                    subtotal_centavos: placed.subtotal_centavos,
                    delivery_fee_centavos: placed.delivery_fee_centavos,
                    tax_centavos: placed.tax_centavos,
                    discount_centavos: placed.discount_centavos,
                    attempt,
                }
                .into()
            }
            PaymentOperation::Capture => {
                let envelope = self.envelope::<CapturePayment>();
                let driver_id = self.state.delivery.driver;
                CapturePayment { envelope, order_id, payment_id, amount_centavos, driver_id, attempt }.into()
            }
            PaymentOperation::Refund => {
                let envelope = self.envelope::<RefundPayment>();
                RefundPayment { envelope, order_id, payment_id, amount_centavos, attempt }.into()
            }
            PaymentOperation::Void | PaymentOperation::Unknown => {
                let envelope = self.envelope::<VoidPayment>();
                VoidPayment { envelope, order_id, payment_id, attempt }.into()
            }
        };
        self.out.push(OrderOutput::Payment(command));
    }
}

/// Refuses a command about an order that does not exist.
pub(super) fn refuse(
    order: OrderId,
    command: &str,
    envelope: &Envelope,
    reason: CommandRejectReason,
    detail: String,
) -> OrderOutput {
    let cause = Cause::message(envelope);
    let rejected = OrderCommandRejected {
        envelope: cause.envelope::<OrderCommandRejected>(order, cause.at),
        order_id: order,
        command: command.to_owned(),
        command_id: cause.id,
        reason,
        status: None,
        detail: Some(detail),
    };
    OrderOutput::Event(rejected.into())
}

impl OrderOutput {
    /// When it occurred.
    pub fn occurred_at(&self) -> Option<EventTime> {
        let envelope = match self {
            OrderOutput::Event(event) => event.envelope(),
            OrderOutput::Payment(command) => command.envelope(),
            OrderOutput::Delivery(command) => command.envelope(),
            OrderOutput::View(view) => Some(&view.envelope),
        };
        envelope.map(|envelope| envelope.occurred_at)
    }
}
