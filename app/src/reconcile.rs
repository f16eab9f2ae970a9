//! `comanda reconcile`: a business day's postings held against the provider's own statement, name by name.

use crate::cluster;
use crate::config::Addresses;
use crate::error::AppError;
use crate::payments::PaymentSettings;
use crate::reader::decoded;
use comanda_processors::payment::{StatementLine, reconcile};
use comanda_providers::stripe::Stripe;
use comanda_registry::SchemaRegistry;
use comanda_schemas::{LedgerPosted, PaymentProvider};
use std::sync::Arc;
use time::{Date, Month, OffsetDateTime};

/// Bogotá has no summer time: UTC−5 all year, so that its days begin at five in the morning, UTC.
const BOGOTA_BEHIND_UTC_S: i64 = 5 * 3_600;
const DAY_S: i64 = 24 * 3_600;

/// Prints the report of each provider that is configured; true if nothing differs.
///
/// What moves around midnight may be in the one's day and in the other's next: such names show up in both days' reports,
/// and cancel out.
pub fn run(addresses: &Addresses, day: &str) -> Result<bool, AppError> {
    let from_s = start_of(day).ok_or_else(|| AppError::Payments(format!("{day} is not a day: YYYY-MM-DD")))?;
    let variable = |name: &str| std::env::var(name).ok();
    let payments = PaymentSettings::from_environment(&variable)?.payments()?;
    let broker = cluster::broker(addresses)?;
    let registry: Arc<dyn SchemaRegistry> = Arc::new(cluster::patient_registry(addresses));
    let ledger = decoded::<LedgerPosted>(&*broker, &registry, "payment.ledger")?;
    let mut agrees = true;
    if let Some(stripe) = &payments.providers.stripe {
        let statement = statement(stripe, from_s)?;
        let found = reconcile(&of_day(&ledger, PaymentProvider::Stripe, from_s), &statement);
        println!("Stripe, {day} in Bogotá\n{found}");
        agrees = found.differences.is_empty();
    }
    if payments.providers.paypal.is_some() {
        let found = reconcile(&of_day(&ledger, PaymentProvider::Paypal, from_s), &[]);
        println!("PayPal, {day} in Bogotá: to be held against its own report, which this program does not fetch");
        found.ledger_minor.iter().for_each(|(currency, minor)| println!("{currency}: ledger {minor}"));
    }
    Ok(agrees)
}

fn statement(stripe: &Stripe, from_s: i64) -> Result<Vec<StatementLine>, AppError> {
    let failed = |error: &dyn std::fmt::Display| AppError::Payments(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| AppError::io("cannot start an event loop", error))?;
    runtime.block_on(stripe.statement(from_s, from_s + DAY_S)).map_err(|error| failed(&error))
}

fn of_day(ledger: &[LedgerPosted], provider: PaymentProvider, from_s: i64) -> Vec<LedgerPosted> {
    let day = from_s * 1_000..(from_s + DAY_S) * 1_000;
    let is_wanted =
        |posted: &&LedgerPosted| posted.provider == provider && day.contains(&posted.envelope.occurred_at.millis());
    ledger.iter().filter(is_wanted).cloned().collect()
}

/// When a day begins in Bogotá, seconds since 1970.
fn start_of(day: &str) -> Option<i64> {
    let [year, month, day] = day.split('-').collect::<Vec<_>>().try_into().ok()?;
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    Some(OffsetDateTime::new_utc(date, time::Time::MIDNIGHT).unix_timestamp() + BOGOTA_BEHIND_UTC_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_bogota() {
        assert_eq!(start_of("2026-11-24"), Some(1_795_496_400), "2026-11-24T05:00:00Z");
        assert_eq!(["2026-02-30", "2026-11", "today", "2026-11-24-1"].map(start_of), [None; 4]);
    }
}
