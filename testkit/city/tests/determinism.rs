//! The same seed and the same observations give the same evening.

use comanda_city::{City, CityConfig, Emission, stand_in};

fn evening(seed: u64) -> (Vec<Emission>, comanda_city::Books) {
    let mut city = City::new(CityConfig { seed, orders: 80, ..CityConfig::default() });
    let sent = stand_in::play(&mut city, 1_000);
    (sent, city.books())
}

#[test]
fn the_same_seed_gives_the_same_records_and_books() {
    assert_eq!(evening(5), evening(5));
}

#[test]
fn another_seed_gives_another_evening() {
    assert_ne!(evening(5).1.money, evening(6).1.money);
}

#[test]
fn asking_in_smaller_steps_gives_the_same_records_while_nothing_is_observed() {
    let sent = |step_ms: i64| {
        let mut city = City::new(CityConfig { seed: 9, orders: 60, ..CityConfig::default() });
        let until_ms = city.clock_ms() + 3 * 3_600_000;
        let mut sent = Vec::new();
        while city.clock_ms() < until_ms {
            sent.extend(city.next_before((city.clock_ms() + step_ms).min(until_ms)));
        }
        sent
    };
    assert_eq!(sent(250), sent(3_600_000));
}

#[test]
fn what_people_order_does_not_depend_on_what_the_processors_do() {
    let config = CityConfig { seed: 4, orders: 60, ..CityConfig::default() };
    let (mut served, mut ignored) = (City::new(config.clone()), City::new(config));
    stand_in::play(&mut served, 1_000);
    while !ignored.is_over() {
        ignored.next_before(ignored.clock_ms() + 60_000);
    }
    let bills = |city: &City| {
        city.books().orders.iter().map(|order| (order.order_id.clone(), order.total_centavos)).collect::<Vec<_>>()
    };
    assert_eq!(bills(&served), bills(&ignored));
}
