//! An evening before it begins: who will order what where and when, and who rides. Invented from the calibrated
//! figures, or taken from a real evening.

use comanda_schemas::{CustomerId, DriverId, OrderId, RestaurantId};
use uuid::Uuid;

use crate::calibration::{METRES_PER_MINUTE, RESTAURANT_SPREAD_M, ROME};
use crate::config::CityConfig;
use crate::evening::Evening;
use crate::fate::{Fate, Realm, cumulative};
use crate::figures::{BIN_MS, RESTAURANT_FRACTIONS, lead_hour};
use crate::place::Place;
use crate::roster;

/// Namespace of the identities that follow from names.
const NAMES: Uuid = Uuid::from_u128(0x2f5c_0b1e_93d7_4a57_8c1e_77aa_0c1f_d1a5);
const MINUTE_MS: f64 = 60_000.0;
/// Promises are made for full quarters of an hour, as in the real evenings.
const PROMISE_GRID_MS: i64 = BIN_MS;
/// Share of the customers who have ordered before tonight.
const RETURNING_SHARE: f64 = 0.12;
/// Nothing lies farther out; beyond it the plane's flat-earth arithmetic would not hold.
const CITY_RADIUS_M: f64 = 9_000.0;

/// All that is decided beforehand. Times are milliseconds since 1970.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) restaurants: Vec<PlannedRestaurant>,
    /// By time of placing.
    pub(crate) orders: Vec<PlannedOrder>,
    pub(crate) shifts: Vec<PlannedShift>,
}

#[derive(Debug)]
pub(crate) struct PlannedRestaurant {
    pub(crate) id: RestaurantId,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) struct PlannedOrder {
    pub(crate) id: OrderId,
    pub(crate) customer: CustomerId,
    pub(crate) restaurant: usize,
    pub(crate) placed_ms: i64,
    pub(crate) promised_ms: i64,
    pub(crate) home: Place,
    /// At the evenings' speed, without hidden factors.
    pub(crate) direct_minutes: f64,
    /// Ordered before the opening, really.
    pub(crate) booked: bool,
}

#[derive(Debug)]
pub(crate) struct PlannedShift {
    pub(crate) driver: DriverId,
    pub(crate) on_ms: i64,
    pub(crate) off_ms: i64,
    pub(crate) start: Place,
}

impl Plan {
    /// An evening like the real ones.
    pub(crate) fn invented(config: &CityConfig) -> Plan {
        let restaurants: Vec<PlannedRestaurant> =
            (0..config.restaurants).map(|number| invented_restaurant(config, number)).collect();
        let shares = cumulative(popularity(restaurants.len()));
        let arrivals = cumulative(ROME.arrivals);
        let mut orders: Vec<PlannedOrder> = Vec::with_capacity(config.orders as usize);
        for number in 0..config.orders {
            orders.push(invented_order(config, number, &restaurants, &shares, &arrivals));
        }
        orders.sort_by_key(|order| (order.placed_ms, order.id));
        let shifts = roster::invented_shifts(config, &restaurants, &orders);
        Plan { restaurants, orders, shifts }
    }

    /// A real evening in the invented city: its restaurants, places, times and couriers; identities and what is
    /// bought are made up.
    ///
    /// Orders placed before the opening are placed one second apart right after it, in their order: their lead time
    /// is what matters (they stay scheduled hours ahead, with the real promise), and a pipeline that opens at 17:00
    /// has nothing to do before.
    pub(crate) fn replayed(config: &CityConfig, evening: &Evening) -> Plan {
        let mut names: Vec<(&str, Place)> =
            evening.orders.iter().map(|o| (o.restaurant.as_str(), o.restaurant_at)).collect();
        names.sort_by(|a, b| a.0.cmp(b.0));
        names.dedup_by(|a, b| a.0 == b.0);
        let mut booked = 0;
        let mut orders: Vec<PlannedOrder> = Vec::with_capacity(evening.orders.len());
        for order in &evening.orders {
            let booked_ms = (order.placed_ms < 0).then(|| {
                booked += 1;
                booked * 1000
            });
            orders.push(PlannedOrder {
                id: OrderId(named(&order.order)),
                customer: CustomerId(named(&order.customer)),
                restaurant: names.partition_point(|(name, _)| *name < order.restaurant.as_str()),
                placed_ms: config.starts_at_ms + booked_ms.unwrap_or(order.placed_ms),
                promised_ms: config.starts_at_ms + order.promised_ms.max(booked_ms.unwrap_or(0)),
                home: order.customer_at,
                direct_minutes: order.direct_travel_minutes,
                booked: booked_ms.is_some(),
            });
        }
        orders.sort_by_key(|order| (order.placed_ms, order.id));
        let shift = |shift: &crate::evening::EveningShift| PlannedShift {
            driver: DriverId(named(&shift.courier)),
            on_ms: config.starts_at_ms + shift.on_ms.max(0),
            off_ms: config.starts_at_ms + shift.off_ms.max(60_000),
            start: shift.start,
        };
        Plan {
            restaurants: names
                .iter()
                .map(|&(name, place)| PlannedRestaurant { id: RestaurantId(named(name)), place })
                .collect(),
            orders,
            shifts: evening.shifts.iter().map(shift).collect(),
        }
    }
}

fn named(name: &str) -> Uuid {
    Uuid::new_v5(&NAMES, name.as_bytes())
}

fn invented_restaurant(config: &CityConfig, number: u32) -> PlannedRestaurant {
    let mut fate = Fate::of(config.seed, Realm::Restaurant, u64::from(number) << 1);
    let id = RestaurantId(fate.uuid());
    loop {
        let place = Place { x_m: fate.normal() * RESTAURANT_SPREAD_M.0, y_m: fate.normal() * RESTAURANT_SPREAD_M.1 };
        if place.metres_to(Place::default()) < CITY_RADIUS_M / 1.5 {
            return PlannedRestaurant { id, place };
        }
    }
}

/// Weights of restaurants by rank: the two hottest as measured, then falling as 1/rank between the measured shares
/// of the best 1 %, 2 %, 5 %, …
fn popularity(restaurants: usize) -> Vec<f64> {
    let mut weights: Vec<f64> = ROME.hottest.iter().copied().take(restaurants).collect();
    let ends = RESTAURANT_FRACTIONS.iter().copied().zip(ROME.restaurant_shares).chain([(1.0, 1.0)]);
    for (fraction, share) in ends {
        let (from, until) = (weights.len(), (fraction * restaurants as f64).round() as usize);
        let taken: f64 = weights.iter().sum();
        if until <= from || share <= taken {
            continue;
        }
        let harmonic: f64 = (from + 1..=until).map(|rank| 1.0 / rank as f64).sum();
        weights.extend((from + 1..=until).map(|rank| (share - taken) / harmonic / rank as f64));
    }
    weights
}

fn invented_order(
    config: &CityConfig,
    number: u32,
    restaurants: &[PlannedRestaurant],
    shares: &[f64],
    arrivals: &[f64],
) -> PlannedOrder {
    let mut fate = Fate::of(config.seed, Realm::Order, u64::from(number) << 1);
    let (id, stranger) = (OrderId(fate.uuid()), CustomerId(fate.uuid()));
    let restaurant = fate.pick(shares);
    let booked = fate.chance(ROME.booked_share);
    let (placed_ms, promised_ms) = invented_times(booked, &mut fate, arrivals);
    let direct_minutes = ROME.direct.at(fate.uniform());
    let regular = fate.below(number.max(1) as usize) as u64;
    let customer = if fate.chance(RETURNING_SHARE) { customer_of(config, regular) } else { stranger };
    PlannedOrder {
        id,
        customer,
        restaurant,
        placed_ms: config.starts_at_ms + placed_ms,
        promised_ms: config.starts_at_ms + promised_ms,
        home: home_near(restaurants[restaurant].place, direct_minutes * METRES_PER_MINUTE, &mut fate),
        direct_minutes,
        booked,
    }
}

/// The stranger of an earlier order: he comes back, to another door.
fn customer_of(config: &CityConfig, number: u64) -> CustomerId {
    let mut fate = Fate::of(config.seed, Realm::Order, number << 1);
    fate.uuid();
    CustomerId(fate.uuid())
}

/// Placed and promised, milliseconds after the opening.
fn invented_times(booked: bool, fate: &mut Fate, arrivals: &[f64]) -> (i64, i64) {
    if booked {
        let promised_ms = (ROME.booked_promise.at(fate.uniform()) * MINUTE_MS) as i64;
        return (fate.between_ms(1_000, 60_000), on_grid(promised_ms));
    }
    let placed_ms = fate.pick(arrivals) as i64 * BIN_MS + fate.between_ms(0, BIN_MS - 1);
    let lead_ms = ROME.lead_by_hour[lead_hour(placed_ms)].at(fate.uniform()) * MINUTE_MS;
    let promised_ms = on_grid(placed_ms + lead_ms as i64);
    let shortest_ms = (ROME.lead.0[0] * MINUTE_MS) as i64;
    (placed_ms, if promised_ms - placed_ms < shortest_ms { promised_ms + PROMISE_GRID_MS } else { promised_ms })
}

fn on_grid(at_ms: i64) -> i64 {
    (at_ms + PROMISE_GRID_MS / 2) / PROMISE_GRID_MS * PROMISE_GRID_MS
}

/// A door at that distance, within the city if some direction leads there.
fn home_near(restaurant: Place, metres: f64, fate: &mut Fate) -> Place {
    let mut home = restaurant.moved(metres, fate.between(0.0, std::f64::consts::TAU));
    for _ in 0..8 {
        if home.metres_to(Place::default()) < CITY_RADIUS_M {
            break;
        }
        home = restaurant.moved(metres, fate.between(0.0, std::f64::consts::TAU));
    }
    home
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popularity_meets_the_measured_shares_of_the_best() {
        let weights = popularity(243);
        assert_eq!(weights.len(), 243);
        let share = |best: usize| weights[..best].iter().sum::<f64>();
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(
            (share(24) - 0.4851).abs() < 1e-3 && (share(122) - 0.8907).abs() < 1e-3,
            "{} {}",
            share(24),
            share(122)
        );
        assert!(weights.windows(2).all(|pair| pair[0] > 0.0 && pair[1] > 0.0));
    }

    #[test]
    fn a_small_town_has_a_popularity_for_each_of_its_restaurants() {
        for restaurants in 1..30 {
            assert_eq!(popularity(restaurants).len(), restaurants);
        }
    }
}
