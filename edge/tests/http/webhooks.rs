//! `/webhooks/…`: only what the provider has signed becomes a command, and what was not taken in comes again.

use crate::doubles::{Client, Reply, TownDouble, parts};
use axum::body::Body;
use axum::http::Request;
use comanda_edge::*;
use comanda_schemas::{
    Envelope, EventId, EventTime, OrderId, PaymentCommand, PaymentId, PaymentProvider, PaymentReport, ReportPayment,
};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// Signed is what has the header `x-signature: good`; the log takes commands unless it is broken.
#[derive(Default)]
struct Double {
    log: Mutex<Vec<PaymentCommand>>,
    seen: Mutex<Vec<Webhook>>,
    is_broken: bool,
}

impl Webhooks for Double {
    fn read(&self, webhook: Webhook) -> ReadingWebhook {
        let result = match (webhook.header("x-signature"), &webhook.body[..]) {
            ("good", b"about something else") => Ok(None),
            ("good", b"provider away") => Err(WebhookError::Unavailable("timed out".to_owned())),
            ("good", _) => Ok(Some(report(webhook.provider).into())),
            _ => Err(WebhookError::NotGenuine("no signature fits".to_owned())),
        };
        self.seen.lock().unwrap().push(webhook);
        Box::pin(async move { result })
    }
}

impl Commands<PaymentCommand> for Double {
    fn append(&self, command: PaymentCommand) -> Appending {
        if self.is_broken {
            return Box::pin(async { Err(AppendError::NotWritten("no broker".to_owned())) });
        }
        self.log.lock().unwrap().push(command);
        Box::pin(async { Ok(CommandOffset(0)) })
    }
}

fn report(provider: PaymentProvider) -> ReportPayment {
    let order_id = OrderId(Uuid::from_u128(1));
    ReportPayment {
        envelope: Envelope::first(EventId(Uuid::from_u128(2)), EventTime(0), order_id, "stripe"),
        order_id,
        payment_id: PaymentId(Uuid::from_u128(3)),
        provider,
        report: PaymentReport::Captured,
        attempt: None,
        reason: None,
        provider_reference: "pi_1".to_owned(),
        currency: "COP".to_owned(),
        amount_minor: 1,
    }
}

fn edge(double: Double) -> (Client, Arc<Double>) {
    let double = Arc::new(double);
    let webhooks = PaymentWebhooks { verifier: double.clone(), commands: double.clone() };
    let town = Arc::<TownDouble>::default();
    (Client(app(EdgeParts { webhooks: Some(webhooks), ..parts(&town) })), double)
}

async fn post(client: &Client, path: &str, signature: &str, body: &'static str) -> Reply {
    client.send(Request::post(path).header("X-Signature", signature).body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_signed_webhook_becomes_a_command_and_is_verified_byte_for_byte() {
    let (client, double) = edge(Double::default());
    let body = "{ \"id\" :\"evt_1\"}\n";
    assert_eq!(post(&client, "/webhooks/stripe", "good", body).await.status, 200);
    assert_eq!(post(&client, "/webhooks/paypal", "good", body).await.status, 200);
    let commands = [PaymentProvider::Stripe, PaymentProvider::Paypal].map(|provider| report(provider).into());
    assert_eq!(*double.log.lock().unwrap(), commands);
    assert_eq!(double.seen.lock().unwrap()[0].body, body.as_bytes());
}

#[tokio::test]
async fn a_webhook_with_a_bad_signature_is_refused_and_nothing_is_written() {
    let (client, double) = edge(Double::default());
    let reply = post(&client, "/webhooks/stripe", "bad", "{}").await;
    assert_eq!((reply.problem().0, reply.text.contains("signature fits")), (400, false));
    assert_eq!(post(&client, "/webhooks/nobody", "good", "{}").await.problem().0, 404);
    assert_eq!(*double.log.lock().unwrap(), []);
}

#[tokio::test]
async fn a_webhook_that_could_not_be_taken_in_is_to_be_sent_again() {
    let (client, double) = edge(Double::default());
    assert_eq!(post(&client, "/webhooks/paypal", "good", "provider away").await.problem().0, 503);
    assert_eq!(post(&client, "/webhooks/paypal", "good", "about something else").await.status, 200);
    assert_eq!(*double.log.lock().unwrap(), []);
    let (client, _) = edge(Double { is_broken: true, ..Double::default() });
    assert_eq!(post(&client, "/webhooks/stripe", "good", "{}").await.problem().0, 503);
}

#[tokio::test]
async fn an_edge_without_providers_has_no_webhooks() {
    let client = Client(app(parts(&Arc::<TownDouble>::default())));
    assert_eq!(post(&client, "/webhooks/stripe", "good", "{}").await.problem().0, 404);
}
