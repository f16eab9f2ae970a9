//! Rides: who gets them, and every way they end.

use crate::delivery_driver::*;
use crate::messages::*;
use comanda_schemas::*;

const NOTHING: [&str; 0] = [];

/// A role with drivers so many metres from the restaurant, numbered from 1.
fn with_drivers(metres: &[f64]) -> DeliveryRole {
    let mut role = DeliveryRole::new();
    for (i, metres) in metres.iter().enumerate() {
        role.hear(shift(i as u128 + 1, 0, "zone-1", *metres));
    }
    role
}

#[test]
fn the_nearest_idle_driver_gets_the_order_and_follows_it_to_the_door() {
    let mut role = with_drivers(&[900.0, 200.0]);
    assert_eq!(role.send(request(1, 10, None)), ["1 to 2 #1", "driver 2 ASSIGNED in zone-1"]);
    assert_eq!(role.send(pickup(1, 2, 300)), ["1 picked up", "driver 2 CARRYING in zone-1"]);
    assert_eq!(role.send(transit(1, 2, 320)), ["1 in transit"]);
    assert_eq!(role.send(hand_over(1, 2, 900)), ["1 delivered", "driver 2 IDLE in zone-1"]);
}

#[test]
fn what_was_delivered_says_when_each_step_was() {
    let mut role = with_drivers(&[200.0]);
    role.send(request(1, 10, None));
    role.send(pickup(1, 1, 300));
    role.send(hand_over(1, 1, 900));
    let Some(DeliveryEvent::DeliveryDelivered(e)) = role.last_event.clone() else { panic!("nothing was delivered") };
    assert_eq!([e.requested_at, e.assigned_at, e.picked_up_at], [at(10), at(10), at(300)]);
    assert_eq!((e.restaurant_cell, e.customer_cell), (cell(0.0), cell(2_000.0)));
}

#[test]
fn a_driver_is_looked_for_ten_minutes_before_the_food_is_ready() {
    let mut role = with_drivers(&[200.0]);
    assert_eq!(role.send(request(1, 10, Some(1_800))), NOTHING);
    assert_eq!(role.hear(ping(1, 1_199, "zone-1", 200.0)), NOTHING);
    assert_eq!(role.hear(ping(1, 1_200, "zone-1", 200.0)), ["1 to 1 #1", "driver 1 ASSIGNED in zone-1"]);
}

#[test]
fn who_waits_longest_is_served_first_when_a_driver_gets_free() {
    let mut role = with_drivers(&[200.0]);
    role.send(request(1, 10, None));
    assert_eq!(role.send(request(2, 20, None)), NOTHING);
    assert_eq!(role.send(request(3, 15, None)), NOTHING);
    role.send(pickup(1, 1, 100));
    role.hear(ping(1, 130, "zone-1", 900.0));
    let said = role.send(hand_over(1, 1, 140));
    assert_eq!(said, ["1 delivered", "3 to 1 #1", "driver 1 IDLE in zone-1", "driver 1 ASSIGNED in zone-1"]);
}

#[test]
fn a_declined_order_goes_to_the_next_driver_and_never_again_to_the_same() {
    let mut role = with_drivers(&[100.0, 400.0]);
    role.send(request(1, 10, None));
    let said = role.send(decline(1, 1, 20));
    assert_eq!(said, ["1 declined by 1", "1 to 2 #2", "driver 1 IDLE in zone-1", "driver 2 ASSIGNED in zone-1"]);
    assert_eq!(role.send(decline(1, 2, 30)), ["1 declined by 2", "driver 2 IDLE in zone-1"]);
    assert_eq!(role.hear(ping(1, 40, "zone-1", 0.0)), NOTHING);
    assert_eq!(
        role.hear(shift(3, 50, "zone-1", 900.0)),
        ["1 to 3 #3", "driver 3 IDLE in zone-1", "driver 3 ASSIGNED in zone-1"]
    );
}

#[test]
fn an_order_without_a_driver_for_an_hour_fails_once_at_its_own_time() {
    let mut role = DeliveryRole::new();
    role.send(request(1, 0, None));
    assert_eq!(role.send(request(2, 3_599, None)), NOTHING);
    assert_eq!(role.send(request(3, 5_000, None)), ["1 failed NO_DRIVER"]);
    assert_eq!(role.send(request(4, 5_001, None)), NOTHING);
    assert_eq!(role.hear(shift(1, 5_002, "zone-1", 0.0))[0], "2 to 1 #1");
}

#[test]
fn a_cancelled_order_frees_its_driver_for_the_next() {
    let mut role = with_drivers(&[100.0]);
    role.send(request(1, 10, None));
    role.send(request(2, 11, None));
    let said = role.send(cancel_delivery(1, 20));
    assert_eq!(said, ["1 cancelled", "2 to 1 #1", "driver 1 IDLE in zone-1", "driver 1 ASSIGNED in zone-1"]);
}

#[test]
fn an_order_that_waits_is_cancelled_without_a_driver_and_not_dispatched_later() {
    let mut role = DeliveryRole::new();
    role.send(request(1, 10, None));
    assert_eq!(role.send(cancel_delivery(1, 20)), ["1 cancelled"]);
    assert_eq!(role.hear(shift(1, 30, "zone-1", 0.0)), ["driver 1 IDLE in zone-1"]);
}

#[test]
fn a_cancellation_after_the_pick_up_is_too_late() {
    let mut role = with_drivers(&[100.0]);
    role.send(request(1, 10, None));
    role.send(pickup(1, 1, 300));
    assert_eq!(role.send(cancel_delivery(1, 310)), NOTHING);
    assert_eq!(role.send(hand_over(1, 1, 900))[0], "1 delivered");
}

#[test]
fn a_closed_door_fails_the_delivery_and_frees_the_driver() {
    let mut role = with_drivers(&[100.0]);
    role.send(request(1, 10, None));
    assert_eq!(role.send(failure(1, 1, 100)), NOTHING, "nothing was picked up");
    role.send(pickup(1, 1, 300));
    assert_eq!(role.send(failure(1, 1, 900)), ["1 failed CUSTOMER_ABSENT", "driver 1 IDLE in zone-1"]);
}

#[test]
fn repeated_and_foreign_commands_change_nothing() {
    let mut role = with_drivers(&[100.0, 500.0]);
    let first = request(1, 10, None);
    role.send(first.clone());
    assert_eq!(role.send(first.clone()), NOTHING);
    assert_eq!(role.send(pickup(1, 2, 200)), NOTHING, "it is not driver 2's");
    role.send(pickup(1, 1, 300));
    assert_eq!(role.send(pickup(1, 1, 300)), NOTHING);
    assert_eq!(role.send(decline(1, 1, 310)), NOTHING);
    role.send(hand_over(1, 1, 900));
    assert_eq!(role.send(hand_over(1, 1, 900)), NOTHING);
    assert_eq!(role.send(first), NOTHING, "a request is made once, also after its end");
    assert_eq!(role.send(pickup(7, 1, 950)), NOTHING, "nobody requested it");
    assert_eq!(role.driver.dropped_records(), 7);
}

#[test]
fn a_driver_who_declined_late_after_the_cancellation_is_left_alone() {
    let mut role = with_drivers(&[100.0]);
    role.send(request(1, 10, None));
    role.send(cancel_delivery(1, 20));
    role.send(request(2, 21, None));
    assert_eq!(role.send(decline(1, 1, 19)), NOTHING);
    assert_eq!(role.live.get(&driver(1)), Some(&order_id(2)));
}

#[test]
fn a_driver_who_never_arrives_is_lost_after_three_hours() {
    let mut role = with_drivers(&[100.0]);
    role.send(request(1, 0, None));
    role.send(pickup(1, 1, 60));
    assert_eq!(role.hear(ping(1, 60 + 3 * 3_600 - 1, "zone-1", 0.0)), NOTHING);
    let said = role.hear(ping(1, 60 + 3 * 3_600, "zone-1", 0.0));
    assert_eq!(said, ["1 failed DRIVER_LOST", "driver 1 IDLE in zone-1"]);
}

#[test]
fn no_driver_ever_has_two_orders_whatever_comes_in_which_order() {
    let mut given = 0;
    for seed in 1..=60_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut below = |n: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % n) as u128
        };
        let mut role = DeliveryRole::new();
        let (mut second, mut orders, mut delivered) = (0, 0, 0);
        for _ in 0..400 {
            second += below(40) as i64;
            // Half of what couriers say is about an order they have, the rest about any.
            let (mut d, mut n) = (below(6) + 1, below(orders as u64 + 1) + 1);
            if let Some((driver, order)) = role.live.iter().nth(below(12) as usize) {
                (d, n) = (driver.0.as_u128() & 0xffff, order.0.as_u128() & 0xffff);
            }
            let zone = ["zone-1", "zone-2"][below(2) as usize];
            let said = match below(16) {
                0 | 1 => role.hear(shift(d, second, zone, below(3_000) as f64)),
                2 => role.hear(shift_end(d, second)),
                3 | 4 => role.hear(ping(d, second - below(60) as i64, zone, below(3_000) as f64)),
                5..=7 => {
                    orders += 1;
                    role.send(request_in(zone, orders, second, Some(second + below(900) as i64)))
                }
                8 | 9 => role.send(decline(n, d, second)),
                10 | 11 => role.send(pickup(n, d, second)),
                12..=14 => role.send(hand_over(n, d, second)),
                _ => role.send(cancel_delivery(n, second)),
            };
            delivered += said.iter().filter(|s| s.ends_with("delivered")).count();
        }
        given += delivered;
        assert!(orders > 15, "seed {seed}: {orders} orders");
    }
    assert!(given > 300, "{given} delivered");
}

#[test]
fn without_any_more_messages_the_clock_dispatches_and_fails() {
    let mut role = DeliveryRole::with_clock(at(102).millis());
    role.hear(shift(1, 100, "zone-1", 100.0));
    role.send(request(1, 101, Some(720)));
    role.send(request(2, 102, Some(720)));
    role.driver.advance_wall_clock_time(18_000).unwrap();
    assert_eq!(role.said(), ["1 to 1 #1", "driver 1 ASSIGNED in zone-1"]);
    role.driver.advance_wall_clock_time(3_600_000).unwrap();
    assert_eq!(role.said(), ["2 failed NO_DRIVER"]);
}
