//! The rules of publishing and forgetting, one order at a time.

use crate::endings::{at, cancelled, delivered, envelope, order_id, restaurant};
use crate::role::AnalyticsRole;
use comanda_schemas::*;
use uuid::Uuid;

fn placed(n: u128, minute: f64, promised_minute: Option<f64>) -> OrderPlaced {
    let OrderDelivered { customer_id, items, total_centavos, .. } = delivered(n, "zone-1", minute, &[(1, 1)]);
    OrderPlaced {
        envelope: envelope(n, "placed", at(minute)),
        order_id: order_id(n),
        customer_id,
        restaurant_id: restaurant(1),
        zone: "zone-1".to_owned(),
        restaurant_cell: "8966e0a2597ffff".to_owned(),
        customer_cell: "8966e0a2597ffff".to_owned(),
        items,
        subtotal_centavos: total_centavos,
        delivery_fee_centavos: Cop(0),
        tax_centavos: Cop(0),
        discount_centavos: Cop(0),
        total_centavos,
        payment_method_id: PaymentMethodId(Uuid::nil()),
        delivery_address: Sealed { key_id: "k".to_owned(), bytes: vec![0].into() },
        placed_at: at(minute),
        scheduled_for: None,
        promised_at: promised_minute.map(at),
    }
}

fn confirmed(n: u128, minute: f64, ready_minute: f64) -> OrderConfirmed {
    OrderConfirmed {
        envelope: envelope(n, "confirmed", at(minute)),
        order_id: order_id(n),
        restaurant_id: restaurant(1),
        zone: "zone-1".to_owned(),
        estimated_ready_at: Some(at(ready_minute)),
    }
}

fn ready(n: u128, minute: f64) -> OrderReady {
    let OrderConfirmed { order_id, restaurant_id, zone, .. } = confirmed(n, minute, minute);
    OrderReady { envelope: envelope(n, "ready", at(minute)), order_id, restaurant_id, zone }
}

fn picked_up(n: u128, minute: f64) -> OrderPickedUp {
    OrderPickedUp {
        envelope: envelope(n, "picked up", at(minute)),
        order_id: order_id(n),
        restaurant_id: restaurant(1),
        zone: "zone-1".to_owned(),
        driver_id: DriverId(Uuid::from_u128(0x0005_0001)),
    }
}

fn assigned(n: u128, minute: f64, attempt: i32, driver_distance_m: f64) -> DeliveryAssigned {
    DeliveryAssigned {
        envelope: envelope(n, &format!("assigned {attempt}"), at(minute)),
        order_id: order_id(n),
        delivery_id: DeliveryId(Uuid::nil()),
        driver_id: DriverId(Uuid::from_u128(0x0005_0001)),
        restaurant_id: restaurant(1),
        zone: "zone-1".to_owned(),
        restaurant_cell: String::new(),
        customer_cell: String::new(),
        attempt,
        driver_distance_m,
    }
}

fn driver_state(n: u128, minute: f64, status: DriverStatus) -> DriverState {
    let id = Uuid::from_u128(0x0005_0000 + n);
    DriverState {
        envelope: Envelope {
            correlation_id: CorrelationId(id),
            ..envelope(n, &format!("{status:?} {minute}"), at(minute))
        },
        driver_id: DriverId(id),
        zone: "zone-1".to_owned(),
        status,
        lat: 4.65,
        lon: -74.06,
        position_at: at(minute),
        order_id: None,
        delivery_id: None,
        shift_started_at: None,
    }
}

fn stages(etas: &[EtaPredicted]) -> Vec<OrderStatus> {
    etas.iter().map(|eta| eta.stage).collect()
}

#[test]
fn each_new_status_publishes_an_estimate_within_reach_of_the_promise() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(placed(1, 0.0, Some(60.0)));
    role.order_event(confirmed(1, 1.0, 55.0));
    role.order_event(picked_up(1, 57.0));
    let etas = role.etas();
    assert_eq!(stages(&etas), [OrderStatus::Pending, OrderStatus::Confirmed, OrderStatus::PickedUp]);
    for eta in &etas {
        assert!(eta.predicted_at < eta.p50_at && eta.p50_at < eta.p90_at, "{eta:?}");
        assert!(eta.p50_at.minutes_since(at(60.0)).abs() < 8.0, "{eta:?}");
    }
    assert_eq!(etas[0].envelope.correlation_id, order_id(1).into());
}

#[test]
fn within_a_status_only_a_change_of_two_minutes_is_published() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(placed(1, 0.0, Some(60.0)));
    role.order_event(confirmed(1, 1.0, 55.0));
    role.etas();
    role.delivery_event(assigned(1, 2.0, 1, 300.0));
    role.etas();
    role.delivery_event(assigned(1, 3.0, 2, 500.0));
    assert_eq!(role.etas(), [], "the driver is there long before the food either way");
    role.delivery_event(assigned(1, 53.0, 3, 3_000.0));
    let etas = role.etas();
    assert_eq!(stages(&etas), [OrderStatus::Confirmed], "a driver who comes late matters");
    assert!(etas[0].p50_at > at(66.0), "{:?}", etas[0]);
}

#[test]
fn the_same_event_again_publishes_nothing() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(placed(1, 0.0, None));
    assert_eq!(role.etas().len(), 1);
    role.order_event(placed(1, 0.0, None));
    assert_eq!(role.etas(), []);
}

#[test]
fn an_order_that_ends_leaves_no_state_and_what_comes_after_it_is_counted() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(placed(1, 0.0, Some(60.0)));
    role.order_event(placed(2, 0.0, Some(60.0)));
    assert!(is_open(&role, 1) && is_open(&role, 2));
    role.order_event(delivered(1, "zone-1", 58.0, &[(1, 1)]));
    role.order_event(cancelled(2, "zone-1", 59.0));
    assert!(!is_open(&role, 1) && !is_open(&role, 2));
    role.etas();
    let before = role.driver.dropped_records();
    role.delivery_event(assigned(1, 60.0, 1, 300.0));
    assert_eq!((role.etas(), role.driver.dropped_records() - before), (vec![], 1));
}

#[test]
fn an_order_whose_end_is_never_heard_of_is_forgotten_after_a_day() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(placed(1, 0.0, Some(60.0)));
    role.order_event(placed(2, 24.0 * 60.0, None));
    assert!(is_open(&role, 1) && is_open(&role, 2));
    role.order_event(placed(3, 26.0 * 60.0, None));
    assert!(!is_open(&role, 1) && is_open(&role, 2));
}

#[test]
fn with_one_driver_for_many_orders_the_last_one_is_told_to_wait_and_with_more_drivers_less() {
    let wait_with = |drivers: &[DriverStatus]| {
        let mut role = AnalyticsRole::new(None);
        for (n, status) in (1..).zip(drivers) {
            role.driver_state(driver_state(n, -5.0, DriverStatus::Idle));
            role.driver_state(driver_state(n, -4.0, *status));
        }
        for n in 1..=6 {
            role.order_event(placed(n, 0.0, Some(20.0)));
            role.order_event(confirmed(n, 1.0, 10.0));
        }
        role.etas().pop().unwrap().p50_at.minutes_since(at(0.0))
    };
    let idle = DriverStatus::Idle;
    let (one, six) = (wait_with(&[idle]), wait_with(&[idle; 6]));
    assert!(one > 90.0 && six < 40.0, "{one:.0} and {six:.0} minutes");
    let off = DriverStatus::OffShift;
    assert_eq!(wait_with(&[idle, off, off, off, off, off]), one, "who went home helps nobody");
    assert_eq!(wait_with(&[DriverStatus::Assigned]), one, "a state said twice is one driver");
}

#[test]
fn a_kitchen_that_is_late_time_and_again_is_expected_to_be_late() {
    let mut role = AnalyticsRole::new(None);
    let first_guess = |role: &mut AnalyticsRole, n: u128, minute: f64| {
        role.order_event(placed(n, minute, Some(minute + 60.0)));
        role.etas().pop().unwrap().p50_at.minutes_since(at(minute))
    };
    let before = first_guess(&mut role, 1, 0.0);
    for n in 2..30 {
        let start = n as f64 * 10.0;
        role.order_event(placed(n, start, Some(start + 60.0)));
        role.order_event(confirmed(n, start + 1.0, start + 55.0));
        role.order_event(ready(n, start + 75.0));
        role.order_event(picked_up(n, start + 78.0));
        role.order_event(delivered(n, "zone-1", start + 82.0, &[(1, 1)]));
    }
    let after = first_guess(&mut role, 99, 400.0);
    assert!(after - before > 15.0, "{before:.1} and {after:.1} minutes");
}

/// Whether the role has state of an order.
fn is_open(role: &AnalyticsRole, n: u128) -> bool {
    let store = role.driver.stores().key_value("eta-orders").unwrap();
    store.get(order_id(n).to_string().as_bytes()).unwrap().is_some()
}
