//! Whether something was done, as Stripe's own objects say. Only lists and objects, which show what was just written;
//! Stripe's search lags behind by up to a minute.

use super::{Stripe, answers};
use crate::http::text;
use comanda_processors::payment::{Answer, ProviderCall, Request};
use serde_json::Value;

/// Objects on a page, at most what Stripe gives.
const PAGE: usize = 100;
/// A customer's newest thousand intents, an intent's thousand refunds: what is looked up was made a moment ago.
const MAX_PAGES: usize = 10;

impl Stripe {
    /// Any failure leaves it as unknown as it was.
    pub(super) async fn look_up(&self, call: &ProviderCall) -> Answer {
        self.find(call).await.unwrap_or_else(|detail| Answer::Unknown { detail })
    }

    async fn find(&self, call: &ProviderCall) -> Result<Answer, String> {
        Ok(match &call.request {
            Request::Authorize { method, .. } => {
                let found = self.find_in("/v1/payment_intents", ("customer", &method.customer), call).await?;
                found.map_or(Answer::NotDone, |intent| answers::authorization(&intent))
            }
            Request::Resume { reference } => answers::authorization(&self.intent(reference).await?),
            Request::Capture { reference, .. } => {
                answers::capture(&self.intent(reference).await?).unwrap_or(Answer::NotDone)
            }
            Request::Void { reference } | Request::Abandon { reference } => {
                answers::cancellation(&self.intent(reference).await?).unwrap_or(Answer::NotDone)
            }
            Request::Refund { reference, .. } => {
                let found = self.find_in("/v1/refunds", ("payment_intent", reference), call).await?;
                found.map_or(Answer::NotDone, |refund| answers::refund(&refund))
            }
        })
    }

    /// A PaymentIntent as it stands.
    pub(super) async fn intent(&self, reference: &str) -> Result<Value, String> {
        Ok(self.read(self.get(&format!("/v1/payment_intents/{reference}"))).await?.body)
    }

    /// The object in a list that was made under the call's key.
    async fn find_in(&self, path: &str, filter: (&str, &str), call: &ProviderCall) -> Result<Option<Value>, String> {
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = vec![(filter.0, filter.1.to_owned()), ("limit", PAGE.to_string())];
            query.extend(after.take().map(|id| ("starting_after", id)));
            let page = self.read(self.get(path).query(&query)).await?.body;
            let objects = page["data"].as_array().map_or(&[][..], Vec::as_slice);
            if let Some(found) = objects.iter().find(|object| is_of(object, call)) {
                return Ok(Some(found.clone()));
            }
            match objects.last() {
                Some(last) if page["has_more"] == true => after = Some(text(last, "/id").to_owned()),
                _ => return Ok(None),
            }
        }
        Err(format!("not among the newest {}", PAGE * MAX_PAGES))
    }
}

fn is_of(object: &Value, call: &ProviderCall) -> bool {
    let metadata = &object["metadata"];
    text(metadata, "/payment_id") == call.payment.to_string()
        && text(metadata, "/operation") == call.key.operation.symbol()
        && text(metadata, "/attempt") == call.key.attempt.to_string()
}
