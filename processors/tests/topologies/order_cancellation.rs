//! Orders that end without delivery: who may end them, and that no amount is kept.

use crate::messages::*;
use crate::order_driver::{Message, OrderRole};
use crate::order_life::until_ready;
use comanda_schemas::*;

const NOTHING: [&str; 0] = [];

/// An order in each status: the messages that lead there.
fn led_to(status: OrderStatus) -> Vec<Message> {
    let taken = match status {
        OrderStatus::Pending => 1,
        OrderStatus::Confirmed => 3,
        OrderStatus::Preparing => 4,
        _ => 6,
    };
    let mut messages: Vec<Message> = until_ready(1).into_iter().take(taken).collect();
    if matches!(status, OrderStatus::PickedUp | OrderStatus::Delivered) {
        messages.extend([picked_up(1, 960).into(), captured(1, 962).into()]);
    }
    if status == OrderStatus::Delivered {
        messages.push(delivered(1, 1_500).into());
    }
    messages
}

#[test]
fn a_customer_may_cancel_until_the_food_has_left_and_money_and_driver_go_back() {
    for (status, said) in [
        (OrderStatus::Pending, vec!["OrderCancelled CUSTOMER_REQUEST in PENDING"]),
        (
            OrderStatus::Confirmed,
            vec!["OrderCancelled CUSTOMER_REQUEST in CONFIRMED", "VoidPayment #1", "CancelDelivery"],
        ),
        (
            OrderStatus::Preparing,
            vec!["OrderCancelled CUSTOMER_REQUEST in PREPARING", "VoidPayment #1", "CancelDelivery"],
        ),
        (OrderStatus::Ready, vec!["OrderCancelled CUSTOMER_REQUEST in READY", "VoidPayment #1", "CancelDelivery"]),
        (OrderStatus::PickedUp, vec!["rejected CancelOrder ILLEGAL_TRANSITION"]),
        (OrderStatus::Delivered, vec!["rejected CancelOrder ILLEGAL_TRANSITION"]),
    ] {
        let mut role = OrderRole::new();
        role.send_all(led_to(status));
        assert_eq!(role.status(), status);
        assert_eq!(role.send(cancel(1, 1_600, CancelledBy::Customer)), said, "{status:?}");
    }
}

#[test]
fn an_administrator_may_cancel_what_is_on_its_way_and_the_capture_is_refunded() {
    let mut role = OrderRole::new();
    role.send_all(led_to(OrderStatus::PickedUp));
    assert_eq!(
        role.send(cancel(1, 970, CancelledBy::Administrator)),
        ["OrderCancelled ADMINISTRATOR in PICKED_UP", "RefundPayment 4150000 #1"]
    );
    role.send(refunded(1, 980));
    let view = role.view.unwrap();
    assert_eq!((view.payment_status, view.refunded_centavos), (PaymentStatus::Refunded, PRICE));
}

#[test]
fn nobody_cancels_a_delivered_order() {
    let mut role = OrderRole::new();
    role.send_all(led_to(OrderStatus::Delivered));
    assert_eq!(role.send(cancel(1, 1_600, CancelledBy::Administrator)), ["rejected CancelOrder ILLEGAL_TRANSITION"]);
}

#[test]
fn a_refusing_restaurant_ends_the_order_and_lets_the_reservation_go() {
    let mut role = OrderRole::new();
    role.send_all([Message::from(place_order(1, 0)), authorized(1, 3).into()]);
    assert_eq!(role.send(reject(1, 30)), ["OrderCancelled RESTAURANT_REJECTED in PENDING", "VoidPayment #1"]);
    role.send(voided(1, 32));
    assert_eq!(role.view.unwrap().payment_status, PaymentStatus::Voided);
}

#[test]
fn a_restaurant_cannot_refuse_what_it_is_cooking() {
    let mut role = OrderRole::new();
    role.send_all(led_to(OrderStatus::Preparing));
    assert_eq!(role.send(reject(1, 70)), ["rejected RejectOrder ILLEGAL_TRANSITION"]);
}

#[test]
fn a_refused_card_ends_the_order_and_no_money_moves() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    let failed = payment_failed(1, 3, PaymentOperation::Authorize, 1);
    assert_eq!(role.send(failed), ["OrderCancelled PAYMENT_FAILED in PENDING"]);
    assert_eq!(role.view.as_ref().unwrap().payment_status, PaymentStatus::Failed);
    assert_eq!(role.send(accept(1, 30)), ["rejected AcceptOrder ILLEGAL_TRANSITION"]);
}

#[test]
fn an_authorisation_that_comes_after_the_cancellation_is_voided() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    role.send(cancel(1, 2, CancelledBy::Customer));
    assert_eq!(role.send(authorized(1, 3)), ["VoidPayment #1"]);
}

#[test]
fn a_capture_that_comes_after_the_cancellation_is_refunded_and_nothing_is_asked_for_before() {
    let mut role = OrderRole::new();
    role.send_all(until_ready(1));
    role.send(picked_up(1, 960));
    let failed = delivery_failed(1, 970, DeliveryFailureReason::CustomerAbsent, true);
    assert_eq!(role.send(failed), ["OrderCancelled UNDELIVERABLE in PICKED_UP"]);
    assert_eq!(role.send(captured(1, 975)), ["RefundPayment 4150000 #1"]);
}

#[test]
fn a_capture_that_fails_after_the_cancellation_leaves_a_reservation_that_is_voided() {
    let mut role = OrderRole::new();
    role.send_all(until_ready(1));
    role.send(picked_up(1, 960));
    role.send(delivery_failed(1, 970, DeliveryFailureReason::Damaged, true));
    assert_eq!(role.send(payment_failed(1, 975, PaymentOperation::Capture, 1)), NOTHING);
    assert_eq!(role.send(place_order(2, 1_036)), ["OrderPlaced", "AuthorizePayment", "VoidPayment #1"]);
}

#[test]
fn a_failed_delivery_ends_the_order_by_its_reason() {
    for (reason, cancelled) in [
        (DeliveryFailureReason::NoDriver, "NO_DRIVER"),
        (DeliveryFailureReason::DriverLost, "DRIVER_LOST"),
        (DeliveryFailureReason::WrongAddress, "UNDELIVERABLE"),
    ] {
        let mut role = OrderRole::new();
        role.send_all(led_to(OrderStatus::Ready));
        let said = role.send(delivery_failed(1, 1_000, reason, false));
        assert_eq!(said, [format!("OrderCancelled {cancelled} in READY"), "VoidPayment #1".to_owned()]);
    }
}

#[test]
fn a_pick_up_that_crosses_the_cancellation_takes_no_money() {
    let mut role = OrderRole::new();
    role.send_all(led_to(OrderStatus::Ready));
    role.send(cancel(1, 950, CancelledBy::Customer));
    assert_eq!(role.send(picked_up(1, 949)), NOTHING);
    assert_eq!(role.status(), OrderStatus::Cancelled);
}

#[test]
fn a_refused_refund_is_asked_for_again_after_a_minute() {
    let mut role = OrderRole::new();
    role.send_all(led_to(OrderStatus::PickedUp));
    role.send(cancel(1, 970, CancelledBy::Administrator));
    assert_eq!(role.send(payment_failed(1, 980, PaymentOperation::Refund, 1)), NOTHING);
    assert_eq!(role.send(place_order(2, 1_039)), ["OrderPlaced", "AuthorizePayment"]);
    assert_eq!(role.send(place_order(3, 1_041)), ["OrderPlaced", "AuthorizePayment", "RefundPayment 4150000 #2"]);
    role.send(refunded(1, 1_050));
    assert_eq!(role.view.unwrap().payment_status, PaymentStatus::Refunded);
}

#[test]
fn an_order_without_payment_ends_after_ten_minutes_and_without_a_restaurant_after_fifteen() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    assert_eq!(role.send(place_order(2, 599)), ["OrderPlaced", "AuthorizePayment"]);
    role.send(authorized(2, 601));
    assert_eq!(role.view.as_ref().unwrap().order_id, order_id(1));
    let said = role.send(place_order(3, 1_500));
    let late = ["OrderPlaced", "OrderCancelled RESTAURANT_TIMEOUT in PENDING", "AuthorizePayment", "VoidPayment #1"];
    assert_eq!(said, late);
}

#[test]
fn a_time_limit_fires_once_and_at_its_own_time() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    let said = role.send(place_order(2, 1_700));
    assert_eq!(said, ["OrderPlaced", "OrderCancelled PAYMENT_TIMEOUT in PENDING", "AuthorizePayment"]);
    let view = role.view.clone().unwrap();
    assert_eq!((view.order_id, view.cancelled_at), (order_id(1), Some(at(600))));
    assert_eq!(view.envelope.causation_id, None);
    assert_eq!(role.send(place_order(3, 1_750)), ["OrderPlaced", "AuthorizePayment"]);
}

#[test]
fn food_that_never_leaves_and_a_driver_who_never_arrives_end_the_order() {
    let mut role = OrderRole::new();
    role.send_all(led_to(OrderStatus::Ready));
    let three_hours_after_the_promise = 2_400 + 3 * 3_600;
    let said = role.send(place_order(2, three_hours_after_the_promise));
    assert!(said.contains(&"OrderCancelled NO_DRIVER in READY".to_owned()), "{said:?}");
    assert!(said.contains(&"CancelDelivery".to_owned()), "{said:?}");

    let mut role = OrderRole::new();
    role.send_all(led_to(OrderStatus::PickedUp));
    let said = role.send(place_order(2, 960 + 5 * 3_600));
    assert!(said.contains(&"OrderCancelled DRIVER_LOST in PICKED_UP".to_owned()), "{said:?}");
    assert!(said.contains(&"RefundPayment 4150000 #1".to_owned()), "{said:?}");
}

#[test]
fn an_order_is_forgotten_a_month_after_its_end_but_not_while_money_is_out() {
    const MONTH: i64 = 30 * 24 * 3_600;
    let mut role = OrderRole::new();
    role.send_all(led_to(OrderStatus::Delivered));
    role.send(place_order(2, MONTH + 2_000));
    assert_eq!(role.send(mark_ready(1, MONTH + 2_001)), ["rejected MarkReady UNKNOWN_ORDER"]);

    let mut role = OrderRole::new();
    role.send_all(led_to(OrderStatus::PickedUp));
    role.send(cancel(1, 970, CancelledBy::Administrator));
    role.send(place_order(2, MONTH + 2_000));
    assert_eq!(role.send(mark_ready(1, MONTH + 2_001)), ["rejected MarkReady ILLEGAL_TRANSITION"]);
}

#[test]
fn without_any_more_messages_the_clock_ends_the_wait() {
    let mut role = OrderRole::with_clock(at(0).millis());
    role.send(place_order(1, 0));
    role.driver.advance_wall_clock_time(599_000).unwrap();
    assert_eq!(role.said(), NOTHING);
    role.driver.advance_wall_clock_time(1_000).unwrap();
    assert_eq!(role.said(), ["OrderCancelled PAYMENT_TIMEOUT in PENDING"]);
    assert_eq!(role.view.unwrap().cancelled_at, Some(at(600)));
}
