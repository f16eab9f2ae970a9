//! Stripe's API over HTTP, with the faults that were asked for.

use super::books::{Books, Form, Refusal, get, refusal};
use super::{KEY, lock};
use crate::fault::Fault;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get as read, post};
use axum::{Form as FormBody, Json, Router};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Shared = Arc<Mutex<Books>>;

/// No client waits so long.
const FOR_EVER: Duration = Duration::from_secs(3_600);

pub(super) fn app(books: Shared) -> Router {
    Router::new()
        .route("/v1/payment_intents", post(create_intent).get(list_intents))
        .route("/v1/payment_intents/{id}", read(show_intent))
        .route("/v1/payment_intents/{id}/capture", post(capture))
        .route("/v1/payment_intents/{id}/cancel", post(cancel))
        .route("/v1/refunds", post(refund).get(list_refunds))
        .route("/v1/balance_transactions", read(list_transactions))
        .with_state(books)
}

async fn create_intent(State(books): State<Shared>, headers: HeaderMap, FormBody(form): FormBody<Form>) -> Response {
    perform(books, &headers, |books, fault| {
        let method = get(&form, "payment_method").unwrap_or("").to_owned();
        let decline = if let Fault::Decline(code) = fault { Some(code) } else { declined(&method) };
        books.create_intent(&form, decline, fault == Fault::Action || method == "pm_card_authenticationRequired")
    })
    .await
}

/// Stripe's own names for cards that are declined ("Testing", docs.stripe.com/testing).
fn declined(method: &str) -> Option<&'static str> {
    match method {
        "pm_card_chargeDeclined" => Some("generic_decline"),
        "pm_card_chargeDeclinedInsufficientFunds" => Some("insufficient_funds"),
        "pm_card_chargeDeclinedExpiredCard" => Some("expired_card"),
        _ => None,
    }
}

async fn capture(
    State(books): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    FormBody(form): FormBody<Form>,
) -> Response {
    perform(books, &headers, |books, _| books.capture(&id, &form)).await
}

async fn cancel(State(books): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    perform(books, &headers, |books, _| books.cancel(&id)).await
}

async fn refund(State(books): State<Shared>, headers: HeaderMap, FormBody(form): FormBody<Form>) -> Response {
    perform(books, &headers, |books, _| books.refund(&form)).await
}

/// Does what is asked, with the fault that waits for it.
async fn perform(
    books: Shared,
    headers: &HeaderMap,
    doing: impl FnOnce(&mut Books, Fault) -> Result<Value, Refusal>,
) -> Response {
    if let Err(refused) = let_in(headers) {
        return refused.into_response();
    }
    let (fault, result) = {
        let mut books = lock(&books);
        let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or("").to_owned();
        if let Some(reply) = books.remembered.get(&key).filter(|_| books.deduplicates) {
            return Json(reply.clone()).into_response();
        }
        let fault = books.faults.next();
        match fault {
            Fault::ErrorBefore => return refusal(500, "api_error", "").into_response(),
            Fault::Busy => return refusal(429, "invalid_request_error", "rate_limit").into_response(),
            _ => {}
        }
        let result = doing(&mut books, fault);
        if let Ok(reply) = &result {
            books.done.push(key.clone());
            books.remembered.insert(key, reply.clone());
        }
        (fault, result)
    };
    match fault {
        Fault::TimeoutAfter => tokio::time::sleep(FOR_EVER).await,
        Fault::ErrorAfter => return refusal(500, "api_error", "").into_response(),
        _ => {}
    }
    match result {
        Ok(object) => Json(object).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn show_intent(State(books): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let shown = let_in(&headers).and_then(|()| lock(&books).intent(&id));
    shown.map_or_else(IntoResponse::into_response, |intent| Json(intent).into_response())
}

async fn list_intents(State(books): State<Shared>, Query(query): Query<Form>, headers: HeaderMap) -> Response {
    let of_customer = |intent: &Value| get(&query, "customer").is_none_or(|customer| intent["customer"] == customer);
    list(&headers, "/v1/payment_intents", &query, lock(&books).intents.iter().filter(|intent| of_customer(intent)))
}

async fn list_refunds(State(books): State<Shared>, Query(query): Query<Form>, headers: HeaderMap) -> Response {
    let of_intent = |refund: &Value| get(&query, "payment_intent").is_none_or(|id| refund["payment_intent"] == id);
    list(&headers, "/v1/refunds", &query, lock(&books).refunds.iter().filter(|refund| of_intent(refund)))
}

async fn list_transactions(State(books): State<Shared>, Query(query): Query<Form>, headers: HeaderMap) -> Response {
    let bound = |name, none| get(&query, name).and_then(|bound| bound.parse().ok()).unwrap_or(none);
    let (from, to) = (bound("created[gte]", i64::MIN), bound("created[lt]", i64::MAX));
    let within = |transaction: &&Value| transaction["created"].as_i64().is_some_and(|at| (from..to).contains(&at));
    let expanded = get(&query, "expand[]") == Some("data.source") || get(&query, "expand[0]") == Some("data.source");
    let mut transactions: Vec<Value> = lock(&books).transactions.iter().filter(within).cloned().collect();
    if !expanded {
        transactions.iter_mut().for_each(|transaction| transaction["source"] = transaction["source"]["id"].take());
    }
    list(&headers, "/v1/balance_transactions", &query, transactions.iter())
}

/// A page, newest first.
fn list<'a>(
    headers: &HeaderMap,
    url: &str,
    query: &Form,
    objects: impl DoubleEndedIterator<Item = &'a Value>,
) -> Response {
    if let Err(refused) = let_in(headers) {
        return refused.into_response();
    }
    let limit = get(query, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(10_usize);
    let mut newest_first = objects.rev().cloned().peekable();
    if let Some(after) = get(query, "starting_after") {
        newest_first.by_ref().find(|object| object["id"] == after);
    }
    let page: Vec<Value> = newest_first.by_ref().take(limit).collect();
    let has_more = newest_first.peek().is_some();
    Json(json!({ "object": "list", "url": url, "data": page, "has_more": has_more })).into_response()
}

/// By the key as a bearer's token.
fn let_in(headers: &HeaderMap) -> Result<(), Refusal> {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("");
    let known = authorization == format!("Bearer {KEY}");
    known.then_some(()).ok_or_else(|| refusal(401, "invalid_request_error", "api_key_invalid"))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({ "error": self.error }))).into_response()
    }
}
