//! Money: Colombian pesos, counted in centavos and shown whole.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in centavos of COP; 100 are one peso. Payment providers count so too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cop(pub i64);

/// An amount outside of what 64 bits of centavos can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount of money is too large")]
pub struct CopOverflow;

impl Cop {
    /// Nothing.
    pub const ZERO: Cop = Cop(0);

    /// Whole pesos.
    pub const fn pesos(pesos: i64) -> Result<Cop, CopOverflow> {
        Cop::checked(pesos.checked_mul(100))
    }

    /// In centavos.
    pub const fn centavos(self) -> i64 {
        self.0
    }

    /// Sum.
    pub const fn plus(self, other: Cop) -> Result<Cop, CopOverflow> {
        Cop::checked(self.0.checked_add(other.0))
    }

    /// Difference; may be negative.
    pub const fn minus(self, other: Cop) -> Result<Cop, CopOverflow> {
        Cop::checked(self.0.checked_sub(other.0))
    }

    /// Price of `quantity` pieces.
    pub const fn times(self, quantity: i64) -> Result<Cop, CopOverflow> {
        Cop::checked(self.0.checked_mul(quantity))
    }

    /// Whether it is below nothing.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    const fn checked(centavos: Option<i64>) -> Result<Cop, CopOverflow> {
        match centavos {
            Some(centavos) => Ok(Cop(centavos)),
            None => Err(CopOverflow),
        }
    }
}

/// Whole pesos, rounded half away from zero, grouped as in Colombia: `$ 1.234.568`.
impl fmt::Display for Cop {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let pesos = (self.0.unsigned_abs() + 50) / 100;
        let digits = pesos.to_string();
        f.write_str(if self.0 < 0 && pesos > 0 { "-$ " } else { "$ " })?;
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_str(".")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pesos_are_shown_whole_and_grouped() {
        let shown = |centavos| Cop(centavos).to_string();
        assert_eq!(
            [0, 49, 50, 123_456_789, -99_999, -49, i64::MIN].map(shown),
            ["$ 0", "$ 0", "$ 1", "$ 1.234.568", "-$ 1.000", "$ 0", "-$ 92.233.720.368.547.758"]
        );
    }

    #[test]
    fn arithmetic_that_does_not_fit_is_an_error() {
        assert_eq!(Cop::pesos(12_900).unwrap().times(3).unwrap().plus(Cop(5)).unwrap(), Cop(3_870_005));
        assert_eq!(Cop(i64::MAX).plus(Cop(1)), Err(CopOverflow));
        assert_eq!(Cop(i64::MIN).minus(Cop(1)), Err(CopOverflow));
        assert_eq!(Cop(i64::MAX).times(2), Err(CopOverflow));
        assert_eq!(Cop::pesos(i64::MAX), Err(CopOverflow));
    }
}
