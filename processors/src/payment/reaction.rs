//! One change of one payment under way: the account as it becomes, and what is to be called, told and posted.

use super::account::{Asked, Outcome, PaymentAccount};
use super::ledger::{About, Posting};
use super::provider::{Ask, ProviderCall};
use comanda_schemas::{
    Cop, Envelope, Event, EventId, EventTime, LedgerPosted, OrderId, PaymentAuthorized, PaymentCaptured, PaymentEvent,
    PaymentFailed, PaymentId, PaymentOperation, PaymentRefunded, PaymentVoided,
};

/// Name in the envelopes of what this role writes.
const PRODUCER: &str = "payment";

/// What follows from an input.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Each goes straight to its sink.
pub enum Effect {
    /// Ask a provider; the answer comes back as an input.
    Call(ProviderCall),
    /// To `payment.events`.
    Tell(PaymentEvent),
    /// To `payment.ledger`.
    Post(LedgerPosted),
}

/// What causes a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    pub id: EventId,
    pub at: EventTime,
}

impl Cause {
    pub fn envelope<E: Event>(&self, order: OrderId) -> Envelope {
        self.envelope_of(E::FULL_NAME, order)
    }

    /// Of one of several effects of a type.
    pub fn envelope_of(&self, effect: &str, order: OrderId) -> Envelope {
        let event_id = EventId::caused_by(self.id, effect);
        Envelope { causation_id: Some(self.id), ..Envelope::first(event_id, self.at, order, PRODUCER) }
    }
}

pub(super) struct Change<'a> {
    pub account: &'a mut PaymentAccount,
    pub cause: Cause,
    pub effects: Vec<Effect>,
}

impl<'a> Change<'a> {
    pub fn new(account: &'a mut PaymentAccount, cause: Cause) -> Self {
        account.changed_at = account.changed_at.max(cause.at);
        Self { account, cause, effects: vec![] }
    }

    pub fn call(&mut self, ask: Ask) {
        self.effects.extend(self.account.call(ask, self.cause.at).map(Effect::Call));
    }

    pub fn tell(&mut self, event: impl Into<PaymentEvent>) {
        self.effects.push(Effect::Tell(event.into()));
    }

    /// Remembers how an operation ended, and tells it.
    pub fn answer(&mut self, asked: &Asked, outcome: Outcome) {
        let event = outcome_event(self.cause, self.account.order, self.account.payment, asked, &outcome);
        self.account.told.insert((asked.operation, asked.attempt), outcome);
        self.effects.push(Effect::Tell(event));
    }

    pub fn post(&mut self, posting: Posting, attempt: i32, reference: Option<String>) {
        if posting.legs.is_empty() {
            return;
        }
        let account = &*self.account;
        let effect = format!("{} {} {attempt}", LedgerPosted::FULL_NAME, posting.kind.symbol());
        let about = About {
            envelope: self.cause.envelope_of(&effect, account.order),
            order: account.order,
            payment: account.payment,
            attempt,
            provider: account.method.provider,
            reference,
        };
        self.effects.push(Effect::Post(posting.record(&account.books, about)));
    }
}

/// The event that tells how an operation ended.
pub(super) fn outcome_event(
    cause: Cause,
    order_id: OrderId,
    payment_id: PaymentId,
    asked: &Asked,
    outcome: &Outcome,
) -> PaymentEvent {
    let (operation, attempt) = (asked.operation, asked.attempt);
    match outcome.clone() {
        Outcome::Failed { amount, reason, reference } => PaymentFailed {
            envelope: cause.envelope::<PaymentFailed>(order_id),
            order_id,
            payment_id,
            operation,
            amount_centavos: amount,
            attempt,
            reason,
            provider_reference: reference,
        }
        .into(),
        Outcome::Done { amount, reference } => {
            done_event(cause, order_id, payment_id, (operation, attempt), amount, reference)
        }
    }
}

fn done_event(
    cause: Cause,
    order_id: OrderId,
    payment_id: PaymentId,
    (operation, attempt): (PaymentOperation, i32),
    amount_centavos: Cop,
    provider_reference: String,
) -> PaymentEvent {
    match operation {
        PaymentOperation::Authorize => {
            let envelope = cause.envelope::<PaymentAuthorized>(order_id);
            PaymentAuthorized { envelope, order_id, payment_id, amount_centavos, attempt, provider_reference }.into()
        }
        PaymentOperation::Capture => {
            let envelope = cause.envelope::<PaymentCaptured>(order_id);
            PaymentCaptured { envelope, order_id, payment_id, amount_centavos, attempt, provider_reference }.into()
        }
        PaymentOperation::Refund => {
            let envelope = cause.envelope::<PaymentRefunded>(order_id);
            PaymentRefunded { envelope, order_id, payment_id, amount_centavos, attempt, provider_reference }.into()
        }
        PaymentOperation::Void | PaymentOperation::Unknown => {
            let envelope = cause.envelope::<PaymentVoided>(order_id);
            PaymentVoided { envelope, order_id, payment_id, attempt, provider_reference }.into()
        }
    }
}
