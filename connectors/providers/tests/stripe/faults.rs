//! What goes wrong between us and Stripe: each operation under each fault is done exactly once.

use crate::fixture::*;
use comanda_processors::payment::{Answer, Ask, ProviderCall};
use comanda_processors::state_serde;
use comanda_provider_stand_ins::Fault;
use comanda_providers::stripe::Stripe;
use comanda_providers::{PaymentClient, Providers};
use comanda_schemas::EventTime;
use comanda_streams::*;
use comanda_streams_test::TopologyTestDriver;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Each operation under the fault; what Stripe has done in the end, by idempotency key.
fn done_under(fault: Fault) -> Vec<String> {
    let desk = Desk::new();
    let insist = |call: &ProviderCall| {
        desk.stand_in.next(fault);
        reference(desk.insist(call))
    };
    let intent = insist(&authorize(1));
    insist(&capture(1, &intent));
    insist(&refund(1, &intent, 1_000_000, 1));
    let other = insist(&authorize(2));
    insist(&void(2, &other));
    assert_eq!(desk.stand_in.balance(), TOTAL - 1_000_000, "{fault:?}");
    desk.stand_in.done()
}

fn each_once() -> Vec<String> {
    let key = |payment, operation: &str| format!("{}:{operation}:1", order_id(payment));
    vec![key(1, "AUTHORIZE"), key(1, "CAPTURE"), key(1, "REFUND"), key(2, "AUTHORIZE"), key(2, "VOID")]
}

#[test]
fn what_was_done_before_the_time_out_is_not_done_again() {
    assert_eq!(done_under(Fault::TimeoutAfter), each_once());
}

#[test]
fn what_was_done_before_a_server_s_error_is_not_done_again() {
    assert_eq!(done_under(Fault::ErrorAfter), each_once());
}

#[test]
fn what_a_server_s_error_or_a_busy_server_has_kept_from_being_done_is_done_once() {
    assert_eq!(done_under(Fault::ErrorBefore), each_once());
    assert_eq!(done_under(Fault::Busy), each_once());
}

#[test]
fn a_call_that_is_made_again_after_a_crash_is_looked_up_first() {
    let desk = Desk::new();
    let providers = Providers { stripe: Some(desk.stripe.clone()), paypal: None };
    let again = |call: &ProviderCall| desk.runtime.block_on(providers.call_again(call));
    let intent = reference(again(&authorize(1)));
    assert_eq!(reference(again(&authorize(1))), intent);
    reference(again(&capture(1, &intent)));
    reference(again(&capture(1, &intent)));
    reference(again(&refund(1, &intent, 1_000_000, 1)));
    reference(again(&refund(1, &intent, 1_000_000, 1)));
    assert_eq!(desk.stand_in.balance(), TOTAL - 1_000_000);
    assert_eq!(desk.stand_in.done(), each_once()[..3]);
}

#[test]
fn without_that_the_stand_in_takes_twice() {
    let desk = Desk::new();
    let intent = desk.captured(1);
    desk.call(&refund(1, &intent, 1_000_000, 1));
    desk.call(&refund(1, &intent, 1_000_000, 1));
    assert_eq!(desk.stand_in.balance(), TOTAL - 2_000_000, "it is no courtesy of the stand-in's");
}

#[test]
fn a_stripe_that_is_not_there_has_surely_done_nothing() {
    let desk = Desk::new();
    let nobody = Stripe::new(settings("http://127.0.0.1:1".to_owned())).unwrap();
    let answer = desk.runtime.block_on(nobody.call(&authorize(1)));
    assert!(matches!(answer, Answer::Temporary { .. }), "{answer:?}");
    let looked_up = ProviderCall { ask: Ask::LookUp, ..authorize(1) };
    let answer = desk.runtime.block_on(nobody.call(&looked_up));
    assert!(
        matches!(answer, Answer::Unknown { .. }),
        "what could not be looked up is as unknown as before: {answer:?}"
    );
}

#[test]
fn an_impossible_request_is_not_tried_for_ever() {
    let desk = Desk::new();
    let intent = desk.captured(1);
    let answer = desk.call(&refund(1, &intent, TOTAL + 1, 1));
    assert!(matches!(answer, Answer::Permanent { .. }), "{answer:?}");
    let wrong_key = Stripe::new(comanda_providers::stripe::StripeSettings {
        key: "sk_test_other".to_owned(),
        ..settings(desk.stand_in.base())
    });
    let answer = desk.runtime.block_on(wrong_key.unwrap().call(&authorize(1)));
    assert!(matches!(answer, Answer::Temporary { .. }), "an operator puts the key right: {answer:?}");
}

/// The engine makes a call again whose answer it does not have; the payment role's client looks it up by its age.
#[test]
fn a_call_that_the_engine_makes_again_is_done_once_although_stripe_does_not_deduplicate() {
    let desk = Desk::new();
    let providers = Providers { stripe: Some(desk.stripe.clone()), paypal: None };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let client = PaymentClient::new(&providers, &clock).unwrap();
    let clients = AsyncClients::default().with("again", Arc::new(client));
    let builder = StreamsBuilder::new();
    let key = |_: &String, call: &ProviderCall| call.key.to_string();
    let calls = AsyncCalls::new("again", key, Serdes::string(), state_serde(), state_serde::<Answer>());
    builder
        .stream("calls", Consumed::with(Serdes::string(), state_serde::<ProviderCall>()))
        .call_async(calls)
        .map_values(|_, result: Option<AsyncResult<ProviderCall, Answer>>| {
            result.and_then(|result| result.response.ok())
        })
        .to("answers", Produced::with(Serdes::string(), state_serde::<Answer>()));
    let config = StreamsConfig::new("test", "");
    let mut driver = TopologyTestDriver::with_async_clients(&builder.build().unwrap(), config, 0, &clients).unwrap();
    let input = driver.input_topic("calls", Serdes::string(), state_serde::<ProviderCall>());
    let fresh = ProviderCall { asked_at: EventTime(clock.now_ms()), ..authorize(1) };
    input.pipe(&mut driver, "order-1", fresh.clone(), 0).unwrap();
    let later = ProviderCall { asked_at: EventTime(clock.now_ms() - 600), ..fresh };
    input.pipe(&mut driver, "order-1", later, 0).unwrap();
    let output = driver.output_topic("answers", Serdes::string(), state_serde::<Answer>());
    let (mut answers, since) = (vec![], Instant::now());
    while answers.len() < 2 && since.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(2));
        driver.advance_wall_clock_time(5).unwrap();
        answers.extend(output.read(&mut driver).unwrap().into_iter().filter_map(|answer| answer.value));
    }
    assert!(answers.len() == 2 && answers[0] == answers[1], "{answers:?}");
    assert_eq!(desk.stand_in.done(), each_once()[..1]);
}
