//! What must hold at the end of every evening, by the city's own books.

use crate::evening::{Evening, play};
use comanda_city::{CityConfig, Outcome};
use comanda_schemas::*;

fn evening(config: CityConfig) -> Evening {
    let seed = config.seed;
    let evening = play(config);
    let books = &evening.books;
    assert_eq!(books.orders_made, books.delivered + books.cancelled, "seed {seed}");
    assert!(books.complaints.is_empty(), "seed {seed}: {:?}", books.complaints);
    check_money(&evening);
    check_views(&evening);
    evening
}

/// The provider holds the price of what was delivered, and no reservation is left.
fn check_money(evening: &Evening) {
    let books = &evening.books;
    let delivered = books.orders.iter().filter(|order| order.outcome == Outcome::Delivered);
    assert_eq!(books.money.held_centavos(), delivered.map(|order| order.total_centavos).sum::<i64>());
    assert_eq!(books.money.voided_centavos, books.money.authorized_centavos - books.money.captured_centavos);
}

/// Every order's view says what the city knows.
fn check_views(evening: &Evening) {
    assert_eq!(evening.views.len() as u64, evening.books.orders_made);
    for order in &evening.books.orders {
        let view = &evening.views[&order.order_id];
        let expected = match order.outcome {
            Outcome::Delivered => OrderStatus::Delivered,
            _ => OrderStatus::Cancelled,
        };
        assert_eq!(view.status, expected, "{view:?}\n{order:?}");
        let money = (view.captured_centavos.0, view.refunded_centavos.0);
        assert_eq!(money, (order.captured_centavos, order.refunded_centavos), "{view:?}");
    }
}

#[test]
fn every_order_of_an_evening_ends_and_the_money_is_right() {
    for seed in 1..=3 {
        let evening = evening(CityConfig { seed, orders: 200, undeliverable_share: 0.03, ..CityConfig::default() });
        let books = &evening.books;
        let by_system = books.outcomes.get(&Outcome::BySystem).copied().unwrap_or(0);
        assert!(books.delivered >= 160 && by_system <= 4, "seed {seed}: {:?}", books.outcomes);
        assert!(books.money.refunded_centavos > 0, "some orders come back from the door");
    }
}

#[test]
fn an_evening_of_changes_of_mind_refusals_and_declined_rides_ends_as_well() {
    for seed in 11..=13 {
        let evening = evening(CityConfig {
            seed,
            orders: 150,
            regretted_share: 0.3,
            rejected_share: 0.1,
            declined_share: 0.1,
            declined_ride_share: 0.4,
            undeliverable_share: 0.1,
            late_share: 0.15,
            duplicate_share: 0.1,
            ..CityConfig::default()
        });
        let outcomes = &evening.books.outcomes;
        for outcome in [Outcome::Delivered, Outcome::Regretted, Outcome::Rejected, Outcome::PaymentDeclined] {
            assert!(outcomes.get(&outcome).is_some_and(|count| *count > 0), "seed {seed}: {outcomes:?}");
        }
    }
}

#[test]
fn exactly_the_bad_records_of_an_evening_are_dead_letters() {
    let evening = evening(CityConfig { seed: 21, orders: 60, faults_per_kind: 3, ..CityConfig::default() });
    for (topic, kinds) in &evening.books.dead_letters {
        let expected: u64 = kinds.iter().filter(|(kind, _)| *kind != "misrouted").map(|(_, count)| count).sum();
        let found = evening.dead_letters.get(topic).map_or(0, Vec::len) as u64;
        assert_eq!(found, expected, "{topic}: {kinds:?} {:?}", evening.dead_letters.get(topic));
    }
    let said = evening.dead_letters["order.commands"].join("\n");
    for part in ["items: is empty", "total_centavos: is -", "key: is null"] {
        assert_eq!(said.matches(part).count(), 3, "{said}");
    }
}

#[test]
fn the_same_evening_twice_is_the_same_evening() {
    let config = || CityConfig { seed: 31, orders: 40, ..CityConfig::default() };
    let (first, second) = (play(config()), play(config()));
    assert_eq!(first.books, second.books);
    assert_eq!(first.views, second.views);
}
