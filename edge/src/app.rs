//! The whole HTTP surface as a value: routes, limits and what every request goes through. No socket.

use crate::json_body::MAX_BODY_BYTES;
use crate::observe::observe;
use crate::ports::{Analytics, Commands, Health, Orders, QueryError};
use crate::problem::Problem;
use crate::webhooks::{self, PaymentWebhooks};
use crate::{analytics, health, observe as observed, orders};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use comanda_schemas::OrderCommand;
use comanda_streams::Clock;
use metrics_exporter_prometheus::PrometheusHandle;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;

/// How long a request waits for others.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For Kafka to acknowledge a command.
    pub acknowledged: Duration,
    /// For the order role to take the command in; then the caller is told to look later.
    pub taken_in: Duration,
    /// For a body to come in whole. It ends before anything is written: a caller who hears 408 may ask again.
    pub body: Duration,
}

impl Default for Limits {
    /// Long enough for a broker's fail-over, short enough for somebody who waits in front of a screen.
    fn default() -> Self {
        let (acknowledged, taken_in) = (Duration::from_secs(5), Duration::from_millis(1_500));
        Self { acknowledged, taken_in, body: Duration::from_secs(10) }
    }
}

/// What the edge is made of.
pub struct EdgeParts {
    /// Where commands go.
    pub commands: Arc<dyn Commands<OrderCommand>>,
    /// Webhooks of payment providers, where there are any.
    pub webhooks: Option<PaymentWebhooks>,
    /// Where answers about orders come from.
    pub orders: Arc<dyn Orders>,
    /// Where answers about statistics come from.
    pub analytics: Arc<dyn Analytics>,
    /// Whether the process works.
    pub health: Arc<dyn Health>,
    /// The time of commands: the same clock that the processors see.
    pub clock: Arc<dyn Clock>,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
    /// How long requests wait.
    pub limits: Limits,
}

pub(crate) type Edge = EdgeParts;

/// All routes. Everything that is not a success is a problem document.
pub fn app(parts: EdgeParts) -> Router {
    let edge = Arc::new(parts);
    Router::new()
        .route("/api/v1/orders", post(orders::place))
        .route("/api/v1/orders/{order_id}", get(orders::show))
        .route("/api/v1/analytics/popular-items", get(analytics::popular_items))
        .route("/webhooks/{provider}", post(webhooks::take))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/health/startup", get(health::startup))
        .route("/metrics", get(observed::metrics))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(observe))
        .with_state(edge)
}

impl EdgeParts {
    /// Runs a query beside the event loop: it may wait for a disk.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce() -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, Problem> {
        match tokio::task::spawn_blocking(query).await {
            Ok(result) => result.map_err(Problem::from),
            Err(panicked) => Err(Problem::internal(&panicked)),
        }
    }
}

async fn no_such_path() -> Problem {
    Problem::of_status(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn no_such_method() -> Problem {
    Problem::of_status(StatusCode::METHOD_NOT_ALLOWED, "the Allow header lists what can be done here")
}

/// The panic's own message is printed by the panic hook.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal(&"a handler panicked").into_response()
}
