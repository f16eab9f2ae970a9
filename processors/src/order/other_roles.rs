//! What the payment and the delivery say to an order.

use super::life_cycle::{Actor, Step, Trigger};
use super::payment::{Action, Payment};
use super::reaction::{Change, OrderOutput};
use super::rules::{cancel, confirm_if_approved, place_of};
use comanda_schemas::{
    CancelReason, Cop, DeliveryEvent, DeliveryFailureReason, DeliveryStatus, DriverId, OrderDelivered, OrderPickedUp,
    OrderStatus, PaymentEvent, PaymentOperation, PaymentRefunded,
};

/// Whether an answer is about this order's payment and moves the money that was asked for; the error names the field.
pub(super) fn check_payment(payment: &Payment, event: &PaymentEvent) -> Result<(), String> {
    let (id, amount) = match event {
        PaymentEvent::PaymentAuthorized(e) => (e.payment_id, Some((e.amount_centavos, payment.total))),
        // The whole reservation is taken.
        PaymentEvent::PaymentCaptured(e) => (e.payment_id, Some((e.amount_centavos, payment.total))),
        PaymentEvent::PaymentRefunded(e) => {
            check_refund(payment, e)?;
            (e.payment_id, None)
        }
        PaymentEvent::PaymentVoided(e) => (e.payment_id, None),
        PaymentEvent::PaymentFailed(e) => (e.payment_id, None),
        PaymentEvent::PaymentActionRequired(e) => (e.payment_id, None),
        PaymentEvent::PaymentDisputed(e) => (e.payment_id, None),
        PaymentEvent::Unknown(_) => return Ok(()),
    };
    if id != payment.id {
        return Err("payment_id: is not that of the order's payment".to_owned());
    }
    match amount {
        Some((stated, total)) if stated != total => {
            Err(format!("amount_centavos: is {}, the order costs {}", stated.centavos(), total.centavos()))
        }
        _ => Ok(()),
    }
}

fn check_refund(payment: &Payment, event: &PaymentRefunded) -> Result<(), String> {
    let left = payment.captured.minus(payment.refunded).unwrap_or(Cop::ZERO);
    let (amount, repeated) = (event.amount_centavos, payment.refunds.contains_key(&event.attempt));
    if !repeated && amount > left {
        return Err(format!("amount_centavos: is {}, only {} are left of what was taken", amount.0, left.0));
    }
    Ok(())
}

pub(super) fn take_payment(mut change: Change<'_>, event: &PaymentEvent) -> Vec<OrderOutput> {
    let (payment, at) = (&mut change.state.payment, change.cause.at);
    match event {
        PaymentEvent::PaymentAuthorized(e) => payment.authorized(e.amount_centavos),
        PaymentEvent::PaymentCaptured(e) => payment.captured(e.amount_centavos),
        PaymentEvent::PaymentVoided(_) => payment.voided(),
        PaymentEvent::PaymentRefunded(e) => payment.refunded(e.attempt, e.amount_centavos),
        PaymentEvent::PaymentFailed(e) => payment.refused(e.operation, e.attempt, e.reason, at),
        PaymentEvent::PaymentActionRequired(e) => {
            payment.requires_action(e.attempt, Action { url: e.url.clone(), deadline: e.deadline_at });
        }
        // Between the payment role and the bank.
        PaymentEvent::PaymentDisputed(_) => {}
        PaymentEvent::Unknown(_) => return vec![],
    }
    change.state.payment_known = true;
    match event {
        PaymentEvent::PaymentAuthorized(_) => confirm_if_approved(&mut change),
        PaymentEvent::PaymentFailed(e)
            if e.operation == PaymentOperation::Authorize && change.state.status == OrderStatus::Pending =>
        {
            cancel(&mut change, Trigger::Aborted, Actor::Saga, CancelReason::PaymentFailed);
        }
        _ => {}
    }
    change.finish()
}

pub(super) fn take_delivery(mut change: Change<'_>, event: &DeliveryEvent) -> Option<Vec<OrderOutput>> {
    let known = |id| id == change.state.delivery.id;
    match event {
        DeliveryEvent::DeliveryAssigned(e) if known(e.delivery_id) => {
            heard(&mut change, DeliveryStatus::Assigned, Some(e.driver_id));
            change.state.times.assigned_at = Some(change.cause.at);
        }
        DeliveryEvent::DeliveryDeclined(e) if known(e.delivery_id) => {
            heard(&mut change, DeliveryStatus::Declined, None);
            change.state.times.assigned_at = None;
        }
        DeliveryEvent::DeliveryPickedUp(e) if known(e.delivery_id) => {
            heard(&mut change, DeliveryStatus::PickedUp, Some(e.driver_id));
            pick_up(&mut change, e.driver_id);
        }
        DeliveryEvent::DeliveryInTransit(e) if known(e.delivery_id) => {
            heard(&mut change, DeliveryStatus::InTransit, Some(e.driver_id));
        }
        DeliveryEvent::DeliveryDelivered(e) if known(e.delivery_id) => {
            heard(&mut change, DeliveryStatus::Delivered, Some(e.driver_id));
            hand_over(&mut change, e.driver_id);
        }
        DeliveryEvent::DeliveryFailed(e) if known(e.delivery_id) => {
            heard(&mut change, DeliveryStatus::Failed, e.driver_id);
            cancel(&mut change, Trigger::Aborted, Actor::Saga, reason_of(e.reason));
        }
        DeliveryEvent::DeliveryCancelled(e) if known(e.delivery_id) => {
            heard(&mut change, DeliveryStatus::Cancelled, e.driver_id);
        }
        _ => return None,
    }
    Some(change.finish())
}

fn heard(change: &mut Change<'_>, status: DeliveryStatus, driver: Option<DriverId>) {
    change.state.delivery.status = status;
    change.state.delivery.driver = driver;
}

fn pick_up(change: &mut Change<'_>, driver_id: DriverId) {
    let Some(Step::Enter(status)) = change.step(Trigger::PickedUp, Actor::Courier) else { return };
    change.state.status = status;
    change.state.times.picked_up_at = Some(change.cause.at);
    let (envelope, order_id) = (change.envelope::<OrderPickedUp>(), change.state.id());
    let (restaurant_id, zone) = place_of(change.state);
    change.say(OrderPickedUp { envelope, order_id, restaurant_id, zone, driver_id });
}

fn hand_over(change: &mut Change<'_>, driver_id: DriverId) {
    let Some(Step::Enter(status)) = change.step(Trigger::HandedOver, Actor::Courier) else { return };
    change.state.status = status;
    change.state.times.delivered_at = Some(change.cause.at);
    let (envelope, placed) = (change.envelope::<OrderDelivered>(), &change.state.placed);
    let delivered = OrderDelivered {
        envelope,
        order_id: placed.order_id,
        customer_id: placed.customer_id,
        restaurant_id: placed.restaurant_id,
        zone: placed.zone.clone(),
        driver_id,
        items: placed.items.clone(),
        total_centavos: placed.total_centavos,
        placed_at: placed.placed_at,
        promised_at: placed.promised_at,
    };
    change.say(delivered);
}

fn reason_of(failure: DeliveryFailureReason) -> CancelReason {
    match failure {
        DeliveryFailureReason::NoDriver => CancelReason::NoDriver,
        DeliveryFailureReason::DriverLost => CancelReason::DriverLost,
        _ => CancelReason::Undeliverable,
    }
}
