//! Stripe's webhooks as commands.
//!
//! Source: Stripe's API reference, "Types of events". A webhook names our payment by the metadata of its object; where
//! an object has none (a dispute, a refund made in the dashboard), its PaymentIntent is read.

use super::{Stripe, answers, verify};
use crate::http::text;
use crate::stripe::SignatureError;
use crate::webhook::{WebhookError, event_id};
use comanda_schemas::{
    Envelope, EventTime, OrderId, PaymentFailureReason, PaymentId, PaymentProvider, PaymentReport, ReportPayment,
};
use serde_json::Value;

/// Program that writes what webhooks say.
const PRODUCER: &str = "stripe";

/// What a type of event reports, and where its object has the amount.
fn report_of(kind: &str, object: &Value) -> Option<(PaymentReport, &'static str)> {
    Some(match (kind, text(object, "/status")) {
        ("payment_intent.amount_capturable_updated", "requires_capture") => {
            (PaymentReport::Authorized, "/amount_capturable")
        }
        ("payment_intent.succeeded", _) => (PaymentReport::Captured, "/amount_received"),
        ("payment_intent.canceled", _) => (PaymentReport::Voided, ""),
        ("payment_intent.payment_failed", _) => (PaymentReport::Declined, ""),
        ("refund.created" | "refund.updated", "succeeded" | "pending") => (PaymentReport::Refunded, "/amount"),
        ("charge.dispute.created", _) => (PaymentReport::DisputeOpened, "/amount"),
        ("charge.dispute.closed", "won") => (PaymentReport::DisputeWon, "/amount"),
        ("charge.dispute.closed", "lost") => (PaymentReport::DisputeLost, "/amount"),
        _ => return None,
    })
}

impl Stripe {
    /// The command that a webhook means, verified at `now_s` (seconds since 1970); `None` for a webhook that is about
    /// nothing of ours. Answer 200 for both: what is answered otherwise comes again for three days.
    ///
    /// # Errors
    /// If it is not Stripe's, not understood, or Stripe cannot be asked what it is about.
    pub async fn webhook(
        &self,
        signature: &str,
        body: &[u8],
        now_s: i64,
    ) -> Result<Option<ReportPayment>, WebhookError> {
        verify(signature, body, &self.settings.webhook_secret, now_s).map_err(|error| {
            WebhookError::Signature(match error {
                SignatureError::Malformed => "not of the form t=…,v1=…",
                SignatureError::Forged => "no signature fits",
                SignatureError::Stale => "its time is not within the tolerance",
            })
        })?;
        let event: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Body("not JSON"))?;
        let object = event.pointer("/data/object").ok_or(WebhookError::Body("no data.object"))?;
        let Some((report, amount)) = report_of(text(&event, "/type"), object) else { return Ok(None) };
        let owner = self.owner(object).await?;
        let Some((order_id, payment_id)) = ours(&owner) else { return Ok(None) };
        let envelope = envelope(&event, order_id)?;
        let is_decline = report == PaymentReport::Declined;
        Ok(Some(ReportPayment {
            envelope,
            order_id,
            payment_id,
            provider: PaymentProvider::Stripe,
            report,
            attempt: attempt(object, report),
            reason: is_decline.then(|| reason(object)),
            provider_reference: text(object, "/id").to_owned(),
            currency: text(object, "/currency").to_uppercase(),
            amount_minor: object.pointer(amount).and_then(Value::as_i64).unwrap_or(0),
        }))
    }

    /// The object whose metadata names the payment.
    async fn owner(&self, object: &Value) -> Result<Value, WebhookError> {
        if object.pointer("/metadata/payment_id").is_some() {
            return Ok(object.clone());
        }
        match text(object, "/payment_intent") {
            "" => Ok(Value::Null),
            intent => self.intent(intent).await.map_err(WebhookError::Unavailable),
        }
    }
}

fn ours(owner: &Value) -> Option<(OrderId, PaymentId)> {
    let order = text(owner, "/metadata/order_id").parse().ok()?;
    Some((order, text(owner, "/metadata/payment_id").parse().ok()?))
}

/// Of the operation that made the object. A PaymentIntent was made by the authorisation, so its attempt says nothing
/// about what was done with it later.
fn attempt(object: &Value, report: PaymentReport) -> Option<i32> {
    let made_by = match report {
        PaymentReport::Authorized | PaymentReport::Declined => "AUTHORIZE",
        PaymentReport::Refunded => "REFUND",
        _ => return None,
    };
    let metadata = &object["metadata"];
    text(metadata, "/attempt").parse().ok().filter(|_| text(metadata, "/operation") == made_by)
}

fn reason(intent: &Value) -> PaymentFailureReason {
    answers::decline_reason(&intent["last_payment_error"])
}

fn envelope(event: &Value, order: OrderId) -> Result<Envelope, WebhookError> {
    let created_s = event["created"].as_i64().ok_or(WebhookError::Body("no time"))?;
    let id = event["id"].as_str().ok_or(WebhookError::Body("no id"))?;
    let at = EventTime(created_s.saturating_mul(1_000));
    Ok(Envelope::first(event_id(PRODUCER, id), at, order, PRODUCER))
}
