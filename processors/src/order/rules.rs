//! What each message does to an order: a pure function of the order and the message.

use super::life_cycle::{Step, Trigger};
use super::other_roles::{take_delivery, take_payment};
use super::reaction::{Cause, Change, OrderInput, OrderOutput, reject_unknown};
use super::state::{Acceptance, Estimate, OrderState};
use super::time_limits;
use comanda_schemas::{
    AcceptOrder, CancelDelivery, CancelReason, CancelledBy, CommandRejectReason, DeliveryStatus, Envelope,
    EtaPredicted, EventTime, Message, OrderCancelled, OrderCommand, OrderConfirmed, OrderId, OrderPlaced,
    OrderPreparing, OrderReady, OrderStatus, PlaceOrder, RequestDelivery, RestaurantId,
};

/// Takes a message in; says what is to be written. `None` if there was nothing to take: a repetition, a message about
/// an unknown order, or one of a type that this build does not know.
pub(super) fn take(state: &mut Option<OrderState>, order: OrderId, input: OrderInput) -> Option<Vec<OrderOutput>> {
    let Some(known) = state else {
        let OrderInput::Command(command) = input else { return None };
        return match command {
            OrderCommand::PlaceOrder(place) => Some(place_order(state, place)),
            other => Some(vec![reject_unknown(order, name_of(&other), other.envelope()?)]),
        };
    };
    match input {
        OrderInput::Eta(predicted) => estimate(known, &predicted),
        OrderInput::Command(command) => {
            let cause = first_time(known, command.envelope())?;
            Some(take_command(Change::new(known, cause), command))
        }
        OrderInput::Payment(event) => {
            let cause = first_time(known, event.envelope())?;
            Some(take_payment(Change::new(known, cause), &event))
        }
        OrderInput::Delivery(event) => {
            let cause = first_time(known, event.envelope())?;
            take_delivery(Change::new(known, cause), &event)
        }
    }
}

/// What the clock does to an order; `None` forgets it.
pub(super) fn pass_time(state: OrderState, now: EventTime) -> (Option<OrderState>, Vec<OrderOutput>) {
    if time_limits::is_to_be_forgotten(&state, now) {
        return (None, vec![]);
    }
    let mut state = state;
    let Some(at) = time_limits::next(&state).filter(|at| *at <= now) else { return (Some(state), vec![]) };
    state.payment.wake(now);
    let asked_at = state.payment.pending_since;
    let cause = Cause::time_limit(state.placed.envelope.event_id, at);
    let mut change = Change::new(&mut state, cause);
    if let Some(limit) = time_limits::of_status(change.state).filter(|limit| limit.at <= now) {
        cancel(&mut change, limit.trigger, limit.reason);
    }
    let out = change.finish();
    if state.payment.pending_since != asked_at {
        // Asked now, however long the limit has passed: else all reminders of an outage would follow at once.
        state.payment.pending_since = Some(now);
    }
    (Some(state), out)
}

fn first_time(state: &mut OrderState, envelope: Option<&Envelope>) -> Option<Cause> {
    let envelope = envelope?;
    state.is_first(envelope.event_id).then(|| Cause::message(envelope))
}

fn place_order(state: &mut Option<OrderState>, place: PlaceOrder) -> Vec<OrderOutput> {
    let cause = Cause::message(&place.envelope);
    let mut change = Change::new(state.insert(OrderState::new(place.clone())), cause);
    let envelope = change.envelope::<OrderPlaced>();
    change.say(OrderPlaced {
        envelope,
        order_id: place.order_id,
        customer_id: place.customer_id,
        restaurant_id: place.restaurant_id,
        zone: place.zone,
        restaurant_cell: place.restaurant_cell,
        customer_cell: place.customer_cell,
        items: place.items,
        subtotal_centavos: place.subtotal_centavos,
        delivery_fee_centavos: place.delivery_fee_centavos,
        tax_centavos: place.tax_centavos,
        discount_centavos: place.discount_centavos,
        total_centavos: place.total_centavos,
        payment_method_id: place.payment_method_id,
        delivery_address: place.delivery_address,
        placed_at: place.placed_at,
        scheduled_for: place.scheduled_for,
        promised_at: place.promised_at,
    });
    change.finish()
}

fn take_command(mut change: Change<'_>, command: OrderCommand) -> Vec<OrderOutput> {
    let name = name_of(&command);
    let done = match command {
        OrderCommand::PlaceOrder(_) => Err(CommandRejectReason::OrderExists),
        OrderCommand::CancelOrder(cancel_order) => withdraw(&mut change, cancel_order.requested_by),
        OrderCommand::AcceptOrder(accept) => accept_order(&mut change, &accept),
        OrderCommand::RejectOrder(reject) => {
            of_restaurant(&change, reject.restaurant_id).and_then(|()| reject_order(&mut change))
        }
        OrderCommand::StartPreparing(start) => {
            of_restaurant(&change, start.restaurant_id).and_then(|()| start_preparing(&mut change))
        }
        OrderCommand::MarkReady(ready) => {
            of_restaurant(&change, ready.restaurant_id).and_then(|()| mark_ready(&mut change))
        }
        OrderCommand::Unknown(_) => return vec![],
    };
    match done {
        Ok(()) => change.finish(),
        Err(reason) => {
            change.reject(name, reason);
            change.out
        }
    }
}

type Done = Result<(), CommandRejectReason>;
const ILLEGAL: Done = Err(CommandRejectReason::IllegalTransition);

fn of_restaurant(change: &Change<'_>, restaurant: RestaurantId) -> Done {
    let same = change.state.placed.restaurant_id == restaurant;
    if same { Ok(()) } else { Err(CommandRejectReason::NotTheRestaurant) }
}

fn withdraw(change: &mut Change<'_>, by: CancelledBy) -> Done {
    let (trigger, reason) = match by {
        CancelledBy::Administrator => (Trigger::Aborted, CancelReason::Administrator),
        CancelledBy::Restaurant => (Trigger::Withdrawn, CancelReason::RestaurantRejected),
        CancelledBy::Customer | CancelledBy::Unknown => (Trigger::Withdrawn, CancelReason::CustomerRequest),
    };
    if cancel(change, trigger, reason) { Ok(()) } else { ILLEGAL }
}

fn accept_order(change: &mut Change<'_>, accept: &AcceptOrder) -> Done {
    of_restaurant(change, accept.restaurant_id)?;
    if change.state.status != OrderStatus::Pending || change.state.accepted.is_some() {
        return ILLEGAL;
    }
    let estimated_ready_at = accept.estimated_ready_at;
    change.state.accepted = Some(Acceptance { at: accept.envelope.occurred_at, estimated_ready_at });
    confirm_if_approved(change);
    Ok(())
}

fn reject_order(change: &mut Change<'_>) -> Done {
    let pending = change.state.status == OrderStatus::Pending;
    if pending && cancel(change, Trigger::Withdrawn, CancelReason::RestaurantRejected) { Ok(()) } else { ILLEGAL }
}

fn start_preparing(change: &mut Change<'_>) -> Done {
    match change.step(Trigger::CookingStarted) {
        Some(Step::Enter(status)) => change.state.status = status,
        Some(Step::Note) if change.state.times.preparing_at.is_none() => {}
        _ => return ILLEGAL,
    }
    change.state.times.preparing_at = Some(change.cause.at);
    let (envelope, order_id) = (change.envelope::<OrderPreparing>(), change.state.id());
    let (restaurant_id, zone) = place_of(change.state);
    change.say(OrderPreparing { envelope, order_id, restaurant_id, zone });
    Ok(())
}

fn mark_ready(change: &mut Change<'_>) -> Done {
    match change.step(Trigger::FoodReady) {
        Some(Step::Enter(status)) => change.state.status = status,
        Some(Step::Note) if change.state.times.ready_at.is_none() => {}
        _ => return ILLEGAL,
    }
    change.state.times.ready_at = Some(change.cause.at);
    let (envelope, order_id) = (change.envelope::<OrderReady>(), change.state.id());
    let (restaurant_id, zone) = place_of(change.state);
    change.say(OrderReady { envelope, order_id, restaurant_id, zone });
    Ok(())
}

/// Authorised and accepted, whichever came second: from here a driver is looked for beside the cooking.
pub(super) fn confirm_if_approved(change: &mut Change<'_>) {
    let Some(acceptance) = change.state.accepted else { return };
    let authorized = change.state.payment.is_authorized();
    let Some(Step::Enter(status)) = change.step(Trigger::Approved).filter(|_| authorized) else { return };
    change.state.status = status;
    change.cause.at = change.cause.at.max(change.state.changed_at).max(acceptance.at);
    change.state.times.confirmed_at = Some(change.cause.at);
    let (envelope, order_id) = (change.envelope::<OrderConfirmed>(), change.state.id());
    let (restaurant_id, zone) = place_of(change.state);
    let estimated_ready_at = acceptance.estimated_ready_at;
    change.say(OrderConfirmed { envelope, order_id, restaurant_id, zone, estimated_ready_at });
    request_delivery(change, estimated_ready_at);
}

fn request_delivery(change: &mut Change<'_>, ready_at: Option<EventTime>) {
    change.state.delivery.status = DeliveryStatus::Requested;
    let (envelope, placed) = (change.envelope::<RequestDelivery>(), &change.state.placed);
    let request = RequestDelivery {
        envelope,
        order_id: placed.order_id,
        delivery_id: change.state.delivery.id,
        restaurant_id: placed.restaurant_id,
        zone: placed.zone.clone(),
        restaurant_cell: placed.restaurant_cell.clone(),
        customer_cell: placed.customer_cell.clone(),
        delivery_address: placed.delivery_address.clone(),
        ready_at,
    };
    change.out.push(OrderOutput::Delivery(request.into()));
}

/// Cancels if the table allows it; stops the search for a driver, too. The money follows by itself.
pub(super) fn cancel(change: &mut Change<'_>, trigger: Trigger, reason: CancelReason) -> bool {
    let Some(Step::Enter(status)) = change.step(trigger) else { return false };
    let cancelled_in = std::mem::replace(&mut change.state.status, status);
    change.state.times.cancelled_at = Some(change.cause.at);
    change.state.cancel_reason = Some(reason);
    let (envelope, placed) = (change.envelope::<OrderCancelled>(), &change.state.placed);
    let (order_id, customer_id) = (placed.order_id, placed.customer_id);
    let (restaurant_id, zone) = place_of(change.state);
    change.say(OrderCancelled { envelope, order_id, customer_id, restaurant_id, zone, reason, cancelled_in });
    if change.state.delivery.can_be_cancelled() {
        let (envelope, delivery_id) = (change.envelope::<CancelDelivery>(), change.state.delivery.id);
        let command = CancelDelivery { envelope, order_id, delivery_id, reason };
        change.out.push(OrderOutput::Delivery(command.into()));
    }
    true
}

/// Estimates come from another topic, in any order with the rest: the newest counts, until the order is over.
fn estimate(state: &mut OrderState, predicted: &EtaPredicted) -> Option<Vec<OrderOutput>> {
    let newer = state.eta.is_none_or(|eta| eta.predicted_at < predicted.predicted_at);
    if state.is_over() || !newer {
        return None;
    }
    let (predicted_at, p50_at, p90_at) = (predicted.predicted_at, predicted.p50_at, predicted.p90_at);
    state.eta = Some(Estimate { predicted_at, p50_at, p90_at });
    Some(Change::new(state, Cause::message(&predicted.envelope)).finish())
}

pub(super) fn place_of(state: &OrderState) -> (RestaurantId, String) {
    (state.placed.restaurant_id, state.placed.zone.clone())
}

/// The command's type without its namespace.
fn name_of(command: &OrderCommand) -> &'static str {
    let full_name = command.index().map_or("", |index| OrderCommand::EVENTS[index].full_name);
    full_name.rsplit('.').next().unwrap_or(full_name)
}
