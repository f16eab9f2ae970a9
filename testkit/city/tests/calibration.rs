//! Simulated evenings are like the measured ones.
#![allow(clippy::unwrap_used)]

use comanda_city::calibration::ROME;
use comanda_city::{City, CityConfig, Curve, Figures, Sample, stand_in};

fn evenings() -> Figures {
    let samples: Vec<Sample> = (101..=110)
        .flat_map(|seed| {
            let mut city = City::new(CityConfig { seed, orders: 600, ..CityConfig::default() });
            stand_in::play(&mut city, 2_000);
            city.samples()
        })
        .collect();
    Figures::measured(&samples).unwrap()
}

/// From the 5 % to the 95 % quantile no more than `minutes` and a tenth apart.
fn check_curve(name: &str, real: &Curve, simulated: &Curve, minutes: f64) {
    for at in 1..8 {
        let (real, simulated) = (real.0[at], simulated.0[at]);
        assert!((real - simulated).abs() < minutes + real / 10.0, "{name}: {real} real, {simulated} simulated");
    }
}

#[test]
fn arrivals_lead_times_distances_and_skew_are_those_of_the_real_evenings() {
    let simulated = evenings();
    assert!((simulated.booked_share - ROME.booked_share).abs() < 0.02);
    for (real, simulated) in ROME.arrivals.iter().zip(simulated.arrivals) {
        assert!((real - simulated).abs() < 0.012, "arrivals: {real} real, {simulated} simulated");
    }
    check_curve("lead", &ROME.lead, &simulated.lead, 3.0);
    for (real, simulated) in ROME.lead_by_hour.iter().zip(&simulated.lead_by_hour) {
        check_curve("lead by hour", real, simulated, 7.5);
    }
    check_curve("ready", &ROME.ready, &simulated.ready, 4.0);
    check_curve("direct travel", &ROME.direct, &simulated.direct, 0.5);
    for (real, simulated) in ROME.restaurant_shares.iter().zip(simulated.restaurant_shares) {
        assert!((real - simulated).abs() < 0.03, "best restaurants: {real} real, {simulated} simulated");
    }
    assert!((simulated.zipf_exponent - ROME.zipf_exponent).abs() < 0.1, "{}", simulated.zipf_exponent);
}

#[test]
fn hidden_factors_are_felt_rain_slows_the_rides() {
    let (mut dry, mut wet) = (Vec::new(), Vec::new());
    for seed in 1..=4 {
        let mut city = City::new(CityConfig { seed, orders: 400, ..CityConfig::default() });
        stand_in::play(&mut city, 2_000);
        let books = city.books();
        let rain = books.hidden.rain_from_ms + 600_000..books.hidden.rain_until_ms - 600_000;
        for order in &books.orders {
            let (Some(from_ms), Some(until_ms)) = (order.picked_up_at_ms, order.ended_at_ms) else {
                continue;
            };
            let rides = if rain.contains(&from_ms) { &mut wet } else { &mut dry };
            rides.push((until_ms - from_ms) as f64 / 60_000.0);
        }
    }
    let median = |rides: &[f64]| Curve::measured(rides).unwrap().at(0.5);
    assert!(wet.len() > 100 && median(&wet) > 1.1 * median(&dry), "{} wet, {} dry", median(&wet), median(&dry));
}
