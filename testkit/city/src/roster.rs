//! Who rides when, and in which zone.

use comanda_schemas::DriverId;

use crate::calibration::ORDERS_PER_COURIER;
use crate::config::CityConfig;
use crate::fate::{Fate, Realm};
use crate::place::{Place, Zones};
use crate::plan::{Plan, PlannedOrder, PlannedRestaurant, PlannedShift};

const HOUR_MS: f64 = 3_600_000.0;
/// Groups of couriers: share of the evening's strength, hours on and off after the opening. The change of shifts
/// falls into mid-evening, when strength dips.
const SHIFT_GROUPS: [(f64, f64, f64); 3] = [(0.55, 0.0, 3.25), (0.45, 1.25, 5.75), (0.60, 3.0, 6.5)];
/// Couriers come and go so much earlier or later than their group.
const SHIFT_SCATTER_MS: i64 = 15 * 60_000;
/// Couriers that start before the opening are on shift at it.
const FEWEST_COURIERS: f64 = 6.0;

pub(crate) fn invented_shifts(
    config: &CityConfig,
    restaurants: &[PlannedRestaurant],
    orders: &[PlannedOrder],
) -> Vec<PlannedShift> {
    let strength = (orders.len() as f64 / ORDERS_PER_COURIER).max(FEWEST_COURIERS);
    let mut shifts = Vec::new();
    for (share, on_hour, off_hour) in SHIFT_GROUPS {
        for _ in 0..(strength * share).round() as usize {
            let mut fate = Fate::of(config.seed, Realm::Courier, (shifts.len() as u64) << 1);
            let driver = DriverId(fate.uuid());
            let hour = |hour: f64| config.starts_at_ms + (hour * HOUR_MS) as i64;
            let on_ms = (hour(on_hour) + fate.between_ms(-SHIFT_SCATTER_MS, SHIFT_SCATTER_MS))
                .max(config.starts_at_ms + fate.between_ms(0, 60_000));
            let off_ms = hour(off_hour) + fate.between_ms(-SHIFT_SCATTER_MS, SHIFT_SCATTER_MS);
            let near = orders
                .get(fate.below(orders.len()))
                .map_or(Place::default(), |order| restaurants[order.restaurant].place);
            let start = near.moved(fate.between(0.0, 900.0), fate.between(0.0, std::f64::consts::TAU));
            shifts.push(PlannedShift { driver, on_ms, off_ms, start });
        }
    }
    shifts
}

/// Which zone each courier works in: every zone gets couriers by its demand, each the nearest that still lack one.
/// By turns over the shifts in order of their beginning, so that every hour is shared so.
pub(crate) fn zones_of_shifts(plan: &Plan, zones: &Zones) -> Vec<usize> {
    let mut demand = vec![0.0; zones.count()];
    for order in &plan.orders {
        demand[zones.at(plan.restaurants[order.restaurant].place)] += 1.0 / plan.orders.len() as f64;
    }
    let mut by_start: Vec<usize> = (0..plan.shifts.len()).collect();
    by_start.sort_by_key(|&shift| (plan.shifts[shift].on_ms, shift));
    let (mut given, mut zone_of) = (vec![0.0; zones.count()], vec![0; plan.shifts.len()]);
    for (turn, &shift) in by_start.iter().enumerate() {
        let lacks = |zone: usize| demand[zone] * (turn + 1) as f64 - given[zone];
        let home = zones.at(plan.shifts[shift].start);
        let neediest = (0..zones.count()).max_by(|&a, &b| lacks(a).total_cmp(&lacks(b))).unwrap_or(0);
        let zone = if lacks(home) > 0.0 { home } else { neediest };
        given[zone] += 1.0;
        zone_of[shift] = zone;
    }
    zone_of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_dips_at_the_change_of_shifts_and_every_zone_has_its_couriers() {
        let config = CityConfig::default();
        let plan = Plan::invented(&config);
        let on_duty = |hour: f64| {
            let at_ms = config.starts_at_ms + (hour * HOUR_MS) as i64;
            plan.shifts.iter().filter(|shift| shift.on_ms <= at_ms && at_ms < shift.off_ms).count()
        };
        let strength = 600.0 / ORDERS_PER_COURIER;
        assert!((on_duty(2.5) as f64 - strength).abs() < 3.0, "{}", on_duty(2.5));
        assert!(on_duty(0.5) < on_duty(2.5) && on_duty(6.8) == 0);
        let restaurants = &plan.restaurants;
        let zones = Zones::of(3, plan.orders.iter().map(|order| restaurants[order.restaurant].place));
        let mut couriers = [0; 3];
        zones_of_shifts(&plan, &zones).into_iter().for_each(|zone| couriers[zone] += 1);
        assert!(couriers.iter().all(|&couriers| couriers > 25), "{couriers:?}");
    }
}
