//! Clocks that are not ours: what a wrong one may not do to others, nor for ever to its owner.

use crate::delivery_driver::*;
use crate::messages::*;
use crate::order_driver::OrderRole;
use comanda_schemas::*;

const NOTHING: [&str; 0] = [];
const YEAR_2100: EventTime = EventTime(4_102_444_800_000);

#[test]
fn a_record_ahead_of_the_clock_ends_no_order_of_its_partition() {
    let mut role = OrderRole::with_clock(at(60).millis());
    role.send(place_order(1, 0));
    let an_hour_ahead = at(3_660).millis();
    assert_eq!(role.send_stamped(an_hour_ahead, place_order(2, 60)), ["OrderPlaced", "AuthorizePayment"]);
    role.driver.advance_wall_clock_time(539_000).unwrap();
    assert_eq!(role.said(), NOTHING);
    role.driver.advance_wall_clock_time(1_000).unwrap();
    assert_eq!(role.said(), ["OrderCancelled PAYMENT_TIMEOUT in PENDING"]);
}

#[test]
fn a_record_of_another_century_is_dead_lettered() {
    let mut role = OrderRole::with_clock(at(60).millis());
    role.send(place_order(1, 0));
    assert_eq!(role.send_stamped(YEAR_2100.millis(), place_order(2, 60)), NOTHING);
    assert_eq!(role.dead_letters("order.commands"), ["timestamp: lies more than a day ahead of the clock"]);
}

#[test]
fn a_driver_whose_clock_was_ahead_is_heard_as_soon_as_it_is_right() {
    let mut role = DeliveryRole::with_clock(at(0).millis());
    role.hear(shift(1, 1_800, "zone-1", 5_000.0));
    role.driver.advance_wall_clock_time(10_000).unwrap();
    assert_eq!(role.hear(ping(1, 10, "zone-1", 100.0)), NOTHING);
    assert_eq!(role.send(request(1, 10, None))[0], "1 to 1 #1");
    let Some(DeliveryEvent::DeliveryAssigned(assigned)) = role.last_event else { panic!("not assigned") };
    assert!(assigned.driver_distance_m < 300.0, "from where he is now: {}", assigned.driver_distance_m);
}

#[test]
fn a_driver_whose_clock_is_ahead_is_not_asked_once_he_is_silent() {
    let mut role = DeliveryRole::with_clock(at(0).millis());
    role.hear(shift(1, 1_800, "zone-1", 0.0));
    role.driver.advance_wall_clock_time(181_000).unwrap();
    assert_eq!(role.send(request(1, 181, None)), NOTHING);
}

#[test]
fn a_pick_up_of_another_century_does_not_keep_the_order_and_one_request_does_not_end_the_routes_of_others() {
    let mut role = DeliveryRole::with_clock(at(0).millis());
    role.hear(shift(1, 0, "zone-1", 0.0));
    assert_eq!(role.send(request(1, 0, None))[0], "1 to 1 #1");
    let never = |n, envelope: Envelope| RequestDelivery { envelope, ..request(n, 0, None) };
    let late = Envelope { occurred_at: YEAR_2100, ..envelope(1, 0) };
    assert_eq!(role.send(never(2, late.clone())), NOTHING);
    let late_pickup = ConfirmPickup { envelope: late, ..pickup(1, 1, 0) };
    assert_eq!(role.send_stamped(at(0).millis(), late_pickup), NOTHING);
    assert_eq!(
        role.dead_letters("delivery.commands"),
        [
            "timestamp: lies more than a day ahead of the clock",
            "occurred_at: lies more than an hour after the record's timestamp"
        ]
    );
    assert_eq!(role.send(pickup(1, 1, 0))[0], "1 picked up");
}
