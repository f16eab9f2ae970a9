//! What becomes of the money: orders that go well and in every known way wrong, with the order role, the payment role
//! and a bank. Each ends with an audit: the order, the ledger and the bank's own books say the same.

use crate::bank::{Fate, Report};
use crate::messages::*;
use crate::order_and_payment::{APPROVAL_S, OrderAndPayment, add_method};
use comanda_schemas::*;

const RESERVED: &str = "authorize-1";

/// From an order that is paid for to the food at the door.
fn deliver(town: &mut OrderAndPayment) {
    accept_and_cook(town);
    take_along(town);
    hand_over(town);
}

fn accept_and_cook(town: &mut OrderAndPayment) {
    let now = town.second;
    town.command(accept(1, now));
    town.command(start_preparing(1, now));
    town.command(mark_ready(1, now));
    town.pass(3);
}

fn take_along(town: &mut OrderAndPayment) {
    let now = town.second;
    town.delivery(picked_up(1, now));
    town.pass(3);
}

fn hand_over(town: &mut OrderAndPayment) {
    let now = town.second;
    town.delivery(delivered(1, now));
    town.pass(3);
}

#[test]
fn happy_path_the_price_is_reserved_then_taken_and_shared_out() {
    let mut town = OrderAndPayment::new();
    town.place();
    assert_eq!(town.status(), (OrderStatus::Pending, PaymentStatus::Authorized));
    deliver(&mut town);
    assert_eq!(town.status(), (OrderStatus::Delivered, PaymentStatus::Completed));
    assert_eq!((town.audit(), town.done()), (PRICE.0, vec!["AUTHORIZE:1".to_owned(), "CAPTURE:1".to_owned()]));
}

#[test]
fn declined_card_the_order_is_cancelled_and_nothing_was_taken() {
    let mut town = OrderAndPayment::new();
    town.bank.next(Fate::Declined);
    town.place();
    assert_eq!(town.status(), (OrderStatus::Cancelled, PaymentStatus::Failed));
    assert_eq!(town.view.as_ref().unwrap().cancel_reason, Some(CancelReason::PaymentFailed));
    assert_eq!((town.audit(), town.bank.books().reserved.len()), (0, 0));
}

#[test]
fn removed_method_the_bank_is_not_even_asked() {
    let mut town = OrderAndPayment::new();
    let method = add_method(1);
    town.method(RemovePaymentMethod {
        envelope: envelope(1, 0),
        customer_id: method.customer_id,
        payment_method_id: method.payment_method_id,
    });
    town.place();
    assert_eq!(town.status(), (OrderStatus::Cancelled, PaymentStatus::Failed));
    assert!(
        matches!(&town.told[..], [PaymentEvent::PaymentFailed(e)] if e.reason == PaymentFailureReason::MethodUnknown)
    );
    assert_eq!((town.audit(), town.done()), (0, vec![]));
}

#[test]
fn three_d_secure_approved_the_order_goes_on() {
    let mut town = OrderAndPayment::new();
    town.bank.next(Fate::Action);
    town.place();
    assert_eq!(town.status(), (OrderStatus::Pending, PaymentStatus::RequiresAction));
    let view = town.view.clone().unwrap();
    assert_eq!(view.payment_action_url, Some(format!("https://bank.test/{RESERVED}")));
    assert!(view.payment_action_deadline_at > Some(at(town.second + APPROVAL_S - 5)));
    town.pass(60);
    town.bank.approve(RESERVED);
    town.webhook(PaymentReport::Authorized, RESERVED, PRICE.0);
    assert_eq!(town.status(), (OrderStatus::Pending, PaymentStatus::Authorized));
    assert_eq!(town.view.as_ref().unwrap().payment_action_url, None);
    deliver(&mut town);
    assert_eq!((town.status().0, town.audit()), (OrderStatus::Delivered, PRICE.0));
}

#[test]
fn three_d_secure_abandoned_the_order_is_cancelled_at_the_deadline_and_the_bank_lets_go() {
    let mut town = OrderAndPayment::new();
    town.bank.next(Fate::Action);
    town.place();
    town.pass(APPROVAL_S - 10);
    assert_eq!(town.status().0, OrderStatus::Pending);
    town.pass(20);
    assert_eq!(town.status(), (OrderStatus::Cancelled, PaymentStatus::Failed));
    assert!(
        matches!(town.told.last(), Some(PaymentEvent::PaymentFailed(e)) if e.reason == PaymentFailureReason::NotApprovedInTime)
    );
    assert_eq!((town.audit(), town.bank.books().reserved.len()), (0, 0));
}

#[test]
fn cancel_while_authorising_the_reservation_is_let_go_as_soon_as_it_is_known() {
    let mut town = OrderAndPayment::new();
    town.bank.next(Fate::DoneAndHeld);
    town.place();
    let now = town.second;
    town.command(cancel(1, now, CancelledBy::Customer));
    town.pass(2);
    assert_eq!((town.status().0, town.bank.books().reserved.len()), (OrderStatus::Cancelled, 1));
    town.bank.answer();
    town.pass(3);
    assert_eq!(town.status(), (OrderStatus::Cancelled, PaymentStatus::Voided));
    assert_eq!((town.audit(), town.bank.books().reserved.len()), (0, 0));
}

#[test]
fn webhook_before_response_the_order_goes_on_and_the_late_response_changes_nothing() {
    let mut town = OrderAndPayment::new();
    town.bank.next(Fate::DoneAndHeld);
    town.place();
    assert_eq!(town.status(), (OrderStatus::Pending, PaymentStatus::Pending));
    town.webhook(PaymentReport::Authorized, RESERVED, PRICE.0);
    assert_eq!(town.status(), (OrderStatus::Pending, PaymentStatus::Authorized));
    town.bank.answer();
    deliver(&mut town);
    assert_eq!((town.audit(), town.done()), (PRICE.0, vec!["AUTHORIZE:1".to_owned(), "CAPTURE:1".to_owned()]));
}

#[test]
fn success_after_time_out_is_found_by_looking_it_up_and_not_done_again() {
    let mut town = OrderAndPayment::new();
    town.bank.next(Fate::DoneAndLost);
    town.place();
    town.pass(3);
    assert_eq!(town.status(), (OrderStatus::Pending, PaymentStatus::Authorized));
    town.bank.next(Fate::DoneAndLost);
    deliver(&mut town);
    assert_eq!((town.audit(), town.done()), (PRICE.0, vec!["AUTHORIZE:1".to_owned(), "CAPTURE:1".to_owned()]));
}

#[test]
fn provider_away_for_a_minute_the_order_waits_and_goes_on() {
    let mut town = OrderAndPayment::new();
    (0..5).for_each(|_| town.bank.next(Fate::Away));
    town.place();
    town.pass(60);
    assert_eq!(town.status(), (OrderStatus::Pending, PaymentStatus::Authorized));
    assert_eq!(town.done(), ["AUTHORIZE:1"]);
}

#[test]
fn capture_fails_after_delivery_it_is_asked_for_again_until_the_money_is_taken() {
    let mut town = OrderAndPayment::new();
    town.place();
    accept_and_cook(&mut town);
    town.bank.next(Fate::Declined);
    take_along(&mut town);
    hand_over(&mut town);
    assert_eq!(town.status(), (OrderStatus::Delivered, PaymentStatus::Authorized));
    assert_eq!(town.audit(), 0);
    town.pass(65);
    assert_eq!(town.status(), (OrderStatus::Delivered, PaymentStatus::Completed));
    assert_eq!((town.audit(), town.done()), (PRICE.0, vec!["AUTHORIZE:1".to_owned(), "CAPTURE:2".to_owned()]));
}

#[test]
fn refund_after_delivery_made_at_the_provider_s_desk_is_in_the_order_and_in_the_ledger() {
    let mut town = OrderAndPayment::new();
    town.place();
    deliver(&mut town);
    town.bank.give_back(1_234_567);
    town.webhook(PaymentReport::Refunded, "refund-at-the-desk", 1_234_567);
    town.webhook(PaymentReport::Refunded, "refund-at-the-desk", 1_234_567);
    assert_eq!((town.status().0, town.audit()), (OrderStatus::Delivered, PRICE.0 - 1_234_567));
}

#[test]
fn undeliverable_after_pick_up_all_of_it_is_given_back() {
    let mut town = OrderAndPayment::new();
    town.place();
    accept_and_cook(&mut town);
    take_along(&mut town);
    assert_eq!(town.audit(), PRICE.0);
    let now = town.second;
    town.delivery(delivery_failed(1, now, DeliveryFailureReason::CustomerAbsent, true));
    town.pass(3);
    assert_eq!(town.status(), (OrderStatus::Cancelled, PaymentStatus::Refunded));
    assert_eq!((town.audit(), town.done().last().unwrap().as_str()), (0, "REFUND:1"));
}

#[test]
fn double_click_the_same_order_twice_is_charged_once() {
    let mut town = OrderAndPayment::new();
    town.bank.next(Fate::DoneAndHeld);
    town.place();
    town.place();
    town.bank.answer();
    deliver(&mut town);
    assert_eq!((town.audit(), town.done()), (PRICE.0, vec!["AUTHORIZE:1".to_owned(), "CAPTURE:1".to_owned()]));
}

#[test]
fn a_report_that_cannot_be_meant_is_dead_lettered_and_changes_nothing() {
    let mut town = OrderAndPayment::new();
    town.command(place_order(1, 0));
    town.pass(3);
    let (report, reference) = (PaymentReport::Captured, RESERVED.to_owned());
    town.report(Report { report, reference, amount: -1, attempt: None });
    assert_eq!(town.dead_letters(), ["amount_minor: is -1, below nothing"]);
    deliver(&mut town);
    assert_eq!((town.status().0, town.audit()), (OrderStatus::Delivered, PRICE.0));
    assert_eq!(town.dead_letters(), [""; 0]);
}
