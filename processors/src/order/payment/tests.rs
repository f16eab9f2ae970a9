//! The account on sequences of wishes and answers.

use super::*;
use PaymentOperation::{Authorize, Capture, Refund, Void};

const TOTAL: Cop = Cop(900);

fn payment() -> Payment {
    Payment::new(OrderId(Uuid::from_u128(1)), TOTAL)
}

fn asked(payment: &mut Payment, wish: Wish) -> Option<(PaymentOperation, i64, i32)> {
    payment.ask(wish, EventTime(0)).map(|o| (o.kind, o.amount.0, o.attempt))
}

fn authorized() -> Payment {
    let mut payment = payment();
    payment.ask(Wish::Reserve, EventTime(0));
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
    payment.ask(Wish::Reserve, EventTime(0));
    assert_eq!(asked(&mut payment, Wish::GiveBack), None);
    payment.authorized(TOTAL);
    assert_eq!(asked(&mut payment, Wish::GiveBack), Some((Void, 0, 1)));

    let mut payment = authorized();
    payment.ask(Wish::Take, EventTime(0));
    assert_eq!(asked(&mut payment, Wish::GiveBack), None);
    payment.captured(TOTAL);
    assert_eq!(asked(&mut payment, Wish::GiveBack), Some((Refund, 900, 1)));
    payment.refunded(1, TOTAL);
    assert_eq!((asked(&mut payment, Wish::GiveBack), payment.status()), (None, PaymentStatus::Refunded));
}

#[test]
fn a_capture_that_failed_leaves_a_reservation_to_void() {
    let mut payment = authorized();
    payment.ask(Wish::Take, EventTime(0));
    payment.refused(Capture, 1, PaymentFailureReason::ProviderUnavailable, EventTime(0));
    payment.wake(EventTime(FIRST_RETRY_MS));
    assert_eq!(asked(&mut payment, Wish::GiveBack), Some((Void, 0, 1)));
}

#[test]
fn a_refund_is_asked_for_again_without_end_and_ever_more_slowly() {
    let mut payment = authorized();
    payment.ask(Wish::Take, EventTime(0));
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
    assert_eq!(payment.given_up().map(|o| (o.kind, o.attempt)), Some((Capture, MAX_CAPTURES)));
    assert_eq!(payment.status(), PaymentStatus::Failed, "a delivered order that nobody paid for is to be seen");
}

#[test]
fn a_refusal_of_another_attempt_changes_nothing() {
    let mut payment = authorized();
    payment.ask(Wish::Take, EventTime(0));
    payment.refused(Capture, 2, PaymentFailureReason::CardDeclined, EventTime(0));
    payment.refused(Authorize, 1, PaymentFailureReason::CardDeclined, EventTime(0));
    assert_eq!((payment.declined, payment.retry_at), (None, None));
}

#[test]
fn statuses_follow_the_account() {
    let mut payment = payment();
    assert_eq!(payment.status(), PaymentStatus::Pending);
    payment.ask(Wish::Reserve, EventTime(0));
    payment.authorized(TOTAL);
    assert_eq!(payment.status(), PaymentStatus::Authorized);
    payment.ask(Wish::Take, EventTime(0));
    assert_eq!(payment.status(), PaymentStatus::Processing);
    payment.captured(TOTAL);
    assert_eq!(payment.status(), PaymentStatus::Completed);
}

/// Of an order that was taken and is to be given back.
fn captured() -> Payment {
    let mut payment = authorized();
    payment.ask(Wish::Take, EventTime(0));
    payment.captured(TOTAL);
    payment
}

#[test]
fn refunds_in_parts_add_up_and_each_counts_once() {
    let mut payment = captured();
    assert_eq!(asked(&mut payment, Wish::GiveBack), Some((Refund, 900, 1)));
    payment.refunded(1, Cop(500));
    assert_eq!(asked(&mut payment, Wish::GiveBack), Some((Refund, 400, 2)));
    payment.refunded(1, Cop(500));
    payment.refunded(2, Cop(400));
    assert_eq!((payment.refunded, asked(&mut payment, Wish::GiveBack)), (TOTAL, None));
    assert_eq!((payment.is_settled(Wish::GiveBack), payment.status()), (true, PaymentStatus::Refunded));
}

#[test]
fn who_does_not_answer_is_asked_the_same_again_for_about_a_day() {
    let mut payment = captured();
    let first = payment.ask(Wish::GiveBack, EventTime(0));
    let mut reminders = vec![];
    while let Some(at) = payment.next_reminder() {
        assert_eq!(payment.ask(Wish::GiveBack, at.plus_ms(-1)), None);
        assert_eq!(payment.given_up(), None);
        assert_eq!(payment.ask(Wish::GiveBack, at), first, "the same attempt, the same idempotency key");
        reminders.push(at.millis() / 60_000);
    }
    assert_eq!(reminders, [30, 90, 210, 450, 690, 930, 1_170, 1_410]);
    assert_eq!((payment.given_up(), payment.is_settled(Wish::GiveBack)), (first, false));
    payment.refunded(1, TOTAL);
    assert_eq!((payment.given_up(), payment.is_settled(Wish::GiveBack)), (None, true), "a late answer still counts");
}

#[test]
fn an_answer_ends_the_reminders_and_the_next_operation_has_its_own() {
    let mut payment = captured();
    assert_eq!(payment.next_reminder(), None);
    let now = EventTime(5_000_000);
    payment.ask(Wish::GiveBack, now);
    assert_eq!(payment.next_reminder(), Some(now.plus_ms(FIRST_REMINDER_MS)));
}

#[test]
fn an_order_without_a_price_needs_no_payment() {
    let mut payment = Payment::new(OrderId(Uuid::nil()), Cop::ZERO);
    for wish in [Wish::Reserve, Wish::Take, Wish::GiveBack] {
        assert_eq!((asked(&mut payment, wish), payment.is_settled(wish)), (None, true), "{wish:?}");
    }
    assert_eq!((payment.is_authorized(), payment.status()), (true, PaymentStatus::Completed));
}
