//! Providers outside of Kafka: how the engine's asynchronous calls reach them, and which they are.
//!
//! **What it is.** [`ThreadedClient`] implements the engine's `AsyncClient` port over any [`Provider`], a blocking call
//! with a time-out. Its threads are the bulkhead: a provider that hangs holds up so many calls and nothing else.
//! [`Breaker`] is a pure state machine; time comes in with each question. [`stripe`] and [`paypal`] stand behind the
//! payment domain's port, [`PaymentClient`] carries out the payment role's calls with them, and their webhooks become its
//! commands.
//!
//! **What it is not.** It queues nothing of its own and does not try again: what is refused here goes back into the
//! engine's store of pending calls, which lasts, and comes again after its pause. So queues grow while a provider is down
//! and drain when it is back, and nothing is lost. Which call follows an answer is decided by the domain; what a time-out
//! or a server's error leaves open is [`Answer::Unknown`], never a guess.
#![deny(unsafe_code, missing_docs)]

mod breaker;
mod error;
mod http;
mod payments;
pub mod paypal;
pub mod stripe;
mod threaded;
mod webhook;

pub use breaker::{Breaker, BreakerSettings, BreakerState, Permit};
pub use error::ProviderError;
pub use http::HttpSettings;
pub use payments::PaymentClient;
pub use threaded::{Provider, ThreadedClient};
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
