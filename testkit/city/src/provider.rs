//! The payment provider: does each operation once per idempotency key and keeps its own account.

use std::collections::BTreeMap;

use comanda_schemas::{
    Cop, OrderId, PaymentAuthorized, PaymentCaptured, PaymentCommand, PaymentEvent, PaymentFailed, PaymentFailureReason,
    PaymentId, PaymentOperation, PaymentRefunded, PaymentVoided, EventTime,
};

use crate::books::MoneyBook;
use crate::events::PRODUCER;

/// (order, operation, attempt): the same key is the same operation, however often it is asked for.
type IdempotencyKey = (OrderId, PaymentOperation, i32);

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) authorized: i64,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
    pub(crate) voided: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Provider {
    accounts: BTreeMap<OrderId, Account>,
    answers: BTreeMap<IdempotencyKey, PaymentEvent>,
    pub(crate) book: MoneyBook,
}

/// What the provider makes of a request.
type Verdict = Result<(), PaymentFailureReason>;

impl Provider {
    pub(crate) fn account(&self, order: OrderId) -> Account {
        self.accounts.get(&order).copied().unwrap_or_default()
    }

    /// Whether this very operation has been answered.
    pub(crate) fn knows(&self, command: &PaymentCommand) -> bool {
        request(command).is_some_and(|request| self.answers.contains_key(&request.key))
    }

    /// Does what `command` asks at `at_ms` and answers; `None` for a command that this build does not know.
    /// `decline` is the card's fate: `Some` if the bank will not have it.
    pub(crate) fn answer(&mut self, command: &PaymentCommand, at_ms: i64, decline: Option<PaymentFailureReason>) -> Option<PaymentEvent> {
        let request = request(command)?;
        if let Some(answer) = self.answers.get(&request.key) {
            return Some(answer.clone());
        }
        let verdict = self.perform(&request, decline);
        let answer = answer_of(command, &request, verdict, EventTime(at_ms));
        self.answers.insert(request.key, answer.clone());
        Some(answer)
    }

    fn perform(&mut self, request: &Request, decline: Option<PaymentFailureReason>) -> Verdict {
        let account = self.accounts.entry(request.key.0).or_default();
        let (amount, book) = (request.amount, &mut self.book);
        let allowed = match request.key.1 {
            PaymentOperation::Authorize => account.authorized == 0 && amount > 0,
            PaymentOperation::Capture => !account.voided && account.captured == 0 && amount > 0 && amount <= account.authorized,
            PaymentOperation::Void => account.authorized > 0 && !account.voided && account.captured == 0,
            PaymentOperation::Refund => amount > 0 && amount <= account.captured - account.refunded,
            PaymentOperation::Unknown => false,
        };
        if let (PaymentOperation::Authorize, Some(reason)) = (request.key.1, decline) {
            book.declined += 1;
            return Err(reason);
        }
        if !allowed {
            return Err(PaymentFailureReason::FraudSuspected);
        }
        match request.key.1 {
            PaymentOperation::Authorize => { account.authorized = amount; book.authorized_centavos += amount; }
            PaymentOperation::Capture => { account.captured = amount; book.captured_centavos += amount; }
            PaymentOperation::Void => { account.voided = true; book.voided_centavos += account.authorized; }
            PaymentOperation::Refund => { account.refunded += amount; book.refunded_centavos += amount; }
            PaymentOperation::Unknown => {}
        }
        Ok(())
    }
}

/// A command, whatever its kind.
pub(crate) struct Request {
    pub(crate) key: IdempotencyKey,
    payment: PaymentId,
    pub(crate) amount: i64,
}

pub(crate) fn request(command: &PaymentCommand) -> Option<Request> {
    let request = |order, operation, attempt, payment, amount| Some(Request { key: (order, operation, attempt), payment, amount });
    match command {
        PaymentCommand::AuthorizePayment(c) => request(c.order_id, PaymentOperation::Authorize, c.attempt, c.payment_id, c.amount_centavos.0),
        PaymentCommand::CapturePayment(c) => request(c.order_id, PaymentOperation::Capture, c.attempt, c.payment_id, c.amount_centavos.0),
        PaymentCommand::VoidPayment(c) => request(c.order_id, PaymentOperation::Void, c.attempt, c.payment_id, 0),
        PaymentCommand::RefundPayment(c) => request(c.order_id, PaymentOperation::Refund, c.attempt, c.payment_id, c.amount_centavos.0),
        PaymentCommand::Unknown(_) => None,
    }
}

fn answer_of(command: &PaymentCommand, request: &Request, verdict: Verdict, at: EventTime) -> PaymentEvent {
    use comanda_schemas::Message;
    let cause = command.envelope().expect("a request was made of it, so its type is known");
    let (order_id, operation, attempt) = request.key;
    let (payment_id, amount_centavos) = (request.payment, Cop(request.amount));
    let provider_reference = format!("{}-{}-{attempt}", operation.symbol().to_lowercase(), payment_id);
    if let Err(reason) = verdict {
        let (envelope, provider_reference) = (cause.causes::<PaymentFailed>(at, PRODUCER), Some(provider_reference));
        return PaymentFailed { envelope, order_id, payment_id, operation, amount_centavos, attempt, reason, provider_reference }.into();
    }
    match operation {
        PaymentOperation::Authorize => {
            let envelope = cause.causes::<PaymentAuthorized>(at, PRODUCER);
            PaymentAuthorized { envelope, order_id, payment_id, amount_centavos, attempt, provider_reference }.into()
        }
        PaymentOperation::Capture => {
            let envelope = cause.causes::<PaymentCaptured>(at, PRODUCER);
            PaymentCaptured { envelope, order_id, payment_id, amount_centavos, attempt, provider_reference }.into()
        }
        PaymentOperation::Void => {
            let envelope = cause.causes::<PaymentVoided>(at, PRODUCER);
            PaymentVoided { envelope, order_id, payment_id, attempt, provider_reference }.into()
        }
        PaymentOperation::Refund | PaymentOperation::Unknown => {
            let envelope = cause.causes::<PaymentRefunded>(at, PRODUCER);
            PaymentRefunded { envelope, order_id, payment_id, amount_centavos, attempt, provider_reference }.into()
        }
    }
}
