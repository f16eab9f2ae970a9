//! `POST /webhooks/{provider}`: what a payment provider reports by itself, verified, as a command to the payment role.
//!
//! The verifier is handed in: the edge knows neither signatures nor secrets. The body goes to it byte for byte, since it
//! is what was signed.

use crate::app::Edge;
use crate::json_body;
use crate::ports::{Commands, Webhook, WebhookError, Webhooks};
use crate::problem::Problem;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use comanda_schemas::{PaymentCommand, PaymentProvider};
use std::sync::Arc;

/// What webhooks need.
#[derive(Clone)]
pub struct PaymentWebhooks {
    /// Tells genuine ones from others.
    pub verifier: Arc<dyn Webhooks>,
    /// Where their commands go.
    pub commands: Arc<dyn Commands<PaymentCommand>>,
}

/// Takes a webhook in. 200 as soon as Kafka has it, and for what is about nothing of ours: all else is sent again for
/// days.
pub(crate) async fn take(
    State(edge): State<Arc<Edge>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let known = provider(&name).and_then(|provider| Some((provider, edge.webhooks.clone()?)));
    let Some((provider, webhooks)) = known else {
        return Err(Problem::of_status(StatusCode::NOT_FOUND, "no such provider is configured here"));
    };
    let headers = texts(request.headers());
    let body = json_body::read(request, &edge).await?;
    let read = webhooks.verifier.read(Webhook { provider, headers, body }).await;
    let Some(command) = read.map_err(|error| refused(&name, &error))? else { return Ok(StatusCode::OK) };
    let appending = webhooks.commands.append(command);
    match tokio::time::timeout(edge.limits.acknowledged, appending).await {
        Ok(Ok(_)) => Ok(StatusCode::OK),
        Ok(Err(error)) => {
            tracing::warn!(%error, provider = name, "a webhook could not be written");
            Err(Problem::unavailable("the webhook was not taken in: send it again"))
        }
        Err(_) => {
            tracing::warn!(provider = name, "Kafka did not acknowledge a webhook in time");
            Err(Problem::unavailable("the webhook may not have been taken in: send it again"))
        }
    }
}

fn provider(name: &str) -> Option<PaymentProvider> {
    match name {
        "stripe" => Some(PaymentProvider::Stripe),
        "paypal" => Some(PaymentProvider::Paypal),
        _ => None,
    }
}

/// Signatures are visible ASCII; what is not is none.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn refused(provider: &str, error: &WebhookError) -> Problem {
    tracing::warn!(%error, provider, "a webhook is refused");
    match error {
        WebhookError::NotGenuine(_) => {
            Problem::of_status(StatusCode::BAD_REQUEST, "the webhook is not one of this provider's")
        }
        WebhookError::NotConfigured => Problem::of_status(StatusCode::NOT_FOUND, "no such provider is configured here"),
        WebhookError::Unavailable(_) => Problem::unavailable("the webhook cannot be verified now: send it again"),
    }
}
