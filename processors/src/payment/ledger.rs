//! The double-entry ledger of one payment: each thing that happens to its money is one posting whose legs add up to
//! nothing.
//!
//! Captured less given back is at any time what the shares hold; what is on its way back stands in between, on the
//! account for refunds. In the provider's own currency the clearing account is exactly what the provider holds: the
//! difference that rounding makes in pesos goes to exchange, and comes back from there with the last refund.

use super::exchange::{Money, Quote};
use super::shares::{Parts, ShareRules, Shares};
use comanda_schemas::{
    Cop, DriverId, Envelope, LedgerAccount, LedgerLeg, LedgerPosted, LedgerPosting, LedgerSide, OrderId, PaymentId,
    PaymentProvider, RestaurantId,
};
use serde::{Deserialize, Serialize};

/// What a payment has posted so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Books {
    /// How it is shared out.
    pub rules: ShareRules,
    /// What the price is made of.
    pub parts: Parts,
    /// Whose food.
    pub restaurant: RestaurantId,
    /// Who brought it, once it was taken.
    pub driver: Option<DriverId>,
    /// The provider's currency.
    pub quote: Quote,
    /// Taken from the customer.
    pub captured: Cop,
    /// Given back or to be given back: no longer anybody's share.
    pub owed_back: Cop,
    /// Of it: given back.
    pub paid_back: Cop,
    /// Held by the bank, or lost to it.
    pub disputed: Cop,
}

/// One leg; a debit is above nothing, a credit below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The account.
    pub account: LedgerAccount,
    /// In centavos.
    pub amount: i64,
    /// Of the clearing account: in hundredths of the provider's currency.
    pub minor: Option<i64>,
}

/// A posting that balances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Why.
    pub kind: LedgerPosting,
    /// Its legs; none is nothing.
    pub legs: Vec<Leg>,
}

impl Books {
    /// Of a payment of which nothing was taken.
    pub fn new(rules: ShareRules, parts: Parts, restaurant: RestaurantId, quote: Quote) -> Self {
        let (captured, owed_back, paid_back, disputed) = (Cop::ZERO, Cop::ZERO, Cop::ZERO, Cop::ZERO);
        Self { rules, parts, restaurant, driver: None, quote, captured, owed_back, paid_back, disputed }
    }

    /// `amount` was taken; whoever brings the food has a share in it.
    pub fn capture(&mut self, amount: Cop, driver: Option<DriverId>) -> Posting {
        (self.captured, self.driver) = (amount, driver);
        let minor = self.quote.minor(amount);
        let legs = vec![clearing(self.quote.worth(minor).0, minor)];
        self.post(LedgerPosting::Capture, legs, Shares::default(), self.shares_left())
    }

    /// `amount` is to be given back: the shares shrink by it.
    pub fn owe(&mut self, amount: Cop) -> Posting {
        let before = self.shares_left();
        self.owed_back = Cop(self.owed_back.0 + amount.0);
        let legs = vec![refunds(-amount.0)];
        self.post(LedgerPosting::RefundOwed, legs, before, self.shares_left())
    }

    /// The provider will not give `amount` back: the shares grow again.
    pub fn drop_refund(&mut self, amount: Cop) -> Posting {
        let before = self.shares_left();
        self.owed_back = Cop(self.owed_back.0 - amount.0);
        let legs = vec![refunds(amount.0)];
        self.post(LedgerPosting::RefundDropped, legs, before, self.shares_left())
    }

    /// The provider has given back `amount`, which was owed.
    pub fn pay_back(&mut self, amount: Cop) -> Posting {
        let before = self.minor_left(Cop::ZERO);
        self.paid_back = Cop(self.paid_back.0 + amount.0);
        self.left_clearing(LedgerPosting::RefundPaid, amount, before)
    }

    /// The bank holds `amount` until it has decided.
    pub fn open_dispute(&mut self, amount: Cop) -> Posting {
        let before = self.minor_left(Cop::ZERO);
        self.disputed = Cop(self.disputed.0 + amount.0);
        self.left_clearing(LedgerPosting::DisputeOpened, amount, before)
    }

    /// The bank has given `amount` back to us.
    pub fn win_dispute(&mut self, amount: Cop) -> Posting {
        let before = self.minor_left(Cop::ZERO);
        self.disputed = Cop(self.disputed.0 - amount.0);
        self.left_clearing(LedgerPosting::DisputeWon, Cop(-amount.0), before)
    }

    /// The customer keeps `amount`. The platform bears it: restaurant and courier have done their work.
    pub fn lose_dispute(&mut self, amount: Cop) -> Posting {
        let legs = vec![refunds(-amount.0), leg(LedgerAccount::Platform, amount.0)];
        Posting { kind: LedgerPosting::DisputeLost, legs }
    }

    /// What is to be asked of the provider so that `amount` goes back: with the last of it every rest.
    pub fn minor_of(&self, amount: Cop) -> Money {
        self.quote.money(self.minor_left(Cop::ZERO) - self.minor_left(amount))
    }

    /// What may still be given back.
    pub fn refundable(&self) -> Cop {
        Cop(self.captured.0 - self.owed_back.0 - self.disputed.0)
    }

    fn left_clearing(&self, kind: LedgerPosting, amount: Cop, before: i64) -> Posting {
        let after = self.minor_left(Cop::ZERO);
        let worth = self.quote.worth(after).0 - self.quote.worth(before).0;
        self.post(kind, vec![refunds(amount.0), clearing(worth, after - before)], Shares::default(), Shares::default())
    }

    /// What the provider would hold in its currency if `more` left it.
    fn minor_left(&self, more: Cop) -> i64 {
        let gone = Cop(self.paid_back.0 + self.disputed.0 + more.0);
        if gone >= self.captured { 0 } else { self.quote.minor(self.captured) - self.quote.minor(gone) }
    }

    fn shares_left(&self) -> Shares {
        self.rules.shares(&self.parts, Cop(self.captured.0 - self.owed_back.0))
    }

    /// Adds what the shares change by, and to exchange what is left.
    fn post(&self, kind: LedgerPosting, mut legs: Vec<Leg>, before: Shares, after: Shares) -> Posting {
        let mut lost = before.less(&after);
        if self.driver.is_none() {
            // Without a courier his share is the platform's.
            lost.platform = Cop(lost.platform.0 + std::mem::take(&mut lost.courier).0);
        }
        legs.push(leg(LedgerAccount::Restaurant, lost.restaurant.0));
        legs.push(leg(LedgerAccount::Courier, lost.courier.0));
        legs.push(leg(LedgerAccount::Tax, lost.tax.0));
        legs.push(leg(LedgerAccount::Platform, lost.platform.0));
        let rest: i64 = legs.iter().map(|leg| leg.amount).sum();
        legs.push(leg(LedgerAccount::Exchange, -rest));
        legs.retain(|leg| leg.amount != 0 || leg.minor.is_some_and(|minor| minor != 0));
        Posting { kind, legs }
    }
}

fn leg(account: LedgerAccount, amount: i64) -> Leg {
    Leg { account, amount, minor: None }
}

fn refunds(amount: i64) -> Leg {
    leg(LedgerAccount::Refunds, amount)
}

fn clearing(amount: i64, minor: i64) -> Leg {
    Leg { account: LedgerAccount::ProviderClearing, amount, minor: Some(minor) }
}

/// What a posting is about, beside its legs.
pub struct About {
    /// Its envelope.
    pub envelope: Envelope,
    /// The order.
    pub order: OrderId,
    /// The payment.
    pub payment: PaymentId,
    /// Of the operation behind it.
    pub attempt: i32,
    /// Who moved the money.
    pub provider: PaymentProvider,
    /// The provider's name for that.
    pub reference: Option<String>,
}

impl Posting {
    /// As the contract has it: sides and amounts above nothing, and whose they are.
    pub fn record(&self, books: &Books, about: About) -> LedgerPosted {
        LedgerPosted {
            envelope: about.envelope,
            order_id: about.order,
            payment_id: about.payment,
            posting: self.kind,
            attempt: about.attempt,
            provider: about.provider,
            provider_reference: about.reference,
            currency: books.quote.currency.clone(),
            rate_micros: books.quote.rate_micros,
            legs: self.legs.iter().map(|leg| leg.record(books)).collect(),
        }
    }
}

impl Leg {
    fn record(&self, books: &Books) -> LedgerLeg {
        let debit = self.amount > 0 || (self.amount == 0 && self.minor.is_some_and(|minor| minor > 0));
        LedgerLeg {
            account: self.account,
            side: if debit { LedgerSide::Debit } else { LedgerSide::Credit },
            amount_centavos: Cop(self.amount.abs()),
            amount_minor: self.minor.map(i64::abs),
            restaurant_id: (self.account == LedgerAccount::Restaurant).then_some(books.restaurant),
            driver_id: books.driver.filter(|_| self.account == LedgerAccount::Courier),
        }
    }
}

#[cfg(test)]
mod tests;
