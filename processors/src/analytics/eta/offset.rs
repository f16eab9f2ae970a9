//! Corrections of an estimate, moved by each error until half, and nine tenths, of the deliveries come by then.

use serde::{Deserialize, Serialize};

/// So many errors is what was thought before the first one worth. An order teaches an hour after its first estimate was
/// made: who learns faster than this, chases the traffic of the hour before (measured on simulated evenings).
const PRIOR_ERRORS: f64 = 60.0;
/// A correction never remembers more errors than this: it follows the zone from evening to evening.
const REMEMBERED_ERRORS: f64 = 200.0;
/// 1 ÷ density of a normal distribution of spread 1 at its quantiles 0.5 and 0.9, times 1.25 (from the mean absolute
/// error to the standard deviation): the fastest step of stochastic approximation (Robbins–Monro).
const STEP_P50: f64 = 3.1;
const STEP_P90: f64 = 7.1;

/// Quantiles of the errors of one stage, minutes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Offset {
    pub p50: f64,
    pub p90: f64,
    /// Mean distance of the errors from p50.
    spread: f64,
    errors: f64,
}

impl Offset {
    /// As thought before anything was seen.
    pub const fn prior(p50: f64, p90: f64) -> Offset {
        Offset { p50, p90, spread: 0.62 * (p90 - p50), errors: 0.0 }
    }

    /// Takes in an error: minutes from the uncorrected estimate to the delivery.
    pub fn learn(&mut self, error: f64) {
        let weight = 1.0 / (self.errors + PRIOR_ERRORS).min(REMEMBERED_ERRORS);
        self.p50 += weight * STEP_P50 * self.spread * (0.5 - f64::from(error <= self.p50));
        self.p90 += weight * STEP_P90 * self.spread * (0.9 - f64::from(error <= self.p90));
        self.spread += weight * ((error - self.p50).abs().min(4.0 * self.spread) - self.spread);
        self.p90 = self.p90.max(self.p50);
        self.errors += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Errors that are anything but normal: uniform over 40 minutes, and a shift.
    fn errors(shift: f64) -> impl Iterator<Item = f64> {
        (1..).map(move |n: u32| shift + 40.0 * (f64::from(n) * 0.618_034).fract())
    }

    #[test]
    fn quantiles_are_found_whatever_was_thought_before() {
        for prior in [1.0, 10.0, 60.0] {
            let mut offset = Offset::prior(0.0, prior);
            errors(-10.0).take(1_000).for_each(|error| offset.learn(error));
            assert!((offset.p50 - 10.0).abs() < 3.0 && (offset.p90 - 26.0).abs() < 3.0, "{offset:?}");
        }
    }

    #[test]
    fn a_lasting_shift_is_followed() {
        let mut offset = Offset::prior(0.0, 10.0);
        errors(0.0).take(400).chain(errors(15.0).take(400)).for_each(|error| offset.learn(error));
        assert!((offset.p50 - 35.0).abs() < 4.0, "{offset:?}");
    }

    #[test]
    fn one_absurd_error_moves_little() {
        let mut offset = Offset::prior(0.0, 10.0);
        errors(0.0).take(100).for_each(|error| offset.learn(error));
        let before = offset;
        offset.learn(100_000.0);
        assert!(offset.p90 - before.p90 < 3.0 && offset.spread < before.spread * 1.2, "{before:?} {offset:?}");
    }
}
