//! How long an order may wait in each status, and what ends the wait. Nothing stays open for ever.

use super::life_cycle::Trigger;
use super::state::OrderState;
use comanda_schemas::{CancelReason, EventTime, OrderStatus};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A provider answers within seconds; after this the customer is told to try another card.
pub(super) const PAYMENT_MS: i64 = 10 * MINUTE_MS;
/// A restaurant looks at its screen within minutes; customers lose patience after some twenty.
pub(super) const RESTAURANT_MS: i64 = 15 * MINUTE_MS;
/// Food that has not left so long after the promise never will. Customers give up earlier, by themselves.
pub(super) const PICK_UP_MS: i64 = 3 * HOUR_MS;
/// The delivery role reports a lost driver earlier; this one holds if even that report is lost.
pub(super) const HAND_OVER_MS: i64 = 5 * HOUR_MS;
/// Commands are kept for a week: after a month nothing about the order can come any more. Its view and history stay.
pub(super) const REMEMBERED_MS: i64 = 30 * 24 * HOUR_MS;

/// A scheduled order is sent to the restaurant so long before its time: a quarter of an hour to accept it, the rest to
/// cook and to bring it. The money is reserved then, too, not when the order is placed: a bank lets a reservation go
/// after days, a customer misses the money meanwhile, and what is cancelled before costs nobody anything.
pub(super) const RELEASED_BEFORE_MS: i64 = 75 * MINUTE_MS;

/// The end of a wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    pub at: EventTime,
    pub then: Then,
}

/// What ends a wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Then {
    /// The order's time has come.
    Release,
    /// Nobody did what was waited for.
    Cancel(Trigger, CancelReason),
}

/// When the order is to be looked at next.
pub(super) fn next(state: &OrderState) -> Option<EventTime> {
    let status = of_status(state).map(|limit| limit.at);
    let forget = can_be_forgotten(state).then(|| forget_at(state));
    [status, state.payment.retry_at, state.payment.next_reminder(), forget].into_iter().flatten().min()
}

/// The limit of the wait in the present status.
pub(super) fn of_status(state: &OrderState) -> Option<Limit> {
    let limit = |since: EventTime, ms, trigger, reason| {
        Some(Limit { at: since.plus_ms(ms), then: Then::Cancel(trigger, reason) })
    };
    match state.status {
        OrderStatus::Scheduled => release_at(state).map(|at| Limit { at, then: Then::Release }),
        OrderStatus::Pending => {
            let asked_at = state.times.released_at.unwrap_or(state.placed.envelope.occurred_at);
            if !state.payment.is_authorized() {
                limit(asked_at, PAYMENT_MS, Trigger::Aborted, CancelReason::PaymentTimeout)
            } else {
                limit(asked_at, RESTAURANT_MS, Trigger::Withdrawn, CancelReason::RestaurantTimeout)
            }
        }
        OrderStatus::Confirmed | OrderStatus::Preparing => {
            limit(promise(state), PICK_UP_MS, Trigger::Withdrawn, CancelReason::RestaurantTimeout)
        }
        OrderStatus::Ready => limit(promise(state), PICK_UP_MS, Trigger::Withdrawn, CancelReason::NoDriver),
        OrderStatus::PickedUp => {
            let picked_up_at = state.times.picked_up_at.unwrap_or(state.changed_at);
            limit(picked_up_at, HAND_OVER_MS, Trigger::Aborted, CancelReason::DriverLost)
        }
        OrderStatus::Delivered | OrderStatus::Cancelled | OrderStatus::Unknown => None,
    }
}

/// When a scheduled order is to be released.
pub(super) fn release_at(state: &OrderState) -> Option<EventTime> {
    state.placed.scheduled_for.map(|at| at.plus_ms(-RELEASED_BEFORE_MS))
}

/// By when the customer expects the food, at the earliest the confirmation.
fn promise(state: &OrderState) -> EventTime {
    let promised = [state.placed.promised_at, state.placed.scheduled_for, state.times.confirmed_at];
    promised.into_iter().flatten().max().unwrap_or(state.changed_at)
}

pub(super) fn is_to_be_forgotten(state: &OrderState, now: EventTime) -> bool {
    can_be_forgotten(state) && forget_at(state) <= now
}

/// Over, and its money where it belongs.
fn can_be_forgotten(state: &OrderState) -> bool {
    state.is_over() && state.payment.is_settled(state.wish())
}

fn forget_at(state: &OrderState) -> EventTime {
    state.changed_at.plus_ms(REMEMBERED_MS)
}
