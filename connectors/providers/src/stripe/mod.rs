//! Stripe's REST API: PaymentIntents that are confirmed when made and captured by hand.
//!
//! Source of requests and replies: Stripe's API reference, version [`API_VERSION`]. The body of a request is a form;
//! amounts of COP are in centavos.

mod answers;
mod look_up;
mod requests;
mod signature;
mod statement;
mod webhooks;

pub use signature::{SignatureError, TOLERANCE_S, sign, verify};
pub use statement::StatementError;

use crate::error::ProviderError;
use crate::http::{self, HttpSettings, Reply, Silence};
use comanda_processors::payment::{Answer, Ask, ProviderCall};
use reqwest::{Client, RequestBuilder};

/// Version of the API that requests and replies are written for.
pub const API_VERSION: &str = "2025-03-31.basil";

/// How Stripe is reached.
#[derive(Clone)]
pub struct StripeSettings {
    /// `https://api.stripe.com`, or a stand-in.
    pub base: String,
    /// Secret key, `sk_…` or `rk_…`.
    pub key: String,
    /// Where the bank sends customers who have approved.
    pub return_url: String,
    /// Secret of the webhook's endpoint, `whsec_…`.
    pub webhook_secret: String,
    /// How long is waited.
    pub http: HttpSettings,
}

/// A client; cheap to clone, for any number of calls at once.
#[derive(Clone)]
pub struct Stripe {
    client: Client,
    settings: StripeSettings,
}

impl Stripe {
    /// Makes the client; connects to nobody yet.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(settings: StripeSettings) -> Result<Self, ProviderError> {
        Ok(Self { client: http::client(settings.http)?, settings })
    }

    /// Carries out a call.
    pub async fn call(&self, call: &ProviderCall) -> Answer {
        match call.ask {
            Ask::Do => self.perform(call).await,
            Ask::LookUp => self.look_up(call).await,
        }
    }

    async fn perform(&self, call: &ProviderCall) -> Answer {
        let request = requests::request(call, &self.settings.return_url);
        let sent = match request.form {
            Some(form) => self.post(&request.path).header("Idempotency-Key", call.key.to_string()).form(&form),
            None => self.get(&request.path),
        };
        answers::answer(call, http::exchange(sent).await)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.with_key(self.client.post(format!("{}{path}", self.settings.base)))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.with_key(self.client.get(format!("{}{path}", self.settings.base)))
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.settings.key).header("Stripe-Version", API_VERSION)
    }

    /// Reads an object; the error says why it could not be read.
    async fn read(&self, request: RequestBuilder) -> Result<Reply, String> {
        match http::exchange(request).await {
            Ok(reply) if reply.status.is_success() => Ok(reply),
            Ok(reply) => Err(format!("status {}", reply.status)),
            Err(Silence::NotSent(detail) | Silence::Unknown(detail)) => Err(detail),
        }
    }
}
