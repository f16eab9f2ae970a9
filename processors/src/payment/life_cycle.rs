//! The life of a payment as a table: what may happen in which status, and where it leads.

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Where a payment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// An authorisation was asked for.
    #[default]
    Requested,
    /// The customer has to approve it.
    RequiresAction,
    /// The amount is reserved.
    Authorized,
    /// The amount is taken.
    Captured,
    /// The reservation is gone.
    Voided,
    /// Nothing was reserved.
    Failed,
    /// A part was given back.
    PartlyRefunded,
    /// All was given back.
    Refunded,
    /// The bank holds what was taken.
    Disputed,
    /// The bank has taken it back.
    ChargedBack,
}

/// Something that moves payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trigger {
    /// The provider wants the customer's approval.
    ActionRequired,
    /// The provider has reserved.
    Authorized,
    /// The provider has refused.
    Declined,
    /// The customer has not approved in time.
    DeadlinePassed,
    /// Another attempt, after one that failed.
    AskedAgain,
    /// The provider has taken it.
    Captured,
    /// The provider has let it go.
    Voided,
    /// A part was given back.
    RefundedInPart,
    /// What was left was given back.
    RefundedInFull,
    /// The bank asks for it back.
    DisputeOpened,
    /// The bank has decided for us; nothing had been given back before.
    DisputeWon,
    /// The bank has decided for us; a part had been given back before.
    DisputeWonOfTheRest,
    /// The bank has decided against us.
    DisputeLost,
}

use Status::{
    Authorized, Captured, ChargedBack, Disputed, Failed, PartlyRefunded, Refunded, Requested, RequiresAction, Voided,
};

/// All that may happen; what is not here is ignored.
pub const TABLE: &[(Status, Trigger, Status)] = &[
    (Requested, Trigger::ActionRequired, RequiresAction),
    (Requested, Trigger::Authorized, Authorized),
    (Requested, Trigger::Declined, Failed),
    (RequiresAction, Trigger::Authorized, Authorized),
    (RequiresAction, Trigger::Declined, Failed),
    (RequiresAction, Trigger::DeadlinePassed, Failed),
    (Failed, Trigger::AskedAgain, Requested),
    (Authorized, Trigger::Captured, Captured),
    (Authorized, Trigger::Voided, Voided),
    (Captured, Trigger::RefundedInPart, PartlyRefunded),
    (Captured, Trigger::RefundedInFull, Refunded),
    (Captured, Trigger::DisputeOpened, Disputed),
    (PartlyRefunded, Trigger::RefundedInPart, PartlyRefunded),
    (PartlyRefunded, Trigger::RefundedInFull, Refunded),
    (PartlyRefunded, Trigger::DisputeOpened, Disputed),
    (Disputed, Trigger::DisputeWon, Captured),
    (Disputed, Trigger::DisputeWonOfTheRest, PartlyRefunded),
    (Disputed, Trigger::DisputeLost, ChargedBack),
];

/// Where `trigger` leads from `status`; `None` if it cannot be.
pub fn step(status: Status, trigger: Trigger) -> Option<Status> {
    TABLE.iter().find(|(from, by, _)| (*from, *by) == (status, trigger)).map(|(_, _, to)| *to)
}

/// The table as a Mermaid state diagram.
pub fn mermaid() -> String {
    let mut out = "stateDiagram-v2\n    [*] --> Requested: AuthorizePayment\n".to_owned();
    for (from, trigger, to) in TABLE {
        let _ = writeln!(out, "    {from:?} --> {to:?}: {}", label(*trigger));
    }
    out
}

fn label(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::ActionRequired => "the customer has to approve",
        Trigger::Authorized => "reserved",
        Trigger::Declined => "refused",
        Trigger::DeadlinePassed => "not approved in time",
        Trigger::AskedAgain => "another attempt",
        Trigger::Captured => "taken",
        Trigger::Voided => "let go",
        Trigger::RefundedInPart => "given back in part",
        Trigger::RefundedInFull => "given back in full",
        Trigger::DisputeOpened => "disputed",
        Trigger::DisputeWon => "dispute won",
        Trigger::DisputeWonOfTheRest => "dispute won, a part given back before",
        Trigger::DisputeLost => "dispute lost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_that_was_not_reserved_and_nothing_given_back_that_was_not_taken() {
        let from = |trigger| TABLE.iter().filter(|row| row.1 == trigger).map(|row| row.0).collect::<Vec<_>>();
        assert_eq!(from(Trigger::Captured), [Authorized]);
        assert_eq!(from(Trigger::RefundedInFull), [Captured, PartlyRefunded]);
        assert_eq!(step(Voided, Trigger::Captured), None);
    }

    #[test]
    fn a_trigger_leads_to_one_place_and_every_status_is_reached() {
        let mut pairs: Vec<_> = TABLE.iter().map(|row| (row.0, row.1)).collect();
        pairs.sort();
        pairs.dedup();
        assert_eq!(pairs.len(), TABLE.len());
        for status in [RequiresAction, Authorized, Captured, Voided, Failed, PartlyRefunded, Refunded, ChargedBack] {
            assert!(TABLE.iter().any(|row| row.2 == status), "{status:?}");
        }
    }
}
