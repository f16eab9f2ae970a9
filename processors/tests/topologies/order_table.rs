//! Every path of the life cycle, by everybody: what the table allows is done, everything else is refused or ignored.

use crate::messages::*;
use crate::order_driver::{Message, OrderRole};
use comanda_processors::order::{Actor, Step, TABLE, Trigger};
use comanda_schemas::*;

const HOUR_S: i64 = 3_600;
const STATUSES: [OrderStatus; 8] = [
    OrderStatus::Scheduled,
    OrderStatus::Pending,
    OrderStatus::Confirmed,
    OrderStatus::Preparing,
    OrderStatus::Ready,
    OrderStatus::PickedUp,
    OrderStatus::Delivered,
    OrderStatus::Cancelled,
];
const TRIGGERS: [Trigger; 8] = [
    Trigger::Released,
    Trigger::Approved,
    Trigger::CookingStarted,
    Trigger::FoodReady,
    Trigger::PickedUp,
    Trigger::HandedOver,
    Trigger::Withdrawn,
    Trigger::Aborted,
];
const ACTORS: [Actor; 5] = [Actor::Customer, Actor::Restaurant, Actor::Courier, Actor::Administrator, Actor::Saga];
/// When the deed is done that is tried.
const THEN_S: i64 = 100;

/// An order in this status.
fn order_in(status: OrderStatus) -> OrderRole {
    let mut role = OrderRole::new();
    let way: [Message; 6] = [
        authorized(1, 10).into(),
        accept(1, 20).into(),
        start_preparing(1, 30).into(),
        mark_ready(1, 40).into(),
        picked_up(1, 50).into(),
        delivered(1, 60).into(),
    ];
    let steps = match status {
        OrderStatus::Confirmed => 2,
        OrderStatus::Preparing => 3,
        OrderStatus::Ready => 4,
        OrderStatus::PickedUp => 5,
        OrderStatus::Delivered => 6,
        _ => 0,
    };
    let later = (status == OrderStatus::Scheduled).then(|| at(4 * HOUR_S));
    role.send(PlaceOrder { scheduled_for: later, ..place_order(1, 0) });
    way.into_iter().take(steps).for_each(|message| drop(role.send(message)));
    if status == OrderStatus::Cancelled {
        role.send(cancel(1, 10, CancelledBy::Customer));
    }
    assert_eq!(role.status(), status);
    role
}

/// What this one says to do it; nothing if there is no message by which he could.
fn deed(status: OrderStatus, trigger: Trigger, actor: Actor) -> Option<Vec<Message>> {
    let time_passes = |second| vec![place_order(2, second).into()];
    Some(match (trigger, actor) {
        (Trigger::Released, Actor::Saga) if status == OrderStatus::Scheduled => time_passes(3 * HOUR_S),
        (Trigger::Approved, Actor::Saga) => vec![authorized(1, THEN_S).into(), accept(1, THEN_S).into()],
        (Trigger::CookingStarted, Actor::Restaurant) => vec![start_preparing(1, THEN_S).into()],
        (Trigger::FoodReady, Actor::Restaurant) => vec![mark_ready(1, THEN_S).into()],
        (Trigger::PickedUp, Actor::Courier) => vec![picked_up(1, THEN_S).into()],
        (Trigger::HandedOver, Actor::Courier) => vec![delivered(1, THEN_S).into()],
        (Trigger::Withdrawn, Actor::Customer) => vec![cancel(1, THEN_S, CancelledBy::Customer).into()],
        (Trigger::Withdrawn, Actor::Restaurant) => vec![cancel(1, THEN_S, CancelledBy::Restaurant).into()],
        // A scheduled order's time would come, which is another path.
        (Trigger::Withdrawn, Actor::Saga) if status != OrderStatus::Scheduled => time_passes(4 * HOUR_S),
        (Trigger::Aborted, Actor::Administrator) => vec![cancel(1, THEN_S, CancelledBy::Administrator).into()],
        (Trigger::Aborted, Actor::Saga) => {
            vec![delivery_failed(1, THEN_S, DeliveryFailureReason::DriverLost, true).into()]
        }
        _ => return None,
    })
}

#[test]
fn every_path_of_the_table_leads_where_it_says_and_no_other_leads_anywhere() {
    for (status, trigger, actor) in STATUSES
        .into_iter()
        .flat_map(|s| TRIGGERS.into_iter().flat_map(move |t| ACTORS.into_iter().map(move |a| (s, t, a))))
    {
        let Some(messages) = deed(status, trigger, actor) else { continue };
        let mut role = order_in(status);
        let said: Vec<String> = messages.into_iter().flat_map(|message| role.send(message)).collect();
        // Read off the table here: the function that the role asks is part of what is tested.
        let row =
            TABLE.iter().find(|(from, by, actors, _)| (*from, *by) == (status, trigger) && actors.contains(&actor));
        let expected = match row {
            Some((_, _, _, Step::Enter(to))) => *to,
            _ => status,
        };
        let after = role.view_of(1).status;
        assert_eq!(after, expected, "{status:?} {trigger:?} by {actor:?}: {said:?}");
    }
}

#[test]
fn every_path_of_the_table_can_be_gone() {
    for (status, trigger, actors, _) in TABLE {
        for actor in *actors {
            assert!(deed(*status, *trigger, *actor).is_some(), "{status:?} {trigger:?} by {actor:?} is never tried");
        }
    }
}

#[test]
fn a_command_that_the_table_does_not_allow_is_refused_with_a_reason() {
    let commands: [fn() -> Message; 5] = [
        || accept(1, THEN_S).into(),
        || reject(1, THEN_S).into(),
        || start_preparing(1, THEN_S).into(),
        || mark_ready(1, THEN_S).into(),
        || cancel(1, THEN_S, CancelledBy::Customer).into(),
    ];
    let refused = |status| -> Vec<bool> {
        let said = commands.iter().map(|command| order_in(status).send(command()));
        said.map(|said| matches!(&said[..], [one] if one.ends_with("ILLEGAL_TRANSITION"))).collect()
    };
    for (status, expected) in [
        (OrderStatus::Scheduled, [true, true, true, true, false]),
        (OrderStatus::Pending, [false, false, true, true, false]),
        (OrderStatus::Confirmed, [true, true, false, true, false]),
        (OrderStatus::Preparing, [true, true, true, false, false]),
        (OrderStatus::Ready, [true, true, true, true, false]),
        (OrderStatus::PickedUp, [true, true, true, true, true]),
        (OrderStatus::Delivered, [true, true, true, true, true]),
        (OrderStatus::Cancelled, [true, true, true, true, true]),
    ] {
        assert_eq!(refused(status), expected, "{status:?}");
    }
}

#[test]
fn only_the_orders_own_customer_and_restaurant_cancel_it_and_nobody_unknown() {
    let asked = |by, customer: Option<u128>, restaurant: Option<u128>| CancelOrder {
        customer_id: customer.map(|id| CustomerId(uuid::Uuid::from_u128(id))),
        restaurant_id: restaurant.map(|id| RestaurantId(uuid::Uuid::from_u128(id))),
        ..cancel(1, THEN_S, by)
    };
    for (asked, said) in [
        (asked(CancelledBy::Customer, Some(7), None), "rejected CancelOrder NOT_THE_CUSTOMER"),
        (asked(CancelledBy::Restaurant, None, Some(7)), "rejected CancelOrder NOT_THE_RESTAURANT"),
        (asked(CancelledBy::Unknown, None, None), "rejected CancelOrder NOT_ALLOWED"),
        (asked(CancelledBy::Customer, Some(0x0002_0001), None), "OrderCancelled CUSTOMER_REQUEST in PENDING"),
        (asked(CancelledBy::Restaurant, None, Some(0x0004_0001)), "OrderCancelled RESTAURANT_REJECTED in PENDING"),
    ] {
        assert_eq!(order_in(OrderStatus::Pending).send(asked)[0], said);
    }
}
