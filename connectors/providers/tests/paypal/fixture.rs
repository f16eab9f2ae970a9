//! A client, a stand-in, and calls about one payment in dollars.

use comanda_processors::payment::{Answer, Ask, MethodToken, Money, OperationKey, ProviderCall, Request};
use comanda_provider_stand_ins::paypal::{CLIENT_ID, CLIENT_SECRET, PayPalStandIn, WEBHOOK_ID, Webhook};
use comanda_providers::paypal::{PayPal, PayPalSettings, PayPalSignature};
use comanda_providers::{HttpSettings, WebhookError};
use comanda_schemas::{OrderId, PaymentId, PaymentOperation, PaymentProvider, ReportPayment};
use std::time::Duration;
use tokio::runtime::Runtime;
use uuid::Uuid;

pub const TOTAL: i64 = 1_038;
pub const ORDER: OrderId = OrderId(Uuid::from_u128(1));
pub const NOW_S: i64 = 1_700_000_000;

pub struct Desk {
    paypal: PayPal,
    pub stand_in: PayPalStandIn,
    runtime: Runtime,
}

impl Desk {
    pub fn new() -> Self {
        let stand_in = PayPalStandIn::start();
        // Local, but on a loaded machine.
        let http = HttpSettings { connect: Duration::from_secs(1), exchange: Duration::from_secs(2) };
        let settings = PayPalSettings {
            base: stand_in.base(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            return_url: "https://comanda.test/back".to_owned(),
            webhook_id: WEBHOOK_ID.to_owned(),
            http,
        };
        Self { paypal: PayPal::new(settings).unwrap(), stand_in, runtime: Runtime::new().unwrap() }
    }

    pub fn call(&self, call: &ProviderCall) -> Answer {
        self.runtime.block_on(self.paypal.call(call))
    }

    /// Makes the call; what is unknown is looked up, and what was not done is done again, as the domain does.
    pub fn insist(&self, call: &ProviderCall) -> Answer {
        let mut call = call.clone();
        for _ in 0..5 {
            let answer = self.call(&call);
            call.ask = match answer {
                Answer::Unknown { .. } => Ask::LookUp,
                Answer::NotDone | Answer::Temporary { .. } => Ask::Do,
                decided => return decided,
            };
        }
        panic!("no decision")
    }

    pub fn webhook(&self, webhook: &Webhook) -> Result<Option<ReportPayment>, WebhookError> {
        let signature = PayPalSignature {
            auth_algo: "SHA256withRSA".to_owned(),
            cert_url: "https://api.paypal.com/cert".to_owned(),
            transmission_id: "1".to_owned(),
            transmission_sig: webhook.signature.clone(),
            transmission_time: "2026-11-24T00:00:00Z".to_owned(),
        };
        self.runtime.block_on(self.paypal.webhook(&signature, webhook.body.as_bytes(), NOW_S))
    }
}

pub fn reference(answer: Answer) -> String {
    match answer {
        Answer::Done { reference } => reference,
        other => panic!("{other:?}"),
    }
}

fn call(operation: PaymentOperation, request: Request) -> ProviderCall {
    ProviderCall {
        provider: PaymentProvider::Paypal,
        key: OperationKey { order: ORDER, operation, attempt: 1 },
        payment: PaymentId(Uuid::from_u128(2)),
        request,
        ask: Ask::Do,
        number: 1,
        asked_at: comanda_schemas::EventTime(0),
    }
}

fn dollars(minor: i64) -> Money {
    Money { currency: "USD".to_owned(), minor }
}

pub fn authorize() -> ProviderCall {
    let (customer, method) = (String::new(), String::new());
    let method = MethodToken { provider: PaymentProvider::Paypal, customer, method };
    call(PaymentOperation::Authorize, Request::Authorize { method, amount: dollars(TOTAL) })
}

pub fn resume(order: &str) -> ProviderCall {
    call(PaymentOperation::Authorize, Request::Resume { reference: order.to_owned() })
}

pub fn capture(authorization: &str) -> ProviderCall {
    let request = Request::Capture { reference: authorization.to_owned(), amount: dollars(TOTAL) };
    call(PaymentOperation::Capture, request)
}

pub fn void(authorization: &str) -> ProviderCall {
    call(PaymentOperation::Void, Request::Void { reference: authorization.to_owned() })
}

pub fn refund(capture: &str, minor: i64) -> ProviderCall {
    let request = Request::Refund { reference: capture.to_owned(), amount: dollars(minor) };
    call(PaymentOperation::Refund, request)
}
