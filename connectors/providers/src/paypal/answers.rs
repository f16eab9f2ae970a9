//! PayPal's replies as answers.
//!
//! Source: PayPal's API reference, "API responses" and the issues of Orders v2 and Payments v2.

use crate::http::{Reply, Silence, text};
use comanda_processors::payment::{Answer, ProviderCall, Request};
use comanda_schemas::PaymentFailureReason;
use reqwest::StatusCode;
use serde_json::Value;

/// The object is not in the state for it: perhaps because it was done before.
const PERHAPS_DONE: [&str; 6] = [
    "ORDER_ALREADY_AUTHORIZED",
    "AUTHORIZATION_ALREADY_CAPTURED",
    "AUTHORIZATION_VOIDED",
    "PREVIOUSLY_VOIDED",
    "PREVIOUSLY_CAPTURED",
    "CAPTURE_FULLY_REFUNDED",
];
const DECLINES: [&str; 3] = ["INSTRUMENT_DECLINED", "PAYER_CANNOT_PAY", "TRANSACTION_REFUSED"];

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
        Request::Authorize { .. } => approval(object),
        Request::Resume { .. } => authorization(object).unwrap_or_else(|| open(object)),
        // A void's reply may have no body.
        Request::Void { reference } | Request::Abandon { reference } => Answer::Done { reference: reference.clone() },
        Request::Capture { .. } | Request::Refund { .. } => movement(object),
    }
}

fn open(object: &Value) -> Answer {
    Answer::Unknown { detail: format!("status {}", text(object, "/status")) }
}

/// An order that waits for its approval.
pub(super) fn approval(order: &Value) -> Answer {
    let links = order["links"].as_array().map_or(&[][..], Vec::as_slice);
    let to_payer = links.iter().find(|link| ["payer-action", "approve"].contains(&text(link, "/rel")));
    match to_payer {
        Some(link) => {
            Answer::RequiresAction { reference: text(order, "/id").to_owned(), url: text(link, "/href").to_owned() }
        }
        None => open(order),
    }
}

/// What an order says of its authorisation; `None` while there is none.
pub(super) fn authorization(order: &Value) -> Option<Answer> {
    let authorization = order.pointer("/purchase_units/0/payments/authorizations/0")?;
    let reference = text(authorization, "/id").to_owned();
    Some(match text(authorization, "/status") {
        "CREATED" | "CAPTURED" | "PARTIALLY_CAPTURED" => Answer::Done { reference },
        "DENIED" | "VOIDED" => {
            Answer::Declined { reason: PaymentFailureReason::CardDeclined, reference: Some(reference) }
        }
        _ => open(authorization),
    })
}

/// A capture or a refund. A pending one is on its way: a bank transfer, or PayPal looks at it.
pub(super) fn movement(object: &Value) -> Answer {
    let reference = text(object, "/id").to_owned();
    match text(object, "/status") {
        "COMPLETED" | "PENDING" => Answer::Done { reference },
        "DECLINED" | "FAILED" | "CANCELLED" => {
            Answer::Declined { reason: PaymentFailureReason::CardDeclined, reference: Some(reference) }
        }
        _ => open(object),
    }
}

fn refused(reply: &Reply) -> Answer {
    let issue = text(&reply.body, "/details/0/issue");
    let detail = format!("status {}, {} {issue}", reply.status.as_u16(), text(&reply.body, "/name"));
    match reply.status {
        _ if PERHAPS_DONE.contains(&issue) => Answer::Unknown { detail },
        _ if DECLINES.contains(&issue) => {
            Answer::Declined { reason: PaymentFailureReason::CardDeclined, reference: None }
        }
        // The webhook of the approval came before PayPal's own books.
        _ if issue == "ORDER_NOT_APPROVED" => Answer::Temporary { detail },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Answer::Temporary { detail }
        }
        StatusCode::CONFLICT => Answer::Unknown { detail },
        status if status.is_client_error() => Answer::Permanent { detail },
        _ => Answer::Unknown { detail },
    }
}
