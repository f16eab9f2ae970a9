//! Order, payment, delivery and estimate as one record.

use super::state::OrderState;
use comanda_schemas::{DeliveryStatus, OrderView};

/// The view of an order: the same function makes the records of `order.views` and the answers from the store.
pub fn view(state: &OrderState) -> OrderView {
    let (placed, payment, delivery, times) = (&state.placed, &state.payment, &state.delivery, &state.times);
    let driver_found = !matches!(delivery.status, DeliveryStatus::NotRequested | DeliveryStatus::Requested);
    OrderView {
        envelope: state.changed_by.envelope::<OrderView>(placed.order_id, state.changed_at),
        order_id: placed.order_id,
        version: state.version,
        status: state.status,
        customer_id: placed.customer_id,
        restaurant_id: placed.restaurant_id,
        zone: placed.zone.clone(),
        restaurant_cell: placed.restaurant_cell.clone(),
        customer_cell: placed.customer_cell.clone(),
        items: placed.items.clone(),
        subtotal_centavos: placed.subtotal_centavos,
        delivery_fee_centavos: placed.delivery_fee_centavos,
        tax_centavos: placed.tax_centavos,
        discount_centavos: placed.discount_centavos,
        total_centavos: placed.total_centavos,
        placed_at: placed.placed_at,
        scheduled_for: placed.scheduled_for,
        promised_at: placed.promised_at,
        payment_status: payment.status(),
        payment_id: state.payment_known.then_some(payment.id),
        payment_action_url: payment.action.as_ref().map(|action| action.url.clone()),
        payment_action_deadline_at: payment.action.as_ref().map(|action| action.deadline),
        captured_centavos: payment.captured,
        refunded_centavos: payment.refunded,
        delivery_status: delivery.status,
        delivery_id: driver_found.then_some(delivery.id),
        driver_id: delivery.driver,
        eta_p50_at: state.eta.map(|eta| eta.p50_at),
        eta_p90_at: state.eta.map(|eta| eta.p90_at),
        confirmed_at: times.confirmed_at,
        preparing_at: times.preparing_at,
        ready_at: times.ready_at,
        assigned_at: times.assigned_at,
        picked_up_at: times.picked_up_at,
        delivered_at: times.delivered_at,
        cancelled_at: times.cancelled_at,
        cancel_reason: state.cancel_reason,
    }
}
