//! Postings on any sequence of what may happen to a payment.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

const DOLLARS: i64 = 4_123_456_789;

fn books(parts: Parts, rate_micros: i64) -> Books {
    let quote = Quote { currency: "USD".to_owned(), rate_micros };
    Books::new(ShareRules::default(), parts, RestaurantId(Uuid::from_u128(1)), quote)
}

/// Balances by account, as debits less credits, and the provider's own currency.
#[derive(Default)]
struct Balances {
    centavos: BTreeMap<LedgerAccount, i64>,
    minor: i64,
}

impl Balances {
    fn add(&mut self, posting: &Posting) {
        assert_eq!(posting.legs.iter().map(|leg| leg.amount).sum::<i64>(), 0, "{posting:?} balances");
        for leg in &posting.legs {
            *self.centavos.entry(leg.account).or_default() += leg.amount;
            self.minor += leg.minor.unwrap_or(0);
        }
    }

    fn of(&self, account: LedgerAccount) -> i64 {
        self.centavos.get(&account).copied().unwrap_or(0)
    }

    fn shares(&self) -> i64 {
        use LedgerAccount::{Courier, Platform, Restaurant, Tax};
        -[Restaurant, Courier, Platform, Tax].map(|account| self.of(account)).iter().sum::<i64>()
    }
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    Refunded(i64),
    RefundDropped(i64),
    DisputeWon(i64),
    DisputeLost(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let percent = 1..=100i64;
    prop_oneof![
        percent.clone().prop_map(Happening::Refunded),
        percent.clone().prop_map(Happening::RefundDropped),
        percent.clone().prop_map(Happening::DisputeWon),
        percent.prop_map(Happening::DisputeLost),
    ]
}

fn parts() -> impl Strategy<Value = Parts> {
    (1..9_000_000i64, 0..900_000i64, 0..900_000i64, 0..100i64).prop_map(|(subtotal, fee, tax, percent)| Parts {
        subtotal: Cop(subtotal),
        delivery_fee: Cop(fee),
        tax: Cop(tax),
        discount: Cop(subtotal * percent / 100),
    })
}

fn total(parts: &Parts) -> Cop {
    Cop(parts.subtotal.0 + parts.delivery_fee.0 + parts.tax.0 - parts.discount.0)
}

proptest! {
    #[test]
    fn every_posting_balances_and_captured_less_given_back_is_the_sum_of_the_shares(
        parts in parts(),
        rate in prop_oneof![Just(1_000_000), Just(DOLLARS), 1..9_999_999_999i64],
        happenings in prop::collection::vec(happening(), 0..8),
        courier in any::<bool>(),
    ) {
        let mut books = books(parts, rate);
        let mut balances = Balances::default();
        let driver = courier.then_some(DriverId(Uuid::from_u128(2)));
        balances.add(&books.capture(total(&parts), driver));
        let (mut given_back, mut statement) = (0, books.quote.minor(total(&parts)));
        for happening in happenings {
            let (Happening::Refunded(percent) | Happening::RefundDropped(percent) | Happening::DisputeWon(percent)
                | Happening::DisputeLost(percent)) = happening;
            let amount = Cop(books.refundable().0 * percent / 100);
            let moved = books.minor_of(amount).minor;
            match happening {
                Happening::Refunded(_) => {
                    balances.add(&books.owe(amount));
                    balances.add(&books.pay_back(amount));
                }
                Happening::RefundDropped(_) => {
                    balances.add(&books.owe(amount));
                    balances.add(&books.drop_refund(amount));
                }
                Happening::DisputeWon(_) => {
                    balances.add(&books.open_dispute(amount));
                    balances.add(&books.win_dispute(amount));
                }
                Happening::DisputeLost(_) => {
                    balances.add(&books.open_dispute(amount));
                    balances.add(&books.lose_dispute(amount));
                }
            }
            if matches!(happening, Happening::Refunded(_) | Happening::DisputeLost(_)) {
                given_back += amount.0;
                statement -= moved;
            }
            prop_assert_eq!(balances.minor, statement, "the clearing account is the provider's statement");
            prop_assert_eq!(balances.shares(), total(&parts).0 - given_back);
            prop_assert_eq!(balances.of(LedgerAccount::Refunds), 0);
        }
        if given_back == total(&parts).0 {
            prop_assert_eq!((balances.minor, balances.of(LedgerAccount::Exchange)), (0, 0));
        }
    }
}

const PARTS: Parts =
    Parts { subtotal: Cop(3_500_000), delivery_fee: Cop(500_000), tax: Cop(250_000), discount: Cop(100_000) };

#[test]
fn a_capture_in_dollars_keeps_the_gain_of_rounding_apart() {
    let posting = books(PARTS, 4_000_000_000).capture(Cop(4_150_000), Some(DriverId(Uuid::from_u128(2))));
    let legs: Vec<_> = posting.legs.iter().map(|leg| (leg.account, leg.amount)).collect();
    assert_eq!(
        legs,
        [
            (LedgerAccount::ProviderClearing, 4_152_000),
            (LedgerAccount::Restaurant, -2_625_000),
            (LedgerAccount::Courier, -400_000),
            (LedgerAccount::Tax, -250_000),
            (LedgerAccount::Platform, -875_000),
            (LedgerAccount::Exchange, -2_000),
        ]
    );
    assert_eq!(posting.legs[0].minor, Some(1_038));
}

#[test]
fn a_posting_is_written_with_sides_and_with_whose_share_it_is() {
    let mut books = books(PARTS, 1_000_000);
    let (order, payment) = (OrderId(Uuid::from_u128(3)), PaymentId(Uuid::from_u128(4)));
    let envelope = Envelope::first(comanda_schemas::EventId(Uuid::nil()), comanda_schemas::EventTime(5), order, "test");
    let about = About { envelope, order, payment, attempt: 1, provider: PaymentProvider::Stripe, reference: None };
    let posting = books.capture(Cop(4_150_000), Some(DriverId(Uuid::from_u128(2))));
    let record = posting.record(&books, about);
    let side = |side| record.legs.iter().filter(|leg| leg.side == side).map(|leg| leg.amount_centavos.0).sum::<i64>();
    assert_eq!((side(LedgerSide::Debit), side(LedgerSide::Credit)), (4_150_000, 4_150_000));
    assert_eq!(record.legs[1].restaurant_id, Some(RestaurantId(Uuid::from_u128(1))));
    assert_eq!(record.legs[2].driver_id, Some(DriverId(Uuid::from_u128(2))));
}
