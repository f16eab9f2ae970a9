//! Orders for later: accepted at once, sent to the restaurant in time, free to cancel until then.

use crate::messages::*;
use crate::order_driver::OrderRole;
use comanda_schemas::*;

const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 3_600;

/// Placed at 17:00 for 21:00.
fn for_nine_o_clock() -> PlaceOrder {
    PlaceOrder { scheduled_for: Some(at(4 * HOUR_S)), promised_at: Some(at(4 * HOUR_S)), ..place_order(1, 0) }
}

/// Somebody else orders at this time: time passes.
fn pass_time_until(role: &mut OrderRole, second: i64) -> Vec<String> {
    role.send(place_order(900 + u128::try_from(second).unwrap(), second))
}

#[test]
fn a_scheduled_order_is_accepted_now_and_goes_to_the_restaurant_75_minutes_before_its_time() {
    let mut role = OrderRole::new();
    assert_eq!(role.send(for_nine_o_clock()), ["OrderPlaced"], "no money is reserved for hours");
    assert_eq!(role.status(), OrderStatus::Scheduled);
    assert_eq!(role.send(accept(1, 10)), ["rejected AcceptOrder ILLEGAL_TRANSITION"]);
    let released_s = 4 * HOUR_S - 75 * MINUTE_S;
    assert!(!pass_time_until(&mut role, released_s - 1).contains(&"OrderReleased".to_owned()));
    let said = pass_time_until(&mut role, released_s + 1);
    assert_eq!(said.iter().filter(|said| *said == "OrderReleased").count(), 1, "{said:?}");
    assert_eq!(role.payments_of(1).len(), 1, "the money is reserved now");
    assert_eq!(role.view_of(1).status, OrderStatus::Pending);

    // The waits for the money and the restaurant begin with the release.
    role.send(authorized(1, released_s + 60));
    assert_eq!(role.view_of(1).status, OrderStatus::Pending);
    assert_eq!(role.send(accept(1, released_s + 5 * MINUTE_S)), ["OrderConfirmed", "RequestDelivery"]);
    role.send(start_preparing(1, released_s + 30 * MINUTE_S));
    role.send(mark_ready(1, released_s + 55 * MINUTE_S));
    role.send(picked_up(1, released_s + 60 * MINUTE_S));
    role.send(delivered(1, 4 * HOUR_S));
    assert_eq!(role.view_of(1).status, OrderStatus::Delivered);
}

#[test]
fn a_scheduled_order_is_cancelled_for_nothing_before_its_time() {
    for (by, reason) in [(CancelledBy::Customer, "CUSTOMER_REQUEST"), (CancelledBy::Administrator, "ADMINISTRATOR")] {
        let mut role = OrderRole::new();
        role.send(for_nine_o_clock());
        let said = role.send(cancel(1, HOUR_S, by));
        assert_eq!(said, [format!("OrderCancelled {reason} in SCHEDULED")], "no money moves, no driver is sent back");
        assert!(!pass_time_until(&mut role, 4 * HOUR_S).contains(&"OrderReleased".to_owned()));
    }
}

#[test]
fn a_restaurant_that_does_not_answer_a_released_order_ends_it_a_quarter_of_an_hour_later() {
    let mut role = OrderRole::new();
    role.send(for_nine_o_clock());
    let released_s = 4 * HOUR_S - 75 * MINUTE_S;
    pass_time_until(&mut role, released_s + 1);
    role.send(authorized(1, released_s + 10));
    pass_time_until(&mut role, released_s + 16 * MINUTE_S);
    let view = role.view_of(1);
    assert_eq!((view.status, view.cancel_reason), (OrderStatus::Cancelled, Some(CancelReason::RestaurantTimeout)));
}

#[test]
fn an_order_scheduled_for_soon_goes_to_the_restaurant_at_once() {
    let mut role = OrderRole::new();
    let soon = PlaceOrder { scheduled_for: Some(at(75 * MINUTE_S)), ..place_order(1, 0) };
    assert_eq!(role.send(soon), ["OrderPlaced", "OrderReleased", "AuthorizePayment"]);
}

#[test]
fn an_order_that_is_released_late_after_an_outage_still_gets_its_whole_wait() {
    let mut role = OrderRole::new();
    role.send(for_nine_o_clock());
    pass_time_until(&mut role, 4 * HOUR_S - 20 * MINUTE_S);
    pass_time_until(&mut role, 4 * HOUR_S - 15 * MINUTE_S);
    assert_eq!(role.view_of(1).status, OrderStatus::Pending);
    pass_time_until(&mut role, 4 * HOUR_S - 9 * MINUTE_S);
    assert_eq!(role.view_of(1).cancel_reason, Some(CancelReason::PaymentTimeout));
}
