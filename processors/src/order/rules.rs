//! What each message does to an order: a pure function of the order and the message.

use super::life_cycle::{Actor, Step, Trigger};
use super::other_roles::{take_delivery, take_payment};
use super::placing::{self, Refusal, RefusedOrder};
use super::reaction::{Cause, Change, OrderInput, OrderOutput, refuse};
use super::state::{Acceptance, Estimate, OrderState};
use super::time_limits::{self, Then};
use comanda_schemas::{
    AcceptOrder, CancelDelivery, CancelOrder, CancelReason, CancelledBy, CommandRejectReason, CustomerId,
    DeliveryStatus, Envelope, EtaPredicted, EventTime, Message, OrderCancelled, OrderCommand, OrderConfirmed, OrderId,
    OrderPlaced, OrderPreparing, OrderReady, OrderReleased, OrderStatus, PlaceOrder, RequestDelivery,
    RestaurantCatalog, RestaurantId,
};

/// Takes a message in; says what is to be written. `None` if there was nothing to take: a repetition, or a message of a
/// type that this build does not know.
pub(super) fn take(known: &mut OrderState, input: OrderInput) -> Option<Vec<OrderOutput>> {
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

/// Refuses a command about an order that nobody has placed.
pub(super) fn refuse_unknown(order: OrderId, command: &OrderCommand) -> Option<OrderOutput> {
    let (name, envelope) = (name_of(command), command.envelope()?);
    let detail = format!("{name} is about an order that nobody has placed");
    Some(refuse(order, name, envelope, CommandRejectReason::UnknownOrder, detail))
}

/// A new order as it is sold, or why it is refused; `catalog` is that of its restaurant.
pub(super) fn place(
    place: PlaceOrder,
    catalog: Option<&RestaurantCatalog>,
) -> Result<(OrderState, Vec<OrderOutput>), Refusal> {
    placing::sell(place, catalog).map(place_order)
}

/// What is remembered and what is said of a new order that is refused; `envelope` is that of its command.
pub(super) fn refuse_order(order: OrderId, envelope: &Envelope, refusal: Refusal) -> (RefusedOrder, OrderOutput) {
    let Refusal { reason, detail } = refusal;
    let said = refuse(order, "PlaceOrder", envelope, reason, detail.clone());
    (RefusedOrder { command: envelope.event_id, at: envelope.occurred_at, reason, detail }, said)
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
    match time_limits::of_status(change.state).filter(|limit| limit.at <= now).map(|limit| limit.then) {
        Some(Then::Release) => {
            // Now, however late: else the waits that begin here would be over already.
            change.cause.at = now;
            release(&mut change);
        }
        Some(Then::Cancel(trigger, reason)) => {
            cancel(&mut change, trigger, Actor::Saga, reason);
        }
        None => {}
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

fn place_order(place: PlaceOrder) -> (OrderState, Vec<OrderOutput>) {
    let cause = Cause::message(&place.envelope);
    let mut state = OrderState::new(place.clone());
    let mut change = Change::new(&mut state, cause);
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
    if time_limits::release_at(change.state).is_some_and(|at| at <= cause.at) {
        release(&mut change);
    }
    let out = change.finish();
    (state, out)
}

/// A scheduled order becomes one for now: from here money is reserved and the restaurant may answer.
fn release(change: &mut Change<'_>) {
    let Some(Step::Enter(status)) = change.step(Trigger::Released, Actor::Saga) else { return };
    change.state.status = status;
    change.state.times.released_at = Some(change.cause.at);
    let (envelope, order_id) = (change.envelope::<OrderReleased>(), change.state.id());
    let ((restaurant_id, zone), scheduled_for) = (place_of(change.state), change.state.placed.scheduled_for);
    change.say(OrderReleased { envelope, order_id, restaurant_id, zone, scheduled_for });
}

fn take_command(mut change: Change<'_>, command: OrderCommand) -> Vec<OrderOutput> {
    let name = name_of(&command);
    let done = match command {
        OrderCommand::PlaceOrder(_) => Err(CommandRejectReason::OrderExists),
        OrderCommand::CancelOrder(cancel_order) => withdraw(&mut change, &cancel_order),
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

fn of_customer(change: &Change<'_>, customer: CustomerId) -> Done {
    let same = change.state.placed.customer_id == customer;
    if same { Ok(()) } else { Err(CommandRejectReason::NotTheCustomer) }
}

fn withdraw(change: &mut Change<'_>, asked: &CancelOrder) -> Done {
    asked.customer_id.map_or(Ok(()), |customer| of_customer(change, customer))?;
    asked.restaurant_id.map_or(Ok(()), |restaurant| of_restaurant(change, restaurant))?;
    let (trigger, actor, reason) = match asked.requested_by {
        CancelledBy::Administrator => (Trigger::Aborted, Actor::Administrator, CancelReason::Administrator),
        CancelledBy::Restaurant => (Trigger::Withdrawn, Actor::Restaurant, CancelReason::RestaurantRejected),
        CancelledBy::Customer => (Trigger::Withdrawn, Actor::Customer, CancelReason::CustomerRequest),
        // Somebody that this build does not know: nobody that the table lets do anything.
        CancelledBy::Unknown => return Err(CommandRejectReason::NotAllowed),
    };
    if cancel(change, trigger, actor, reason) { Ok(()) } else { ILLEGAL }
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
    if pending && cancel(change, Trigger::Withdrawn, Actor::Restaurant, CancelReason::RestaurantRejected) {
        Ok(())
    } else {
        ILLEGAL
    }
}

fn start_preparing(change: &mut Change<'_>) -> Done {
    match change.step(Trigger::CookingStarted, Actor::Restaurant) {
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
    match change.step(Trigger::FoodReady, Actor::Restaurant) {
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
    let Some(Step::Enter(status)) = change.step(Trigger::Approved, Actor::Saga).filter(|_| authorized) else { return };
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
pub(super) fn cancel(change: &mut Change<'_>, trigger: Trigger, actor: Actor, reason: CancelReason) -> bool {
    let Some(Step::Enter(status)) = change.step(trigger, actor) else { return false };
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
