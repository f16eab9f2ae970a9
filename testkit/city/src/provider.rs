//! The payment provider: does each operation once per idempotency key and keeps its own account.

use std::collections::BTreeMap;

use comanda_schemas::{
    Cop, EventTime, OrderId, PaymentAuthorized, PaymentCaptured, PaymentCommand, PaymentEvent, PaymentFailed,
    PaymentFailureReason, PaymentId, PaymentOperation, PaymentRefunded, PaymentVoided,
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
    pub(crate) fn answer(
        &mut self,
        command: &PaymentCommand,
        at_ms: i64,
        decline: Option<PaymentFailureReason>,
    ) -> Option<PaymentEvent> {
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
            PaymentOperation::Capture => {
                !account.voided && account.captured == 0 && amount > 0 && amount <= account.authorized
            }
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
            PaymentOperation::Authorize => {
                account.authorized = amount;
                book.authorized_centavos += amount;
            }
            PaymentOperation::Capture => {
                account.captured = amount;
                book.captured_centavos += amount;
            }
            PaymentOperation::Void => {
                account.voided = true;
                book.voided_centavos += account.authorized;
            }
            PaymentOperation::Refund => {
                account.refunded += amount;
                book.refunded_centavos += amount;
            }
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
    let request = |order, operation, attempt, payment, amount| {
        Some(Request { key: (order, operation, attempt), payment, amount })
    };
    match command {
        PaymentCommand::AuthorizePayment(c) => {
            request(c.order_id, PaymentOperation::Authorize, c.attempt, c.payment_id, c.amount_centavos.0)
        }
        PaymentCommand::CapturePayment(c) => {
            request(c.order_id, PaymentOperation::Capture, c.attempt, c.payment_id, c.amount_centavos.0)
        }
        PaymentCommand::VoidPayment(c) => request(c.order_id, PaymentOperation::Void, c.attempt, c.payment_id, 0),
        PaymentCommand::RefundPayment(c) => {
            request(c.order_id, PaymentOperation::Refund, c.attempt, c.payment_id, c.amount_centavos.0)
        }
        // What a provider says, not what it is asked for.
        PaymentCommand::ReportPayment(_) | PaymentCommand::Unknown(_) => None,
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
        return PaymentFailed {
            envelope,
            order_id,
            payment_id,
            operation,
            amount_centavos,
            attempt,
            reason,
            provider_reference,
        }
        .into();
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

#[cfg(test)]
mod tests {
    use super::*;
    use comanda_schemas::{
        AuthorizePayment, CapturePayment, CustomerId, Envelope, EventId, PaymentMethodId, RefundPayment, RestaurantId,
        VoidPayment,
    };
    use uuid::Uuid;

    const ORDER: OrderId = OrderId(Uuid::from_u128(1));
    const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(2));

    fn envelope(id: u128) -> Envelope {
        Envelope::first(EventId(Uuid::from_u128(id)), EventTime(0), ORDER, "test")
    }

    fn authorize(event: u128, attempt: i32) -> PaymentCommand {
        let (customer_id, payment_method_id) = (CustomerId(Uuid::nil()), PaymentMethodId(Uuid::nil()));
        AuthorizePayment {
            envelope: envelope(event),
            order_id: ORDER,
            payment_id: PAYMENT,
            customer_id,
            payment_method_id,
            amount_centavos: Cop(900),
            restaurant_id: RestaurantId(Uuid::nil()),
            subtotal_centavos: Cop(900),
            delivery_fee_centavos: Cop::ZERO,
            tax_centavos: Cop::ZERO,
            discount_centavos: Cop::ZERO,
            attempt,
        }
        .into()
    }

    fn capture(amount: i64, attempt: i32) -> PaymentCommand {
        CapturePayment {
            envelope: envelope(20),
            order_id: ORDER,
            payment_id: PAYMENT,
            amount_centavos: Cop(amount),
            driver_id: None,
            attempt,
        }
        .into()
    }

    fn refund(amount: i64, attempt: i32) -> PaymentCommand {
        RefundPayment {
            envelope: envelope(30),
            order_id: ORDER,
            payment_id: PAYMENT,
            amount_centavos: Cop(amount),
            attempt,
        }
        .into()
    }

    fn void() -> PaymentCommand {
        VoidPayment { envelope: envelope(40), order_id: ORDER, payment_id: PAYMENT, attempt: 1 }.into()
    }

    fn failed(answer: Option<PaymentEvent>) -> bool {
        matches!(answer, Some(PaymentEvent::PaymentFailed(_)))
    }

    #[test]
    fn the_same_operation_asked_for_twice_is_done_once_and_answered_alike() {
        let mut provider = Provider::default();
        let first = provider.answer(&authorize(10, 1), 5, None);
        assert_eq!(provider.answer(&authorize(11, 1), 6, None), first);
        provider.answer(&capture(900, 1), 7, None);
        provider.answer(&capture(900, 1), 8, None);
        assert_eq!((provider.book.authorized_centavos, provider.book.captured_centavos), (900, 900));
    }

    #[test]
    fn nothing_is_taken_without_authorisation_after_a_void_or_twice() {
        let mut provider = Provider::default();
        assert!(failed(provider.answer(&capture(900, 1), 1, None)));
        provider.answer(&authorize(10, 1), 2, None);
        assert!(failed(provider.answer(&capture(901, 2), 3, None)));
        provider.answer(&void(), 4, None);
        assert!(failed(provider.answer(&capture(900, 3), 5, None)));
        assert_eq!((provider.book.captured_centavos, provider.book.voided_centavos), (0, 900));
    }

    #[test]
    fn no_more_is_given_back_than_was_taken() {
        let mut provider = Provider::default();
        provider.answer(&authorize(10, 1), 1, None);
        provider.answer(&capture(900, 1), 2, None);
        provider.answer(&refund(500, 1), 3, None);
        assert!(failed(provider.answer(&refund(500, 2), 4, None)));
        assert!(failed(provider.answer(&void(), 5, None)));
        assert_eq!(provider.book.held_centavos(), 400);
    }

    #[test]
    fn a_declined_card_moves_no_money() {
        let mut provider = Provider::default();
        assert!(failed(provider.answer(&authorize(10, 1), 1, Some(PaymentFailureReason::ExpiredCard))));
        assert_eq!(provider.book, MoneyBook { declined: 1, ..MoneyBook::default() });
    }
}
