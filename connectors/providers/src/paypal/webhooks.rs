//! PayPal's webhooks as commands.
//!
//! Source: PayPal's "Webhook event names". PayPal verifies its own signatures for us: its certificates change, and a
//! webhook is rare beside the calls.

use super::PayPal;
use crate::http::{self, Reply, Silence, text};
use crate::webhook::{WebhookError, event_id};
use comanda_schemas::{
    Envelope, EventTime, OrderId, PaymentFailureReason, PaymentId, PaymentProvider, PaymentReport, ReportPayment,
};
use reqwest::Method;
use serde_json::{Value, json};

/// Program that writes what webhooks say.
const PRODUCER: &str = "paypal";

/// The headers `PAYPAL-…` of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Named as the headers are.
pub struct PayPalSignature {
    pub auth_algo: String,
    pub cert_url: String,
    pub transmission_id: String,
    pub transmission_sig: String,
    pub transmission_time: String,
}

/// What a type of event reports.
fn report_of(kind: &str, resource: &Value) -> Option<PaymentReport> {
    Some(match (kind, text(resource, "/dispute_outcome/outcome_code")) {
        ("CHECKOUT.ORDER.APPROVED", _) => PaymentReport::Approved,
        ("PAYMENT.AUTHORIZATION.CREATED", _) => PaymentReport::Authorized,
        ("PAYMENT.AUTHORIZATION.VOIDED", _) => PaymentReport::Voided,
        ("PAYMENT.CAPTURE.COMPLETED", _) => PaymentReport::Captured,
        ("PAYMENT.CAPTURE.REFUNDED", _) => PaymentReport::Refunded,
        ("PAYMENT.CAPTURE.DENIED", _) => PaymentReport::Declined,
        ("CUSTOMER.DISPUTE.CREATED", _) => PaymentReport::DisputeOpened,
        ("CUSTOMER.DISPUTE.RESOLVED", "RESOLVED_SELLER_FAVOUR" | "CANCELED_BY_BUYER") => PaymentReport::DisputeWon,
        ("CUSTOMER.DISPUTE.RESOLVED", "RESOLVED_BUYER_FAVOUR") => PaymentReport::DisputeLost,
        _ => return None,
    })
}

impl PayPal {
    /// The command that a webhook means, received at `now_s` (seconds since 1970); `None` for a webhook that is about
    /// nothing of ours.
    ///
    /// # Errors
    /// If it is not PayPal's, not understood, or PayPal cannot be asked whether it is.
    pub async fn webhook(
        &self,
        signature: &PayPalSignature,
        body: &[u8],
        now_s: i64,
    ) -> Result<Option<ReportPayment>, WebhookError> {
        let event: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Body("not JSON"))?;
        self.verify(signature, &event).await?;
        let resource = &event["resource"];
        let Some(report) = report_of(text(&event, "/event_type"), resource) else { return Ok(None) };
        let Some(about) = About::of(custom_id(resource)) else { return Ok(None) };
        let id = event["id"].as_str().ok_or(WebhookError::Body("no id"))?;
        let at = EventTime(now_s.saturating_mul(1_000));
        let (currency, amount_minor) = amount(resource);
        Ok(Some(ReportPayment {
            envelope: Envelope::first(event_id(PRODUCER, id), at, about.order, PRODUCER),
            order_id: about.order,
            payment_id: about.payment,
            provider: PaymentProvider::Paypal,
            report,
            attempt: about.attempt_of(report),
            reason: (report == PaymentReport::Declined).then_some(PaymentFailureReason::CardDeclined),
            provider_reference: reference(resource).to_owned(),
            currency,
            amount_minor,
        }))
    }

    async fn verify(&self, signature: &PayPalSignature, event: &Value) -> Result<(), WebhookError> {
        let body = json!({
            "auth_algo": signature.auth_algo, "cert_url": signature.cert_url,
            "transmission_id": signature.transmission_id, "transmission_sig": signature.transmission_sig,
            "transmission_time": signature.transmission_time, "webhook_id": self.settings.webhook_id,
            "webhook_event": event,
        });
        let request = self.request(Method::POST, "/v1/notifications/verify-webhook-signature").await;
        match http::exchange(request.map_err(WebhookError::Unavailable)?.json(&body)).await {
            Ok(Reply { status, body }) if status.is_success() => match text(&body, "/verification_status") {
                "SUCCESS" => Ok(()),
                _ => Err(WebhookError::Signature("PayPal does not know it")),
            },
            Ok(reply) => Err(WebhookError::Unavailable(format!("status {}", reply.status))),
            Err(Silence::NotSent(detail) | Silence::Unknown(detail)) => Err(WebhookError::Unavailable(detail)),
        }
    }
}

/// Orders have it in their unit, disputes in their transaction, the rest in themselves.
fn custom_id(resource: &Value) -> &str {
    let places = ["/custom_id", "/purchase_units/0/custom_id", "/disputed_transactions/0/custom"];
    places.iter().map(|place| text(resource, place)).find(|id| !id.is_empty()).unwrap_or("")
}

fn reference(resource: &Value) -> &str {
    [text(resource, "/id"), text(resource, "/dispute_id")].into_iter().find(|id| !id.is_empty()).unwrap_or("")
}

fn amount(resource: &Value) -> (String, i64) {
    let amount = resource.get("amount").or(resource.get("dispute_amount")).unwrap_or(&Value::Null);
    (text(amount, "/currency_code").to_owned(), minor(text(amount, "/value")).unwrap_or(0))
}

/// Hundredths of a decimal with two digits.
fn minor(value: &str) -> Option<i64> {
    let (whole, hundredths) = value.split_once('.').unwrap_or((value, "00"));
    let whole: i64 = whole.parse().ok()?;
    (hundredths.len() == 2).then(|| hundredths.parse::<i64>().ok()).flatten().map(|part| whole * 100 + part)
}

/// What our `custom_id` says: `<order>:<operation>:<attempt>:<payment>`.
struct About<'a> {
    order: OrderId,
    operation: &'a str,
    attempt: i32,
    payment: PaymentId,
}

impl<'a> About<'a> {
    fn of(custom_id: &'a str) -> Option<Self> {
        let mut parts = custom_id.split(':');
        let order = parts.next()?.parse().ok()?;
        let (operation, attempt) = (parts.next()?, parts.next()?.parse().ok()?);
        Some(Self { order, operation, attempt, payment: parts.next()?.parse().ok()? })
    }

    /// An order's unit keeps its `custom_id` in all that follows from it: it says nothing about a capture's attempt.
    fn attempt_of(&self, report: PaymentReport) -> Option<i32> {
        let made_by = match report {
            PaymentReport::Authorized => "AUTHORIZE",
            PaymentReport::Refunded => "REFUND",
            _ => return None,
        };
        Some(self.attempt).filter(|_| self.operation == made_by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_to_the_hundredth_and_not_guessed() {
        assert_eq!(["10.38", "7", "0.05", "1.5", "x"].map(minor), [Some(1_038), Some(700), Some(5), None, None]);
    }
}
