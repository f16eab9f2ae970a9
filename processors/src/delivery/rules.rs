//! Who gets which order: the nearest idle driver for whoever waits longest. The baseline that cleverer dispatch has to
//! beat.

use super::ride::Ride;
use super::zone_state::Driver;
use comanda_schemas::EventTime;
use h3o::{CellIndex, LatLng};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A driver is looked for so long before the food is expected: he rides to the restaurant meanwhile.
pub const DISPATCH_AHEAD_MS: i64 = 10 * MINUTE_MS;
/// Who has not been heard of for so long is not asked. Devices ping every few seconds and lose the net for a minute.
pub const MAX_POSITION_AGE_MS: i64 = 3 * MINUTE_MS;
/// Food that found no driver for so long is cold.
pub const NO_DRIVER_MS: i64 = HOUR_MS;
/// A driver who has neither picked up nor declined for so long is lost.
pub(super) const PICK_UP_MS: i64 = 3 * HOUR_MS;
/// A driver who has not handed over for so long is lost.
pub(super) const HAND_OVER_MS: i64 = 3 * HOUR_MS;

/// From when on a driver is looked for.
pub(super) fn due_at(requested_at: EventTime, ready_at: Option<EventTime>) -> EventTime {
    ready_at.map_or(requested_at, |ready_at| requested_at.max(ready_at.plus_ms(-DISPATCH_AHEAD_MS)))
}

/// Whether a driver may be asked.
pub(super) fn is_available(driver: &Driver, now: EventTime) -> bool {
    driver.job.is_none() && driver.leaving.is_none() && now.ms_since(driver.position_at) <= MAX_POSITION_AGE_MS
}

/// Pairs rides, first come first served, with the nearest of the drivers left: (ride, driver, metres), by index.
pub fn match_nearest(rides: &[Ride], idle: &[Driver]) -> Vec<(usize, usize, f64)> {
    let mut left: Vec<usize> = (0..idle.len()).collect();
    let mut pairs = vec![];
    for (number, ride) in rides.iter().enumerate() {
        let asked = left.iter().copied().filter(|d| !ride.declined_by.contains(&idle[*d].id));
        let by_distance = asked.map(|d| (metres(ride.restaurant_at, (idle[d].lat, idle[d].lon)), idle[d].id, d));
        let nearest = by_distance.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if let Some((distance, _, driver)) = nearest {
            left.retain(|d| *d != driver);
            pairs.push((number, driver, distance));
        }
    }
    pairs
}

/// Metres between two places given as latitude and longitude in degrees; far away if one is none.
pub(crate) fn metres(from: (f64, f64), to: (f64, f64)) -> f64 {
    match (LatLng::new(from.0, from.1), LatLng::new(to.0, to.1)) {
        (Ok(from), Ok(to)) => from.distance_m(to),
        _ => f64::INFINITY,
    }
}

/// Latitude and longitude of a cell's centre, degrees.
pub(crate) fn centre_of(cell: &str) -> Option<(f64, f64)> {
    let centre = LatLng::from(cell.parse::<CellIndex>().ok()?);
    Some((centre.lat(), centre.lng()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::RideStatus;
    use crate::delivery::zone_state::Job;
    use comanda_schemas::{DeliveryId, DriverId, EventId, OrderId, RestaurantId};
    use uuid::Uuid;

    fn ride(metres_east: f64, declined_by: &[u128]) -> Ride {
        Ride {
            order: OrderId(Uuid::nil()),
            delivery: DeliveryId(Uuid::nil()),
            restaurant: RestaurantId(Uuid::nil()),
            zone: "zone-1".to_owned(),
            restaurant_cell: String::new(),
            restaurant_at: (4.6, -74.0 + metres_east / 111_000.0),
            customer_cell: String::new(),
            status: RideStatus::Waiting,
            cause: EventId(Uuid::nil()),
            requested_at: EventTime(0),
            due_at: EventTime(0),
            driver: None,
            attempt: 0,
            declined_by: declined_by.iter().map(|d| DriverId(Uuid::from_u128(*d))).collect(),
            assigned_at: None,
            picked_up_at: None,
            look_at: None,
        }
    }

    fn driver(id: u128, metres_east: f64) -> Driver {
        Driver {
            id: DriverId(Uuid::from_u128(id)),
            lat: 4.6,
            lon: -74.0 + metres_east / 111_000.0,
            position_at: EventTime(0),
            shift_started_at: EventTime(0),
            job: None,
            leaving: None,
        }
    }

    fn pairs(rides: &[Ride], idle: &[Driver]) -> Vec<(usize, usize)> {
        match_nearest(rides, idle).into_iter().map(|(ride, driver, _)| (ride, driver)).collect()
    }

    #[test]
    fn the_nearest_driver_gets_the_order_and_the_next_order_gets_the_next() {
        let idle = [driver(1, 900.0), driver(2, 100.0), driver(3, 400.0)];
        assert_eq!(pairs(&[ride(0.0, &[]), ride(0.0, &[])], &idle), [(0, 1), (1, 2)]);
    }

    #[test]
    fn nobody_is_asked_again_after_a_decline_and_an_order_without_a_driver_lets_the_next_go_first() {
        let idle = [driver(2, 100.0)];
        assert_eq!(pairs(&[ride(0.0, &[2]), ride(500.0, &[])], &idle), [(1, 0)]);
    }

    #[test]
    fn equal_distances_are_decided_by_id_so_that_a_repetition_decides_alike() {
        assert_eq!(pairs(&[ride(0.0, &[])], &[driver(9, 50.0), driver(4, 50.0)]), [(0, 1)]);
    }

    #[test]
    fn who_is_busy_leaving_or_silent_is_not_available() {
        let now = EventTime(MAX_POSITION_AGE_MS);
        assert!(is_available(&driver(1, 0.0), now));
        assert!(!is_available(&driver(1, 0.0), now.plus_ms(1)));
        let job = Job { order: OrderId(Uuid::nil()), delivery: DeliveryId(Uuid::nil()), carrying: false };
        assert!(!is_available(&Driver { job: Some(job), ..driver(1, 0.0) }, now));
        assert!(!is_available(&Driver { leaving: Some(EventId(Uuid::nil())), ..driver(1, 0.0) }, now));
    }

    #[test]
    fn a_driver_is_looked_for_shortly_before_the_food_is_ready_but_not_before_the_request() {
        let (now, ahead) = (EventTime(1_000), DISPATCH_AHEAD_MS);
        assert_eq!(due_at(now, None), now);
        assert_eq!(due_at(now, Some(EventTime(2_000))), now);
        assert_eq!(due_at(now, Some(EventTime(5_000 + ahead))), EventTime(5_000));
    }

    #[test]
    fn distances_are_metres() {
        assert!((metres((4.6, -74.0), (4.61, -74.0)) - 1_111.9).abs() < 3.0);
        assert_eq!(metres((f64::NAN, 0.0), (0.0, 0.0)), f64::INFINITY);
    }
}
