//! A real evening's times, places and couriers, played in the invented city.
#![allow(clippy::unwrap_used)]

use comanda_city::{
    City, CityConfig, CityEvent, DEFAULT_STARTS_AT_MS, Evening, EveningOrder, EveningShift, Payload, Place, stand_in,
};
use comanda_schemas::OrderCommand;

const MINUTE_MS: i64 = 60_000;

fn order(number: i64, placed_minute: i64, promised_minute: i64) -> EveningOrder {
    let restaurant = number % 3;
    EveningOrder {
        order: format!("o{number}"),
        customer: format!("u{number}"),
        restaurant: format!("r{restaurant}"),
        placed_ms: placed_minute * MINUTE_MS,
        ready_ms: (promised_minute - 4) * MINUTE_MS,
        promised_ms: promised_minute * MINUTE_MS,
        restaurant_at: Place { x_m: 400.0 * restaurant as f64, y_m: 0.0 },
        customer_at: Place { x_m: 400.0 * restaurant as f64, y_m: 1000.0 },
        direct_travel_minutes: 4.0,
    }
}

fn evening() -> Evening {
    let shift = |number: i64| EveningShift {
        courier: format!("c{number}"),
        on_ms: 60 * MINUTE_MS,
        off_ms: 360 * MINUTE_MS,
        start: Place { x_m: 100.0 * number as f64, y_m: 0.0 },
    };
    let mut orders = vec![order(0, -1300, 150), order(1, -20, 180)];
    orders.extend((2..60).map(|number| order(number, 40 + 3 * number, 100 + 3 * number)));
    Evening { name: "invented".to_owned(), orders, shifts: (0..12).map(shift).collect() }
}

#[test]
fn orders_come_at_their_time_and_those_booked_before_the_opening_in_its_first_minute() {
    let mut city = City::replay(
        CityConfig { faults_per_kind: 0, duplicate_share: 0.0, late_share: 0.0, ..CityConfig::default() },
        &evening(),
    );
    let mut times = Vec::new();
    for emission in stand_in::play(&mut city, 1_000) {
        if let Payload::Event(CityEvent::Order(OrderCommand::PlaceOrder(place))) = emission.payload {
            let since = |at: comanda_schemas::EventTime| at.millis() - DEFAULT_STARTS_AT_MS;
            times.push((since(place.placed_at), since(place.promised_at.unwrap()), place.scheduled_for.is_some()));
        }
    }
    assert_eq!(times.len(), 60);
    assert_eq!(
        times[..3],
        [(1_000, 150 * MINUTE_MS, true), (2_000, 180 * MINUTE_MS, true), (46 * MINUTE_MS, 106 * MINUTE_MS, false)]
    );
    let books = city.books();
    assert_eq!((books.orders_made, books.open()), (60, 0));
    assert!(books.delivered >= 50, "{:?}", books.outcomes);
}

#[test]
fn the_same_restaurant_has_the_same_identity_on_every_evening() {
    let ids = |seed| {
        let mut city = City::replay(CityConfig { seed, ..CityConfig::default() }, &evening());
        stand_in::play(&mut city, 5_000);
        city.books()
            .orders
            .iter()
            .map(|order| (order.order_id.clone(), order.restaurant_id.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ids(2));
}
