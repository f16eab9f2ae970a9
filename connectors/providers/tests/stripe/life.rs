//! What goes well, and what the bank decides.

use crate::fixture::*;
use comanda_processors::payment::{Answer, StatementLine};
use comanda_provider_stand_ins::Fault;
use comanda_schemas::PaymentFailureReason;

#[test]
fn a_payment_is_reserved_taken_and_given_back_in_parts() {
    let desk = Desk::new();
    let intent = desk.captured(1);
    let parts = [
        reference(desk.call(&refund(1, &intent, 1_000_000, 1))),
        reference(desk.call(&refund(1, &intent, 150_000, 2))),
    ];
    assert_eq!(desk.stand_in.balance(), 3_000_000);
    let statement = desk.runtime.block_on(desk.stripe.statement(0, now_s() + 1)).unwrap();
    let line =
        |reference: &str, minor| StatementLine { reference: reference.to_owned(), currency: "COP".to_owned(), minor };
    let expected = [line(&parts[1], -150_000), line(&parts[0], -1_000_000), line(&intent, TOTAL)];
    assert_eq!(statement, expected);
}

#[test]
fn a_reservation_is_let_go_and_cannot_be_taken_any_more() {
    let desk = Desk::new();
    let intent = desk.authorized(1);
    reference(desk.call(&void(1, &intent)));
    let refused = Answer::Declined { reason: PaymentFailureReason::ProviderRefused, reference: Some(intent.clone()) };
    assert_eq!(desk.insist(&capture(1, &intent)), refused);
    assert_eq!(desk.stand_in.balance(), 0);
}

#[test]
fn a_decline_tells_why() {
    let desk = Desk::new();
    let reasons = ["insufficient_funds", "expired_card", "stolen_card", "authentication_required", "do_not_honor"];
    let answers = reasons.map(|code| {
        desk.stand_in.next(Fault::Decline(code));
        match desk.call(&authorize(1)) {
            Answer::Declined { reason, reference: Some(_) } => reason,
            other => panic!("{other:?}"),
        }
    });
    use PaymentFailureReason::*;
    assert_eq!(answers, [InsufficientFunds, ExpiredCard, FraudSuspected, AuthenticationFailed, CardDeclined]);
}

#[test]
fn the_customer_is_sent_to_the_bank_and_the_authorisation_goes_on() {
    let desk = Desk::new();
    desk.stand_in.next(Fault::Action);
    let Answer::RequiresAction { reference: intent, url } = desk.call(&authorize(1)) else { panic!() };
    assert_eq!(url, format!("https://hooks.stripe.com/3d_secure/{intent}"));
    assert!(matches!(desk.call(&resume(1, &intent)), Answer::RequiresAction { .. }), "not approved yet");
    desk.stand_in.approve(&intent);
    assert_eq!(reference(desk.call(&resume(1, &intent))), intent);
    reference(desk.call(&capture(1, &intent)));
}

#[test]
fn a_customer_who_fails_the_bank_s_check_or_never_comes_has_not_paid() {
    let desk = Desk::new();
    desk.stand_in.next(Fault::Action);
    desk.stand_in.next(Fault::Action);
    let Answer::RequiresAction { reference: failed, .. } = desk.call(&authorize(1)) else { panic!() };
    desk.stand_in.fail_approval(&failed);
    let expected = PaymentFailureReason::AuthenticationFailed;
    assert_eq!(desk.call(&resume(1, &failed)), Answer::Declined { reason: expected, reference: Some(failed) });
    let Answer::RequiresAction { reference: absent, .. } = desk.call(&authorize(2)) else { panic!() };
    assert_eq!(reference(desk.call(&abandon(2, &absent))), absent);
    desk.stand_in.approve(&absent);
    assert!(matches!(desk.call(&resume(2, &absent)), Answer::Declined { .. }), "too late");
}

#[test]
fn a_thousand_calls_are_under_way_at_once() {
    let desk = Desk::new();
    let calls: Vec<_> = (0..1_000).map(authorize).collect();
    let done = desk.runtime.block_on(async {
        let started: Vec<_> = calls
            .into_iter()
            .map(|call| {
                let stripe = desk.stripe.clone();
                tokio::spawn(async move { stripe.call(&call).await })
            })
            .collect();
        let mut done = 0;
        for answer in started {
            done += usize::from(matches!(answer.await.unwrap(), Answer::Done { .. }));
        }
        done
    });
    assert_eq!(done, 1_000);
}
