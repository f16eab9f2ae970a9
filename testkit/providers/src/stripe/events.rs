//! Webhooks, signed as Stripe signs them.

use super::WEBHOOK_SECRET;
use ring::hmac;
use serde_json::{Value, json};

/// A webhook as it would be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// What it is about, e.g. `payment_intent.succeeded`.
    pub kind: String,
    /// The header `Stripe-Signature`.
    pub signature: String,
    /// The body, byte for byte.
    pub body: String,
}

pub(super) fn webhook(name: &str, kind: &str, object: &Value, now_s: i64) -> Webhook {
    let event = json!({
        "id": name, "object": "event", "api_version": "2025-03-31.basil", "created": now_s, "livemode": false,
        "pending_webhooks": 1, "type": kind, "data": { "object": object },
    });
    let body = event.to_string();
    Webhook { kind: kind.to_owned(), signature: signature(&body, now_s), body }
}

fn signature(body: &str, now_s: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_SECRET.as_bytes());
    let tag = hmac::sign(&key, format!("{now_s}.{body}").as_bytes());
    let hex: Vec<String> = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={now_s},v1={}", hex.concat())
}
