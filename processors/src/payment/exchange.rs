//! Amounts in the currency in which a provider counts, at a rate that is recorded with the payment.

use comanda_schemas::Cop;
use serde::{Deserialize, Serialize};

const MILLION: i128 = 1_000_000;

/// A currency and what one unit of it costs. PayPal has no Colombian peso; Stripe has, in centavos.
///
/// Both currencies have hundredths, as all have that PayPal lists but for JPY, HUF and TWD, which we do not use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// ISO 4217, upper case.
    pub currency: String,
    /// Millionths of a COP for one unit.
    pub rate_micros: i64,
}

/// An amount as the provider counts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// ISO 4217, upper case.
    pub currency: String,
    /// Hundredths of one unit.
    pub minor: i64,
}

impl Quote {
    /// Pesos for pesos.
    pub fn cop() -> Self {
        Self { currency: "COP".to_owned(), rate_micros: 1_000_000 }
    }

    /// Hundredths of the currency for an amount, rounded half up.
    pub fn minor(&self, amount: Cop) -> i64 {
        divide_rounded(i128::from(amount.0) * MILLION, i128::from(self.rate_micros.max(1)))
    }

    /// What so many hundredths of the currency are worth, rounded half up.
    pub fn worth(&self, minor: i64) -> Cop {
        Cop(divide_rounded(i128::from(minor) * i128::from(self.rate_micros.max(1)), MILLION))
    }

    /// An amount as the provider counts it.
    pub fn money(&self, minor: i64) -> Money {
        Money { currency: self.currency.clone(), minor }
    }
}

/// Half up, for amounts that are not negative. Beyond 64 bits it is the largest amount, which no provider takes.
fn divide_rounded(dividend: i128, divisor: i128) -> i64 {
    i64::try_from((2 * dividend + divisor).div_euclid(2 * divisor)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pesos_stay_as_they_are_and_dollars_are_rounded_to_the_cent() {
        assert_eq!((Quote::cop().minor(Cop(4_150_001)), Quote::cop().worth(4_150_001)), (4_150_001, Cop(4_150_001)));
        let dollars = Quote { currency: "USD".to_owned(), rate_micros: 4_000_000_000 };
        assert_eq!(dollars.minor(Cop(4_150_000)), 1_038, "10.375 dollars");
        assert_eq!(dollars.worth(1_038), Cop(4_152_000));
        assert_eq!(dollars.minor(Cop(i64::MAX)), 2_305_843_009_213_694);
    }
}
