//! Metrics of a zone's quarter of an hour.

use crate::endings::{at, cancelled, delivered};
use crate::role::AnalyticsRole;
use comanda_schemas::{DeliveryMetrics, OrderDelivered};

fn took(n: u128, zone: &str, minute: f64, minutes: f64, promised_minute: f64) -> OrderDelivered {
    OrderDelivered {
        placed_at: at(minute - minutes),
        promised_at: Some(at(promised_minute)),
        ..delivered(n, zone, minute, &[(1, 1)])
    }
}

fn counts(metrics: &DeliveryMetrics) -> (i64, i64, i64) {
    (metrics.delivered, metrics.cancelled, metrics.late)
}

#[test]
fn a_quarter_has_its_counts_mean_and_percentiles() {
    let mut role = AnalyticsRole::new(None);
    for n in 1..=10 {
        role.order_event(took(n, "zone-1", n as f64, 20.0 + n as f64, if n > 7 { 0.0 } else { 60.0 }));
    }
    role.order_event(cancelled(11, "zone-1", 11.0));
    let metrics = role.delivery_metrics();
    let last = metrics.last().unwrap();
    assert_eq!(counts(last), (10, 1, 3));
    assert_eq!((last.window_start, last.window_end), (at(0.0), at(15.0)));
    assert!((last.mean_minutes - 25.5).abs() < 1e-9, "{}", last.mean_minutes);
    assert!((last.p50_minutes - 25.0).abs() <= 0.25, "{}", last.p50_minutes);
    assert!((last.p90_minutes - 29.0).abs() <= 0.25, "{}", last.p90_minutes);
    assert_eq!(metrics.len(), 11, "one record per change");
}

#[test]
fn zones_and_quarters_are_counted_apart() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(took(1, "zone-1", 14.9, 30.0, 60.0));
    role.order_event(took(2, "zone-1", 15.0, 30.0, 60.0));
    role.order_event(took(3, "zone-2", 15.0, 30.0, 60.0));
    role.order_event(cancelled(4, "zone-2", 16.0));
    let found: Vec<_> = role.delivery_metrics().iter().map(|m| (m.zone.clone(), m.window_start, counts(m))).collect();
    let zone = |n: u8| format!("zone-{n}");
    assert_eq!(
        found,
        [
            (zone(1), at(0.0), (1, 0, 0)),
            (zone(1), at(15.0), (1, 0, 0)),
            (zone(2), at(15.0), (1, 0, 0)),
            (zone(2), at(15.0), (1, 1, 0))
        ]
    );
}

#[test]
fn a_quarter_without_deliveries_has_no_minutes() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(cancelled(1, "zone-1", 1.0));
    let metrics = role.delivery_metrics().pop().unwrap();
    assert_eq!((metrics.mean_minutes, metrics.p50_minutes, metrics.p90_minutes), (0.0, 0.0, 0.0));
}

#[test]
fn an_end_within_the_grace_counts_and_one_after_it_is_counted_as_late() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(took(1, "zone-1", 19.0, 30.0, 60.0));
    role.order_event(took(2, "zone-1", 14.0, 30.0, 60.0));
    assert_eq!(role.delivery_metrics().last().map(counts), Some((1, 0, 0)));
    let before = role.driver.dropped_records();
    role.order_event(took(3, "zone-1", 20.0, 30.0, 60.0));
    role.delivery_metrics();
    role.order_event(took(4, "zone-1", 14.0, 30.0, 60.0));
    assert_eq!(role.delivery_metrics(), []);
    assert!(role.driver.dropped_records() > before);
}

#[test]
fn an_order_of_days_is_bounded_in_the_percentiles_and_whole_in_the_mean() {
    let mut role = AnalyticsRole::new(None);
    role.order_event(took(1, "zone-1", 1.0, 2_000.0, 60.0));
    let metrics = role.delivery_metrics().pop().unwrap();
    assert_eq!((metrics.mean_minutes, metrics.p90_minutes), (2_000.0, 720.25));
}
