//! The payment: what the provider is asked for, what its answers and reports mean, and the ledger of all that moved;
//! the topology that runs these rules between the topics and the providers.

mod account;
mod answers;
mod desk;
mod exchange;
mod ledger;
mod life_cycle;
mod methods;
mod provider;
mod reaction;
mod reconciliation;
mod reports;
mod rules;
mod shares;
mod topology;
mod wallet;

pub use account::{Dispute, PaymentAccount};
pub use exchange::{Money, Quote};
pub use ledger::{About, Books, Leg, Posting};
pub use life_cycle::{Status, TABLE, Trigger, mermaid, step};
pub(crate) use methods::check_method;
pub use methods::{Wallet, has_expired, token_of};
pub use provider::{Answer, Ask, MethodToken, OperationKey, ProviderCall, Request};
pub use reaction::Effect;
pub use reconciliation::{Difference, Reconciliation, StatementLine, reconcile};
pub use rules::{PaymentInput, PaymentRules, pass_time, take};
pub use shares::{Parts, ShareRules, Shares};
pub use topology::{APPLICATION_ID, PAYMENTS, PROVIDERS, WALLETS, payments_serde, topology, wallets_serde};

#[cfg(test)]
mod tests;
