//! Approved, reserved, taken, given back; under every fault exactly once.

use crate::fixture::*;
use comanda_processors::payment::Answer;
use comanda_provider_stand_ins::Fault;
use comanda_providers::WebhookError;
use comanda_schemas::{PaymentFailureReason, PaymentReport};

/// An order that the customer has approved.
fn approved(desk: &Desk) -> String {
    let Answer::RequiresAction { reference, url } = desk.insist(&authorize()) else { panic!() };
    assert_eq!(url, format!("https://www.paypal.com/checkoutnow?token={reference}"));
    desk.stand_in.approve(&reference);
    reference
}

#[test]
fn each_operation_under_each_fault_moves_its_money_once() {
    for fault in [Fault::None, Fault::TimeoutAfter, Fault::ErrorAfter, Fault::ErrorBefore, Fault::Busy] {
        let desk = Desk::new();
        let order = approved(&desk);
        let insist = |call| {
            desk.stand_in.next(fault);
            reference(desk.insist(&call))
        };
        let authorization = insist(resume(&order));
        let taken = insist(capture(&authorization));
        insist(refund(&taken, 38));
        let key = |operation: &str| format!("{ORDER}:{operation}");
        let done = ["AUTHORIZE:1", "AUTHORIZE:1:RESUME", "CAPTURE:1", "REFUND:1"].map(key);
        assert_eq!((desk.stand_in.done(), desk.stand_in.balance()), (done.to_vec(), 1_000), "{fault:?}");
        assert_eq!(desk.stand_in.tokens(), 1, "the token is kept");
    }
}

#[test]
fn a_void_that_timed_out_is_found_again() {
    let desk = Desk::new();
    let order = approved(&desk);
    let authorization = reference(desk.call(&resume(&order)));
    desk.stand_in.next(Fault::TimeoutAfter);
    assert_eq!(reference(desk.insist(&void(&authorization))), authorization);
    let refused = PaymentFailureReason::ProviderRefused;
    assert_eq!(
        desk.insist(&capture(&authorization)),
        Answer::Declined { reason: refused, reference: Some(authorization) }
    );
}

#[test]
fn an_order_that_is_not_approved_reserves_nothing_and_a_declined_one_says_so() {
    let desk = Desk::new();
    let Answer::RequiresAction { reference: order, .. } = desk.call(&authorize()) else { panic!() };
    assert!(matches!(desk.call(&resume(&order)), Answer::Temporary { .. }));
    desk.stand_in.approve(&order);
    desk.stand_in.next(Fault::Decline("INSTRUMENT_DECLINED"));
    let declined = Answer::Declined { reason: PaymentFailureReason::CardDeclined, reference: None };
    assert_eq!(desk.call(&resume(&order)), declined);
}

#[test]
fn webhooks_are_verified_by_paypal_and_say_what_happened() {
    let desk = Desk::new();
    let order = approved(&desk);
    let authorization = reference(desk.call(&resume(&order)));
    let taken = reference(desk.call(&capture(&authorization)));
    let returned = reference(desk.call(&refund(&taken, 38)));
    let dispute = desk.stand_in.dispute(&taken);
    desk.stand_in.decide(&dispute, false);
    let webhooks = desk.stand_in.take_webhooks();
    let reports = webhooks.iter().map(|webhook| desk.webhook(webhook).unwrap().unwrap());
    let told: Vec<_> = reports
        .map(|report| {
            assert_eq!(report.order_id, ORDER);
            (report.report, report.provider_reference, report.attempt, report.amount_minor)
        })
        .collect();
    assert_eq!(
        told,
        [
            (PaymentReport::Approved, order, None, 0),
            (PaymentReport::Authorized, authorization, Some(1), TOTAL),
            (PaymentReport::Captured, taken, None, TOTAL),
            (PaymentReport::Refunded, returned, Some(1), 38),
            (PaymentReport::DisputeOpened, dispute.clone(), None, TOTAL),
            (PaymentReport::DisputeLost, dispute, None, TOTAL),
        ]
    );
    let mut forged = webhooks[0].clone();
    forged.body = forged.body.replace("10.38", "10.39");
    assert_eq!(desk.webhook(&forged), Err(WebhookError::Signature("PayPal does not know it")));
}
