//! What the payment role knows about the payment of one order.

use super::ledger::Books;
use super::life_cycle::{Status, Trigger, step};
use super::provider::{Ask, MethodToken, OperationKey, ProviderCall, Request};
use comanda_schemas::{Cop, DriverId, EventId, EventTime, OrderId, PaymentFailureReason, PaymentId, PaymentOperation};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// The account of one order with its provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentAccount {
    /// The order.
    pub order: OrderId,
    /// The payment.
    pub payment: PaymentId,
    /// Where it stands.
    pub status: Status,
    /// What is reserved, or to be.
    pub total: Cop,
    /// What pays.
    pub method: MethodToken,
    /// Postings so far.
    pub books: Books,
    /// The provider's name for the authorisation.
    pub authorization: Option<String>,
    /// The provider's name for the capture.
    pub capture: Option<String>,
    /// The provider's names for what was given back.
    pub refunds: Vec<String>,
    /// Disputes by the provider's name.
    pub disputes: BTreeMap<String, Dispute>,
    /// The operation that is not answered yet.
    pub(super) underway: Option<Underway>,
    /// Operations asked for meanwhile.
    pub(super) waiting: VecDeque<Asked>,
    /// Operations that were answered, to be told again.
    pub(super) told: BTreeMap<Told, Outcome>,
    /// Calls so far.
    pub(super) calls: u32,
    /// Latest time of anything taken in.
    pub changed_at: EventTime,
}

/// A dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// What the bank holds or has taken.
    pub amount: Cop,
    /// The bank has decided.
    pub decided: bool,
}

/// An operation as the order role asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub operation: PaymentOperation,
    pub attempt: i32,
    pub amount: Cop,
    pub driver: Option<DriverId>,
    /// The message that asks; what follows is caused by it.
    pub by: EventId,
}

/// An operation under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Underway {
    pub asked: Asked,
    pub request: Request,
    pub phase: Phase,
    /// Calls that brought no decision, to wait longer each time.
    pub failures: u32,
}

/// What an operation waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// The provider's answer to the call with this number.
    Called(u32),
    /// A better time: nobody answered, or the provider was busy.
    Paused { until: EventTime, then: Ask },
    /// The customer's approval of what the provider calls so.
    Approval { reference: String, deadline: EventTime },
}

/// An answered operation.
pub(super) type Told = (PaymentOperation, i32);

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Outcome {
    Done { amount: Cop, reference: String },
    Failed { amount: Cop, reason: PaymentFailureReason, reference: Option<String> },
}

impl PaymentAccount {
    /// Makes the step if the table has it; whether it has.
    pub(super) fn enter(&mut self, trigger: Trigger) -> bool {
        let next = step(self.status, trigger);
        self.status = next.unwrap_or(self.status);
        next.is_some()
    }

    /// Calls the provider for the operation under way.
    pub(super) fn call(&mut self, ask: Ask, asked_at: EventTime) -> Option<ProviderCall> {
        let underway = self.underway.as_mut()?;
        self.calls += 1;
        underway.phase = Phase::Called(self.calls);
        let (operation, attempt) = (underway.asked.operation, underway.asked.attempt);
        Some(ProviderCall {
            provider: self.method.provider,
            key: OperationKey { order: self.order, operation, attempt },
            payment: self.payment,
            request: underway.request.clone(),
            ask,
            number: self.calls,
            asked_at,
        })
    }

    /// When it has to be looked at although nothing comes in.
    pub fn next_deadline(&self) -> Option<EventTime> {
        match self.underway.as_ref()?.phase {
            Phase::Called(_) => None,
            Phase::Paused { until, .. } => Some(until),
            Phase::Approval { deadline, .. } => Some(deadline),
        }
    }
}
