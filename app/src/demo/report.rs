//! The lines of the summary, and whether all of them are equal.

use std::fmt::Display;

/// Counts what is not equal.
#[derive(Default)]
pub struct Report {
    failed: usize,
}

impl Report {
    /// A line with the city's figure and the system's.
    pub fn equal<T: PartialEq + Display>(&mut self, what: &str, city: T, system: T) {
        let good = city == system;
        self.failed += usize::from(!good);
        let (mark, sign) = if good { ("✓", "=") } else { ("✗", "≠") };
        println!("  {mark} {what:<44} {city:>14} {sign} {system}");
    }

    /// The same for money: equal to the centavo.
    pub fn equal_money(&mut self, what: &str, city_centavos: i64, system_centavos: i64) {
        self.equal(what, Pesos(city_centavos), Pesos(system_centavos));
    }

    /// Whether all lines were equal.
    pub fn is_good(&self) -> bool {
        self.failed == 0
    }
}

/// Centavos, shown as pesos.
#[derive(PartialEq)]
struct Pesos(i64);

impl Display for Pesos {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, centavos) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        f.pad(&format!("{sign}{}.{:02}", centavos / 100, centavos % 100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_that_is_not_equal_is_enough() {
        let mut report = Report::default();
        report.equal("orders", 3, 3);
        report.equal_money("captured", 100, 100);
        assert!(report.is_good());
        report.equal_money("refunded", 50, -50);
        assert!(!report.is_good());
        report.equal("rows", 1, 1);
        assert!(!report.is_good(), "what comes later heals nothing");
    }

    #[test]
    fn pesos_keep_sign_and_centavos() {
        let shown = [1_234_505, -99, 0].map(|centavos| Pesos(centavos).to_string());
        assert_eq!(shown, ["12345.05", "-0.99", "0.00"]);
        assert_eq!(format!("{:>8}", Pesos(100)), "    1.00");
    }
}
