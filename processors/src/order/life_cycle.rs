//! The life of an order as a table: what may happen in which status, and where it leads. Drawn in
//! `docs/order-life-cycle.md` from this very table.

use comanda_schemas::OrderStatus;
use std::fmt::Write as _;

/// Something that moves orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trigger {
    /// The payment is authorised and the restaurant has accepted, whichever came second.
    Approved,
    /// The kitchen starts.
    CookingStarted,
    /// The food stands ready.
    FoodReady,
    /// A driver has the food; implies that it was ready, whatever the kitchen has said so far.
    PickedUp,
    /// The customer has the food.
    HandedOver,
    /// Customer, restaurant or a time limit end it while the food is still in the restaurant.
    Withdrawn,
    /// The saga (no driver, driver lost, undeliverable) or an administrator ends it, wherever the food is.
    Aborted,
}

/// What a trigger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The order gets this status.
    Enter(OrderStatus),
    /// True, but known too late to move the order: noted for statistics.
    Note,
}

use OrderStatus::{Cancelled, Confirmed, Delivered, Pending, PickedUp, Preparing, Ready};
use Step::{Enter, Note};

/// All that may happen. What is not here is illegal: a command is rejected, an event ignored.
pub const TABLE: &[(OrderStatus, Trigger, Step)] = &[
    (Pending, Trigger::Approved, Enter(Confirmed)),
    (Pending, Trigger::Withdrawn, Enter(Cancelled)),
    (Pending, Trigger::Aborted, Enter(Cancelled)),
    (Confirmed, Trigger::CookingStarted, Enter(Preparing)),
    (Confirmed, Trigger::PickedUp, Enter(PickedUp)),
    (Confirmed, Trigger::HandedOver, Enter(Delivered)),
    (Confirmed, Trigger::Withdrawn, Enter(Cancelled)),
    (Confirmed, Trigger::Aborted, Enter(Cancelled)),
    (Preparing, Trigger::FoodReady, Enter(Ready)),
    (Preparing, Trigger::PickedUp, Enter(PickedUp)),
    (Preparing, Trigger::HandedOver, Enter(Delivered)),
    (Preparing, Trigger::Withdrawn, Enter(Cancelled)),
    (Preparing, Trigger::Aborted, Enter(Cancelled)),
    (Ready, Trigger::PickedUp, Enter(PickedUp)),
    (Ready, Trigger::HandedOver, Enter(Delivered)),
    (Ready, Trigger::Withdrawn, Enter(Cancelled)),
    (Ready, Trigger::Aborted, Enter(Cancelled)),
    (PickedUp, Trigger::CookingStarted, Note),
    (PickedUp, Trigger::FoodReady, Note),
    (PickedUp, Trigger::HandedOver, Enter(Delivered)),
    (PickedUp, Trigger::Aborted, Enter(Cancelled)),
    (Delivered, Trigger::CookingStarted, Note),
    (Delivered, Trigger::FoodReady, Note),
];

/// What `trigger` does to an order in `status`; `None` if it is illegal.
pub fn step(status: OrderStatus, trigger: Trigger) -> Option<Step> {
    TABLE.iter().find(|(from, by, _)| (*from, *by) == (status, trigger)).map(|(_, _, step)| *step)
}

/// The table as a Mermaid state diagram.
pub fn mermaid() -> String {
    let mut out = "stateDiagram-v2\n    [*] --> pending: PlaceOrder\n".to_owned();
    for (from, trigger, step) in TABLE {
        let (to, label) = match step {
            Enter(to) => (*to, trigger.label().to_owned()),
            Note => (*from, format!("{} (late)", trigger.label())),
        };
        let _ = writeln!(out, "    {} --> {}: {label}", name(*from), name(to));
    }
    out + "    delivered --> [*]\n    cancelled --> [*]\n"
}

fn name(status: OrderStatus) -> String {
    status.symbol().to_lowercase()
}

impl Trigger {
    fn label(self) -> &'static str {
        match self {
            Trigger::Approved => "authorised and accepted",
            Trigger::CookingStarted => "cooking started",
            Trigger::FoodReady => "food ready",
            Trigger::PickedUp => "picked up",
            Trigger::HandedOver => "handed over",
            Trigger::Withdrawn => "withdrawn",
            Trigger::Aborted => "aborted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUSES: [OrderStatus; 7] = [Pending, Confirmed, Preparing, Ready, PickedUp, Delivered, Cancelled];

    fn led_to(status: OrderStatus, trigger: Trigger) -> Option<OrderStatus> {
        match step(status, trigger)? {
            Enter(to) => Some(to),
            Note => None,
        }
    }

    #[test]
    fn no_pair_of_status_and_trigger_stands_twice() {
        for (i, (from, by, _)) in TABLE.iter().enumerate() {
            assert!(!TABLE[..i].iter().any(|(f, b, _)| (f, b) == (from, by)), "{from:?} {by:?}");
        }
    }

    #[test]
    fn the_normal_life_leads_to_delivered() {
        let way =
            [Trigger::Approved, Trigger::CookingStarted, Trigger::FoodReady, Trigger::PickedUp, Trigger::HandedOver];
        let end = way.into_iter().try_fold(Pending, led_to);
        assert_eq!(end, Some(Delivered));
    }

    #[test]
    fn nothing_leads_out_of_an_end() {
        for (from, _, step) in TABLE {
            assert!(!matches!((from, step), (Delivered | Cancelled, Enter(_))));
        }
    }

    #[test]
    fn a_customer_may_withdraw_until_the_food_has_left_and_the_saga_abort_until_it_has_arrived() {
        let allowed = |trigger| STATUSES.into_iter().filter(|s| step(*s, trigger).is_some()).collect::<Vec<_>>();
        assert_eq!(allowed(Trigger::Withdrawn), [Pending, Confirmed, Preparing, Ready]);
        assert_eq!(allowed(Trigger::Aborted), [Pending, Confirmed, Preparing, Ready, PickedUp]);
    }

    #[test]
    fn every_status_but_the_ends_can_be_left_both_ways() {
        for status in [Pending, Confirmed, Preparing, Ready, PickedUp] {
            assert_eq!(led_to(status, Trigger::Aborted), Some(Cancelled));
            assert!(TABLE.iter().any(|(from, _, s)| *from == status && !matches!(s, Enter(Cancelled) | Note)));
        }
    }
}
