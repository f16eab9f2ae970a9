//! A provider in the test: it answers the payment role's calls at once or when told to, keeps books of its own, and has
//! no courtesy: what it is asked to do twice, it does twice.

use comanda_processors::payment::{Answer, Ask, OperationKey, ProviderCall, Request};
use comanda_processors::state_serde;
use comanda_schemas::{PaymentFailureReason, PaymentReport};
use comanda_streams::{AsyncCall, AsyncClient, AsyncOutcome, AsyncReply};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

/// What becomes of a call that would do something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    /// It is done, and answered.
    Done,
    /// It is done, and the answer is lost on its way.
    DoneAndLost,
    /// It is done, and the answer held back until [`Bank::answer`].
    DoneAndHeld,
    /// Refused.
    Declined,
    /// The customer has to approve.
    Action,
    /// The provider is not reached.
    Away,
}

/// What the bank reports by itself.
#[derive(Clone, Debug)]
pub struct Report {
    pub report: PaymentReport,
    pub reference: String,
    pub amount: i64,
    /// Of the operation, where the bank knows it.
    pub attempt: Option<i32>,
}

#[derive(Default)]
pub struct Books {
    fates: VecDeque<Fate>,
    /// All reports so far; nobody says that they arrive once, or in order.
    pub reports: Vec<Report>,
    held: Vec<(AsyncReply, Answer)>,
    /// What was done, in order: a key that is there twice was done twice.
    pub done: Vec<String>,
    /// Reserved, by the name of the reservation.
    pub reserved: BTreeMap<String, i64>,
    /// What waits for the customer's approval, by name.
    pub waiting: BTreeMap<String, i64>,
    by_key: BTreeMap<OperationKey, String>,
    /// What customers paid less what they got back.
    pub balance: i64,
}

/// Cheap to clone; all are the same bank.
#[derive(Clone, Default)]
pub struct Bank(Arc<Mutex<Books>>);

impl Bank {
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }

    /// The next call that would do something goes so; several of these go one after the other.
    pub fn next(&self, fate: Fate) {
        self.books().fates.push_back(fate);
    }

    /// Answers what was held back.
    pub fn answer(&self) {
        let held = std::mem::take(&mut self.books().held);
        held.into_iter().for_each(|(reply, answer)| send(reply, &answer));
    }

    /// The customer approves: the amount is reserved.
    pub fn approve(&self, reference: &str) {
        let mut books = self.books();
        let amount = books.waiting.remove(reference).unwrap();
        books.reserved.insert(reference.to_owned(), amount);
        books.report(PaymentReport::Authorized, reference, amount, Some(1));
    }

    /// All goes well from now on, and everybody gets his answer.
    pub fn calm_down(&self) {
        self.books().fates.clear();
        self.answer();
    }

    /// Somebody gives money back at the bank's desk.
    pub fn give_back(&self, amount: i64) {
        self.books().balance -= amount;
    }
}

impl AsyncClient for Bank {
    fn call(&self, call: AsyncCall, reply: AsyncReply) {
        let call: ProviderCall = state_serde().deserialize("calls", &call.request).unwrap();
        let mut books = self.books();
        let answer = match call.ask {
            Ask::LookUp => books.look_up(&call),
            Ask::Do => match books.fates.pop_front().unwrap_or(Fate::Done) {
                Fate::Done => books.perform(&call),
                Fate::DoneAndLost => {
                    books.perform(&call);
                    Answer::Unknown { detail: "timed out".to_owned() }
                }
                Fate::DoneAndHeld => {
                    let answer = books.perform(&call);
                    return books.held.push((reply, answer));
                }
                Fate::Declined => Answer::Declined { reason: PaymentFailureReason::CardDeclined, reference: None },
                Fate::Action if matches!(call.request, Request::Authorize { .. }) => books.require_action(&call),
                Fate::Action => books.perform(&call),
                Fate::Away => Answer::Temporary { detail: "no connection".to_owned() },
            },
        };
        drop(books);
        send(reply, &answer);
    }
}

fn send(reply: AsyncReply, answer: &Answer) {
    let mut bytes = vec![];
    state_serde().serialize("answers", answer, &mut bytes).unwrap();
    reply.send(AsyncOutcome::Done(bytes.into()));
}

impl Books {
    fn look_up(&self, call: &ProviderCall) -> Answer {
        if let Request::Resume { reference } = &call.request {
            return self.stands(reference);
        }
        let done = self.by_key.get(&call.key).filter(|reference| !self.waiting.contains_key(*reference));
        done.map_or(Answer::NotDone, |reference| Answer::Done { reference: reference.clone() })
    }

    /// How an authorisation stands.
    fn stands(&self, reference: &str) -> Answer {
        let reference = reference.to_owned();
        if self.waiting.contains_key(&reference) {
            return Answer::RequiresAction { url: format!("https://bank.test/{reference}"), reference };
        }
        match self.reserved.contains_key(&reference) {
            true => Answer::Done { reference },
            false => Answer::Declined { reason: PaymentFailureReason::CardDeclined, reference: Some(reference) },
        }
    }

    fn require_action(&mut self, call: &ProviderCall) -> Answer {
        let reference = self.name(call);
        if let Request::Authorize { amount, .. } = &call.request {
            self.waiting.insert(reference.clone(), amount.minor);
        }
        Answer::RequiresAction { url: format!("https://bank.test/{reference}"), reference }
    }

    fn perform(&mut self, call: &ProviderCall) -> Answer {
        self.done.push(call.key.to_string());
        match &call.request {
            Request::Authorize { amount, .. } => {
                let reference = self.name(call);
                self.reserved.insert(reference.clone(), amount.minor);
                self.report(PaymentReport::Authorized, &reference, amount.minor, Some(call.key.attempt));
                Answer::Done { reference }
            }
            Request::Resume { reference } => Answer::Done { reference: reference.clone() },
            Request::Abandon { reference } | Request::Void { reference } => {
                self.waiting.remove(reference);
                self.reserved.remove(reference);
                self.by_key.insert(call.key, reference.clone());
                self.report(PaymentReport::Voided, reference, 0, None);
                Answer::Done { reference: reference.clone() }
            }
            Request::Capture { reference, amount } => {
                self.reserved.remove(reference);
                self.balance += amount.minor;
                self.by_key.insert(call.key, reference.clone());
                self.report(PaymentReport::Captured, reference, amount.minor, None);
                Answer::Done { reference: reference.clone() }
            }
            Request::Refund { amount, .. } => {
                self.balance -= amount.minor;
                let reference = self.name(call);
                self.report(PaymentReport::Refunded, &reference, amount.minor, Some(call.key.attempt));
                Answer::Done { reference }
            }
        }
    }

    fn report(&mut self, report: PaymentReport, reference: &str, amount: i64, attempt: Option<i32>) {
        self.reports.push(Report { report, reference: reference.to_owned(), amount, attempt });
    }

    fn name(&mut self, call: &ProviderCall) -> String {
        let reference = format!("{}-{}", call.key.operation.symbol().to_lowercase(), self.by_key.len() + 1);
        self.by_key.insert(call.key, reference.clone());
        reference
    }
}
