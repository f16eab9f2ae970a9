//! Any sequence of commands against a provider that loses answers, answers late, reports twice and keeps no promise
//! about idempotency keys: in the end the books are the provider's statement, and nobody has paid twice.

use super::desk::*;
use crate::payment::*;
use comanda_schemas::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered,
    LostAfterwards,
    LostBefore,
    Busy,
    Declined,
    ReportedFirst,
    ReportedTwice,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Authorize,
    Capture,
    Void,
    Refund(i64),
    Dispute(bool),
    Pass,
}

/// The truth. It does whatever it is told, however often.
#[derive(Default)]
struct Truth {
    reserved: i64,
    captured: i64,
    given_back: i64,
    done: BTreeMap<OperationKey, (PaymentReport, i64)>,
    times: BTreeMap<OperationKey, u32>,
}

impl Truth {
    fn perform(&mut self, call: &ProviderCall) {
        let (report, amount) = match &call.request {
            Request::Authorize { amount, .. } => {
                self.reserved = amount.minor;
                (PaymentReport::Authorized, amount.minor)
            }
            Request::Capture { amount, .. } => {
                assert!(self.reserved >= amount.minor, "taken without a reservation");
                (self.reserved, self.captured) = (0, self.captured + amount.minor);
                (PaymentReport::Captured, amount.minor)
            }
            Request::Refund { amount, .. } => {
                assert!(self.given_back + amount.minor <= self.captured, "given back more than was taken");
                self.given_back += amount.minor;
                (PaymentReport::Refunded, amount.minor)
            }
            Request::Void { .. } | Request::Abandon { .. } | Request::Resume { .. } => {
                self.reserved = 0;
                (PaymentReport::Voided, 0)
            }
        };
        self.done.insert(call.key, (report, amount));
        *self.times.entry(call.key).or_default() += 1;
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    use Fate::*;
    prop::sample::select(vec![Answered, LostAfterwards, LostBefore, Busy, Declined, ReportedFirst, ReportedTwice])
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Authorize),
        Just(Step::Capture),
        Just(Step::Capture),
        Just(Step::Void),
        (1..5_000_000i64).prop_map(Step::Refund),
        any::<bool>().prop_map(Step::Dispute),
        Just(Step::Pass),
    ]
}

struct Play {
    desk: Desk,
    truth: Truth,
    fates: Vec<Fate>,
    attempts: [i32; 4],
    disputes: i64,
}

impl Play {
    /// Carries out calls until none is left.
    fn settle(&mut self) {
        for _ in 0..200 {
            match self.desk.call.take() {
                Some(call) => self.carry_out(call),
                None => {
                    self.desk.wait(APPROVAL_MS);
                    if self.desk.call.is_none() {
                        return;
                    }
                }
            }
        }
        panic!("it does not come to rest");
    }

    fn carry_out(&mut self, call: ProviderCall) {
        let fate = self.fates.pop().unwrap_or(Fate::Answered);
        if call.ask == Ask::LookUp {
            let known = self.truth.done.contains_key(&call.key);
            let answer = if known { done(&call.key.to_string()) } else { Answer::NotDone };
            self.desk.take(PaymentInput::Answer(call, answer));
            return;
        }
        if !matches!(fate, Fate::LostBefore | Fate::Busy | Fate::Declined) {
            self.truth.perform(&call);
        }
        let answer = match fate {
            Fate::LostAfterwards | Fate::LostBefore => unknown(),
            Fate::Busy => Answer::Temporary { detail: String::new() },
            Fate::Declined => Answer::Declined { reason: PaymentFailureReason::CardDeclined, reference: None },
            _ => done(&call.key.to_string()),
        };
        let reports = match fate {
            Fate::ReportedFirst => 1,
            Fate::ReportedTwice => 2,
            _ => 0,
        };
        let (key, next) = (call.key, self.desk.call.clone());
        for _ in 0..reports {
            let (report, amount) = self.truth.done[&key];
            let report = self.desk.report_of(report, &key.to_string(), amount, Some(key.attempt));
            self.desk.command(report);
        }
        self.desk.take(PaymentInput::Answer(call, answer));
        let _ = next;
    }

    fn take(&mut self, step: Step) {
        let mut attempt = |kind: usize| {
            self.attempts[kind] += 1;
            self.attempts[kind]
        };
        match step {
            Step::Authorize => drop(self.desk.authorize(attempt(0))),
            Step::Capture => drop(self.desk.capture(attempt(1))),
            Step::Void => drop(self.desk.void(attempt(2))),
            Step::Refund(amount) => drop(self.desk.refund(amount, attempt(3))),
            Step::Dispute(won) => self.dispute(won),
            Step::Pass => self.settle(),
        }
    }

    /// Opened and decided; the bank asks for all that is left.
    fn dispute(&mut self, won: bool) {
        self.settle();
        let left = self.truth.captured - self.truth.given_back;
        if left == 0 {
            return;
        }
        self.disputes += 1;
        let name = format!("dp_{}", self.disputes);
        self.desk.report(PaymentReport::DisputeOpened, &name, left);
        let decided = if won { PaymentReport::DisputeWon } else { PaymentReport::DisputeLost };
        self.desk.report(decided, &name, 0);
        if !won {
            self.truth.given_back += left;
        }
    }
}

proptest! {
    #[test]
    fn the_books_are_the_statement_and_nothing_is_done_twice(
        steps in prop::collection::vec(any_step(), 1..14),
        fates in prop::collection::vec(fate(), 0..30),
        paypal in any::<bool>(),
    ) {
        let provider = if paypal { PaymentProvider::Paypal } else { PaymentProvider::Stripe };
        let (desk, truth) = (Desk::new(provider), Truth::default());
        let mut play = Play { desk, truth, fates, attempts: [0; 4], disputes: 0 };
        play.take(Step::Authorize);
        steps.into_iter().for_each(|step| play.take(step));
        play.settle();
        let Play { desk, truth, .. } = play;
        prop_assert!(truth.times.values().all(|times| *times == 1), "{:?}", truth.times);
        let (balances, minor) = desk.balances();
        prop_assert_eq!(minor, truth.captured - truth.given_back, "clearing is the statement");
        prop_assert_eq!(balances.get(&LedgerAccount::Refunds), None);
        let Some(account) = desk.account.as_ref() else { return Ok(()) };
        let books = &account.books;
        prop_assert_eq!(desk.shares(), books.captured.0 - books.paid_back.0 - books.disputed.0);
    }
}
