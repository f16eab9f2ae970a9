//! What is measured of an evening, real or simulated: the same arithmetic for both.

use std::collections::BTreeMap;

use crate::curve::Curve;
use crate::evening::Evening;

/// Quarters of an hour from the opening (17:00) to 22:00. Later orders (0.1 %) count in the last.
pub const ARRIVAL_BINS: usize = 20;
/// Hours of placing with a lead time curve of their own: 17, 18, 19, 20, from 21 on.
pub const LEAD_HOURS: usize = 5;
/// Shares of the restaurants, best first, whose share of the orders is measured.
pub const RESTAURANT_FRACTIONS: [f64; 6] = [0.01, 0.02, 0.05, 0.10, 0.20, 0.50];
/// A quarter of an hour.
pub const BIN_MS: i64 = 15 * 60_000;
const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: f64 = 60_000.0;

/// One order, as far as figures need it. Times in milliseconds after the opening.
#[derive(Clone, Debug)]
pub struct Sample {
    /// When the customer ordered; negative for those who booked before the opening.
    pub placed_ms: i64,
    /// When the food stood ready.
    pub ready_ms: i64,
    /// When it was promised.
    pub promised_ms: i64,
    /// Which restaurant.
    pub restaurant: String,
    /// Straight from the restaurant to the customer, at the evenings' 250 m/min.
    pub direct_travel_minutes: f64,
}

/// The figures the city is calibrated to. Minutes and shares (0 to 1).
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Orders measured.
    pub orders: usize,
    /// Share placed before the opening (booked ahead).
    pub booked_share: f64,
    /// Share of the others per quarter of an hour from the opening.
    pub arrivals: [f64; ARRIVAL_BINS],
    /// From the opening to the promise, for orders booked ahead.
    pub booked_promise: Curve,
    /// From placing to the promise by hour of placing, orders of the evening itself.
    pub lead_by_hour: [Curve; LEAD_HOURS],
    /// The same over all hours.
    pub lead: Curve,
    /// From placing to readiness, orders of the evening itself.
    pub ready: Curve,
    /// Direct travel.
    pub direct: Curve,
    /// Share of the orders of the best restaurant, and of the second.
    pub hottest: [f64; 2],
    /// Share of the orders of the best part of the restaurants, see [`RESTAURANT_FRACTIONS`].
    pub restaurant_shares: [f64; 6],
    /// s of "orders of rank r fall as 1/rˢ", least squares over the better half of the ranks.
    pub zipf_exponent: f64,
}

impl Figures {
    /// Measures `samples`. `None` if a curve has nothing to be measured from: no booked order, an hour without
    /// orders, fewer than four restaurants.
    pub fn measured(samples: &[Sample]) -> Option<Figures> {
        let (booked, evening): (Vec<&Sample>, Vec<&Sample>) = samples.iter().partition(|sample| sample.placed_ms < 0);
        let lead_of = |sample: &Sample| (sample.promised_ms - sample.placed_ms) as f64 / MINUTE_MS;
        let lead_in = |hour: usize| curve(evening.iter().filter(|sample| hour_of(sample) == hour).map(|s| lead_of(s)));
        let mut lead_by_hour = [Curve([0.0; 9]); LEAD_HOURS];
        for (hour, slot) in lead_by_hour.iter_mut().enumerate() {
            *slot = lead_in(hour)?;
        }
        let ranks = ranked(samples);
        Some(Figures {
            orders: samples.len(),
            booked_share: booked.len() as f64 / samples.len() as f64,
            arrivals: arrivals(&evening),
            booked_promise: curve(booked.iter().map(|sample| sample.promised_ms as f64 / MINUTE_MS))?,
            lead_by_hour,
            lead: curve(evening.iter().map(|s| lead_of(s)))?,
            ready: curve(evening.iter().map(|s| (s.ready_ms - s.placed_ms) as f64 / MINUTE_MS))?,
            direct: curve(samples.iter().map(|sample| sample.direct_travel_minutes))?,
            hottest: [*ranks.first()? / samples.len() as f64, *ranks.get(1)? / samples.len() as f64],
            restaurant_shares: RESTAURANT_FRACTIONS.map(|fraction| share_of_best(&ranks, fraction)),
            zipf_exponent: zipf_exponent(&ranks)?,
        })
    }
}

/// The orders of real evenings as samples.
pub fn samples_of(evenings: &[Evening]) -> Vec<Sample> {
    let orders = evenings.iter().flat_map(|evening| &evening.orders);
    orders
        .map(|order| Sample {
            placed_ms: order.placed_ms,
            ready_ms: order.ready_ms,
            promised_ms: order.promised_ms,
            restaurant: order.restaurant.clone(),
            direct_travel_minutes: order.direct_travel_minutes,
        })
        .collect()
}

/// The row of `lead_by_hour` for a time of placing after the opening.
pub(crate) fn lead_hour(placed_ms: i64) -> usize {
    (placed_ms / HOUR_MS).clamp(0, LEAD_HOURS as i64 - 1) as usize
}

fn hour_of(sample: &Sample) -> usize {
    lead_hour(sample.placed_ms)
}

fn curve(values: impl Iterator<Item = f64>) -> Option<Curve> {
    let measured = Curve::measured(&values.collect::<Vec<f64>>())?;
    Some(Curve(measured.0.map(|value| (value * 100.0).round() / 100.0)))
}

fn arrivals(evening: &[&Sample]) -> [f64; ARRIVAL_BINS] {
    let mut counts = [0.0; ARRIVAL_BINS];
    for sample in evening {
        counts[(sample.placed_ms / BIN_MS).clamp(0, ARRIVAL_BINS as i64 - 1) as usize] += 1.0;
    }
    counts.map(|count| count / evening.len().max(1) as f64)
}

/// Orders per restaurant, most first.
fn ranked(samples: &[Sample]) -> Vec<f64> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for sample in samples {
        *counts.entry(&sample.restaurant).or_default() += 1;
    }
    let mut ranks: Vec<f64> = counts.into_values().map(f64::from).collect();
    ranks.sort_by(|a, b| b.total_cmp(a));
    ranks
}

fn share_of_best(ranks: &[f64], fraction: f64) -> f64 {
    let best = (fraction * ranks.len() as f64).round().max(1.0) as usize;
    ranks.iter().take(best).sum::<f64>() / ranks.iter().sum::<f64>()
}

fn zipf_exponent(ranks: &[f64]) -> Option<f64> {
    let half = ranks.len() / 2;
    if half < 2 {
        return None;
    }
    let points: Vec<(f64, f64)> =
        ranks[..half].iter().enumerate().map(|(at, count)| (((at + 1) as f64).ln(), count.ln())).collect();
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / half as f64;
    let (mean_x, mean_y) = (mean(&mut points.iter().map(|p| p.0)), mean(&mut points.iter().map(|p| p.1)));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    Some(-covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmonic_ranking_has_zipf_exponent_one() {
        let ranks: Vec<f64> = (1..=40).map(|rank| 1000.0 / f64::from(rank)).collect();
        let exponent = zipf_exponent(&ranks).expect("there are ranks");
        assert!((exponent - 1.0).abs() < 1e-9, "{exponent}");
    }

    #[test]
    fn the_best_tenth_is_counted_by_restaurants_not_by_orders() {
        let ranks = [11.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(share_of_best(&ranks, 0.10), 11.0 / 20.0);
    }
}
