//! Who gets what of a price: restaurant, courier, platform and tax.

use comanda_schemas::Cop;
use serde::{Deserialize, Serialize};

/// One hundredth of a per cent is one.
const WHOLE_BP: i64 = 10_000;

/// How prices are shared out. Parts of centavos are rounded down for restaurant and courier; the platform gets the
/// remainder, pays every discount and bears what it lacks, so that the shares are always the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRules {
    /// Of the restaurant's subtotal to the platform, hundredths of a per cent.
    pub commission_bp: i64,
    /// Of the delivery fee to the platform, hundredths of a per cent.
    pub delivery_platform_bp: i64,
}

impl Default for ShareRules {
    /// A quarter of the food and a fifth of the delivery.
    fn default() -> Self {
        Self { commission_bp: 2_500, delivery_platform_bp: 2_000 }
    }
}

/// What a price is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Items.
    pub subtotal: Cop,
    /// Delivery.
    pub delivery_fee: Cop,
    /// Tax.
    pub tax: Cop,
    /// Less this.
    pub discount: Cop,
}

/// A sum of money by whom it is owed to; the platform's may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // Named after the accounts.
pub struct Shares {
    pub restaurant: Cop,
    pub courier: Cop,
    pub tax: Cop,
    pub platform: Cop,
}

impl ShareRules {
    /// The shares in `amount` of a price with these parts: all of it, or what is left of it after refunds.
    pub fn shares(&self, parts: &Parts, amount: Cop) -> Shares {
        let price = i128::from(parts.subtotal.0) + i128::from(parts.delivery_fee.0) + i128::from(parts.tax.0)
            - i128::from(parts.discount.0);
        let part = |whole: Cop, kept_bp: i64| {
            let kept_bp = i128::from(kept_bp.clamp(0, WHOLE_BP));
            let share = i128::from(whole.0) * kept_bp / i128::from(WHOLE_BP);
            Cop(in_proportion(share, i128::from(amount.0), price))
        };
        let restaurant = part(parts.subtotal, WHOLE_BP - self.commission_bp);
        let courier = part(parts.delivery_fee, WHOLE_BP - self.delivery_platform_bp);
        let tax = part(parts.tax, WHOLE_BP);
        Shares { restaurant, courier, tax, platform: Cop(amount.0 - restaurant.0 - courier.0 - tax.0) }
    }
}

/// `share` of `price`, for `amount` of it. A price of nothing has no shares; all of it is the platform's.
fn in_proportion(share: i128, amount: i128, price: i128) -> i64 {
    if price <= 0 { 0 } else { i64::try_from(share * amount / price).unwrap_or(0) }
}

impl Shares {
    /// All of them.
    pub fn total(&self) -> Cop {
        Cop(self.restaurant.0 + self.courier.0 + self.tax.0 + self.platform.0)
    }

    /// What is lost from these to `left`.
    pub fn less(&self, left: &Shares) -> Shares {
        Shares {
            restaurant: Cop(self.restaurant.0 - left.restaurant.0),
            courier: Cop(self.courier.0 - left.courier.0),
            tax: Cop(self.tax.0 - left.tax.0),
            platform: Cop(self.platform.0 - left.platform.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: Parts =
        Parts { subtotal: Cop(3_500_001), delivery_fee: Cop(500_003), tax: Cop(250_000), discount: Cop(100_004) };

    #[test]
    fn the_platform_gets_the_remainder_and_pays_the_discount() {
        let shares = ShareRules::default().shares(&PARTS, Cop(4_150_000));
        assert_eq!((shares.restaurant, shares.courier, shares.tax), (Cop(2_625_000), Cop(400_002), Cop(250_000)));
        assert_eq!(shares.platform, Cop(875_001 + 100_001 - 100_004));
        assert_eq!(shares.total(), Cop(4_150_000));
    }

    #[test]
    fn what_is_left_after_a_refund_is_shared_in_the_same_proportion() {
        let half = ShareRules::default().shares(&PARTS, Cop(2_075_000));
        assert_eq!((half.restaurant, half.courier, half.tax), (Cop(1_312_500), Cop(200_001), Cop(125_000)));
        assert_eq!(half.total(), Cop(2_075_000));
        assert_eq!(ShareRules::default().shares(&PARTS, Cop::ZERO), Shares::default());
    }

    #[test]
    fn a_discount_above_the_commission_is_the_platform_s_loss() {
        let parts = Parts { subtotal: Cop(1_000), discount: Cop(900), ..Parts::default() };
        let shares = ShareRules::default().shares(&parts, Cop(100));
        assert_eq!((shares.restaurant, shares.platform, shares.total()), (Cop(750), Cop(-650), Cop(100)));
    }
}
