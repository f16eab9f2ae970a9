//! What is seen of requests: an id for each, one access-log event, the time it took, and what became of orders.

use crate::app::Edge;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

/// Histogram of the time from a request's head to its response's, by method, route and status.
pub const REQUEST_SECONDS: &str = "comanda_edge_request_seconds";
/// Bucket bounds for [`REQUEST_SECONDS`]: fine around the tens of milliseconds that an accepted order takes, up to the
/// edge's own time limits. Without them the exporter keeps summaries, which cannot be added up over instances.
pub const REQUEST_SECONDS_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0];
const ORDERS: &str = "comanda_edge_orders_total";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is taken over from the caller.
const MAX_REQUEST_ID_BYTES: usize = 64;

/// Tells the exporter what the edge's metrics mean. Call it once the recorder is installed.
pub fn describe_metrics() {
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "Time to answer, by method, route and status");
    describe_counter!(ORDERS, "Orders asked for, by outcome: accepted, pending, refused, not_written");
}

/// What became of a request for an order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// The order role has taken it.
    Accepted,
    /// Written; the order role has not said anything in time.
    Pending,
    /// Written, and there is no such order.
    Refused,
    /// Not acknowledged by Kafka.
    NotWritten,
}

pub(crate) fn count_order(outcome: Outcome) {
    let outcome = match outcome {
        Outcome::Accepted => "accepted",
        Outcome::Pending => "pending",
        Outcome::Refused => "refused",
        Outcome::NotWritten => "not_written",
    };
    counter!(ORDERS, "outcome" => outcome).increment(1);
}

/// Wraps every request.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let id = request_id(&request);
    let (method, path) = (method_label(request.method()), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", |route| route.as_str()).to_owned();
    let span = tracing::info_span!("request", request_id = id);
    let mut response = next.run(request).instrument(span).await;
    let (status, took) = (response.status().as_u16(), begin.elapsed());
    let duration_ms = took.as_secs_f64() * 1_000.0;
    tracing::info!(target: "access", request_id = id, method, path, route, status, duration_ms, "request");
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    histogram!(REQUEST_SECONDS, &labels).record(took);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The caller's id if it is a harmless one, so that a request can be followed through several programs.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match given {
        Some(id) if (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.chars().all(plain) => id.to_owned(),
        _ => Uuid::now_v7().to_string(),
    }
}

/// Callers can make methods up: they must not make up time series.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// `/metrics`: Prometheus' text format.
pub(crate) async fn metrics(State(edge): State<Arc<Edge>>) -> Response {
    const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, TEXT)], edge.metrics.render()).into_response()
}
