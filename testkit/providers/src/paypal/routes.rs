//! PayPal's API over HTTP, with the faults that were asked for.

use super::books::{Books, Refusal};
use super::{CLIENT_ID, CLIENT_SECRET, WEBHOOK_ID, lock};
use crate::fault::Fault;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Shared = Arc<Mutex<Books>>;

/// No client waits so long.
const FOR_EVER: Duration = Duration::from_secs(3_600);
const TOKEN: &str = "A21AA-stand-in";

pub(super) fn app(books: Shared) -> Router {
    Router::new()
        .route("/v1/oauth2/token", post(token))
        .route("/v2/checkout/orders", post(create_order))
        .route("/v2/checkout/orders/{id}", get(show_order))
        .route("/v2/checkout/orders/{id}/authorize", post(authorize))
        .route("/v2/payments/authorizations/{id}", get(show_authorization))
        .route("/v2/payments/authorizations/{id}/capture", post(capture))
        .route("/v2/payments/authorizations/{id}/void", post(void))
        .route("/v2/payments/captures/{id}", get(show_capture))
        .route("/v2/payments/captures/{id}/refund", post(refund))
        .route("/v1/notifications/verify-webhook-signature", post(verify))
        .with_state(books)
}

async fn token(State(books): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    if authorization(&headers) != expected || body != "grant_type=client_credentials" {
        return refuse((401, "invalid_client"));
    }
    lock(&books).tokens += 1;
    Json(json!({ "access_token": TOKEN, "token_type": "Bearer", "expires_in": 32_400 })).into_response()
}

async fn create_order(State(books): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let base = "http://127.0.0.1";
    perform(books, &headers, &body, |books, body, _| books.create_order(body, base)).await
}

async fn authorize(State(books): State<Shared>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let declines = |fault| matches!(fault, Fault::Decline(_));
    perform(books, &headers, &body, |books, _, fault| books.authorize(&id, declines(fault))).await
}

async fn capture(State(books): State<Shared>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    perform(books, &headers, &body, |books, body, _| books.capture(&id, body)).await
}

async fn void(State(books): State<Shared>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    perform(books, &headers, &body, |books, _, _| books.void(&id)).await
}

async fn refund(State(books): State<Shared>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    perform(books, &headers, &body, |books, body, _| books.refund(&id, body)).await
}

/// Does what is asked, with the fault that waits for it.
async fn perform(
    books: Shared,
    headers: &HeaderMap,
    body: &[u8],
    doing: impl FnOnce(&mut Books, &Value, Fault) -> Result<Value, Refusal>,
) -> Response {
    if !is_let_in(headers) {
        return refuse((401, "INVALID_TOKEN"));
    }
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let (fault, result) = {
        let mut books = lock(&books);
        let fault = books.faults.next();
        match fault {
            Fault::ErrorBefore => return refuse((500, "INTERNAL_SERVER_ERROR")),
            Fault::Busy => return refuse((429, "RATE_LIMIT_REACHED")),
            _ => {}
        }
        let result = doing(&mut books, &body, fault);
        if result.is_ok() {
            let id = headers.get("paypal-request-id").and_then(|id| id.to_str().ok()).unwrap_or("");
            books.done.push(id.to_owned());
        }
        (fault, result)
    };
    match fault {
        Fault::TimeoutAfter => tokio::time::sleep(FOR_EVER).await,
        Fault::ErrorAfter => return refuse((500, "INTERNAL_SERVER_ERROR")),
        _ => {}
    }
    result.map_or_else(refuse, |object| (StatusCode::CREATED, Json(object)).into_response())
}

async fn show_order(State(books): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    show(&headers, lock(&books).order(&id))
}

async fn show_authorization(State(books): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    show(&headers, lock(&books).part_of("authorizations", &id))
}

async fn show_capture(State(books): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    show(&headers, lock(&books).part_of("captures", &id))
}

fn show(headers: &HeaderMap, found: Result<Value, Refusal>) -> Response {
    if !is_let_in(headers) {
        return refuse((401, "INVALID_TOKEN"));
    }
    found.map_or_else(refuse, |object| Json(object).into_response())
}

async fn verify(State(books): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    if !is_let_in(&headers) {
        return refuse((401, "INVALID_TOKEN"));
    }
    let signature = body["transmission_sig"].as_str().unwrap_or("");
    let genuine = body["webhook_id"] == WEBHOOK_ID && lock(&books).has_sent(signature, &body["webhook_event"]);
    Json(json!({ "verification_status": if genuine { "SUCCESS" } else { "FAILURE" } })).into_response()
}

fn is_let_in(headers: &HeaderMap) -> bool {
    authorization(headers) == format!("Bearer {TOKEN}")
}

fn authorization(headers: &HeaderMap) -> &str {
    headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn refuse((status, issue): Refusal) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "name": "UNPROCESSABLE_ENTITY", "details": [{ "issue": issue }], "debug_id": "stand-in" });
    (status, Json(body)).into_response()
}
