//! Stripe's own statement: its balance transactions, as lines to hold against the ledger.

use super::Stripe;
use crate::http::text;
use comanda_processors::payment::StatementLine;
use serde_json::Value;

/// Pages of a hundred that one statement may have: a million lines a day.
const MAX_PAGES: usize = 10_000;

/// The statement cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// Stripe does not answer, or refuses.
    #[error("Stripe's balance transactions cannot be read: {0}")]
    Unavailable(String),
    /// The day has more lines than are believed.
    #[error("Stripe's statement has more than {0} pages")]
    TooLong(usize),
}

impl Stripe {
    /// What moved from `from_s` to before `to_s` (seconds since 1970): charges, refunds, disputes. Payouts and fees of
    /// Stripe's are no part of the ledger's clearing account, which counts what customers paid.
    ///
    /// # Errors
    /// If Stripe does not give all of it.
    pub async fn statement(&self, from_s: i64, to_s: i64) -> Result<Vec<StatementLine>, StatementError> {
        let (mut lines, mut after) = (vec![], None::<String>);
        for _ in 0..MAX_PAGES {
            let mut query = vec![
                ("created[gte]", from_s.to_string()),
                ("created[lt]", to_s.to_string()),
                ("limit", "100".to_owned()),
                ("expand[]", "data.source".to_owned()),
            ];
            query.extend(after.take().map(|id| ("starting_after", id)));
            let request = self.get("/v1/balance_transactions").query(&query);
            let page = self.read(request).await.map_err(StatementError::Unavailable)?.body;
            let transactions = page["data"].as_array().map_or(&[][..], Vec::as_slice);
            lines.extend(transactions.iter().filter_map(line));
            match transactions.last() {
                Some(last) if page["has_more"] == true => after = Some(text(last, "/id").to_owned()),
                _ => return Ok(lines),
            }
        }
        Err(StatementError::TooLong(MAX_PAGES))
    }
}

/// A charge goes by its intent's name in the ledger, a refund and a dispute by their own.
fn line(transaction: &Value) -> Option<StatementLine> {
    let source = &transaction["source"];
    let reference = match text(transaction, "/type") {
        "charge" | "payment" => text(source, "/payment_intent"),
        "refund" | "payment_refund" | "adjustment" | "refund_failure" | "payment_failure_refund" => text(source, "/id"),
        _ => return None,
    };
    Some(StatementLine {
        reference: reference.to_owned(),
        currency: text(transaction, "/currency").to_uppercase(),
        minor: transaction["amount"].as_i64()?,
    })
}
