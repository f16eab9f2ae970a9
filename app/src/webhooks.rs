//! The edge's verifier of webhooks: the providers' own clients.

use comanda_edge::{ReadingWebhook, Webhook, WebhookError, Webhooks};
use comanda_providers::paypal::PayPalSignature;
use comanda_providers::{Providers, WebhookError as ProviderWebhookError};
use comanda_schemas::{Envelope, EventTime, PaymentProvider, ReportPayment};
use comanda_streams::Clock;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Verifies with the clients that also make the calls.
pub struct ProviderWebhooks {
    /// The clients.
    pub providers: Providers,
    /// The clock that the roles run by.
    pub clock: Arc<dyn Clock>,
}

impl Webhooks for ProviderWebhooks {
    fn read(&self, webhook: Webhook) -> ReadingWebhook {
        let (providers, now) = (self.providers.clone(), EventTime(self.clock.now_ms()));
        Box::pin(async move {
            match report(&providers, &webhook).await {
                Some(Ok(report)) => Ok(report.map(|report| taken_in(report, now).into())),
                Some(Err(error @ ProviderWebhookError::Unavailable(_))) => {
                    Err(WebhookError::Unavailable(error.to_string()))
                }
                Some(Err(error)) => Err(WebhookError::NotGenuine(error.to_string())),
                None => Err(WebhookError::NotConfigured),
            }
        })
    }
}

/// A command is given when the edge takes it in, like any other; the provider's time is that of another clock.
fn taken_in(report: ReportPayment, now: EventTime) -> ReportPayment {
    ReportPayment { envelope: Envelope { occurred_at: now, ..report.envelope }, ..report }
}

type Report = Result<Option<ReportPayment>, ProviderWebhookError>;

/// `None` if the provider is not configured.
async fn report(providers: &Providers, webhook: &Webhook) -> Option<Report> {
    match webhook.provider {
        PaymentProvider::Stripe => {
            let stripe = providers.stripe.as_ref()?;
            Some(stripe.webhook(webhook.header("stripe-signature"), &webhook.body, now_s()).await)
        }
        PaymentProvider::Paypal => {
            let paypal = providers.paypal.as_ref()?;
            Some(paypal.webhook(&paypal_signature(webhook), &webhook.body, now_s()).await)
        }
        PaymentProvider::Unknown => None,
    }
}

fn paypal_signature(webhook: &Webhook) -> PayPalSignature {
    let header = |name: &str| webhook.header(name).to_owned();
    PayPalSignature {
        auth_algo: header("paypal-auth-algo"),
        cert_url: header("paypal-cert-url"),
        transmission_id: header("paypal-transmission-id"),
        transmission_sig: header("paypal-transmission-sig"),
        transmission_time: header("paypal-transmission-time"),
    }
}

/// The providers' time, whatever clock the roles run by.
fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
