//! The evening's money: what the providers hold, what the ledger says, and what the orders say.

use super::bank::Statement;
use super::report::Report;
use comanda_schemas::{LedgerAccount, LedgerLeg, LedgerPosted, LedgerSide, OrderView, PaymentProvider};
use std::collections::BTreeMap;

/// Prints and compares: the providers' own books on the left where there are any, else what has to be.
pub fn compare(
    report: &mut Report,
    statement: &Statement,
    ledger: &[LedgerPosted],
    views: &BTreeMap<String, OrderView>,
) {
    let unbalanced = ledger.iter().filter(|posted| posted.legs.iter().map(centavos).sum::<i64>() != 0);
    report.equal("ledger postings that do not balance", 0, unbalanced.count());
    report.equal_money(
        "held by Stripe = clearing, COP",
        statement.stripe_centavos,
        clearing(ledger, PaymentProvider::Stripe),
    );
    report.equal_money(
        "held by PayPal = clearing, USD",
        statement.paypal_cents,
        clearing(ledger, PaymentProvider::Paypal),
    );
    let held: i64 = views.values().map(held_by).sum();
    report.equal_money("captured − refunded = shares, COP", held, shares(ledger));
    report.equal("orders of which that is not so", 0, orders_apart(ledger, views));
    report.equal_money("on its way back to customers, COP", 0, balance(ledger, LedgerAccount::Refunds));
    report.equal("captures and refunds done twice", 0, statement.done_twice);
    report.equal("webhooks that the edge did not take", 0, statement.webhooks_lost);
}

fn held_by(view: &OrderView) -> i64 {
    view.captured_centavos.0 - view.refunded_centavos.0
}

/// Orders whose money is not what restaurant, courier, platform and tax have of it.
fn orders_apart(ledger: &[LedgerPosted], views: &BTreeMap<String, OrderView>) -> usize {
    let mut of_order: BTreeMap<String, i64> = BTreeMap::new();
    for posted in ledger {
        *of_order.entry(posted.order_id.to_string()).or_default() += shares(std::slice::from_ref(posted));
    }
    let shared = |order: &str| of_order.get(order).copied().unwrap_or(0);
    let unknown = of_order.keys().filter(|order| !views.contains_key(*order)).count();
    unknown + views.iter().filter(|(order, view)| held_by(view) != shared(order)).count()
}

fn shares(ledger: &[LedgerPosted]) -> i64 {
    use LedgerAccount::{Courier, Platform, Restaurant, Tax};
    -[Restaurant, Courier, Platform, Tax].map(|account| balance(ledger, account)).iter().sum::<i64>()
}

fn balance(ledger: &[LedgerPosted], account: LedgerAccount) -> i64 {
    let legs = ledger.iter().flat_map(|posted| &posted.legs).filter(|leg| leg.account == account);
    legs.map(centavos).sum()
}

/// In hundredths of the provider's own currency.
fn clearing(ledger: &[LedgerPosted], provider: PaymentProvider) -> i64 {
    let postings = ledger.iter().filter(|posted| posted.provider == provider);
    let legs = postings.flat_map(|posted| &posted.legs);
    legs.map(|leg| leg.amount_minor.unwrap_or(0) * sign(leg)).sum()
}

fn centavos(leg: &LedgerLeg) -> i64 {
    leg.amount_centavos.0 * sign(leg)
}

fn sign(leg: &LedgerLeg) -> i64 {
    if leg.side == LedgerSide::Debit { 1 } else { -1 }
}
