//! The life of an order that goes well, and what it tells on its way.

use crate::messages::*;
use crate::order_driver::{Message, OrderRole};
use comanda_processors::order::{self, ORDERS};
use comanda_schemas::*;

/// Everything up to (not including) the pick-up.
pub fn until_ready(n: u128) -> Vec<Message> {
    vec![
        place_order(n, 0).into(),
        authorized(n, 3).into(),
        accept(n, 30).into(),
        start_preparing(n, 60).into(),
        assigned(n, 600).into(),
        mark_ready(n, 900).into(),
    ]
}

#[test]
fn an_order_goes_from_placed_to_delivered_and_says_each_step_once() {
    let mut role = OrderRole::new();
    assert_eq!(role.send(place_order(1, 0)), ["OrderPlaced", "AuthorizePayment"]);
    assert_eq!(role.send(authorized(1, 3)), [] as [&str; 0]);
    assert_eq!(role.send(accept(1, 30)), ["OrderConfirmed", "RequestDelivery"]);
    assert_eq!(role.send(start_preparing(1, 60)), ["OrderPreparing"]);
    assert_eq!(role.send(assigned(1, 600)), [] as [&str; 0]);
    assert_eq!(role.send(mark_ready(1, 900)), ["OrderReady"]);
    assert_eq!(role.send(picked_up(1, 960)), ["OrderPickedUp", "CapturePayment 4150000 #1"]);
    assert_eq!(role.send(captured(1, 962)), [] as [&str; 0]);
    assert_eq!(role.send(delivered(1, 1500)), ["OrderDelivered"]);
    let view = role.view.unwrap();
    assert_eq!((view.status, view.payment_status), (OrderStatus::Delivered, PaymentStatus::Completed));
    assert_eq!((view.captured_centavos, view.refunded_centavos), (PRICE, Cop::ZERO));
    assert_eq!((view.driver_id, view.version), (Some(driver(1)), 9));
    let times = [view.confirmed_at, view.preparing_at, view.assigned_at, view.ready_at, view.picked_up_at];
    assert_eq!(times, [30, 60, 600, 900, 960].map(|second| Some(at(second))));
    assert_eq!((view.delivered_at, view.cancelled_at), (Some(at(1500)), None));
}

#[test]
fn acceptance_and_authorisation_confirm_in_either_order() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    assert_eq!(role.send(accept(1, 3)), [] as [&str; 0]);
    assert_eq!(role.send(authorized(1, 30)), ["OrderConfirmed", "RequestDelivery"]);
    assert_eq!(role.view.unwrap().confirmed_at, Some(at(30)));
}

#[test]
fn an_order_is_confirmed_at_the_later_of_both_times_even_if_that_was_taken_in_first() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    role.send(accept(1, 40));
    assert_eq!(role.send(authorized(1, 3)), ["OrderConfirmed", "RequestDelivery"]);
    assert_eq!(role.view.unwrap().confirmed_at, Some(at(40)));
}

#[test]
fn a_pick_up_implies_that_the_food_was_ready_and_the_late_word_is_noted() {
    let mut role = OrderRole::new();
    role.send_all(until_ready(1).into_iter().take(5));
    assert_eq!(role.send(picked_up(1, 960)), ["OrderPickedUp", "CapturePayment 4150000 #1"]);
    assert_eq!(role.send(mark_ready(1, 900)), ["OrderReady"]);
    assert_eq!((role.status(), role.view.unwrap().ready_at), (OrderStatus::PickedUp, Some(at(900))));
}

#[test]
fn the_same_message_twice_is_taken_once() {
    let mut role = OrderRole::new();
    let (place, accept, pay) = (place_order(1, 0), accept(1, 30), authorized(1, 3));
    role.send(place.clone());
    assert_eq!(role.send(place), [] as [&str; 0]);
    role.send(pay.clone());
    assert_eq!(role.send(accept.clone()), ["OrderConfirmed", "RequestDelivery"]);
    let version = role.view.as_ref().unwrap().version;
    assert_eq!(role.send(accept), [] as [&str; 0]);
    assert_eq!(role.send(pay), [] as [&str; 0]);
    assert_eq!(role.view.unwrap().version, version);
}

#[test]
fn a_capture_told_twice_under_two_identities_is_still_one_amount() {
    let mut role = OrderRole::new();
    role.send_all(until_ready(1));
    role.send(picked_up(1, 960));
    role.send(captured(1, 962));
    role.send(captured(1, 963));
    assert_eq!(role.view.unwrap().captured_centavos, PRICE);
}

#[test]
fn what_the_status_does_not_allow_is_rejected_with_a_reason_and_changes_nothing() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    let view = role.view.clone();
    assert_eq!(role.send(mark_ready(1, 5)), ["rejected MarkReady ILLEGAL_TRANSITION"]);
    assert_eq!(role.send(start_preparing(1, 6)), ["rejected StartPreparing ILLEGAL_TRANSITION"]);
    assert_eq!(role.send(place_order(1, 7)), ["rejected PlaceOrder ORDER_EXISTS"]);
    let stranger = AcceptOrder { restaurant_id: RestaurantId(uuid::Uuid::nil()), ..accept(1, 8) };
    assert_eq!(role.send(stranger), ["rejected AcceptOrder NOT_THE_RESTAURANT"]);
    assert_eq!(role.view, view);
    role.send(accept(1, 9));
    assert_eq!(role.send(accept(1, 10)), ["rejected AcceptOrder ILLEGAL_TRANSITION"]);
}

#[test]
fn a_rejected_command_that_is_repeated_is_rejected_once() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    let too_early = mark_ready(1, 5);
    assert_eq!(role.send(too_early.clone()).len(), 1);
    assert_eq!(role.send(too_early), [] as [&str; 0]);
}

#[test]
fn a_command_about_an_unknown_order_is_rejected_and_leaves_no_state() {
    let mut role = OrderRole::new();
    assert_eq!(role.send(cancel(9, 0, CancelledBy::Customer)), ["rejected CancelOrder UNKNOWN_ORDER"]);
    assert_eq!(role.send(authorized(9, 1)), [] as [&str; 0]);
    assert_eq!(role.driver.dropped_records(), 1);
    assert_eq!(role.send(place_order(9, 2)), ["OrderPlaced", "AuthorizePayment"]);
}

#[test]
fn the_newest_estimate_is_shown_whatever_the_order_of_arrival() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    role.send(eta(1, 20, 1_800, 2_400));
    role.send(eta(1, 10, 1_500, 2_100));
    let view = role.view.unwrap();
    assert_eq!((view.eta_p50_at, view.eta_p90_at, view.version), (Some(at(1_800)), Some(at(2_400)), 2));
}

#[test]
fn a_declined_ride_shows_no_driver_until_the_next_is_found() {
    let mut role = OrderRole::new();
    role.send_all(until_ready(1));
    role.send(declined(1, 910));
    let view = role.view.as_ref().unwrap();
    assert_eq!((view.delivery_status, view.driver_id, view.assigned_at), (DeliveryStatus::Declined, None, None));
    role.send(assigned(1, 920));
    assert_eq!(role.view.unwrap().assigned_at, Some(at(920)));
}

#[test]
fn the_store_answers_with_the_same_view_as_the_topic() {
    let mut role = OrderRole::new();
    role.send_all(until_ready(1));
    let (keys, states) = order::orders_serde();
    let mut key = vec![];
    keys.serialize("orders", &order_id(1), &mut key).unwrap();
    let bytes = role.driver.stores().key_value(ORDERS).unwrap().get(&key).unwrap().unwrap();
    let state = states.deserialize("orders", &bytes).unwrap();
    assert_eq!(Some(order::view(&state)), role.view);
}

#[test]
fn ids_of_what_is_written_follow_from_the_cause() {
    let run = |message: &PlaceOrder| {
        let mut role = OrderRole::new();
        role.send(message.clone());
        role.view.unwrap().envelope.event_id
    };
    let place = place_order(1, 0);
    assert_eq!(run(&place), run(&place));
    assert_ne!(run(&place), run(&place_order(1, 0)));
}
