//! What an order costs: total = Σ (unit price + options) · quantity − discount + delivery fee + tax.

use comanda_schemas::{Cop, CopOverflow, OrderItem};

/// One hundredth of a per cent is one.
const WHOLE_BASIS_POINTS: i128 = 10_000;

/// The parts of a price that follow from the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bill {
    pub subtotal: Cop,
    pub tax: Cop,
    pub total: Cop,
}

/// The price of these items; an error if it is more than 64 bits of centavos can hold.
pub(super) fn bill(
    items: &[OrderItem],
    delivery_fee: Cop,
    discount: Cop,
    tax_basis_points: i32,
) -> Result<Bill, CopOverflow> {
    let subtotal = items.iter().try_fold(Cop::ZERO, |sum, item| sum.plus(item.price()?))?;
    let tax = tax_on(subtotal, tax_basis_points)?;
    let total = subtotal.minus(discount)?.plus(delivery_fee)?.plus(tax)?;
    Ok(Bill { subtotal, tax, total })
}

/// The tax on all that the restaurant sells, rounded once, half up to the centavo: rounded line by line it would depend
/// on how a basket is split into lines. The discount does not lower it (the platform pays discounts, so the restaurant
/// sells at its full price), and the delivery fee holds its own.
fn tax_on(subtotal: Cop, basis_points: i32) -> Result<Cop, CopOverflow> {
    let parts = i128::from(subtotal.0) * i128::from(basis_points);
    let rounded = (parts + WHOLE_BASIS_POINTS / 2).div_euclid(WHOLE_BASIS_POINTS);
    i64::try_from(rounded).map(Cop).map_err(|_| CopOverflow)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use comanda_schemas::{ItemId, ItemOption, OptionId};
    use proptest::prelude::*;
    use uuid::Uuid;

    fn item(quantity: i32, price: i64, options: &[i64]) -> OrderItem {
        let option = |price: &i64| ItemOption {
            option_id: OptionId(Uuid::nil()),
            name: "with".to_owned(),
            price_centavos: Cop(*price),
        };
        OrderItem {
            item_id: ItemId(Uuid::nil()),
            name: "dish".to_owned(),
            quantity,
            unit_price_centavos: Cop(price),
            options: options.iter().map(option).collect(),
        }
    }

    #[test]
    fn a_total_is_items_with_their_options_less_discount_with_delivery_and_tax() {
        let items = [item(2, 1_500_000, &[100_000, 50_000]), item(1, 500_000, &[])];
        let bill = bill(&items, Cop(470_000), Cop(100_000), 800).unwrap();
        assert_eq!(bill, Bill { subtotal: Cop(3_800_000), tax: Cop(304_000), total: Cop(4_474_000) });
    }

    #[test]
    fn tax_is_rounded_half_up_once() {
        for (subtotal, basis_points, tax) in
            [(0, 800, 0), (1, 4_999, 0), (1, 5_000, 1), (3, 5_000, 2), (249, 20, 0), (250, 20, 1), (10_000, 0, 0)]
        {
            assert_eq!(tax_on(Cop(subtotal), basis_points), Ok(Cop(tax)), "{subtotal} {basis_points}");
        }
        // Three lines of half a centavo of tax each are one and a half: 2, not 3.
        let bill = bill(&[item(1, 1, &[]), item(1, 1, &[]), item(1, 1, &[])], Cop::ZERO, Cop::ZERO, 5_000).unwrap();
        assert_eq!(bill.tax, Cop(2));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for items in [vec![item(1, i64::MAX, &[1])], vec![item(2, i64::MAX / 2 + 1, &[])], vec![item(1, i64::MAX, &[])]]
        {
            assert_eq!(bill(&items, Cop(1), Cop::ZERO, 800), Err(CopOverflow));
        }
    }

    proptest! {
        #[test]
        fn a_basket_costs_the_same_however_it_is_split_into_lines(
            price in 0..10_000_000_i64, option in 0..1_000_000_i64, one in 1..50_i32, two in 1..50_i32, rate in 0..3_000_i32
        ) {
            let whole = bill(&[item(one + two, price, &[option])], Cop(7), Cop(3), rate);
            let split = bill(&[item(one, price, &[option]), item(two, price, &[option])], Cop(7), Cop(3), rate);
            prop_assert_eq!(whole, split);
        }

        #[test]
        fn rounding_errs_by_half_a_centavo_at_most(subtotal in 0..i64::MAX / 10_000, rate in 0..10_000_i32) {
            let exact = i128::from(subtotal) * i128::from(rate);
            let off = exact - i128::from(tax_on(Cop(subtotal), rate).unwrap().0) * 10_000;
            prop_assert!((-5_000..5_000).contains(&off), "{off}");
        }
    }
}
