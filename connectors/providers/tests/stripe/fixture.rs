//! A client, a stand-in, and calls about one payment.

use comanda_processors::payment::{Answer, Ask, MethodToken, Money, OperationKey, ProviderCall, Request};
use comanda_provider_stand_ins::stripe::{KEY, StripeStandIn, WEBHOOK_SECRET};
use comanda_providers::HttpSettings;
use comanda_providers::stripe::{Stripe, StripeSettings};
use comanda_schemas::{OrderId, PaymentId, PaymentOperation, PaymentProvider};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;
use uuid::Uuid;

pub const TOTAL: i64 = 4_150_000;

pub struct Desk {
    pub stripe: Stripe,
    pub stand_in: StripeStandIn,
    pub runtime: Runtime,
}

impl Desk {
    pub fn new() -> Self {
        let stand_in = StripeStandIn::start();
        let stripe = Stripe::new(settings(stand_in.base())).unwrap();
        Self { stripe, stand_in, runtime: Runtime::new().unwrap() }
    }

    pub fn call(&self, call: &ProviderCall) -> Answer {
        self.runtime.block_on(self.stripe.call(call))
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

    /// An authorised intent's name.
    pub fn authorized(&self, payment: u128) -> String {
        reference(self.call(&authorize(payment)))
    }

    /// A captured intent's name.
    pub fn captured(&self, payment: u128) -> String {
        let intent = self.authorized(payment);
        reference(self.call(&capture(payment, &intent)))
    }
}

pub fn settings(base: String) -> StripeSettings {
    // Local, but on a loaded machine.
    let http = HttpSettings { connect: Duration::from_secs(1), exchange: Duration::from_secs(2) };
    let return_url = "https://comanda.test/back".to_owned();
    StripeSettings { base, key: KEY.to_owned(), return_url, webhook_secret: WEBHOOK_SECRET.to_owned(), http }
}

pub fn reference(answer: Answer) -> String {
    match answer {
        Answer::Done { reference } => reference,
        other => panic!("{other:?}"),
    }
}

pub fn order_id(payment: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x1_0000 + payment))
}

fn call(payment: u128, operation: PaymentOperation, attempt: i32, request: Request) -> ProviderCall {
    ProviderCall {
        provider: PaymentProvider::Stripe,
        key: OperationKey { order: order_id(payment), operation, attempt },
        payment: PaymentId(Uuid::from_u128(payment)),
        request,
        ask: Ask::Do,
        number: 1,
        asked_at: comanda_schemas::EventTime(0),
    }
}

pub fn pesos(minor: i64) -> Money {
    Money { currency: "COP".to_owned(), minor }
}

pub fn authorize(payment: u128) -> ProviderCall {
    let method = MethodToken {
        provider: PaymentProvider::Stripe,
        customer: "cus_1".to_owned(),
        method: "pm_card_visa".to_owned(),
    };
    call(payment, PaymentOperation::Authorize, 1, Request::Authorize { method, amount: pesos(TOTAL) })
}

pub fn resume(payment: u128, intent: &str) -> ProviderCall {
    call(payment, PaymentOperation::Authorize, 1, Request::Resume { reference: intent.to_owned() })
}

pub fn abandon(payment: u128, intent: &str) -> ProviderCall {
    call(payment, PaymentOperation::Authorize, 1, Request::Abandon { reference: intent.to_owned() })
}

pub fn capture(payment: u128, intent: &str) -> ProviderCall {
    let request = Request::Capture { reference: intent.to_owned(), amount: pesos(TOTAL) };
    call(payment, PaymentOperation::Capture, 1, request)
}

pub fn void(payment: u128, intent: &str) -> ProviderCall {
    call(payment, PaymentOperation::Void, 1, Request::Void { reference: intent.to_owned() })
}

pub fn refund(payment: u128, intent: &str, amount: i64, attempt: i32) -> ProviderCall {
    let request = Request::Refund { reference: intent.to_owned(), amount: pesos(amount) };
    call(payment, PaymentOperation::Refund, attempt, request)
}

pub fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}
