//! An order as the API shows it.

use crate::rfc3339::Shown;
use comanda_schemas::{
    Cop, CustomerId, DeliveryId, DriverId, EventTime, OrderId, OrderItem, OrderView, PaymentId, PaymentStatus,
    RestaurantId,
};
use serde::Serialize;

/// A view as JSON: names in lower case, times in RFC 3339, no address.
#[derive(Serialize)]
pub(crate) struct OrderBody {
    order_id: OrderId,
    version: i64,
    updated_at: Shown,
    status: String,
    cancel_reason: Option<String>,
    customer_id: CustomerId,
    restaurant_id: RestaurantId,
    zone: String,
    restaurant_cell: String,
    customer_cell: String,
    items: Vec<OrderItem>,
    currency: &'static str,
    subtotal_centavos: Cop,
    delivery_fee_centavos: Cop,
    tax_centavos: Cop,
    discount_centavos: Cop,
    total_centavos: Cop,
    scheduled_for: Option<Shown>,
    promised_at: Option<Shown>,
    payment: PaymentBody,
    delivery: DeliveryBody,
    times: TimesBody,
}

#[derive(Serialize)]
struct PaymentBody {
    status: &'static str,
    /// What the customer has to do, while he has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<ActionBody>,
    payment_id: Option<PaymentId>,
    captured_centavos: Cop,
    refunded_centavos: Cop,
}

#[derive(Serialize)]
struct ActionBody {
    url: String,
    deadline_at: Option<Shown>,
}

#[derive(Serialize)]
struct DeliveryBody {
    status: String,
    delivery_id: Option<DeliveryId>,
    driver_id: Option<DriverId>,
    eta_p50_at: Option<Shown>,
    eta_p90_at: Option<Shown>,
}

#[derive(Serialize)]
struct TimesBody {
    placed_at: Shown,
    confirmed_at: Option<Shown>,
    preparing_at: Option<Shown>,
    ready_at: Option<Shown>,
    assigned_at: Option<Shown>,
    picked_up_at: Option<Shown>,
    delivered_at: Option<Shown>,
    cancelled_at: Option<Shown>,
}

impl From<OrderView> for OrderBody {
    fn from(view: OrderView) -> Self {
        Self {
            payment: PaymentBody::of(&view),
            delivery: DeliveryBody::of(&view),
            times: TimesBody::of(&view),
            order_id: view.order_id,
            version: view.version,
            updated_at: Shown(view.envelope.occurred_at),
            status: view.status.symbol().to_lowercase(),
            cancel_reason: view.cancel_reason.map(|reason| reason.symbol().to_lowercase()),
            customer_id: view.customer_id,
            restaurant_id: view.restaurant_id,
            zone: view.zone,
            restaurant_cell: view.restaurant_cell,
            customer_cell: view.customer_cell,
            items: view.items,
            currency: "COP",
            subtotal_centavos: view.subtotal_centavos,
            delivery_fee_centavos: view.delivery_fee_centavos,
            tax_centavos: view.tax_centavos,
            discount_centavos: view.discount_centavos,
            total_centavos: view.total_centavos,
            scheduled_for: shown(view.scheduled_for),
            promised_at: shown(view.promised_at),
        }
    }
}

impl PaymentBody {
    fn of(view: &OrderView) -> Self {
        let status = public(view.payment_status);
        let (captured_centavos, refunded_centavos) = (view.captured_centavos, view.refunded_centavos);
        let deadline_at = shown(view.payment_action_deadline_at);
        let action = view.payment_action_url.clone().map(|url| ActionBody { url, deadline_at });
        Self { status, action, payment_id: view.payment_id, captured_centavos, refunded_centavos }
    }
}

/// The five statuses that customers see, by the contract's doc of `PaymentStatus`.
fn public(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Pending | PaymentStatus::RequiresAction => "pending",
        PaymentStatus::Processing | PaymentStatus::Authorized => "processing",
        PaymentStatus::Completed => "completed",
        PaymentStatus::Failed | PaymentStatus::Voided => "failed",
        PaymentStatus::Refunded => "refunded",
        PaymentStatus::Unknown => "unknown",
    }
}

impl DeliveryBody {
    fn of(view: &OrderView) -> Self {
        Self {
            status: view.delivery_status.symbol().to_lowercase(),
            delivery_id: view.delivery_id,
            driver_id: view.driver_id,
            eta_p50_at: shown(view.eta_p50_at),
            eta_p90_at: shown(view.eta_p90_at),
        }
    }
}

impl TimesBody {
    fn of(view: &OrderView) -> Self {
        Self {
            placed_at: Shown(view.placed_at),
            confirmed_at: shown(view.confirmed_at),
            preparing_at: shown(view.preparing_at),
            ready_at: shown(view.ready_at),
            assigned_at: shown(view.assigned_at),
            picked_up_at: shown(view.picked_up_at),
            delivered_at: shown(view.delivered_at),
            cancelled_at: shown(view.cancelled_at),
        }
    }
}

fn shown(time: Option<EventTime>) -> Option<Shown> {
    time.map(Shown)
}
