//! The port to the payment providers: what they are asked for and what they answer, whoever they are.
//!
//! What a client must promise is in [`Answer`]: between "surely not done" and "maybe done" lies somebody's money.

use super::exchange::Money;
use comanda_schemas::{EventTime, OrderId, PaymentFailureReason, PaymentId, PaymentOperation, PaymentProvider};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Identity of an operation: the same key is the same operation, however often it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OperationKey {
    /// The order.
    pub order: OrderId,
    /// What is done.
    pub operation: PaymentOperation,
    /// Counts from 1.
    pub attempt: i32,
}

/// As it is sent: `<order>:CAPTURE:1`.
impl fmt::Display for OperationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.order, self.operation.symbol(), self.attempt)
    }
}

/// A stored payment method as the provider knows it: two names, never a card number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodToken {
    /// Who knows it.
    pub provider: PaymentProvider,
    /// The provider's name for the customer; empty where it has none.
    pub customer: String,
    /// The provider's name for the method; empty where the customer names one when approving.
    pub method: String,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProviderCall {
    /// Whom to call.
    pub provider: PaymentProvider,
    /// Idempotency key.
    pub key: OperationKey,
    /// The payment, for the provider's records.
    pub payment: PaymentId,
    /// What is to be done or looked up.
    pub request: Request,
    /// Do it, or find out whether it was done.
    pub ask: Ask,
    /// Number of the call within the payment: an answer to an earlier call is known by it.
    pub number: u32,
    /// When it was decided on. A call that is carried out much later may have been carried out before, by whoever had
    /// it until a crash: see [`ProviderCall::may_be_repeated`].
    pub asked_at: EventTime,
}

/// A call is carried out as soon as the transaction is committed that decided on it. One that waited longer than this
/// may have been carried out by a process that is gone, its answer lost with it.
const FRESH_MS: i64 = 500;

impl ProviderCall {
    /// Whether it may have been carried out before: then it is looked up before it is done. Not so for one that only
    /// waited; it is looked up for nothing.
    pub fn may_be_repeated(&self, now: EventTime) -> bool {
        !(0..FRESH_MS).contains(&now.ms_since(self.asked_at))
    }
}

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Do it.
    Do,
    /// Find out whether it was done, and do nothing.
    LookUp,
}

/// What a provider can be asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // `reference` is the provider's name for what the operation is about.
pub enum Request {
    /// Reserve an amount.
    Authorize { method: MethodToken, amount: Money },
    /// Go on with an authorisation that the customer has approved.
    Resume { reference: String },
    /// Let an authorisation go that the customer has not approved.
    Abandon { reference: String },
    /// Take what is reserved.
    Capture { reference: String, amount: Money },
    /// Let go what is reserved.
    Void { reference: String },
    /// Give back.
    Refund { reference: String, amount: Money },
}

/// What a provider answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It is done, or was done already under this key.
    Done {
        /// The provider's name for what it did; what follows refers to it.
        reference: String,
    },
    /// An authorisation that waits for the customer.
    RequiresAction {
        /// The provider's name for what waits.
        reference: String,
        /// Where the customer approves.
        url: String,
    },
    /// Refused by the bank or the provider; not done. Asking again needs a new attempt.
    Declined {
        /// Why.
        reason: PaymentFailureReason,
        /// The provider's name for the refusal.
        reference: Option<String>,
    },
    /// Looked up: not done, and not under way.
    NotDone,
    /// Nobody knows: a time-out, a broken connection, a server's error. It may have been done, or be done yet.
    Unknown {
        /// What happened, without personal data.
        detail: String,
    },
    /// Surely not done, and worth another try: no connection, too many calls.
    Temporary {
        /// What happened, without personal data.
        detail: String,
    },
    /// Surely not done, and never will be: the request is wrong.
    Permanent {
        /// What happened, without personal data.
        detail: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_reads_as_order_operation_attempt() {
        let order = OrderId(uuid::Uuid::from_u128(7));
        let key = OperationKey { order, operation: PaymentOperation::Capture, attempt: 2 };
        assert_eq!(key.to_string(), "00000000-0000-0000-0000-000000000007:CAPTURE:2");
    }
}
