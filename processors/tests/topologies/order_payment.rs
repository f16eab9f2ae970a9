//! The order and its payment: answers that are not believed, answers that never come, orders that cost nothing.

use crate::messages::*;
use crate::order_driver::{Message, OrderRole};
use crate::order_life::until_ready;
use comanda_schemas::*;

const NOTHING: [&str; 0] = [];

/// An order whose food has left; the capture was asked for at second 960.
fn picked_up_role() -> OrderRole {
    let mut role = OrderRole::new();
    role.send_all(until_ready(1));
    assert_eq!(role.send(picked_up(1, 960)), ["OrderPickedUp", "CapturePayment 4150000 #1"]);
    role
}

#[test]
fn an_authorisation_of_another_amount_or_another_payment_is_dead_lettered_and_the_account_stays() {
    let ten_times = PaymentAuthorized { amount_centavos: Cop(41_500_000), ..authorized(1, 3) };
    let a_centavo = PaymentAuthorized { amount_centavos: Cop(1), ..authorized(1, 4) };
    let anothers = PaymentAuthorized { payment_id: payment_id(2), ..authorized(1, 5) };
    let mut role = OrderRole::new();
    role.send_all([Message::from(place_order(1, 0)), accept(1, 2).into()]);
    for (answer, reason) in [
        (ten_times, "amount_centavos: is 41500000, the order costs 4150000"),
        (a_centavo, "amount_centavos: is 1, the order costs 4150000"),
        (anothers, "payment_id: is not that of the order's payment"),
    ] {
        assert_eq!(role.send(answer), NOTHING);
        assert_eq!(role.dead_letters("payment.events"), [reason]);
    }
    assert_eq!(role.send(authorized(1, 6)), ["OrderConfirmed", "RequestDelivery"]);
}

#[test]
fn a_capture_of_another_amount_and_answers_of_another_payment_are_dead_lettered() {
    let mut role = picked_up_role();
    let too_much = PaymentCaptured { amount_centavos: Cop(4_150_001), ..captured(1, 961) };
    let failed = payment_failed(1, 962, PaymentOperation::Capture, 1);
    assert_eq!(role.send(too_much), NOTHING);
    assert_eq!(role.send(PaymentFailed { payment_id: payment_id(2), ..failed }), NOTHING);
    assert_eq!(role.send(PaymentVoided { payment_id: payment_id(2), ..voided(1, 963) }), NOTHING);
    let reasons = role.dead_letters("payment.events");
    let anothers = "payment_id: is not that of the order's payment";
    assert_eq!(reasons, ["amount_centavos: is 4150001, the order costs 4150000", anothers, anothers]);
    assert_eq!(role.view.unwrap().captured_centavos, Cop::ZERO);
}

#[test]
fn an_order_that_costs_nothing_is_confirmed_without_a_payment_and_delivered() {
    let free = PlaceOrder { discount_centavos: Cop(4_250_000), total_centavos: Cop::ZERO, ..place_order(1, 0) };
    let mut role = OrderRole::new();
    assert_eq!(role.send(free), ["OrderPlaced"]);
    assert_eq!(role.send(accept(1, 30)), ["OrderConfirmed", "RequestDelivery"]);
    assert_eq!(role.send(picked_up(1, 960)), ["OrderPickedUp"]);
    assert_eq!(role.send(delivered(1, 1_500)), ["OrderDelivered"]);
    assert_eq!(role.view.unwrap().payment_status, PaymentStatus::Completed);
}

#[test]
fn a_refund_in_parts_is_asked_for_until_all_is_back_and_no_longer() {
    let mut role = picked_up_role();
    role.send(captured(1, 962));
    role.send(cancel(1, 970, CancelledBy::Administrator));
    let part =
        |attempt, second, centavos| PaymentRefunded { amount_centavos: Cop(centavos), attempt, ..refunded(1, second) };
    assert_eq!(role.send(part(1, 980, 4_000_000)), ["RefundPayment 150000 #2"]);
    assert_eq!(role.send(part(1, 981, 4_000_000)), NOTHING, "told twice");
    assert_eq!(role.send(part(2, 990, 150_001)), NOTHING, "more than was taken");
    assert_eq!(
        role.dead_letters("payment.events"),
        ["amount_centavos: is 150001, only 150000 are left of what was taken"]
    );
    assert_eq!(role.send(part(2, 991, 150_000)), NOTHING);
    let view = role.view.unwrap();
    assert_eq!((view.payment_status, view.refunded_centavos), (PaymentStatus::Refunded, PRICE));
}

#[test]
fn an_unanswered_capture_is_asked_for_again_under_the_same_attempt() {
    let mut role = picked_up_role();
    let half_an_hour_later = 960 + 1_800;
    assert_eq!(role.send(place_order(2, half_an_hour_later - 1)), ["OrderPlaced", "AuthorizePayment"]);
    let said = role.send(place_order(3, half_an_hour_later + 1));
    assert!(said.contains(&"CapturePayment 4150000 #1".to_owned()), "{said:?}");
    role.send(captured(1, half_an_hour_later + 5));
    assert_eq!(role.view.unwrap().captured_centavos, PRICE);
}

#[test]
fn a_delivered_order_whose_card_refuses_for_good_shows_a_failed_payment() {
    let mut role = picked_up_role();
    role.send(delivered(1, 1_500));
    let mut second = 1_600;
    for attempt in 1..=5 {
        role.send(payment_failed(1, second, PaymentOperation::Capture, attempt));
        second += 60 << attempt;
        role.send(place_order(10 + attempt as u128, second));
    }
    role.send(eta(1, second, second, second));
    role.send(payment_failed(1, second, PaymentOperation::Capture, 5));
    let view = role.view.unwrap();
    assert_eq!((view.order_id, view.status), (order_id(1), OrderStatus::Delivered));
    assert_eq!(view.payment_status, PaymentStatus::Failed);
}

#[test]
fn payment_is_told_what_the_price_is_made_of_and_who_has_the_food() {
    let mut role = OrderRole::new();
    let order = place_order(1, 0);
    role.send(order.clone());
    let [PaymentCommand::AuthorizePayment(authorize)] = &role.payments[..] else { panic!("{:?}", role.payments) };
    let parts = (authorize.subtotal_centavos, authorize.delivery_fee_centavos, authorize.tax_centavos);
    assert_eq!(parts, (order.subtotal_centavos, order.delivery_fee_centavos, order.tax_centavos));
    assert_eq!(authorize.discount_centavos, order.discount_centavos);
    assert_eq!((authorize.restaurant_id, authorize.amount_centavos), (order.restaurant_id, order.total_centavos));
    let role = picked_up_role();
    let [PaymentCommand::CapturePayment(capture)] = &role.payments[..] else { panic!("{:?}", role.payments) };
    assert_eq!(capture.driver_id, Some(driver(1)));
}
