//! An order's payment: what was reserved, taken and given back, and which operation to ask for next.
//!
//! Not a list of cases but a goal: the order wishes ([`Wish`]), the account says how far it is from there, and the
//! operation that closes the gap follows. So it does not matter in which order a cancellation and the provider's
//! answers come in: every amount captured for an order that was not delivered is given back.

use comanda_schemas::{Cop, EventTime, OrderId, PaymentFailureReason, PaymentId, PaymentOperation, PaymentStatus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A refused operation is asked for again after this time, doubled with each attempt …
const FIRST_RETRY_MS: i64 = 60_000;
/// … up to this one: a provider that is away for a day is asked every hour.
const LAST_RETRY_MS: i64 = 3_600_000;
/// A card that refuses a capture so often will not pay. Voids and refunds are tried without end: the money is not ours.
const MAX_CAPTURES: i32 = 5;

/// Where the order wants its money to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Reserved: the order is under way and the food still in the restaurant.
    Reserve,
    /// Taken: the food has left.
    Take,
    /// With the customer: the order was cancelled.
    GiveBack,
}

/// An operation to ask the provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Which.
    pub kind: PaymentOperation,
    /// How much; nothing for a void.
    pub amount: Cop,
    /// Counts from 1; (order, kind, attempt) is the idempotency key.
    pub attempt: i32,
}

/// The account of one order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// Its identity, made with the first authorisation.
    pub id: PaymentId,
    /// What the order costs.
    pub total: Cop,
    /// Reserved.
    pub authorized: Cop,
    /// Taken.
    pub captured: Cop,
    /// Given back.
    pub refunded: Cop,
    /// The reservation was let go.
    pub voided: bool,
    /// Why the card was refused.
    pub declined: Option<PaymentFailureReason>,
    /// Asked for and not answered.
    pub pending: Option<Operation>,
    /// The operation asked for last, to count attempts.
    pub last: Option<Operation>,
    /// Before this time nothing is asked for.
    pub retry_at: Option<EventTime>,
}

impl Payment {
    /// Of an order that costs `total`.
    pub fn new(order: OrderId, total: Cop) -> Self {
        Self {
            id: PaymentId(Uuid::new_v5(&order.0, b"payment")),
            total,
            authorized: Cop::ZERO,
            captured: Cop::ZERO,
            refunded: Cop::ZERO,
            voided: false,
            declined: None,
            pending: None,
            last: None,
            retry_at: None,
        }
    }

    /// Decides on the next operation and counts it as asked for.
    pub fn ask(&mut self, wish: Wish) -> Option<Operation> {
        if self.pending.is_some() || self.retry_at.is_some() {
            return None;
        }
        let (kind, amount) = self.gap(wish)?;
        let attempt = match self.last {
            Some(last) if last.kind == kind => last.attempt + 1,
            _ => 1,
        };
        if kind == PaymentOperation::Capture && attempt > MAX_CAPTURES {
            return None;
        }
        let operation = Operation { kind, amount, attempt };
        (self.pending, self.last) = (Some(operation), Some(operation));
        Some(operation)
    }

    /// What lies between the account and the wish.
    fn gap(&self, wish: Wish) -> Option<(PaymentOperation, Cop)> {
        let held = self.captured.minus(self.refunded).unwrap_or(Cop::ZERO);
        let reserved = self.authorized > Cop::ZERO && self.captured == Cop::ZERO && !self.voided;
        match wish {
            Wish::Reserve if self.last.is_none() => Some((PaymentOperation::Authorize, self.total)),
            Wish::Take if reserved => Some((PaymentOperation::Capture, self.authorized)),
            Wish::GiveBack if held > Cop::ZERO => Some((PaymentOperation::Refund, held)),
            Wish::GiveBack if reserved => Some((PaymentOperation::Void, Cop::ZERO)),
            _ => None,
        }
    }

    /// The provider reserved `amount`.
    pub fn authorized(&mut self, amount: Cop) {
        self.authorized = self.authorized.max(amount);
        self.answered(PaymentOperation::Authorize);
    }

    /// The provider took `amount`. Taken at most once: told twice, it is still one amount.
    pub fn captured(&mut self, amount: Cop) {
        self.captured = self.captured.max(amount);
        self.answered(PaymentOperation::Capture);
    }

    /// The provider let the reservation go.
    pub fn voided(&mut self) {
        self.voided = true;
        self.answered(PaymentOperation::Void);
    }

    /// The provider gave `amount` back.
    pub fn refunded(&mut self, amount: Cop) {
        self.refunded = self.refunded.max(amount).min(self.captured);
        self.answered(PaymentOperation::Refund);
    }

    /// The provider refused; nothing moved. An answer to an attempt that was given up long ago changes nothing.
    pub fn refused(&mut self, kind: PaymentOperation, attempt: i32, reason: PaymentFailureReason, at: EventTime) {
        if self.pending.is_none_or(|p| (p.kind, p.attempt) != (kind, attempt)) {
            return;
        }
        self.pending = None;
        if kind == PaymentOperation::Authorize {
            self.declined = Some(reason);
        } else {
            let wait_ms = FIRST_RETRY_MS << attempt.clamp(1, 16).saturating_sub(1);
            self.retry_at = Some(at.plus_ms(wait_ms.min(LAST_RETRY_MS)));
        }
    }

    fn answered(&mut self, kind: PaymentOperation) {
        self.pending.take_if(|pending| pending.kind == kind);
    }

    /// Lets the next operation be asked for if its time has come.
    pub fn wake(&mut self, now: EventTime) {
        self.retry_at.take_if(|at| *at <= now);
    }

    /// Whether nothing is on its way and nothing left to be asked for.
    pub fn is_settled(&self, wish: Wish) -> bool {
        self.pending.is_none() && self.retry_at.is_none() && self.gap(wish).is_none()
    }

    /// What customers are told.
    pub fn status(&self) -> PaymentStatus {
        match self {
            _ if self.captured > Cop::ZERO && self.refunded >= self.captured => PaymentStatus::Refunded,
            _ if self.captured > Cop::ZERO => PaymentStatus::Completed,
            _ if self.voided => PaymentStatus::Voided,
            _ if self.declined.is_some() => PaymentStatus::Failed,
            _ if self.authorized == Cop::ZERO => PaymentStatus::Pending,
            _ if self.pending.is_some_and(|p| p.kind == PaymentOperation::Capture) => PaymentStatus::Processing,
            _ => PaymentStatus::Authorized,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PaymentOperation::{Authorize, Capture, Refund, Void};

    const TOTAL: Cop = Cop(900);

    fn payment() -> Payment {
        Payment::new(OrderId(Uuid::from_u128(1)), TOTAL)
    }

    fn asked(payment: &mut Payment, wish: Wish) -> Option<(PaymentOperation, i64, i32)> {
        payment.ask(wish).map(|o| (o.kind, o.amount.0, o.attempt))
    }

    fn authorized() -> Payment {
        let mut payment = payment();
        payment.ask(Wish::Reserve);
        payment.authorized(TOTAL);
        payment
    }

    #[test]
    fn a_payment_is_reserved_once_and_taken_once() {
        let mut payment = payment();
        assert_eq!(asked(&mut payment, Wish::Reserve), Some((Authorize, 900, 1)));
        assert_eq!(asked(&mut payment, Wish::Reserve), None);
        payment.authorized(TOTAL);
        assert_eq!(asked(&mut payment, Wish::Reserve), None);
        assert_eq!(asked(&mut payment, Wish::Take), Some((Capture, 900, 1)));
        payment.captured(TOTAL);
        payment.captured(TOTAL);
        assert_eq!(asked(&mut payment, Wish::Take), None);
        assert_eq!((payment.captured, payment.is_settled(Wish::Take)), (TOTAL, true));
    }

    #[test]
    fn a_cancellation_before_the_answer_waits_for_it_and_then_gives_back() {
        let mut payment = payment();
        payment.ask(Wish::Reserve);
        assert_eq!(asked(&mut payment, Wish::GiveBack), None);
        payment.authorized(TOTAL);
        assert_eq!(asked(&mut payment, Wish::GiveBack), Some((Void, 0, 1)));

        let mut payment = authorized();
        payment.ask(Wish::Take);
        assert_eq!(asked(&mut payment, Wish::GiveBack), None);
        payment.captured(TOTAL);
        assert_eq!(asked(&mut payment, Wish::GiveBack), Some((Refund, 900, 1)));
        payment.refunded(TOTAL);
        assert_eq!((asked(&mut payment, Wish::GiveBack), payment.status()), (None, PaymentStatus::Refunded));
    }

    #[test]
    fn a_capture_that_failed_leaves_a_reservation_to_void() {
        let mut payment = authorized();
        payment.ask(Wish::Take);
        payment.refused(Capture, 1, PaymentFailureReason::ProviderUnavailable, EventTime(0));
        payment.wake(EventTime(FIRST_RETRY_MS));
        assert_eq!(asked(&mut payment, Wish::GiveBack), Some((Void, 0, 1)));
    }

    #[test]
    fn a_refund_is_asked_for_again_without_end_and_ever_more_slowly() {
        let mut payment = authorized();
        payment.ask(Wish::Take);
        payment.captured(TOTAL);
        let (mut now, mut waits) = (EventTime(0), vec![]);
        for attempt in 1..=9 {
            assert_eq!(asked(&mut payment, Wish::GiveBack), Some((Refund, 900, attempt)));
            payment.refused(Refund, attempt, PaymentFailureReason::ProviderUnavailable, now);
            assert_eq!(asked(&mut payment, Wish::GiveBack), None);
            let retry_at = payment.retry_at.unwrap_or(now);
            waits.push(retry_at.ms_since(now) / 60_000);
            now = retry_at;
            payment.wake(now);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn a_capture_is_given_up_after_some_attempts() {
        let mut payment = authorized();
        for attempt in 1..=MAX_CAPTURES {
            assert_eq!(asked(&mut payment, Wish::Take), Some((Capture, 900, attempt)));
            payment.refused(Capture, attempt, PaymentFailureReason::InsufficientFunds, EventTime(0));
            payment.wake(EventTime(i64::MAX));
        }
        assert_eq!(asked(&mut payment, Wish::Take), None);
    }

    #[test]
    fn a_refusal_of_another_attempt_changes_nothing() {
        let mut payment = authorized();
        payment.ask(Wish::Take);
        payment.refused(Capture, 2, PaymentFailureReason::CardDeclined, EventTime(0));
        payment.refused(Authorize, 1, PaymentFailureReason::CardDeclined, EventTime(0));
        assert_eq!((payment.declined, payment.retry_at), (None, None));
    }

    #[test]
    fn statuses_follow_the_account() {
        let mut payment = payment();
        assert_eq!(payment.status(), PaymentStatus::Pending);
        payment.ask(Wish::Reserve);
        payment.authorized(TOTAL);
        assert_eq!(payment.status(), PaymentStatus::Authorized);
        payment.ask(Wish::Take);
        assert_eq!(payment.status(), PaymentStatus::Processing);
        payment.captured(TOTAL);
        assert_eq!(payment.status(), PaymentStatus::Completed);
    }
}
