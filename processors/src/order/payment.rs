//! An order's payment: what was reserved, taken and given back, and which operation to ask for next.
//!
//! Not a list of cases but a goal: the order wishes ([`Wish`]), the account says how far it is from there, and the
//! operation that closes the gap follows. So it does not matter in which order a cancellation and the provider's
//! answers come in: every amount captured for an order that was not delivered is given back.

use comanda_schemas::{Cop, EventTime, OrderId, PaymentFailureReason, PaymentId, PaymentOperation, PaymentStatus};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use uuid::Uuid;

/// A refused operation is asked for again after this time, doubled with each attempt …
const FIRST_RETRY_MS: i64 = 60_000;
/// … up to this one: a provider that is away for a day is asked every hour.
const LAST_RETRY_MS: i64 = 3_600_000;
/// A card that refuses a capture so often will not pay. Voids and refunds are tried without end: the money is not ours.
const MAX_CAPTURES: i32 = 5;
/// A provider answers within seconds. Whoever has not answered for so long is asked again, under the same idempotency
/// key, since the answer may be lost and the operation done; the wait doubles with each reminder …
const FIRST_REMINDER_MS: i64 = 30 * 60_000;
/// … up to this one …
const LAST_REMINDER_MS: i64 = 4 * 3_600_000;
/// … and so often, about a day: what is silent longer is for a person to look at.
const MAX_REMINDERS: u32 = 8;

/// Where the order wants its money to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Reserved: the order is under way and the food still in the restaurant.
    Reserve,
    /// Taken: the food has left.
    Take,
    /// With the customer: the order waits for its time, or was cancelled.
    GiveBack,
}

/// An operation to ask the provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Which.
    pub kind: PaymentOperation,
    /// How much; nothing for a void.
    pub amount: Cop,
    /// Counts from 1; (order, kind, attempt) is the idempotency key.
    pub attempt: i32,
}

/// An approval that the provider wants from the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Where he approves.
    pub url: String,
    /// Until when he may.
    pub deadline: EventTime,
}

/// The account of one order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// Its identity, made with the first authorisation.
    pub id: PaymentId,
    /// What the order costs.
    pub total: Cop,
    /// Reserved.
    pub authorized: Cop,
    /// Taken.
    pub captured: Cop,
    /// Given back, by the attempt that did it: an answer told twice is still one amount.
    #[serde(default)]
    pub refunds: BTreeMap<i32, Cop>,
    /// Their sum.
    pub refunded: Cop,
    /// The reservation was let go.
    pub voided: bool,
    /// What the customer has to do before it is reserved.
    #[serde(default)]
    pub action: Option<Action>,
    /// Why the card was refused.
    pub declined: Option<PaymentFailureReason>,
    /// Asked for and not answered.
    pub pending: Option<Operation>,
    /// When the pending operation was asked for last.
    #[serde(default)]
    pub pending_since: Option<EventTime>,
    /// How often it was asked for again.
    #[serde(default)]
    pub reminders: u32,
    /// The operation asked for last, to count attempts.
    pub last: Option<Operation>,
    /// Before this time nothing is asked for.
    pub retry_at: Option<EventTime>,
}

impl Payment {
    /// Of an order that costs `total`.
    pub fn new(order: OrderId, total: Cop) -> Self {
        Self {
            id: PaymentId(Uuid::new_v5(&order.0, b"payment")),
            total,
            authorized: Cop::ZERO,
            captured: Cop::ZERO,
            refunds: BTreeMap::new(),
            refunded: Cop::ZERO,
            voided: false,
            action: None,
            declined: None,
            pending: None,
            pending_since: None,
            reminders: 0,
            last: None,
            retry_at: None,
        }
    }

    /// Decides on the operation to ask for at `now`, and counts it as asked for.
    pub fn ask(&mut self, wish: Wish, now: EventTime) -> Option<Operation> {
        if self.pending.is_some() {
            return self.remind(now);
        }
        if self.retry_at.is_some() {
            return None;
        }
        let (kind, amount) = self.gap(wish)?;
        let attempt = match self.last {
            Some(last) if last.kind == kind => last.attempt + 1,
            _ => 1,
        };
        if kind == PaymentOperation::Capture && attempt > MAX_CAPTURES {
            return None;
        }
        let operation = Operation { kind, amount, attempt };
        (self.pending, self.last) = (Some(operation), Some(operation));
        (self.pending_since, self.reminders) = (Some(now), 0);
        Some(operation)
    }

    /// The same again, if the answer is overdue.
    fn remind(&mut self, now: EventTime) -> Option<Operation> {
        self.next_reminder().filter(|at| *at <= now)?;
        (self.pending_since, self.reminders) = (Some(now), self.reminders + 1);
        self.pending
    }

    /// When the pending operation is to be asked for again.
    pub fn next_reminder(&self) -> Option<EventTime> {
        let since = self.pending.and(self.pending_since)?;
        let wait_ms = (FIRST_REMINDER_MS << self.reminders.min(16)).min(LAST_REMINDER_MS);
        (self.reminders < MAX_REMINDERS).then(|| since.plus_ms(wait_ms))
    }

    /// The operation that is not asked for any more although its money is not where it belongs: silent for a day, or a
    /// capture refused again and again. Somebody has to look at it.
    pub fn given_up(&self) -> Option<Operation> {
        match self.pending {
            Some(pending) => Some(pending).filter(|_| self.reminders == MAX_REMINDERS),
            None => self.last.filter(|_| self.is_unpaid()),
        }
    }

    fn is_unpaid(&self) -> bool {
        let last_capture = |last: Operation| last.kind == PaymentOperation::Capture && last.attempt >= MAX_CAPTURES;
        self.pending.is_none() && self.captured == Cop::ZERO && self.last.is_some_and(last_capture)
    }

    /// Whether the order is as good as paid for: its price is reserved, or it costs nothing.
    pub fn is_authorized(&self) -> bool {
        self.total == Cop::ZERO || self.authorized > Cop::ZERO
    }

    /// What lies between the account and the wish.
    fn gap(&self, wish: Wish) -> Option<(PaymentOperation, Cop)> {
        let held = self.captured.minus(self.refunded).unwrap_or(Cop::ZERO);
        let reserved = self.authorized > Cop::ZERO && self.captured == Cop::ZERO && !self.voided;
        match wish {
            Wish::Reserve if self.last.is_none() && self.total > Cop::ZERO => {
                Some((PaymentOperation::Authorize, self.total))
            }
            Wish::Take if reserved => Some((PaymentOperation::Capture, self.authorized)),
            Wish::GiveBack if held > Cop::ZERO => Some((PaymentOperation::Refund, held)),
            Wish::GiveBack if reserved => Some((PaymentOperation::Void, Cop::ZERO)),
            _ => None,
        }
    }

    /// The provider wants the customer's approval; late word of it about an attempt that was answered changes nothing.
    pub fn requires_action(&mut self, attempt: i32, action: Action) {
        if self.pending.is_some_and(|asked| (asked.kind, asked.attempt) == (PaymentOperation::Authorize, attempt)) {
            self.action = Some(action);
        }
    }

    /// The provider reserved `amount`.
    pub fn authorized(&mut self, amount: Cop) {
        self.authorized = self.authorized.max(amount);
        self.answered(PaymentOperation::Authorize);
    }

    /// The provider took `amount`. Taken at most once: told twice, it is still one amount.
    pub fn captured(&mut self, amount: Cop) {
        self.captured = self.captured.max(amount);
        self.answered(PaymentOperation::Capture);
    }

    /// The provider let the reservation go.
    pub fn voided(&mut self) {
        self.voided = true;
        self.answered(PaymentOperation::Void);
    }

    /// The provider gave `amount` back by this attempt.
    pub fn refunded(&mut self, attempt: i32, amount: Cop) {
        if let Entry::Vacant(first_told) = self.refunds.entry(attempt) {
            first_told.insert(amount);
            self.refunded = self.refunded.plus(amount).unwrap_or(self.captured).min(self.captured);
        }
        // Not that of a later attempt: an answer told twice may come after it was asked for.
        self.pending.take_if(|pending| (pending.kind, pending.attempt) == (PaymentOperation::Refund, attempt));
    }

    /// The provider refused; nothing moved. An answer to an attempt that was given up long ago changes nothing.
    pub fn refused(&mut self, kind: PaymentOperation, attempt: i32, reason: PaymentFailureReason, at: EventTime) {
        if self.pending.is_none_or(|p| (p.kind, p.attempt) != (kind, attempt)) {
            return;
        }
        self.pending = None;
        if kind == PaymentOperation::Authorize {
            self.action = None;
            self.declined = Some(reason);
        } else {
            let wait_ms = FIRST_RETRY_MS << attempt.clamp(1, 16).saturating_sub(1);
            self.retry_at = Some(at.plus_ms(wait_ms.min(LAST_RETRY_MS)));
        }
    }

    fn answered(&mut self, kind: PaymentOperation) {
        self.action = None;
        self.pending.take_if(|pending| pending.kind == kind);
    }

    /// Lets the next operation be asked for if its time has come.
    pub fn wake(&mut self, now: EventTime) {
        self.retry_at.take_if(|at| *at <= now);
    }

    /// Whether nothing is on its way and nothing left to be asked for.
    pub fn is_settled(&self, wish: Wish) -> bool {
        self.pending.is_none() && self.retry_at.is_none() && self.gap(wish).is_none()
    }

    /// What customers are told.
    pub fn status(&self) -> PaymentStatus {
        match self {
            _ if self.captured > Cop::ZERO && self.refunded >= self.captured => PaymentStatus::Refunded,
            _ if self.captured > Cop::ZERO || self.total == Cop::ZERO => PaymentStatus::Completed,
            _ if self.voided => PaymentStatus::Voided,
            _ if self.declined.is_some() || self.is_unpaid() => PaymentStatus::Failed,
            _ if self.action.is_some() => PaymentStatus::RequiresAction,
            _ if self.authorized == Cop::ZERO => PaymentStatus::Pending,
            _ if self.pending.is_some_and(|p| p.kind == PaymentOperation::Capture) => PaymentStatus::Processing,
            _ => PaymentStatus::Authorized,
        }
    }
}

#[cfg(test)]
mod tests;
