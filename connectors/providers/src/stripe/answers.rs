//! Stripe's replies as answers.
//!
//! Source: Stripe's API reference, "Errors", "The PaymentIntent object" and "Decline codes".

use crate::http::{Reply, Silence, text};
use comanda_processors::payment::{Answer, ProviderCall, Request};
use comanda_schemas::PaymentFailureReason;
use reqwest::StatusCode;
use serde_json::Value;

/// Stripe says that it is not in the right state: perhaps because it was done before.
const PERHAPS_DONE: [&str; 4] =
    ["payment_intent_unexpected_state", "charge_already_captured", "charge_already_refunded", "lock_timeout"];

/// What the reply to a request that does something means.
pub(super) fn answer(call: &ProviderCall, reply: Result<Reply, Silence>) -> Answer {
    match reply {
        Err(Silence::NotSent(detail)) => Answer::Temporary { detail },
        Err(Silence::Unknown(detail)) => Answer::Unknown { detail },
        Ok(reply) if reply.status.is_success() => done(call, &reply.body),
        Ok(reply) => refused(&reply),
    }
}

fn done(call: &ProviderCall, object: &Value) -> Answer {
    match &call.request {
        Request::Authorize { .. } | Request::Resume { .. } => authorization(object),
        Request::Capture { .. } => capture(object).unwrap_or_else(|| open(object)),
        Request::Void { .. } | Request::Abandon { .. } => cancellation(object).unwrap_or_else(|| open(object)),
        Request::Refund { .. } => refund(object),
    }
}

fn open(object: &Value) -> Answer {
    Answer::Unknown { detail: format!("status {}", text(object, "/status")) }
}

/// What a PaymentIntent says of its authorisation.
pub(super) fn authorization(intent: &Value) -> Answer {
    let reference = text(intent, "/id").to_owned();
    match text(intent, "/status") {
        "requires_capture" | "succeeded" => Answer::Done { reference },
        "requires_action" => {
            let url = text(intent, "/next_action/redirect_to_url/url").to_owned();
            Answer::RequiresAction { reference, url }
        }
        "requires_payment_method" | "canceled" => {
            let reason = decline_reason(&intent["last_payment_error"]);
            Answer::Declined { reason, reference: Some(reference) }
        }
        _ => open(intent),
    }
}

/// What a PaymentIntent says of its capture; `None` while nothing is taken.
pub(super) fn capture(intent: &Value) -> Option<Answer> {
    let reference = text(intent, "/id").to_owned();
    match text(intent, "/status") {
        "succeeded" => Some(Answer::Done { reference }),
        "canceled" => {
            Some(Answer::Declined { reason: PaymentFailureReason::ProviderRefused, reference: Some(reference) })
        }
        _ => None,
    }
}

/// What a PaymentIntent says of its cancellation; `None` while it can be.
pub(super) fn cancellation(intent: &Value) -> Option<Answer> {
    let reference = text(intent, "/id").to_owned();
    match text(intent, "/status") {
        "canceled" => Some(Answer::Done { reference }),
        "succeeded" => {
            Some(Answer::Declined { reason: PaymentFailureReason::ProviderRefused, reference: Some(reference) })
        }
        _ => None,
    }
}

/// A pending refund is on its way: Stripe has taken it from the balance.
pub(super) fn refund(refund: &Value) -> Answer {
    let reference = text(refund, "/id").to_owned();
    match text(refund, "/status") {
        "succeeded" | "pending" => Answer::Done { reference },
        "failed" | "canceled" => {
            Answer::Declined { reason: PaymentFailureReason::ProviderRefused, reference: Some(reference) }
        }
        _ => open(refund),
    }
}

fn refused(reply: &Reply) -> Answer {
    let error = &reply.body["error"];
    let (kind, code) = (text(error, "/type"), text(error, "/code"));
    let detail = format!("status {}, {kind} {code}", reply.status.as_u16());
    match reply.status {
        // Also a key that was used before with other parameters: whatever that was may be done.
        _ if PERHAPS_DONE.contains(&code) || kind == "idempotency_error" => Answer::Unknown { detail },
        _ if kind == "card_error" => {
            let reference = error.pointer("/payment_intent/id").or(error.get("charge")).and_then(Value::as_str);
            Answer::Declined { reason: decline_reason(error), reference: reference.map(str::to_owned) }
        }
        // A wrong key is put right by the operator; until then nothing happens.
        StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Answer::Temporary { detail }
        }
        // Another request under this key is under way.
        StatusCode::CONFLICT => Answer::Unknown { detail },
        status if status.is_client_error() => Answer::Permanent { detail },
        _ => Answer::Unknown { detail },
    }
}

/// Why a card was declined.
pub(super) fn decline_reason(error: &Value) -> PaymentFailureReason {
    match (text(error, "/code"), text(error, "/decline_code")) {
        (_, "insufficient_funds" | "withdrawal_count_limit_exceeded" | "card_velocity_exceeded") => {
            PaymentFailureReason::InsufficientFunds
        }
        (_, "fraudulent" | "lost_card" | "stolen_card" | "pickup_card" | "merchant_blacklist" | "restricted_card") => {
            PaymentFailureReason::FraudSuspected
        }
        ("expired_card", _) | (_, "expired_card") => PaymentFailureReason::ExpiredCard,
        ("payment_intent_authentication_failure" | "authentication_required", _) | (_, "authentication_required") => {
            PaymentFailureReason::AuthenticationFailed
        }
        _ => PaymentFailureReason::CardDeclined,
    }
}
