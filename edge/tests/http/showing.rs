//! `GET /api/v1/orders/{id}`.

use crate::doubles::{Mood, NOW_MS, known, order_body, town};
use comanda_schemas::{CancelReason, Cop, DeliveryStatus, EventTime, OrderStatus, PaymentStatus};
use serde_json::json;

const NOBODY_S: &str = "/api/v1/orders/0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10";

#[tokio::test]
async fn an_order_is_shown_whole() {
    let (client, town) = town();
    client.post(order_body().to_string()).await;
    let mut order = known(&town.log()[0]);
    let at = |minutes: i64| Some(EventTime(NOW_MS + minutes * 60_000));
    order.view.version = 9;
    order.view.status = OrderStatus::Cancelled;
    order.view.cancel_reason = Some(CancelReason::DriverLost);
    order.view.payment_status = PaymentStatus::Refunded;
    order.view.captured_centavos = Cop(7_080_000);
    order.view.refunded_centavos = Cop(7_080_000);
    order.view.delivery_status = DeliveryStatus::Failed;
    order.view.driver_id = Some("11111111-2222-4333-8444-555555555555".parse().unwrap());
    (order.view.eta_p50_at, order.view.eta_p90_at) = (at(30), at(45));
    (order.view.confirmed_at, order.view.picked_up_at, order.view.cancelled_at) = (at(2), at(20), at(50));
    town.add(order.clone());
    let body = client.get(&format!("/api/v1/orders/{}", order.view.order_id)).await.json();
    assert_eq!(
        body,
        json!({
            "order_id": order.view.order_id, "version": 9, "updated_at": "2024-03-30T18:19:00Z",
            "status": "cancelled", "cancel_reason": "driver_lost",
            "customer_id": "3b1f7c1e-5a0d-4b6e-9a51-0e2f4d8c7a10", "restaurant_id": "7c1ad5f2-3d2c-4d62-9a35-5f0fb3b1a001",
            "zone": "chapinero", "restaurant_cell": "8966e42d20bffff", "customer_cell": "8966e42d287ffff",
            "items": order_body()["items"], "currency": "COP",
            "subtotal_centavos": 6_470_000, "delivery_fee_centavos": 590_000, "tax_centavos": 120_000,
            "discount_centavos": 100_000, "total_centavos": 7_080_000,
            "scheduled_for": null, "promised_at": "2024-03-30T19:00:00Z",
            "payment": { "status": "refunded", "payment_id": null, "captured_centavos": 7_080_000, "refunded_centavos": 7_080_000 },
            "delivery": {
                "status": "failed", "delivery_id": null, "driver_id": "11111111-2222-4333-8444-555555555555",
                "eta_p50_at": "2024-03-30T18:49:00Z", "eta_p90_at": "2024-03-30T19:04:00Z"
            },
            "times": {
                "placed_at": "2024-03-30T18:19:00Z", "confirmed_at": "2024-03-30T18:21:00Z", "preparing_at": null,
                "ready_at": null, "assigned_at": null, "picked_up_at": "2024-03-30T18:39:00Z", "delivered_at": null,
                "cancelled_at": "2024-03-30T19:09:00Z"
            }
        })
    );
}

#[tokio::test]
async fn customers_see_five_statuses_of_payment() {
    let (client, town) = town();
    client.post(order_body().to_string()).await;
    let mut order = known(&town.log()[0]);
    let seen = [
        (PaymentStatus::Pending, "pending"),
        (PaymentStatus::RequiresAction, "pending"),
        (PaymentStatus::Processing, "processing"),
        (PaymentStatus::Authorized, "processing"),
        (PaymentStatus::Completed, "completed"),
        (PaymentStatus::Failed, "failed"),
        (PaymentStatus::Voided, "failed"),
        (PaymentStatus::Refunded, "refunded"),
    ];
    for (status, shown) in seen {
        order.view.payment_status = status;
        town.add(order.clone());
        let body = client.get(&format!("/api/v1/orders/{}", order.view.order_id)).await.json();
        assert_eq!(body["payment"]["status"], shown);
    }
}

#[tokio::test]
async fn a_customer_who_has_to_approve_is_told_where_and_until_when() {
    let (client, town) = town();
    client.post(order_body().to_string()).await;
    let mut order = known(&town.log()[0]);
    let path = format!("/api/v1/orders/{}", order.view.order_id);
    town.add(order.clone());
    assert_eq!(client.get(&path).await.json()["payment"].get("action"), None);
    order.view.payment_action_url = Some("https://bank.test/3ds".to_owned());
    order.view.payment_action_deadline_at = Some(EventTime(NOW_MS));
    town.add(order);
    let action = client.get(&path).await.json()["payment"]["action"].clone();
    assert_eq!(action, json!({ "url": "https://bank.test/3ds", "deadline_at": "2024-03-30T18:19:00Z" }));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (client, _) = town();
    let (status, kind, problem) = client.get(NOBODY_S).await.problem();
    assert_eq!((status, kind.as_str(), &problem["instance"]), (404, "about:blank", &json!(NOBODY_S)));
    for no_id in ["x", "%FF", "0B9FA8F2-6F0F-4F6D-8A55-1D4C7D1F8E10", "..%2F..%2Fetc"] {
        assert_eq!(client.get(&format!("/api/v1/orders/{no_id}")).await.problem().0, 404, "{no_id}");
    }
}

#[tokio::test]
async fn an_offset_that_is_none_and_parameters_that_do_not_exist_are_faults() {
    let (client, _) = town();
    for (query, fault) in [
        ("after=-1", "after: is not an offset: a whole number from 0"),
        ("after=", "after: is not an offset: a whole number from 0"),
        ("after=1&after=2", "after: is given twice"),
        ("before=1", "before: is not a parameter of this resource"),
    ] {
        assert_eq!(client.get(&format!("{NOBODY_S}?{query}")).await.faults(), [fault]);
    }
}

#[tokio::test]
async fn a_key_that_this_instance_lacks_is_answered_with_its_owner() {
    let (client, town) = town();
    town.set(Mood::Elsewhere(Some("10.0.0.7:8080".to_owned())));
    let reply = client.get(NOBODY_S).await;
    let (status, kind, problem) = reply.problem();
    assert_eq!((status, kind.as_str()), (503, "urn:problem-type:comanda:elsewhere"));
    assert_eq!((&problem["owner"], reply.header("retry-after")), (&json!("10.0.0.7:8080"), Some("1")));
    town.set(Mood::Elsewhere(None));
    assert_eq!(client.get(NOBODY_S).await.problem().2.get("owner"), None);
}
