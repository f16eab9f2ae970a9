//! What the order role's commands and the clock do to a payment.

use super::account::{Asked, Outcome, PaymentAccount, Phase, Underway};
use super::answers::{refuse, take_answer};
use super::exchange::Quote;
use super::ledger::Books;
use super::life_cycle::{Status, Trigger};
use super::provider::{Answer, Ask, MethodToken, ProviderCall, Request};
use super::reaction::{Cause, Change, Effect, outcome_event};
use super::reports::take_report;
use super::shares::{Parts, ShareRules};
use comanda_schemas::{
    AuthorizePayment, Cop, EventTime, Message, OrderId, PaymentCommand, PaymentFailureReason, PaymentId,
    PaymentOperation, PaymentProvider,
};
use std::collections::{BTreeMap, VecDeque};

/// The order role asks for one thing after the other: more than this many at once is an error of its own.
const MAX_WAITING: usize = 4;

/// What is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentRules {
    /// Who gets what.
    pub shares: ShareRules,
    /// PayPal's currency and its price: it has no COP.
    pub paypal: Quote,
    /// How long a customer may take to approve. The order role waits ten minutes for an authorisation.
    pub approval_ms: i64,
}

impl PaymentRules {
    fn quote(&self, provider: PaymentProvider) -> Quote {
        if provider == PaymentProvider::Paypal { self.paypal.clone() } else { Quote::cop() }
    }
}

/// Something that the payment role reads.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // One is in process at a time.
pub enum PaymentInput {
    /// From `payment.commands`; with an authorisation the method that is to pay, or why it cannot.
    Command(PaymentCommand, Result<MethodToken, PaymentFailureReason>),
    /// A provider's answer.
    Answer(ProviderCall, Answer),
}

/// Takes in one input at `now`.
pub fn take(
    known: &mut Option<PaymentAccount>,
    input: PaymentInput,
    now: EventTime,
    rules: &PaymentRules,
) -> Vec<Effect> {
    match input {
        PaymentInput::Answer(call, answer) => {
            known.as_mut().map_or(vec![], |account| take_answer(account, &call, answer, now, rules))
        }
        PaymentInput::Command(PaymentCommand::ReportPayment(report), _) => {
            known.as_mut().filter(|account| account.payment == report.payment_id).map_or(vec![], |account| {
                // Not the provider's time: one that lies ahead would put off whatever comes next.
                let cause = Cause { id: report.envelope.event_id, at: now };
                take_report(Change::new(account, cause), &report)
            })
        }
        PaymentInput::Command(command, method) => take_command(known, command, method, now, rules),
    }
}

/// What the clock does to a payment.
pub fn pass_time(account: &mut PaymentAccount, now: EventTime) -> Vec<Effect> {
    let due = account.next_deadline().is_some_and(|at| at <= now);
    let Some(underway) = account.underway.as_mut().filter(|_| due) else { return vec![] };
    let ask = match &underway.phase {
        Phase::Paused { then, .. } => *then,
        Phase::Approval { reference, .. } => {
            underway.request = Request::Abandon { reference: reference.clone() };
            Ask::Do
        }
        Phase::Called(_) => return vec![],
    };
    let cause = Cause { id: underway.asked.by, at: now };
    let mut change = Change::new(account, cause);
    change.call(ask);
    change.effects
}

fn take_command(
    known: &mut Option<PaymentAccount>,
    command: PaymentCommand,
    method: Result<MethodToken, PaymentFailureReason>,
    now: EventTime,
    rules: &PaymentRules,
) -> Vec<Effect> {
    let Some((order, payment, asked)) = asked_for(&command) else { return vec![] };
    let cause = Cause { id: asked.by, at: now };
    if let (None, PaymentCommand::AuthorizePayment(authorize)) = (&known, &command) {
        match method.clone() {
            Ok(method) => *known = Some(new_account(authorize, method, now, rules)),
            Err(reason) => return vec![refusal(cause, order, payment, &asked, reason)],
        }
    }
    let Some(account) = known.as_mut().filter(|account| account.payment == payment) else {
        return vec![refusal(cause, order, payment, &asked, PaymentFailureReason::ProviderRefused)];
    };
    let mut change = Change::new(account, cause);
    if let Some(outcome) = change.account.told.get(&(asked.operation, asked.attempt)) {
        let event = outcome_event(cause, order, payment, &asked, outcome);
        change.tell(event);
        return change.effects;
    }
    if let (PaymentOperation::Authorize, Ok(method)) = (asked.operation, method) {
        change.account.method = method;
    }
    ask_or_wait(&mut change, asked);
    change.effects
}

/// One operation after the other: providers do not order what comes at once.
fn ask_or_wait(change: &mut Change<'_>, asked: Asked) {
    let same = |other: &Asked| (other.operation, other.attempt) == (asked.operation, asked.attempt);
    let account = &mut *change.account;
    let Some(underway) = &account.underway else {
        start(change, asked);
        return change.call(Ask::Do);
    };
    let known = same(&underway.asked) || account.waiting.iter().any(same);
    if !known && account.waiting.len() < MAX_WAITING {
        account.waiting.push_back(asked);
    }
}

/// Starts an operation if the payment's status allows it, else refuses it. It is due at once; who starts it may call.
pub(super) fn start(change: &mut Change<'_>, asked: Asked) {
    let Some(request) = request(change.account, &asked) else {
        return refuse(change, &asked, PaymentFailureReason::ProviderRefused, None);
    };
    if asked.operation == PaymentOperation::Refund {
        let posting = change.account.books.owe(asked.amount);
        change.post(posting, asked.attempt, None);
    }
    let phase = Phase::Paused { until: change.cause.at, then: Ask::Do };
    change.account.underway = Some(Underway { asked, request, phase, failures: 0 });
}

fn request(account: &mut PaymentAccount, asked: &Asked) -> Option<Request> {
    let fits = |most: Cop| asked.amount > Cop::ZERO && asked.amount <= most;
    match asked.operation {
        PaymentOperation::Authorize => {
            let first = account.status == Status::Requested;
            (first || account.enter(Trigger::AskedAgain)).then(|| {
                let amount = account.books.quote.money(account.books.quote.minor(account.total));
                Request::Authorize { method: account.method.clone(), amount }
            })
        }
        PaymentOperation::Capture => {
            let reference = account.authorization.clone().filter(|_| account.status == Status::Authorized)?;
            let amount = account.books.quote.money(account.books.quote.minor(asked.amount));
            fits(account.total).then_some(Request::Capture { reference, amount })
        }
        PaymentOperation::Void => {
            let reference = account.authorization.clone().filter(|_| account.status == Status::Authorized)?;
            Some(Request::Void { reference })
        }
        PaymentOperation::Refund => {
            let open = matches!(account.status, Status::Captured | Status::PartlyRefunded);
            let reference = account.capture.clone().filter(|_| open && fits(account.books.refundable()))?;
            Some(Request::Refund { reference, amount: account.books.minor_of(asked.amount) })
        }
        PaymentOperation::Unknown => None,
    }
}

/// Ends the operation under way and starts the next one that waits, which the clock calls for.
pub(super) fn go_on(change: &mut Change<'_>) {
    change.account.underway = None;
    while change.account.underway.is_none() {
        let Some(next) = change.account.waiting.pop_front() else { return };
        change.cause.id = next.by;
        start(change, next);
    }
}

fn new_account(
    authorize: &AuthorizePayment,
    method: MethodToken,
    now: EventTime,
    rules: &PaymentRules,
) -> PaymentAccount {
    let parts = Parts {
        subtotal: authorize.subtotal_centavos,
        delivery_fee: authorize.delivery_fee_centavos,
        tax: authorize.tax_centavos,
        discount: authorize.discount_centavos,
    };
    let quote = rules.quote(method.provider);
    PaymentAccount {
        order: authorize.order_id,
        payment: authorize.payment_id,
        status: Status::Requested,
        total: authorize.amount_centavos,
        method,
        books: Books::new(rules.shares, parts, authorize.restaurant_id, quote),
        authorization: None,
        capture: None,
        refunds: vec![],
        disputes: BTreeMap::new(),
        underway: None,
        waiting: VecDeque::new(),
        told: BTreeMap::new(),
        calls: 0,
        changed_at: now,
    }
}

fn asked_for(command: &PaymentCommand) -> Option<(OrderId, PaymentId, Asked)> {
    let by = command.envelope()?.event_id;
    let (order, payment, operation, attempt, amount, driver) = match command {
        PaymentCommand::AuthorizePayment(c) => {
            (c.order_id, c.payment_id, PaymentOperation::Authorize, c.attempt, c.amount_centavos, None)
        }
        PaymentCommand::CapturePayment(c) => {
            (c.order_id, c.payment_id, PaymentOperation::Capture, c.attempt, c.amount_centavos, c.driver_id)
        }
        PaymentCommand::VoidPayment(c) => {
            (c.order_id, c.payment_id, PaymentOperation::Void, c.attempt, Cop::ZERO, None)
        }
        PaymentCommand::RefundPayment(c) => {
            (c.order_id, c.payment_id, PaymentOperation::Refund, c.attempt, c.amount_centavos, None)
        }
        PaymentCommand::ReportPayment(_) | PaymentCommand::Unknown(_) => return None,
    };
    Some((order, payment, Asked { operation, attempt, amount, driver, by }))
}

/// A refusal of which no account is kept.
fn refusal(cause: Cause, order: OrderId, payment: PaymentId, asked: &Asked, reason: PaymentFailureReason) -> Effect {
    let outcome = Outcome::Failed { amount: asked.amount, reason, reference: None };
    Effect::Tell(outcome_event(cause, order, payment, asked, &outcome))
}
