//! What may happen to a payment, one scene each.

use super::desk::*;
use crate::payment::*;
use comanda_schemas::*;

const NOTHING: [&str; 0] = [];

#[test]
fn a_payment_is_reserved_and_taken_and_shared_out() {
    let mut desk = Desk::new(PaymentProvider::Stripe);
    assert_eq!(desk.authorize(1), ["Do AUTHORIZE:1"]);
    assert_eq!(desk.answer(done("pi_1")), ["authorized 4150000 #1"]);
    assert_eq!(desk.capture(1), ["Do CAPTURE:1"]);
    assert_eq!(desk.answer(done("pi_1")), ["CAPTURE #1", "captured 4150000 #1"]);
    assert_eq!((desk.status(), desk.shares(), desk.balances().1), (Status::Captured, TOTAL.0, TOTAL.0));
}

#[test]
fn a_declined_card_moves_nothing_and_another_attempt_may_follow() {
    let mut desk = Desk::new(PaymentProvider::Stripe);
    desk.authorize(1);
    let refused = Answer::Declined { reason: PaymentFailureReason::InsufficientFunds, reference: None };
    assert_eq!(desk.answer(refused), ["failed AUTHORIZE #1 INSUFFICIENT_FUNDS"]);
    assert_eq!((desk.status(), desk.ledger.len()), (Status::Failed, 0));
    assert_eq!(desk.capture(1), ["failed CAPTURE #1 PROVIDER_REFUSED"]);
    assert_eq!(desk.authorize(2), ["Do AUTHORIZE:2"]);
}

#[test]
fn a_method_that_nobody_knows_is_refused_without_a_call() {
    let mut desk = Desk::new(PaymentProvider::Stripe);
    let refused = desk.authorize_with(1, Err(PaymentFailureReason::ExpiredCard));
    assert_eq!(refused, ["failed AUTHORIZE #1 EXPIRED_CARD"]);
    assert_eq!(desk.account, None);
}

#[test]
fn an_unknown_outcome_is_looked_up_before_anything_else_and_the_customer_pays_once() {
    let mut desk = Desk::authorized();
    desk.capture(1);
    assert_eq!(desk.answer(unknown()), NOTHING);
    assert_eq!(desk.wait(1_999), NOTHING);
    assert_eq!(desk.wait(1), ["LookUp CAPTURE:1"]);
    assert_eq!(desk.answer(done("pi_1")), ["CAPTURE #1", "captured 4150000 #1"]);
    assert_eq!(desk.balances().1, TOTAL.0);
}

#[test]
fn what_was_not_done_is_done_again_under_the_same_key() {
    let mut desk = Desk::authorized();
    desk.capture(1);
    desk.answer(unknown());
    desk.wait(2_000);
    desk.answer(unknown());
    assert_eq!(desk.wait(2_000), NOTHING, "the wait doubles");
    assert_eq!(desk.wait(2_000), ["LookUp CAPTURE:1"]);
    assert_eq!(desk.answer(Answer::NotDone), NOTHING);
    assert_eq!(desk.wait(0), ["Do CAPTURE:1"]);
    assert_eq!(desk.answer(done("pi_1")), ["CAPTURE #1", "captured 4150000 #1"]);
}

#[test]
fn a_busy_provider_is_asked_the_same_later_and_ever_more_slowly() {
    let mut desk = Desk::new(PaymentProvider::Stripe);
    desk.authorize(1);
    let mut waits = vec![];
    for _ in 0..11 {
        desk.answer(Answer::Temporary { detail: "429".to_owned() });
        let due = desk.account.as_ref().and_then(PaymentAccount::next_deadline).unwrap();
        waits.push((due.0 - desk.now) / 1_000);
        assert_eq!(desk.wait(due.0 - desk.now), ["Do AUTHORIZE:1"]);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
}

#[test]
fn the_customer_approves_in_time() {
    let mut desk = Desk::new(PaymentProvider::Stripe);
    desk.authorize(1);
    assert_eq!(desk.answer(action()), ["action required at https://bank/3ds until 600000"]);
    assert_eq!((desk.status(), desk.authorize(1)), (Status::RequiresAction, vec![]));
    assert_eq!(desk.report(PaymentReport::Authorized, "pi_1", TOTAL.0), ["authorized 4150000 #1"]);
    assert_eq!(desk.wait(APPROVAL_MS), NOTHING);
}

#[test]
fn an_approval_at_paypal_resumes_the_authorisation() {
    let mut desk = Desk::new(PaymentProvider::Paypal);
    desk.authorize(1);
    let Some(ProviderCall { request: Request::Authorize { amount, .. }, .. }) = &desk.call else { panic!() };
    assert_eq!(*amount, Money { currency: "USD".to_owned(), minor: 1_038 });
    desk.answer(action());
    assert_eq!(desk.report(PaymentReport::Approved, "pi_1", 0), ["Do AUTHORIZE:1"]);
    assert_eq!(desk.call.as_ref().unwrap().request, Request::Resume { reference: "pi_1".to_owned() });
    assert_eq!(desk.answer(done("auth_1")), ["authorized 4150000 #1"]);
    desk.capture(1);
    desk.answer(done("capture_1"));
    let (balances, minor) = desk.balances();
    assert_eq!((minor, desk.shares(), balances[&LedgerAccount::Exchange]), (1_038, TOTAL.0, -2_000));
    assert_eq!((desk.ledger[0].currency.as_str(), desk.ledger[0].rate_micros), ("USD", 4_000_000_000));
}

#[test]
fn a_customer_who_never_approves_has_not_paid() {
    let mut desk = Desk::new(PaymentProvider::Stripe);
    desk.authorize(1);
    desk.answer(action());
    assert_eq!(desk.wait(APPROVAL_MS - 1), NOTHING);
    assert_eq!(desk.wait(1), ["Do AUTHORIZE:1"]);
    assert_eq!(desk.call.as_ref().unwrap().request, Request::Abandon { reference: "pi_1".to_owned() });
    assert_eq!(desk.answer(done("pi_1")), ["failed AUTHORIZE #1 NOT_APPROVED_IN_TIME"]);
    assert_eq!(desk.report(PaymentReport::Approved, "pi_1", 0), NOTHING, "too late");
    assert_eq!((desk.status(), desk.ledger.len()), (Status::Failed, 0));
}

#[test]
fn late_news_of_an_abandoned_attempt_does_not_end_the_next_one() {
    let mut desk = Desk::new(PaymentProvider::Stripe);
    desk.authorize(1);
    desk.answer(action());
    desk.wait(APPROVAL_MS);
    desk.answer(done("pi_1"));
    desk.authorize(2);
    assert_eq!(desk.report(PaymentReport::Voided, "pi_1", 0), NOTHING, "the second is under way");
    assert_eq!(desk.answer(done("pi_2")), ["authorized 4150000 #2"]);
    assert_eq!(desk.report(PaymentReport::Voided, "pi_1", 0), NOTHING, "the second is reserved");
    assert_eq!(desk.status(), Status::Authorized);
}

#[test]
fn a_report_may_come_before_the_answer_and_twice() {
    let mut desk = Desk::authorized();
    desk.capture(1);
    assert_eq!(desk.report(PaymentReport::Captured, "pi_1", TOTAL.0), ["CAPTURE #1", "captured 4150000 #1"]);
    assert_eq!(desk.answer(done("pi_1")), NOTHING);
    assert_eq!(desk.report(PaymentReport::Captured, "pi_1", TOTAL.0), NOTHING);
    assert_eq!(desk.report(PaymentReport::Authorized, "pi_1", TOTAL.0), NOTHING, "late");
    assert_eq!(desk.balances().1, TOTAL.0);
}

#[test]
fn a_command_told_twice_is_done_once_and_answered_twice() {
    let mut desk = Desk::captured();
    assert_eq!(desk.capture(1), ["captured 4150000 #1"]);
    desk.refund(1_000_000, 1);
    assert_eq!(desk.refund(1_000_000, 1), NOTHING, "it is under way");
    desk.answer(done("re_1"));
    assert_eq!(desk.refund(1_000_000, 1), ["refunded 1000000 #1"]);
}

#[test]
fn refunds_in_parts_take_from_every_share_until_nothing_is_left() {
    let mut desk = Desk::captured();
    assert_eq!(desk.refund(1_000_000, 1), ["REFUND_OWED #1", "Do REFUND:1"]);
    assert_eq!(desk.answer(done("re_1")), ["REFUND_PAID #1", "refunded 1000000 #1"]);
    assert_eq!((desk.status(), desk.shares(), desk.balances().1), (Status::PartlyRefunded, 3_150_000, 3_150_000));
    assert_eq!(desk.refund(3_150_001, 2), ["failed REFUND #2 PROVIDER_REFUSED"], "more than is left");
    desk.refund(3_150_000, 3);
    desk.answer(done("re_2"));
    assert_eq!((desk.status(), desk.balances()), (Status::Refunded, Default::default()));
}

#[test]
fn a_refund_that_the_provider_refuses_goes_back_to_the_shares() {
    let mut desk = Desk::captured();
    let before = desk.balances();
    desk.refund(1_000_000, 1);
    let refused = Answer::Declined { reason: PaymentFailureReason::ProviderRefused, reference: None };
    assert_eq!(desk.answer(refused), ["REFUND_DROPPED #1", "failed REFUND #1 PROVIDER_REFUSED"]);
    assert_eq!((desk.balances(), desk.status()), (before, Status::Captured));
}

#[test]
fn a_report_from_a_clock_that_is_ahead_puts_off_nothing() {
    let mut desk = Desk::captured();
    desk.refund(1_000_000, 1);
    desk.refund(500_000, 2);
    let mut report = desk.report_of(PaymentReport::Refunded, "re_1", 1_000_000, Some(1));
    report.envelope.occurred_at = report.envelope.occurred_at.plus_ms(86_400_000);
    desk.command(report);
    assert_eq!(desk.wait(0), ["Do REFUND:2"]);
}

#[test]
fn a_refund_made_at_the_provider_s_desk_is_in_the_books_too() {
    let mut desk = Desk::captured();
    let said = desk.report(PaymentReport::Refunded, "re_9", 150_000);
    assert_eq!(said, ["REFUND_OWED #-1", "REFUND_PAID #-1", "refunded 150000 #-1"]);
    assert_eq!(desk.report(PaymentReport::Refunded, "re_9", 150_000), NOTHING);
    assert_eq!((desk.shares(), desk.balances().1), (4_000_000, 4_000_000));
}

#[test]
fn a_dispute_that_is_won_leaves_nothing_behind() {
    let mut desk = Desk::captured();
    let before = desk.balances();
    let opened = desk.report(PaymentReport::DisputeOpened, "dp_1", TOTAL.0);
    assert_eq!(opened, ["DISPUTE_OPENED #0", "dispute OPENED 4150000"]);
    assert_eq!((desk.status(), desk.balances().1), (Status::Disputed, 0));
    assert_eq!(desk.report(PaymentReport::DisputeOpened, "dp_1", TOTAL.0), NOTHING);
    assert_eq!(desk.refund(1, 1), ["failed REFUND #1 PROVIDER_REFUSED"], "the bank holds it");
    assert_eq!(desk.report(PaymentReport::DisputeWon, "dp_1", 0), ["DISPUTE_WON #0", "dispute WON 4150000"]);
    assert_eq!((desk.status(), desk.balances()), (Status::Captured, before));
}

#[test]
fn a_dispute_s_end_may_be_told_before_its_beginning() {
    let mut desk = Desk::captured();
    let said = desk.report(PaymentReport::DisputeLost, "dp_1", TOTAL.0);
    let both = ["DISPUTE_OPENED #0", "dispute OPENED 4150000", "DISPUTE_LOST #0", "dispute LOST 4150000"];
    assert_eq!(said, both);
    assert_eq!(desk.report(PaymentReport::DisputeOpened, "dp_1", TOTAL.0), NOTHING);
    assert_eq!((desk.status(), desk.balances().1), (Status::ChargedBack, 0));
}

#[test]
fn a_dispute_that_is_lost_is_borne_by_the_platform() {
    let mut desk = Desk::captured();
    desk.report(PaymentReport::DisputeOpened, "dp_1", TOTAL.0);
    assert_eq!(desk.report(PaymentReport::DisputeLost, "dp_1", 0), ["DISPUTE_LOST #0", "dispute LOST 4150000"]);
    let (balances, minor) = desk.balances();
    assert_eq!((minor, desk.shares(), balances[&LedgerAccount::Restaurant]), (0, 0, -2_625_000));
    assert_eq!(desk.status(), Status::ChargedBack);
}

#[test]
fn operations_go_one_after_the_other() {
    let mut desk = Desk::authorized();
    desk.capture(1);
    assert_eq!(desk.void(1), NOTHING);
    assert_eq!(desk.refund(1_000_000, 1), NOTHING);
    let said = desk.answer(done("pi_1"));
    let expected = ["CAPTURE #1", "captured 4150000 #1", "failed VOID #1 PROVIDER_REFUSED", "REFUND_OWED #1"];
    assert_eq!((said, desk.wait(0)), (expected.map(str::to_owned).to_vec(), vec!["Do REFUND:1".to_owned()]));
}

#[test]
fn an_authorisation_that_runs_out_at_the_provider_is_told() {
    let mut desk = Desk::authorized();
    assert_eq!(desk.report(PaymentReport::Voided, "pi_1", 0), ["voided #0"]);
    assert_eq!(
        (desk.status(), desk.capture(1)),
        (Status::Voided, vec!["failed CAPTURE #1 PROVIDER_REFUSED".to_owned()])
    );
}

#[test]
fn an_event_told_again_for_the_same_cause_has_the_same_identity() {
    let mut desk = Desk::authorized();
    let command = VoidPayment { envelope: desk.envelope(), order_id: ORDER, payment_id: PAYMENT, attempt: 1 };
    let take = |desk: &mut Desk| {
        let input = PaymentInput::Command(command.clone().into(), Err(PaymentFailureReason::MethodUnknown));
        crate::payment::take(&mut desk.account, input, EventTime(7), &desk.rules)
    };
    take(&mut desk);
    let call = {
        let account = desk.account.as_ref().unwrap();
        account.calls
    };
    let answered = ProviderCall { number: call, ..desk.call.clone().unwrap() };
    let first = crate::payment::take(
        &mut desk.account,
        PaymentInput::Answer(answered, done("pi_1")),
        EventTime(8),
        &desk.rules,
    );
    let id = |effects: &[Effect]| match effects {
        [Effect::Tell(event)] => event.envelope().map(|envelope| envelope.event_id),
        other => panic!("{other:?}"),
    };
    assert_eq!(id(&first), id(&take(&mut desk)));
}
