//! Drivers: shifts, silence, and one zone at a time.

use crate::delivery_driver::*;
use comanda_schemas::*;

const NOTHING: [&str; 0] = [];

#[test]
fn a_shift_begins_idle_and_ends_off_shift() {
    let mut role = DeliveryRole::new();
    assert_eq!(role.hear(shift(1, 0, "zone-1", 0.0)), ["driver 1 IDLE in zone-1"]);
    assert_eq!(role.hear(ping(1, 10, "zone-1", 50.0)), NOTHING, "a position is no news to others");
    assert_eq!(role.hear(shift_end(1, 20)), ["driver 1 OFF_SHIFT in zone-1"]);
    assert_eq!(role.send(request(1, 30, None)), NOTHING);
}

#[test]
fn a_shift_that_ends_with_an_order_in_hand_ends_after_it() {
    let mut role = DeliveryRole::new();
    role.hear(shift(1, 0, "zone-1", 0.0));
    role.send(request(1, 10, None));
    role.send(pickup(1, 1, 60));
    assert_eq!(role.hear(shift_end(1, 70)), NOTHING);
    role.send(request(2, 80, None));
    assert_eq!(role.send(hand_over(1, 1, 600)), ["1 delivered", "driver 1 OFF_SHIFT in zone-1"]);
    assert_eq!(role.live.len(), 0, "no order for who is leaving");
}

#[test]
fn who_has_been_silent_is_not_asked_until_he_is_heard_again() {
    let mut role = DeliveryRole::new();
    role.hear(shift(1, 0, "zone-1", 0.0));
    assert_eq!(role.send(request(1, 181, None)), NOTHING);
    assert_eq!(role.hear(ping(1, 182, "zone-1", 0.0)), ["1 to 1 #1", "driver 1 ASSIGNED in zone-1"]);
}

#[test]
fn repeated_and_late_messages_of_a_device_change_nothing() {
    let mut role = DeliveryRole::new();
    let (start, end) = (shift(1, 0, "zone-1", 0.0), shift_end(1, 100));
    role.hear(start.clone());
    role.hear(ping(1, 50, "zone-1", 10.0));
    assert_eq!(role.hear(start.clone()), NOTHING);
    role.hear(end.clone());
    assert_eq!(role.hear(start), NOTHING, "a repeated start does not put him on shift again");
    assert_eq!(role.hear(ping(1, 90, "zone-1", 10.0)), NOTHING);
    role.hear(shift(1, 200, "zone-1", 0.0));
    assert_eq!(role.hear(end), NOTHING, "a repeated end does not end the next shift");
    assert_eq!(role.send(request(1, 210, None))[0], "1 to 1 #1");
}

#[test]
fn an_idle_driver_moves_to_another_zone_and_is_asked_there_only() {
    let mut role = DeliveryRole::new();
    role.hear(shift(1, 0, "zone-1", 0.0));
    assert_eq!(role.hear(shift(1, 10, "zone-2", 0.0)), ["driver 1 OFF_SHIFT in zone-1", "driver 1 IDLE in zone-2"]);
    assert_eq!(role.send(request_in("zone-1", 1, 20, None)), NOTHING);
    assert_eq!(role.send(request_in("zone-2", 2, 21, None))[0], "2 to 1 #1");
}

#[test]
fn a_busy_driver_gets_nothing_in_the_next_zone_before_the_former_has_let_him_go() {
    let mut role = DeliveryRole::new();
    role.hear(shift(1, 0, "zone-1", 0.0));
    role.send(request_in("zone-1", 1, 10, None));
    assert_eq!(role.hear(ping(1, 20, "zone-2", 0.0)), NOTHING);
    assert_eq!(role.send(request_in("zone-2", 2, 21, None)), NOTHING);
    role.send(pickup(1, 1, 60));
    role.hear(ping(1, 590, "zone-2", 0.0));
    let said = role.send(hand_over(1, 1, 600));
    assert_eq!(
        said,
        [
            "1 delivered",
            "2 to 1 #1",
            "driver 1 OFF_SHIFT in zone-1",
            "driver 1 IDLE in zone-2",
            "driver 1 ASSIGNED in zone-2"
        ]
    );
}

#[test]
fn a_driver_who_comes_back_before_he_was_let_go_stays() {
    let mut role = DeliveryRole::new();
    role.hear(shift(1, 0, "zone-1", 0.0));
    role.send(request(1, 10, None));
    role.hear(shift_end(1, 20));
    role.hear(shift(1, 30, "zone-1", 0.0));
    role.send(pickup(1, 1, 60));
    assert_eq!(role.send(hand_over(1, 1, 100)), ["1 delivered", "driver 1 IDLE in zone-1"]);
}

#[test]
fn a_position_that_is_nowhere_is_dead_lettered() {
    let mut role = DeliveryRole::new();
    assert_eq!(role.hear(DriverPing { lat: 95.0, ..ping(1, 0, "zone-1", 0.0) }), NOTHING);
    assert_eq!(role.dead_letters("delivery.driver-pings"), ["lat: is not within ±90 degrees"]);
}
