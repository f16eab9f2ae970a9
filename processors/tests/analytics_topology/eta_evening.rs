//! How good the estimates are on evenings whose hidden factors they can only learn, each evening from nothing.

use crate::evening::{Judged, evening, judged};
use crate::role::AnalyticsRole;
use comanda_schemas::OrderStatus::{self, Confirmed, Pending, PickedUp, Preparing, Ready};
use std::collections::BTreeSet;

/// Orders of an evening by the measure.
const ORDERS: u32 = 600;
/// None of those that the priors were chosen by. One evening alone says little: whether it rains when most people eat
/// moves its share by ten percent, and nobody can know that an hour before.
const EVENINGS: std::ops::RangeInclusive<u64> = 11..=16;
/// The first of an evening's estimates, by share, have nothing to learn from.
const WARM_UP: f64 = 0.25;
const STAGES: [OrderStatus; 5] = [Pending, Confirmed, Preparing, Ready, PickedUp];

#[derive(Debug)]
struct Score {
    count: usize,
    by_p50: f64,
    by_p90: f64,
    mean_error_minutes: f64,
}

fn score<'a>(judged: impl IntoIterator<Item = &'a Judged>) -> Score {
    let judged: Vec<&Judged> = judged.into_iter().collect();
    let percent =
        |by: fn(&Judged) -> bool| 100.0 * judged.iter().filter(|j| by(j)).count() as f64 / judged.len() as f64;
    let errors = judged.iter().map(|j| j.delivered_at.minutes_since(j.eta.p50_at).abs());
    Score {
        count: judged.len(),
        by_p50: percent(|j| j.delivered_at <= j.eta.p50_at),
        by_p90: percent(|j| j.delivered_at <= j.eta.p90_at),
        mean_error_minutes: errors.sum::<f64>() / judged.len() as f64,
    }
}

fn covers(score: &Score) -> bool {
    score.count > 1_000 && (42.0..=58.0).contains(&score.by_p50) && (85.0..=95.0).contains(&score.by_p90)
}

/// The mean absolute error of the best constant duration, known only afterwards.
fn error_of_the_best_constant(judged: &[&Judged]) -> f64 {
    let mut minutes: Vec<f64> = judged.iter().map(|j| j.delivered_at.minutes_since(j.placed_at)).collect();
    minutes.sort_by(f64::total_cmp);
    let median = minutes[minutes.len() / 2];
    minutes.iter().map(|m| (m - median).abs()).sum::<f64>() / minutes.len() as f64
}

fn after_warm_up(mut judged: Vec<Judged>) -> Vec<Judged> {
    judged.split_off((judged.len() as f64 * WARM_UP) as usize)
}

/// The evenings' estimates; each evening is told to a role that knows nothing.
fn played() -> Vec<Vec<Judged>> {
    EVENINGS.map(|seed| judged(&evening(seed, ORDERS), &mut AnalyticsRole::new(None))).collect()
}

/// The first estimate of each order.
fn first(judged: &[Judged]) -> Vec<&Judged> {
    let mut seen = BTreeSet::new();
    judged.iter().filter(|j| seen.insert(j.eta.order_id)).collect()
}

#[test]
fn half_of_the_deliveries_come_by_p50_and_nine_of_ten_by_p90_at_every_stage() {
    let evenings = played();
    let firsts: Vec<&Judged> = evenings.iter().flat_map(|judged| first(judged)).collect();
    let first = score(firsts.iter().copied());
    let constant = error_of_the_best_constant(&firsts);
    println!("first estimates: {first:?}; the best constant is off by {constant:.1} minutes");
    assert!(covers(&first), "first estimates: {first:?}");
    assert!(first.mean_error_minutes < 0.5 * constant, "{first:?} against {constant} minutes");
    let warm: Vec<Judged> = evenings.into_iter().flat_map(after_warm_up).collect();
    let mut errors = vec![];
    for stage in STAGES {
        let score = score(warm.iter().filter(|j| j.eta.stage == stage));
        println!("{stage:?}: {score:?}");
        assert!(covers(&score), "{stage:?}: {score:?}");
        errors.push(score.mean_error_minutes);
    }
    let all = score(&warm);
    println!("all: {all:?}");
    assert!(covers(&all), "{all:?}");
    assert!(errors[2..].is_sorted_by(|a, b| a > b), "the nearer the door the smaller the error: {errors:?}");
}
