//! Every order ends in the books, and the money in them is right.
#![allow(clippy::unwrap_used)]

use comanda_city::{Books, City, CityConfig, Observation, Outcome, stand_in};

const SIXTEEN_HOURS_MS: i64 = 16 * 3_600_000;

/// Plays an evening whose observations get lost, come late, or twice.
fn troubled_evening(seed: u64, lost_per_mille: u64) -> Books {
    let mut city = City::new(CityConfig { seed, orders: 120, ..CityConfig::default() });
    let end_ms = city.clock_ms() + SIXTEEN_HOURS_MS;
    let (mut processors, mut delayed) = (stand_in::StandIn::default(), Vec::<(i64, Observation)>::new());
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut per_mille = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % 1000
    };
    while !(city.is_over() && delayed.is_empty()) {
        assert!(city.clock_ms() < end_ms, "seed {seed}: the evening does not end, {} orders open", city.books().open());
        let records = city.next_before(city.clock_ms() + 2_000);
        for seen in processors.answer(&records, city.clock_ms()) {
            if per_mille() < lost_per_mille {
                continue;
            }
            let delay_ms = if per_mille() < 100 { per_mille() as i64 * 600 } else { 0 };
            delayed.push((city.clock_ms() + delay_ms, seen.clone()));
            if per_mille() < 50 {
                delayed.push((city.clock_ms() + 30_000, seen));
            }
        }
        let due: Vec<_> = delayed.extract_if(.., |(at_ms, _)| *at_ms <= city.clock_ms()).collect();
        due.into_iter().for_each(|(_, seen)| city.observe(seen));
    }
    city.books()
}

fn check(books: &Books) {
    assert_eq!(books.orders_made, 120);
    assert_eq!(books.orders_made, books.delivered + books.cancelled);
    assert_eq!(books.open(), 0);
    assert_eq!(books.outcomes.values().sum::<u64>(), 120);
    assert!(books.orders.iter().all(|order| order.ended_at_ms.is_some()));
    let sum = |amount: fn(&comanda_city::OrderBook) -> i64| books.orders.iter().map(amount).sum::<i64>();
    assert_eq!(sum(|order| order.captured_centavos), books.money.captured_centavos);
    assert_eq!(sum(|order| order.refunded_centavos), books.money.refunded_centavos);
    assert!(books.orders.iter().all(|o| 0 <= o.refunded_centavos && o.refunded_centavos <= o.captured_centavos));
}

#[test]
fn every_order_ends_whatever_part_of_the_observations_arrives() {
    for lost_per_mille in [0, 20, 200, 500, 900, 1000] {
        for seed in 1..=6 {
            let books = troubled_evening(seed, lost_per_mille);
            check(&books);
            if lost_per_mille == 1000 {
                assert_eq!((books.delivered, books.outcomes[&Outcome::Unanswered]), (0, 120));
            }
        }
    }
}

#[test]
fn after_a_good_evening_the_provider_holds_the_price_of_what_was_delivered() {
    for seed in 1..=5 {
        let mut city = City::new(CityConfig { seed, orders: 300, undeliverable_share: 0.03, ..CityConfig::default() });
        stand_in::play(&mut city, 1_000);
        let books = city.books();
        let delivered = books.orders.iter().filter(|order| order.outcome == Outcome::Delivered);
        assert_eq!(books.money.held_centavos(), delivered.map(|order| order.total_centavos).sum::<i64>());
        assert_eq!(books.money.voided_centavos, books.money.authorized_centavos - books.money.captured_centavos);
        assert!(books.complaints.is_empty(), "{:?}", books.complaints);
        assert!(books.money.refunded_centavos > 0 && books.money.declined > 0);
        assert!(books.delivered > 250, "{:?}", books.outcomes);
    }
}

#[test]
fn delivered_pieces_are_counted_by_zone_and_named() {
    let mut city = City::new(CityConfig { seed: 2, orders: 200, ..CityConfig::default() });
    stand_in::play(&mut city, 1_000);
    let books = city.books();
    let items: Vec<&String> = books.delivered_items.values().flat_map(|items| items.keys()).collect();
    assert!(books.delivered_items.len() == 3 && items.len() > 100);
    assert!(items.iter().all(|item| books.item_names.contains_key(*item)));
}

#[test]
fn books_are_written_as_json() {
    let city = City::new(CityConfig { orders: 1, ..CityConfig::default() });
    let json = serde_json::to_value(city.books()).unwrap();
    assert_eq!(json["orders_made"], 0);
}
