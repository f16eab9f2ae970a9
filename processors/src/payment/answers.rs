//! What a provider's answer does to the operation under way.
//!
//! After an unknown outcome the operation is looked up before it is tried again: not every provider keeps its promise
//! to do the same key once. An answer never calls, it makes a call due: calls come from commands and the clock alone, so
//! that calls flow one way through a topology.

use super::account::{Asked, Outcome, PaymentAccount, Phase};
use super::life_cycle::Trigger;
use super::provider::{Answer, Ask, ProviderCall, Request};
use super::reaction::{Cause, Change, Effect};
use super::rules::{PaymentRules, go_on};
use comanda_schemas::{Cop, EventTime, PaymentActionRequired, PaymentFailureReason, PaymentOperation};

/// A call whose outcome is unknown may still be under way at the provider: so long it is not looked up …
const LOOK_UP_AFTER_MS: i64 = 2_000;
/// … and a provider that is busy or away gets so long, doubled with each failure …
const PAUSE_MS: i64 = 1_000;
/// … up to this.
const LONGEST_PAUSE_MS: i64 = 300_000;

pub(super) fn take_answer(
    account: &mut PaymentAccount,
    call: &ProviderCall,
    answer: Answer,
    now: EventTime,
    rules: &PaymentRules,
) -> Vec<Effect> {
    let awaited = |phase: &Phase| *phase == Phase::Called(call.number);
    let Some(underway) = account.underway.clone().filter(|underway| awaited(&underway.phase)) else { return vec![] };
    let mut change = Change::new(account, Cause { id: underway.asked.by, at: now });
    let asked = &underway.asked;
    let abandoned = matches!(underway.request, Request::Abandon { .. });
    match answer {
        // Nobody has approved, and from now on nobody can.
        Answer::Done { .. } if abandoned => {
            end_operation(&mut change, asked, PaymentFailureReason::NotApprovedInTime, None);
        }
        Answer::Declined { .. } | Answer::Permanent { .. } if abandoned => look_after(&mut change),
        Answer::Done { reference } => complete(&mut change, asked, reference),
        Answer::RequiresAction { reference, url } => require_action(&mut change, asked, reference, url, rules),
        Answer::Declined { reason, reference } => end_operation(&mut change, asked, reason, reference),
        Answer::Permanent { detail } => {
            tracing::error!(order = %call.key.order, key = %call.key, detail, "a payment provider refuses the request");
            end_operation(&mut change, asked, PaymentFailureReason::ProviderRefused, None);
        }
        Answer::NotDone => pause(&mut change, Ask::Do, 0),
        Answer::Unknown { .. } => pause(&mut change, Ask::LookUp, LOOK_UP_AFTER_MS),
        Answer::Temporary { .. } => pause(&mut change, call.ask, PAUSE_MS),
    }
    change.effects
}

fn pause(change: &mut Change<'_>, then: Ask, first_ms: i64) {
    let now = change.cause.at;
    let Some(underway) = &mut change.account.underway else { return };
    let wait_ms = (first_ms << underway.failures.min(20)).min(LONGEST_PAUSE_MS);
    underway.failures += 1;
    underway.phase = Phase::Paused { until: now.plus_ms(wait_ms), then };
}

/// The provider does not let go what nobody has approved: it is reserved meanwhile, or gone, or still waits and could be
/// approved by a customer who is late. Which of these, it says when it is looked up; what waits gets another deadline.
fn look_after(change: &mut Change<'_>) {
    let Some(underway) = &mut change.account.underway else { return };
    let Request::Abandon { reference } = &underway.request else { return };
    underway.request = Request::Resume { reference: reference.clone() };
    pause(change, Ask::LookUp, PAUSE_MS);
}

/// The customer is asked once; the deadline counts from then.
fn require_action(change: &mut Change<'_>, asked: &Asked, reference: String, url: String, rules: &PaymentRules) {
    let deadline = change.cause.at.plus_ms(rules.approval_ms);
    let first_time = change.account.enter(Trigger::ActionRequired);
    if let Some(underway) = &mut change.account.underway {
        underway.phase = Phase::Approval { reference: reference.clone(), deadline };
    }
    if first_time {
        change.tell(PaymentActionRequired {
            envelope: change.cause.envelope::<PaymentActionRequired>(change.account.order),
            order_id: change.account.order,
            payment_id: change.account.payment,
            attempt: asked.attempt,
            url,
            deadline_at: deadline,
            provider_reference: reference,
        });
    }
}

/// The operation under way is done.
pub(super) fn complete(change: &mut Change<'_>, asked: &Asked, reference: String) {
    let amount = match asked.operation {
        PaymentOperation::Authorize => {
            change.account.enter(Trigger::Authorized);
            change.account.authorization = Some(reference.clone());
            change.account.total
        }
        PaymentOperation::Capture => {
            captured(change, asked, reference.clone());
            asked.amount
        }
        PaymentOperation::Refund => {
            refunded(change, asked, reference.clone());
            asked.amount
        }
        PaymentOperation::Void | PaymentOperation::Unknown => {
            change.account.enter(Trigger::Voided);
            Cop::ZERO
        }
    };
    change.answer(asked, Outcome::Done { amount, reference });
    go_on(change);
}

/// Money was taken.
pub(super) fn captured(change: &mut Change<'_>, asked: &Asked, reference: String) {
    change.account.enter(Trigger::Captured);
    change.account.capture = Some(reference.clone());
    let posting = change.account.books.capture(asked.amount, asked.driver);
    change.post(posting, asked.attempt, Some(reference));
}

/// Money that was owed was given back.
pub(super) fn refunded(change: &mut Change<'_>, asked: &Asked, reference: String) {
    let posting = change.account.books.pay_back(asked.amount);
    let in_full = change.account.books.refundable() == Cop::ZERO;
    change.account.enter(if in_full { Trigger::RefundedInFull } else { Trigger::RefundedInPart });
    change.account.refunds.push(reference.clone());
    change.post(posting, asked.attempt, Some(reference));
}

/// The operation under way was refused.
pub(super) fn end_operation(
    change: &mut Change<'_>,
    asked: &Asked,
    reason: PaymentFailureReason,
    reference: Option<String>,
) {
    if asked.operation == PaymentOperation::Authorize {
        let abandoned = reason == PaymentFailureReason::NotApprovedInTime;
        change.account.enter(if abandoned { Trigger::DeadlinePassed } else { Trigger::Declined });
    }
    if asked.operation == PaymentOperation::Refund {
        let posting = change.account.books.drop_refund(asked.amount);
        change.post(posting, asked.attempt, None);
    }
    refuse(change, asked, reason, reference);
    go_on(change);
}

/// Tells that an operation was refused.
pub(super) fn refuse(change: &mut Change<'_>, asked: &Asked, reason: PaymentFailureReason, reference: Option<String>) {
    change.answer(asked, Outcome::Failed { amount: asked.amount, reason, reference });
}
