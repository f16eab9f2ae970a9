//! The daily reconciliation: the ledger's clearing account held against the provider's own statement, name by name.

use comanda_schemas::{LedgerAccount, LedgerPosted, LedgerSide};
use std::collections::BTreeMap;
use std::fmt;

/// A line of a provider's statement, in the provider's own currency and with the provider's own sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// The provider's name for what it did.
    pub reference: String,
    /// ISO 4217, upper case.
    pub currency: String,
    /// Hundredths; above nothing what came in.
    pub minor: i64,
}

/// Ledger and statement of one time, side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// Names that both have.
    pub names: usize,
    /// Sum of the ledger's clearing account by currency.
    pub ledger_minor: BTreeMap<String, i64>,
    /// Sum of the statement by currency.
    pub statement_minor: BTreeMap<String, i64>,
    /// Where they differ.
    pub differences: Vec<Difference>,
}

/// A name under which ledger and statement have not the same amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The provider's name.
    pub reference: String,
    /// ISO 4217, upper case.
    pub currency: String,
    /// Hundredths in the ledger; nothing if it has no such name.
    pub ledger_minor: i64,
    /// Hundredths in the statement; nothing if it has no such name.
    pub statement_minor: i64,
}

/// Holds postings and statement of the same time and the same provider against each other. A posting that is there
/// twice under one identity counts once.
pub fn reconcile(postings: &[LedgerPosted], statement: &[StatementLine]) -> Reconciliation {
    let mut by_name: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    let unique: BTreeMap<_, _> = postings.iter().map(|posted| (posted.envelope.event_id.0, posted)).collect();
    for posted in unique.values() {
        let Some(reference) = &posted.provider_reference else { continue };
        by_name.entry((posted.currency.clone(), reference.clone())).or_default().0 += clearing_minor(posted);
    }
    for line in statement {
        by_name.entry((line.currency.clone(), line.reference.clone())).or_default().1 += line.minor;
    }
    let mut found = Reconciliation::default();
    for ((currency, reference), (ledger_minor, statement_minor)) in by_name {
        *found.ledger_minor.entry(currency.clone()).or_default() += ledger_minor;
        *found.statement_minor.entry(currency.clone()).or_default() += statement_minor;
        if ledger_minor == statement_minor {
            found.names += 1;
        } else {
            found.differences.push(Difference { reference, currency, ledger_minor, statement_minor });
        }
    }
    found
}

/// What a posting adds to the clearing account in the provider's currency.
fn clearing_minor(posted: &LedgerPosted) -> i64 {
    let clearing = posted.legs.iter().filter(|leg| leg.account == LedgerAccount::ProviderClearing);
    let signed = clearing.map(|leg| {
        let minor = leg.amount_minor.unwrap_or(0);
        if leg.side == LedgerSide::Debit { minor } else { -minor }
    });
    signed.sum()
}

/// The report, a line a finding.
impl fmt::Display for Reconciliation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (currency, ledger) in &self.ledger_minor {
            let statement = self.statement_minor.get(currency).copied().unwrap_or(0);
            writeln!(f, "{currency}: ledger {ledger}, statement {statement}, difference {}", ledger - statement)?;
        }
        writeln!(f, "{} names agree, {} differ", self.names, self.differences.len())?;
        for Difference { reference, currency, ledger_minor, statement_minor } in &self.differences {
            writeln!(f, "{reference}: ledger {ledger_minor}, statement {statement_minor} {currency}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::tests::desk::{Desk, TOTAL, done};

    fn line(reference: &str, minor: i64) -> StatementLine {
        StatementLine { reference: reference.to_owned(), currency: "COP".to_owned(), minor }
    }

    #[test]
    fn what_both_have_agrees_and_what_one_lacks_is_named() {
        let mut desk = Desk::captured();
        desk.refund(1_000_000, 1);
        desk.answer(done("re_1"));
        desk.ledger.push(desk.ledger[0].clone());
        let whole = [line("pi_1", TOTAL.0), line("re_1", -1_000_000)];
        let agreed = reconcile(&desk.ledger, &whole);
        assert_eq!((agreed.names, agreed.differences.len()), (2, 0));
        let found = reconcile(&desk.ledger, &[line("pi_1", TOTAL.0), line("pi_1", TOTAL.0)]);
        assert_eq!(
            found.to_string(),
            "COP: ledger 3150000, statement 8300000, difference -5150000\n0 names agree, 2 differ\n\
             pi_1: ledger 4150000, statement 8300000 COP\nre_1: ledger -1000000, statement 0 COP\n"
        );
    }
}
