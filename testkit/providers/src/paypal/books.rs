//! What this PayPal holds: orders with all that followed from them, and the balance.

use super::Webhook;
use crate::fault::Faults;
use serde_json::{Value, json};

#[derive(Default)]
pub(super) struct Books {
    pub faults: Faults,
    pub done: Vec<String>,
    pub webhooks: Vec<Webhook>,
    pub tokens: usize,
    pub balance: i64,
    orders: Vec<Value>,
    disputes: Vec<Value>,
    /// Signatures of the webhooks that were sent, with their bodies.
    sent: Vec<(String, Value)>,
    numbers: u32,
}

/// What the API says instead of an object: status and issue.
pub(super) type Refusal = (u16, &'static str);

type Done = Result<Value, Refusal>;

const PAYMENTS: &str = "/purchase_units/0/payments";

impl Books {
    pub fn create_order(&mut self, body: &Value, base: &str) -> Done {
        if body["intent"] != "AUTHORIZE" || cents(&body["purchase_units"][0]["amount"]).is_none() {
            return Err((400, "INVALID_PARAMETER_VALUE"));
        }
        let id = self.name("ORDER");
        let mut order = json!({
            "id": id, "intent": "AUTHORIZE", "status": "PAYER_ACTION_REQUIRED",
            "purchase_units": body["purchase_units"],
            "links": [
                { "rel": "self", "method": "GET", "href": format!("{base}/v2/checkout/orders/{id}") },
                { "rel": "payer-action", "method": "GET", "href": format!("https://www.paypal.com/checkoutnow?token={id}") },
            ],
        });
        order["purchase_units"][0]["payments"] = json!({ "authorizations": [], "captures": [], "refunds": [] });
        self.orders.push(order.clone());
        Ok(order)
    }

    pub fn approve(&mut self, id: &str) {
        if let Some(order) = self.orders.iter_mut().find(|order| order["id"] == id) {
            order["status"] = json!("APPROVED");
            let order = order.clone();
            self.tell("CHECKOUT.ORDER.APPROVED", &order);
        }
    }

    pub fn order(&self, id: &str) -> Done {
        self.orders.iter().find(|order| order["id"] == id).cloned().ok_or((404, "INVALID_RESOURCE_ID"))
    }

    pub fn authorize(&mut self, id: &str, declined: bool) -> Done {
        let mut order = self.order(id)?;
        match order["status"].as_str() {
            Some("APPROVED") if declined => return Err((422, "INSTRUMENT_DECLINED")),
            Some("APPROVED") => {}
            Some("COMPLETED") => return Err((422, "ORDER_ALREADY_AUTHORIZED")),
            _ => return Err((422, "ORDER_NOT_APPROVED")),
        }
        let unit = order["purchase_units"][0].clone();
        let authorization = self.part("AUTH", &order, "CREATED", &unit["amount"], &unit["custom_id"]);
        order["status"] = json!("COMPLETED");
        order["purchase_units"][0]["payments"]["authorizations"] = json!([authorization]);
        self.tell("PAYMENT.AUTHORIZATION.CREATED", &authorization);
        self.put(order)
    }

    pub fn capture(&mut self, id: &str, body: &Value) -> Done {
        let mut order = self.order_with("authorizations", id)?;
        let unit = order["purchase_units"][0].clone();
        let authorization = &unit["payments"]["authorizations"][0];
        match authorization["status"].as_str() {
            Some("CREATED") => {}
            Some("VOIDED") => return Err((422, "AUTHORIZATION_VOIDED")),
            _ => return Err((422, "AUTHORIZATION_ALREADY_CAPTURED")),
        }
        let amount = body.get("amount").unwrap_or(&authorization["amount"]);
        if cents(amount) > cents(&authorization["amount"]) {
            return Err((422, "MAX_CAPTURE_AMOUNT_EXCEEDED"));
        }
        let capture = self.part("CAPTURE", &order, "COMPLETED", amount, &unit["custom_id"]);
        self.balance += cents(amount).unwrap_or(0);
        order["purchase_units"][0]["payments"]["authorizations"][0]["status"] = json!("CAPTURED");
        order["purchase_units"][0]["payments"]["captures"] = json!([capture]);
        self.tell("PAYMENT.CAPTURE.COMPLETED", &capture);
        self.put(order)?;
        Ok(capture)
    }

    pub fn void(&mut self, id: &str) -> Done {
        let mut order = self.order_with("authorizations", id)?;
        let authorization = &mut order["purchase_units"][0]["payments"]["authorizations"][0];
        match authorization["status"].as_str() {
            Some("CREATED") => authorization["status"] = json!("VOIDED"),
            Some("VOIDED") => return Err((422, "PREVIOUSLY_VOIDED")),
            _ => return Err((422, "PREVIOUSLY_CAPTURED")),
        }
        let authorization = authorization.clone();
        self.tell("PAYMENT.AUTHORIZATION.VOIDED", &authorization);
        self.put(order)?;
        Ok(authorization)
    }

    pub fn refund(&mut self, id: &str, body: &Value) -> Done {
        let mut order = self.order_with("captures", id)?;
        let payments = order["purchase_units"][0]["payments"].clone();
        let taken = cents(&payments["captures"][0]["amount"]).unwrap_or(0);
        let refunds = payments["refunds"].as_array().cloned().unwrap_or_default();
        let left = taken - refunds.iter().filter_map(|refund| cents(&refund["amount"])).sum::<i64>();
        let amount = cents(&body["amount"]).unwrap_or(left);
        if amount <= 0 || amount > left {
            return Err((422, if left == 0 { "CAPTURE_FULLY_REFUNDED" } else { "REFUND_AMOUNT_EXCEEDED" }));
        }
        let refund = self.part("REFUND", &order, "COMPLETED", &body["amount"], &body["custom_id"]);
        self.balance -= amount;
        if let Some(refunds) = order["purchase_units"][0]["payments"]["refunds"].as_array_mut() {
            refunds.push(refund.clone());
        }
        self.tell("PAYMENT.CAPTURE.REFUNDED", &refund);
        self.put(order)?;
        Ok(refund)
    }

    /// An authorisation or a capture by its name.
    pub fn part_of(&self, kind: &str, id: &str) -> Done {
        Ok(self.order_with(kind, id)?["purchase_units"][0]["payments"][kind][0].clone())
    }

    fn order_with(&self, kind: &str, id: &str) -> Done {
        let place = format!("{PAYMENTS}/{kind}/0/id");
        let found = self.orders.iter().find(|order| order.pointer(&place).is_some_and(|known| known == id));
        found.cloned().ok_or((404, "INVALID_RESOURCE_ID"))
    }

    pub fn dispute(&mut self, capture: &str) -> String {
        let Ok(found) = self.part_of("captures", capture) else { return String::new() };
        let id = self.name("DISPUTE");
        let dispute = json!({
            "dispute_id": id, "status": "OPEN", "dispute_amount": found["amount"],
            "disputed_transactions": [{ "seller_transaction_id": capture, "custom": found["custom_id"] }],
        });
        self.balance -= cents(&found["amount"]).unwrap_or(0);
        self.tell("CUSTOMER.DISPUTE.CREATED", &dispute);
        self.disputes.push(dispute);
        id
    }

    pub fn decide(&mut self, dispute: &str, won: bool) {
        let Some(mut decided) = self.disputes.iter().find(|known| known["dispute_id"] == dispute).cloned() else {
            return;
        };
        let outcome = if won { "RESOLVED_SELLER_FAVOUR" } else { "RESOLVED_BUYER_FAVOUR" };
        (decided["status"], decided["dispute_outcome"]) = (json!("RESOLVED"), json!({ "outcome_code": outcome }));
        if won {
            self.balance += cents(&decided["dispute_amount"]).unwrap_or(0);
        }
        self.tell("CUSTOMER.DISPUTE.RESOLVED", &decided);
    }

    /// Whether a webhook was sent from here, with this signature and this body.
    pub fn has_sent(&self, signature: &str, body: &Value) -> bool {
        self.sent.iter().any(|(known, sent)| known == signature && sent == body)
    }

    fn part(&mut self, prefix: &str, order: &Value, status: &str, amount: &Value, custom_id: &Value) -> Value {
        json!({
            "id": self.name(prefix), "status": status, "amount": amount, "custom_id": custom_id,
            "supplementary_data": { "related_ids": { "order_id": order["id"] } },
        })
    }

    fn put(&mut self, order: Value) -> Done {
        if let Some(known) = self.orders.iter_mut().find(|known| known["id"] == order["id"]) {
            *known = order.clone();
        }
        Ok(order)
    }

    fn tell(&mut self, kind: &str, resource: &Value) {
        let id = self.name("WH");
        let event = json!({ "id": id, "event_type": kind, "event_version": "1.0", "resource": resource });
        let (kind, signature, body) = (kind.to_owned(), format!("signature of {id}"), event.to_string());
        self.sent.push((signature.clone(), event));
        self.webhooks.push(Webhook { kind, signature, body });
    }

    fn name(&mut self, prefix: &str) -> String {
        self.numbers += 1;
        format!("{prefix}-{}", self.numbers)
    }
}

/// Hundredths of an amount; `None` if it is none, or in pesos, which PayPal does not take.
fn cents(amount: &Value) -> Option<i64> {
    let (whole, part) = amount["value"].as_str()?.split_once('.')?;
    let known = amount["currency_code"].as_str().is_some_and(|code| code.len() == 3 && code != "COP");
    (known && part.len() == 2).then_some(whole.parse::<i64>().ok()? * 100 + part.parse::<i64>().ok()?)
}
