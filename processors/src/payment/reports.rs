//! What a provider reports by itself, in verified webhooks: late, twice, before its own answer, or about what nobody
//! here asked for.

use super::account::{Asked, Dispute, Outcome, Phase, Underway};
use super::answers::{captured, complete, end_operation, refunded};
use super::life_cycle::{Status, Trigger};
use super::provider::{Ask, Request};
use super::reaction::{Change, Effect};
use comanda_schemas::{
    Cop, DisputeStage, Event, PaymentDisputed, PaymentFailureReason, PaymentOperation, PaymentReport, ReportPayment,
};

/// Reports change what they are the first to tell; all else is known.
pub(super) fn take_report(mut change: Change<'_>, report: &ReportPayment) -> Vec<Effect> {
    let reference = report.provider_reference.clone();
    match report.report {
        PaymentReport::Authorized => answer(&mut change, report, PaymentOperation::Authorize, reference),
        PaymentReport::Approved => resume(&mut change),
        PaymentReport::Captured => {
            answer(&mut change, report, PaymentOperation::Capture, reference.clone());
            capture_unasked(&mut change, report, reference);
        }
        PaymentReport::Voided => void(&mut change, report, reference),
        PaymentReport::Refunded => {
            answer(&mut change, report, PaymentOperation::Refund, reference.clone());
            refund_unasked(&mut change, report, reference);
        }
        PaymentReport::Declined => decline(&mut change, report),
        PaymentReport::DisputeOpened => open_dispute(&mut change, report, reference),
        // The decision may come first: then its opening is told with it, and later changes nothing.
        PaymentReport::DisputeWon | PaymentReport::DisputeLost => {
            open_dispute(&mut change, report, reference.clone());
            let won = report.report == PaymentReport::DisputeWon;
            decide_dispute(&mut change, &reference, if won { DisputeStage::Won } else { DisputeStage::Lost });
        }
        PaymentReport::Unknown => {}
    }
    change.effects
}

/// The operation under way, if the report is about it.
fn reported(change: &Change<'_>, report: &ReportPayment, operation: PaymentOperation) -> Option<Asked> {
    let asked = &change.account.underway.as_ref()?.asked;
    let same_attempt = report.attempt.is_none_or(|attempt| attempt == asked.attempt);
    (asked.operation == operation && same_attempt).then(|| asked.clone())
}

/// The report comes before the answer, or instead of it. An unapproved authorisation is abandoned as little as an
/// approved one is: what is reserved is reserved, and the order role lets it go if it is too late.
fn answer(change: &mut Change<'_>, report: &ReportPayment, operation: PaymentOperation, reference: String) {
    if change.account.refunds.contains(&reference) {
        return;
    }
    if let Some(asked) = reported(change, report, operation) {
        complete(change, &asked, reference);
    }
}

/// The customer has approved: the authorisation goes on.
fn resume(change: &mut Change<'_>) {
    let Some(underway) = &mut change.account.underway else { return };
    if let Phase::Approval { reference, .. } = &underway.phase {
        underway.request = Request::Resume { reference: reference.clone() };
        change.call(Ask::Do);
    }
}

fn decline(change: &mut Change<'_>, report: &ReportPayment) {
    if let Some(asked) = reported(change, report, PaymentOperation::Authorize) {
        let reason = report.reason.unwrap_or(PaymentFailureReason::CardDeclined);
        end_operation(change, &asked, reason, Some(report.provider_reference.clone()));
    }
}

/// Late news about an earlier attempt must not end a later one: the name has to be that of what waits or is reserved.
fn void(change: &mut Change<'_>, report: &ReportPayment, reference: String) {
    if change.account.underway.as_ref().is_some_and(|underway| awaits_approval(underway, &reference)) {
        if let Some(asked) = reported(change, report, PaymentOperation::Authorize) {
            end_operation(change, &asked, PaymentFailureReason::NotApprovedInTime, Some(reference));
        }
        return;
    }
    if change.account.authorization.as_ref() != Some(&reference) {
        return;
    }
    if let Some(asked) = reported(change, report, PaymentOperation::Void) {
        return complete(change, &asked, reference);
    }
    if change.account.enter(Trigger::Voided) {
        let asked = unasked(change, PaymentOperation::Void, 0, Cop::ZERO);
        change.answer(&asked, Outcome::Done { amount: Cop::ZERO, reference });
    }
}

fn awaits_approval(underway: &Underway, reference: &str) -> bool {
    match (&underway.phase, &underway.request) {
        (Phase::Approval { reference: waiting, .. }, _) => waiting == reference,
        (_, Request::Resume { reference: waiting } | Request::Abandon { reference: waiting }) => waiting == reference,
        _ => false,
    }
}

/// Somebody took the money at the provider's desk: it is in its statement, so it is in our books.
fn capture_unasked(change: &mut Change<'_>, report: &ReportPayment, reference: String) {
    if change.account.status != Status::Authorized {
        return;
    }
    let asked = unasked(change, PaymentOperation::Capture, 0, worth(change, report, change.account.total));
    captured(change, &asked, reference.clone());
    change.answer(&asked, Outcome::Done { amount: asked.amount, reference });
}

/// Somebody gave money back at the provider's desk. Such refunds count −1, −2 …
fn refund_unasked(change: &mut Change<'_>, report: &ReportPayment, reference: String) {
    let account = &*change.account;
    let outcome = report.attempt.and_then(|attempt| account.told.get(&(PaymentOperation::Refund, attempt)));
    let open = matches!(account.status, Status::Captured | Status::PartlyRefunded);
    if matches!(outcome, Some(Outcome::Done { .. })) || !open || account.refunds.contains(&reference) {
        return;
    }
    let number = account.told.keys().filter(|(operation, n)| *operation == PaymentOperation::Refund && *n < 0).count();
    let amount = worth(change, report, account.books.refundable());
    let asked = unasked(change, PaymentOperation::Refund, -1 - i32::try_from(number).unwrap_or(0), amount);
    let owed = change.account.books.owe(amount);
    change.post(owed, asked.attempt, None);
    refunded(change, &asked, reference.clone());
    change.answer(&asked, Outcome::Done { amount, reference });
}

fn unasked(change: &Change<'_>, operation: PaymentOperation, attempt: i32, amount: Cop) -> Asked {
    Asked { operation, attempt, amount, driver: None, by: change.cause.id }
}

/// What a report's amount is in pesos: `most`, if it is all of that, or what it is worth.
fn worth(change: &Change<'_>, report: &ReportPayment, most: Cop) -> Cop {
    let books = &change.account.books;
    let all = if books.captured == Cop::ZERO { books.quote.minor(most) } else { books.minor_of(most).minor };
    if report.amount_minor >= all { most } else { books.quote.worth(report.amount_minor).min(most) }
}

fn open_dispute(change: &mut Change<'_>, report: &ReportPayment, reference: String) {
    let left = change.account.books.refundable();
    if change.account.disputes.contains_key(&reference) || !change.account.enter(Trigger::DisputeOpened) {
        return;
    }
    let amount = worth(change, report, left);
    change.account.disputes.insert(reference.clone(), Dispute { amount, decided: false });
    let posting = change.account.books.open_dispute(amount);
    change.post(posting, 0, Some(reference.clone()));
    tell_dispute(change, DisputeStage::Opened, amount, reference);
}

fn decide_dispute(change: &mut Change<'_>, reference: &str, stage: DisputeStage) {
    let Some(dispute) = change.account.disputes.get_mut(reference).filter(|dispute| !dispute.decided) else { return };
    dispute.decided = true;
    let amount = dispute.amount;
    let books = &mut change.account.books;
    let (posting, trigger) = match stage {
        DisputeStage::Won if books.paid_back > Cop::ZERO => (books.win_dispute(amount), Trigger::DisputeWonOfTheRest),
        DisputeStage::Won => (books.win_dispute(amount), Trigger::DisputeWon),
        _ => (books.lose_dispute(amount), Trigger::DisputeLost),
    };
    change.account.enter(trigger);
    change.post(posting, 0, Some(reference.to_owned()));
    tell_dispute(change, stage, amount, reference.to_owned());
}

fn tell_dispute(change: &mut Change<'_>, stage: DisputeStage, amount_centavos: Cop, provider_reference: String) {
    let (order_id, payment_id) = (change.account.order, change.account.payment);
    let effect = format!("{} {}", PaymentDisputed::FULL_NAME, stage.symbol());
    let envelope = change.cause.envelope_of(&effect, order_id);
    change.tell(PaymentDisputed { envelope, order_id, payment_id, stage, amount_centavos, provider_reference });
}
