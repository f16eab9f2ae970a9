//! The life of an order as a table: what may happen in which status, and where it leads. Drawn in
//! `docs/order-life-cycle.md` from this very table.

use comanda_schemas::OrderStatus;
use std::fmt::Write as _;

/// Something that moves orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trigger {
    /// The time of a scheduled order has come: money is reserved and the restaurant asked.
    Released,
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

/// Who moves orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // Named after the people.
pub enum Actor {
    Customer,
    Restaurant,
    Courier,
    Administrator,
    /// This role itself: answers of payment and delivery put together, and time limits.
    Saga,
}

/// What a trigger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The order gets this status.
    Enter(OrderStatus),
    /// True, but known too late to move the order: noted for statistics.
    Note,
}

use Actor::{Administrator, Courier, Customer, Restaurant, Saga};
use OrderStatus::{Cancelled, Confirmed, Delivered, Pending, PickedUp, Preparing, Ready, Scheduled};
use Step::{Enter, Note};

/// One thing that may happen: in this status, this trigger, by one of these, does that.
pub type Row = (OrderStatus, Trigger, &'static [Actor], Step);

/// Who may end an order that waits for its time: nobody has promised or reserved anything yet.
const BEFORE_RELEASE: &[Actor] = &[Customer, Restaurant];
/// Who may end an order while its food is in the restaurant, the saga by a time limit.
const BEFORE_PICK_UP: &[Actor] = &[Customer, Restaurant, Saga];
/// Who may end an order wherever it is.
const ANYWHERE: &[Actor] = &[Administrator, Saga];

/// All that may happen. What is not here is illegal: a command is rejected, an event ignored.
pub const TABLE: &[Row] = &[
    (Scheduled, Trigger::Released, &[Saga], Enter(Pending)),
    (Scheduled, Trigger::Withdrawn, BEFORE_RELEASE, Enter(Cancelled)),
    (Scheduled, Trigger::Aborted, &[Administrator], Enter(Cancelled)),
    (Pending, Trigger::Approved, &[Saga], Enter(Confirmed)),
    (Pending, Trigger::Withdrawn, BEFORE_PICK_UP, Enter(Cancelled)),
    (Pending, Trigger::Aborted, ANYWHERE, Enter(Cancelled)),
    (Confirmed, Trigger::CookingStarted, &[Restaurant], Enter(Preparing)),
    (Confirmed, Trigger::PickedUp, &[Courier], Enter(PickedUp)),
    (Confirmed, Trigger::HandedOver, &[Courier], Enter(Delivered)),
    (Confirmed, Trigger::Withdrawn, BEFORE_PICK_UP, Enter(Cancelled)),
    (Confirmed, Trigger::Aborted, ANYWHERE, Enter(Cancelled)),
    (Preparing, Trigger::FoodReady, &[Restaurant], Enter(Ready)),
    (Preparing, Trigger::PickedUp, &[Courier], Enter(PickedUp)),
    (Preparing, Trigger::HandedOver, &[Courier], Enter(Delivered)),
    (Preparing, Trigger::Withdrawn, BEFORE_PICK_UP, Enter(Cancelled)),
    (Preparing, Trigger::Aborted, ANYWHERE, Enter(Cancelled)),
    (Ready, Trigger::PickedUp, &[Courier], Enter(PickedUp)),
    (Ready, Trigger::HandedOver, &[Courier], Enter(Delivered)),
    (Ready, Trigger::Withdrawn, BEFORE_PICK_UP, Enter(Cancelled)),
    (Ready, Trigger::Aborted, ANYWHERE, Enter(Cancelled)),
    (PickedUp, Trigger::CookingStarted, &[Restaurant], Note),
    (PickedUp, Trigger::FoodReady, &[Restaurant], Note),
    (PickedUp, Trigger::HandedOver, &[Courier], Enter(Delivered)),
    (PickedUp, Trigger::Aborted, ANYWHERE, Enter(Cancelled)),
    (Delivered, Trigger::CookingStarted, &[Restaurant], Note),
    (Delivered, Trigger::FoodReady, &[Restaurant], Note),
];

/// What `trigger` by `actor` does to an order in `status`; `None` if it is illegal.
pub fn step(status: OrderStatus, trigger: Trigger, actor: Actor) -> Option<Step> {
    let row = TABLE.iter().find(|(from, by, _, _)| (*from, *by) == (status, trigger));
    row.filter(|(_, _, actors, _)| actors.contains(&actor)).map(|(_, _, _, step)| *step)
}

/// The table as a Mermaid state diagram.
pub fn mermaid() -> String {
    let mut out =
        "stateDiagram-v2\n    [*] --> pending: PlaceOrder\n    [*] --> scheduled: PlaceOrder for later\n".to_owned();
    for (from, trigger, actors, step) in TABLE {
        let (to, late) = match step {
            Enter(to) => (*to, ""),
            Note => (*from, ", late"),
        };
        let actors: Vec<&str> = actors.iter().map(|actor| actor.label()).collect();
        let (from, to, trigger, actors) = (name(*from), name(to), trigger.label(), actors.join(", "));
        let _ = writeln!(out, "    {from} --> {to}: {trigger} ({actors}{late})");
    }
    out + "    delivered --> [*]\n    cancelled --> [*]\n"
}

fn name(status: OrderStatus) -> String {
    status.symbol().to_lowercase()
}

impl Actor {
    fn label(self) -> &'static str {
        match self {
            Customer => "customer",
            Restaurant => "restaurant",
            Courier => "courier",
            Administrator => "administrator",
            Saga => "saga",
        }
    }
}

impl Trigger {
    fn label(self) -> &'static str {
        match self {
            Trigger::Released => "released",
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

    const STATUSES: [OrderStatus; 8] =
        [Scheduled, Pending, Confirmed, Preparing, Ready, PickedUp, Delivered, Cancelled];

    fn led_to(status: OrderStatus, (trigger, actor): (Trigger, Actor)) -> Option<OrderStatus> {
        match step(status, trigger, actor)? {
            Enter(to) => Some(to),
            Note => None,
        }
    }

    #[test]
    fn no_pair_of_status_and_trigger_stands_twice() {
        for (i, (from, by, ..)) in TABLE.iter().enumerate() {
            assert!(!TABLE[..i].iter().any(|(f, b, ..)| (f, b) == (from, by)), "{from:?} {by:?}");
        }
    }

    #[test]
    fn the_normal_life_leads_to_delivered() {
        let way = [
            (Trigger::Released, Saga),
            (Trigger::Approved, Saga),
            (Trigger::CookingStarted, Restaurant),
            (Trigger::FoodReady, Restaurant),
            (Trigger::PickedUp, Courier),
            (Trigger::HandedOver, Courier),
        ];
        assert_eq!(way.into_iter().try_fold(Scheduled, led_to), Some(Delivered));
    }

    #[test]
    fn nothing_leads_out_of_an_end() {
        for (from, _, _, step) in TABLE {
            assert!(!matches!((from, step), (Delivered | Cancelled, Enter(_))));
        }
    }

    #[test]
    fn people_may_withdraw_until_the_food_has_left_and_an_administrator_abort_until_it_has_arrived() {
        let allowed = |by, who| STATUSES.into_iter().filter(|s| step(*s, by, who).is_some()).collect::<Vec<_>>();
        let before_pick_up = [Scheduled, Pending, Confirmed, Preparing, Ready];
        assert_eq!(allowed(Trigger::Withdrawn, Customer), before_pick_up);
        assert_eq!(allowed(Trigger::Withdrawn, Restaurant), before_pick_up);
        assert_eq!(allowed(Trigger::Withdrawn, Courier), []);
        assert_eq!(allowed(Trigger::Aborted, Customer), []);
        let anywhere = [Scheduled, Pending, Confirmed, Preparing, Ready, PickedUp];
        assert_eq!(allowed(Trigger::Aborted, Administrator), anywhere);
        assert_eq!(allowed(Trigger::Aborted, Saga), anywhere[1..]);
    }

    #[test]
    fn every_status_but_the_ends_can_be_left_both_ways() {
        for status in &STATUSES[..6] {
            assert_eq!(led_to(*status, (Trigger::Aborted, Administrator)), Some(Cancelled));
            assert!(TABLE.iter().any(|(from, _, _, s)| from == status && !matches!(s, Enter(Cancelled) | Note)));
        }
    }
}
