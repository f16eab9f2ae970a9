//! Payment providers: Stripe and PayPal behind the payment domain's port, and their webhooks as its commands.
//!
//! What it is not: it keeps nothing and repeats nothing. Which call follows an answer is decided by the domain; here
//! each call becomes the provider's request, and each reply one of the domain's answers. What a time-out or a server's
//! error leaves open is [`Answer::Unknown`], never a guess.
#![deny(unsafe_code, missing_docs)]

mod error;
mod http;
pub mod paypal;
pub mod stripe;
mod webhook;

pub use error::ProviderError;
pub use http::HttpSettings;
pub use webhook::WebhookError;

use comanda_processors::payment::{Answer, Ask, ProviderCall};
use comanda_schemas::PaymentProvider;
use paypal::PayPal;
use stripe::Stripe;

/// The providers that are configured.
#[derive(Clone, Default)]
pub struct Providers {
    /// Cards.
    pub stripe: Option<Stripe>,
    /// PayPal.
    pub paypal: Option<PayPal>,
}

impl Providers {
    /// Carries out a call.
    pub async fn call(&self, call: &ProviderCall) -> Answer {
        match (call.provider, &self.stripe, &self.paypal) {
            (PaymentProvider::Stripe, Some(stripe), _) => stripe.call(call).await,
            (PaymentProvider::Paypal, _, Some(paypal)) => paypal.call(call).await,
            (provider, ..) => Answer::Permanent { detail: format!("{} is not configured", provider.symbol()) },
        }
    }

    /// Carries out a call that may have been made before a crash: looked up first, done only if it was not.
    pub async fn call_again(&self, call: &ProviderCall) -> Answer {
        let looked_up = self.call(&ProviderCall { ask: Ask::LookUp, ..call.clone() }).await;
        match (looked_up, call.ask) {
            (Answer::NotDone, Ask::Do) => self.call(call).await,
            (answer, _) => answer,
        }
    }
}
