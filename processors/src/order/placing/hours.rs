//! When a restaurant is open, by its catalogue.

use super::EventTime;
use comanda_schemas::RestaurantCatalog;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;
/// Colombia has one time zone and no daylight saving time: UTC−5.
const BOGOTA_MINUTES: i64 = -5 * 60;

/// Whether `at` lies within the opening hours; those after midnight belong to the day before.
pub(super) fn is_open(catalog: &RestaurantCatalog, at: EventTime) -> bool {
    let minute = (at.millis().div_euclid(MINUTE_MS) + BOGOTA_MINUTES).rem_euclid(DAY_MINUTES);
    let hours = i64::from(catalog.opens_minute)..i64::from(catalog.closes_minute);
    hours.contains(&minute) || hours.contains(&(minute + DAY_MINUTES))
}
