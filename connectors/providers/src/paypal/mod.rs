//! PayPal's REST APIs: Orders v2 with intent AUTHORIZE, Payments v2 for what follows.
//!
//! Source: PayPal's API reference, Orders v2 and Payments v2. PayPal has no COP: amounts come in the currency that the
//! domain is configured with, at the rate that it records.

mod answers;
mod look_up;
mod requests;
mod token;
mod webhooks;

pub use webhooks::PayPalSignature;

use crate::error::ProviderError;
use crate::http::{self, HttpSettings, Reply, Silence};
use comanda_processors::payment::{Answer, Ask, ProviderCall, Request};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::sync::Arc;
use token::Token;

/// How PayPal is reached.
#[derive(Clone)]
pub struct PayPalSettings {
    /// `https://api-m.paypal.com`, its sandbox, or a stand-in.
    pub base: String,
    /// Name of our application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where PayPal sends customers who have approved, and those who have not.
    pub return_url: String,
    /// Name of our webhook at PayPal.
    pub webhook_id: String,
    /// How long is waited.
    pub http: HttpSettings,
}

/// A client; cheap to clone, for any number of calls at once.
#[derive(Clone)]
pub struct PayPal {
    client: Client,
    settings: PayPalSettings,
    token: Arc<Token>,
}

impl PayPal {
    /// Makes the client; connects to nobody yet.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(settings: PayPalSettings) -> Result<Self, ProviderError> {
        Ok(Self { client: http::client(settings.http)?, settings, token: Arc::default() })
    }

    /// Carries out a call.
    pub async fn call(&self, call: &ProviderCall) -> Answer {
        match (call.ask, &call.request) {
            // Nothing is reserved before it is approved and resumed; PayPal forgets such an order by itself.
            (_, Request::Abandon { reference }) => Answer::Done { reference: reference.clone() },
            (Ask::Do, _) => self.perform(call).await,
            (Ask::LookUp, _) => self.look_up(call).await,
        }
    }

    async fn perform(&self, call: &ProviderCall) -> Answer {
        let (path, body) = requests::request(call, &self.settings.return_url);
        let request = match self.request(Method::POST, &path).await {
            Ok(request) => request,
            Err(detail) => return Answer::Temporary { detail },
        };
        let request = request.header("PayPal-Request-Id", requests::request_id(call));
        let request = request.header("Prefer", "return=representation").json(&body);
        answers::answer(call, http::exchange(request).await)
    }

    /// A request with a token; the error says why there is none.
    async fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, String> {
        let token = self.token.get(&self.client, &self.settings).await?;
        Ok(self.client.request(method, format!("{}{path}", self.settings.base)).bearer_auth(token))
    }

    /// Reads an object; the error says why it could not be read.
    async fn read(&self, path: &str) -> Result<Value, String> {
        match http::exchange(self.request(Method::GET, path).await?).await {
            Ok(Reply { status, body }) if status.is_success() => Ok(body),
            Ok(reply) => Err(format!("status {}", reply.status)),
            Err(Silence::NotSent(detail) | Silence::Unknown(detail)) => Err(detail),
        }
    }
}
