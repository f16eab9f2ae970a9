//! Webhooks as commands: verified, understood, the same twice.

use crate::fixture::*;
use comanda_processors::payment::Answer;
use comanda_provider_stand_ins::Fault;
use comanda_provider_stand_ins::stripe::Webhook;
use comanda_providers::WebhookError;
use comanda_schemas::{PaymentReport, ReportPayment};

fn read(desk: &Desk, webhook: &Webhook) -> Option<ReportPayment> {
    desk.runtime.block_on(desk.stripe.webhook(&webhook.signature, webhook.body.as_bytes(), now_s())).unwrap()
}

fn read_all(desk: &Desk) -> Vec<(PaymentReport, String, Option<i32>, i64)> {
    let webhooks = desk.stand_in.take_webhooks();
    let reports = webhooks.iter().filter_map(|webhook| read(desk, webhook));
    reports
        .map(|report| {
            assert_eq!((report.order_id, report.currency.as_str()), (order_id(1), "COP"));
            (report.report, report.provider_reference, report.attempt, report.amount_minor)
        })
        .collect()
}

#[test]
fn a_payment_s_webhooks_say_what_the_answers_said() {
    let desk = Desk::new();
    let intent = desk.captured(1);
    let refunded = reference(desk.call(&refund(1, &intent, 1_000_000, 1)));
    assert_eq!(
        read_all(&desk),
        [
            (PaymentReport::Authorized, intent.clone(), Some(1), TOTAL),
            (PaymentReport::Captured, intent, None, TOTAL),
            (PaymentReport::Refunded, refunded, Some(1), 1_000_000),
        ]
    );
}

#[test]
fn a_dispute_is_about_the_payment_of_its_intent() {
    let desk = Desk::new();
    let intent = desk.captured(1);
    desk.stand_in.take_webhooks();
    let dispute = desk.stand_in.dispute(&intent);
    desk.stand_in.decide(&dispute, true);
    let expected = [
        (PaymentReport::DisputeOpened, dispute.clone(), None, TOTAL),
        (PaymentReport::DisputeWon, dispute, None, TOTAL),
    ];
    assert_eq!(read_all(&desk), expected);
}

#[test]
fn a_failed_approval_and_a_cancellation_are_told() {
    let desk = Desk::new();
    desk.stand_in.next(Fault::Action);
    let Answer::RequiresAction { reference: intent, .. } = desk.call(&authorize(1)) else { panic!() };
    desk.stand_in.fail_approval(&intent);
    desk.call(&abandon(1, &intent));
    let expected = [(PaymentReport::Declined, intent.clone(), Some(1), 0), (PaymentReport::Voided, intent, None, 0)];
    assert_eq!(read_all(&desk), expected);
}

#[test]
fn the_same_webhook_is_the_same_command_and_a_changed_one_is_none() {
    let desk = Desk::new();
    desk.authorized(1);
    let webhook = desk.stand_in.take_webhooks().remove(0);
    let first = read(&desk, &webhook).unwrap();
    assert_eq!(read(&desk, &webhook).unwrap(), first);
    let forged = webhook.body.replace("4150000", "1");
    let refused = desk.runtime.block_on(desk.stripe.webhook(&webhook.signature, forged.as_bytes(), now_s()));
    assert_eq!(refused, Err(WebhookError::Signature("no signature fits")));
    let late = desk.runtime.block_on(desk.stripe.webhook(&webhook.signature, webhook.body.as_bytes(), now_s() + 400));
    assert_eq!(late, Err(WebhookError::Signature("its time is not within the tolerance")));
}
