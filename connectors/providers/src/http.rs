//! One HTTP exchange, and what its failure means: never sent, or nobody knows.

use crate::error::ProviderError;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// Longest detail kept of a failure.
const MAX_DETAIL_CHARS: usize = 200;
/// Longest reply that is read: a page of a hundred objects has some 300 kB.
const MAX_BODY_BYTES: usize = 4 << 20;

/// How long is waited.
#[derive(Clone, Copy, Debug)]
pub struct HttpSettings {
    /// For a connection.
    pub connect: Duration,
    /// For a whole exchange. Providers answer in one or two seconds; Stripe may take up to 80 for some banks, and what
    /// was cut off is looked up.
    pub exchange: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), exchange: Duration::from_secs(20) }
    }
}

/// A reply; the body is null if it is not JSON.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: StatusCode,
    pub body: Value,
}

/// No reply.
#[derive(Debug)]
pub(crate) enum Silence {
    /// There was no connection: surely nothing was done.
    NotSent(String),
    /// The request was sent, at least in part.
    Unknown(String),
}

pub(crate) fn client(settings: HttpSettings) -> Result<Client, ProviderError> {
    // Chosen once for the process: whoever was first has chosen ring as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A redirected POST would be sent twice.
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none());
    Ok(builder.connect_timeout(settings.connect).timeout(settings.exchange).build()?)
}

pub(crate) async fn exchange(request: RequestBuilder) -> Result<Reply, Silence> {
    let mut response = request.send().await.map_err(silence)?;
    let (status, mut bytes) = (response.status(), Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|error| Silence::Unknown(detail(&error)))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY_BYTES {
            return Err(Silence::Unknown("the reply is too long".to_owned()));
        }
    }
    Ok(Reply { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
}

fn silence(error: reqwest::Error) -> Silence {
    let detail = detail(&error);
    if error.is_connect() || error.is_builder() { Silence::NotSent(detail) } else { Silence::Unknown(detail) }
}

/// Without the URL, which names the payment.
fn detail(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { error.to_string() };
    if let Some(url) = error.url() {
        text = text.replace(url.as_str(), "");
    }
    text.chars().take(MAX_DETAIL_CHARS).collect()
}

/// A text in a reply; empty if it is not there.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}
