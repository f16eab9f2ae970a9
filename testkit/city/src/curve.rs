//! A distribution known by its quantiles: drawn from by the city, measured from evenings by `calibrate`.

/// The probabilities at which distributions are measured and kept.
pub const PROBABILITIES: [f64; 9] = [0.0, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 1.0];

/// Values at [`PROBABILITIES`], straight lines between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve(pub [f64; 9]);

impl Curve {
    /// The value below which the share `probability` of the distribution lies.
    pub fn at(&self, probability: f64) -> f64 {
        let upper = PROBABILITIES.iter().position(|&p| p >= probability).unwrap_or(8).max(1);
        let (low, high) = (PROBABILITIES[upper - 1], PROBABILITIES[upper]);
        let along = ((probability - low) / (high - low)).clamp(0.0, 1.0);
        self.0[upper - 1] + (self.0[upper] - self.0[upper - 1]) * along
    }

    /// Measures `values`; the two ends are cut at the 0.5 and 99.5 % quantiles, since one extraordinary order
    /// would otherwise stretch the whole last piece. Nothing can be measured from no values: `None`.
    pub fn measured(values: &[f64]) -> Option<Curve> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let value = |p: f64| sorted[(p.clamp(0.005, 0.995) * last as f64).round() as usize];
        Some(Curve(PROBABILITIES.map(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_gives_back_what_was_measured() {
        let values: Vec<f64> = (0..=1000).map(f64::from).collect();
        let curve = Curve::measured(&values).expect("there are values");
        assert_eq!(curve.at(0.5), 500.0);
        assert_eq!(curve.at(0.075), 75.0);
        assert_eq!((curve.at(0.0), curve.at(1.0)), (5.0, 995.0));
        assert_eq!(Curve::measured(&[]), None);
    }
}
