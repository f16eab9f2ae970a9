//! Our requests against stripe-mock, Stripe's own server that holds every request against Stripe's OpenAPI description:
//! `make prove NAME=stripe-mock`. Its replies are samples; what counts is that it takes our requests, and that a wrong one
//! is refused.
#![allow(clippy::unwrap_used)]

use comanda_processors::payment::{Answer, Ask, MethodToken, Money, OperationKey, ProviderCall, Request};
use comanda_providers::HttpSettings;
use comanda_providers::stripe::{Stripe, StripeSettings};
use comanda_schemas::{OrderId, PaymentId, PaymentOperation, PaymentProvider};
use uuid::Uuid;

fn stripe() -> Stripe {
    let base = std::env::var("STRIPE_MOCK").expect("STRIPE_MOCK says where stripe-mock is");
    let settings = StripeSettings {
        base,
        key: "sk_test_123".to_owned(),
        return_url: "https://comanda.test/back".to_owned(),
        webhook_secret: "whsec_123".to_owned(),
        http: HttpSettings::default(),
    };
    Stripe::new(settings).unwrap()
}

fn call(operation: PaymentOperation, request: Request) -> ProviderCall {
    ProviderCall {
        provider: PaymentProvider::Stripe,
        key: OperationKey { order: OrderId(Uuid::from_u128(1)), operation, attempt: 1 },
        payment: PaymentId(Uuid::from_u128(2)),
        request,
        ask: Ask::Do,
        number: 1,
        asked_at: comanda_schemas::EventTime(0),
    }
}

fn authorize(currency: &str) -> ProviderCall {
    let (customer, method) = ("cus_123".to_owned(), "pm_card_visa".to_owned());
    let method = MethodToken { provider: PaymentProvider::Stripe, customer, method };
    let amount = Money { currency: currency.to_owned(), minor: 4_150_000 };
    call(PaymentOperation::Authorize, Request::Authorize { method, amount })
}

fn every_request() -> Vec<ProviderCall> {
    let reference = "pi_123".to_owned();
    let amount = Money { currency: "COP".to_owned(), minor: 4_150_000 };
    vec![
        authorize("COP"),
        call(PaymentOperation::Authorize, Request::Resume { reference: reference.clone() }),
        call(PaymentOperation::Authorize, Request::Abandon { reference: reference.clone() }),
        call(PaymentOperation::Capture, Request::Capture { reference: reference.clone(), amount: amount.clone() }),
        call(PaymentOperation::Void, Request::Void { reference: reference.clone() }),
        call(PaymentOperation::Refund, Request::Refund { reference, amount }),
    ]
}

#[tokio::test]
#[ignore = "needs stripe-mock: make prove NAME=stripe-mock"]
async fn stripe_mock_takes_every_request_and_every_look_up() {
    let stripe = stripe();
    for call in every_request() {
        for ask in [Ask::Do, Ask::LookUp] {
            let call = ProviderCall { ask, ..call.clone() };
            let answer = stripe.call(&call).await;
            println!("{ask:?} {:?}: {answer:?}", call.request);
            let refused = matches!(answer, Answer::Permanent { .. } | Answer::Temporary { .. });
            // A sample's status may be any; a look-up that was refused says which status of HTTP it got.
            let unread = matches!(&answer, Answer::Unknown { detail } if detail.contains("status 4"));
            assert!(!refused && !unread, "{ask:?} {:?}: {answer:?}", call.request);
        }
    }
    stripe.statement(0, 4_102_444_800).await.unwrap();
}

#[tokio::test]
#[ignore = "needs stripe-mock: make prove NAME=stripe-mock"]
async fn stripe_mock_refuses_a_request_that_is_not_stripe_s() {
    // Sets up TLS, without which reqwest makes no client.
    stripe();
    let request = reqwest::Client::new().post(format!("{}/v1/refunds", std::env::var("STRIPE_MOCK").unwrap()));
    let form = [("payment_intent", "pi_123"), ("amount", "much")];
    let reply = request.bearer_auth("sk_test_123").form(&form).send().await.unwrap();
    assert_eq!(reply.status(), 400, "else its taking ours would say nothing");
}
