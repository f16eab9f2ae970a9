//! What this Stripe holds: objects as its API shows them, and the balance.

use super::events::{self, Webhook};
use crate::fault::Faults;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// Form fields, as they came.
pub(super) type Form = Vec<(String, String)>;

#[derive(Default)]
pub(super) struct Books {
    pub deduplicates: bool,
    pub faults: Faults,
    pub done: Vec<String>,
    pub webhooks: Vec<Webhook>,
    /// Replies by idempotency key.
    pub remembered: BTreeMap<String, Value>,
    /// By kind, oldest first.
    pub intents: Vec<Value>,
    pub refunds: Vec<Value>,
    disputes: Vec<Value>,
    pub transactions: Vec<Value>,
    numbers: u32,
}

/// What the API says instead of an object.
pub(super) struct Refusal {
    pub status: u16,
    pub error: Value,
}

pub(super) fn refusal(status: u16, kind: &str, code: &str) -> Refusal {
    Refusal { status, error: json!({ "type": kind, "code": code, "message": code.replace('_', " ") }) }
}

type Done = Result<Value, Refusal>;

impl Books {
    pub fn create_intent(&mut self, form: &Form, decline: Option<&str>, action: bool) -> Done {
        for field in ["amount", "currency"] {
            if get(form, field).is_none() {
                return Err(refusal(400, "invalid_request_error", "parameter_missing"));
            }
        }
        let amount: i64 = number(form, "amount")?;
        let mut intent = json!({
            "id": self.name("pi"), "object": "payment_intent", "livemode": false, "created": now_s(),
            "amount": amount, "amount_capturable": 0, "amount_received": 0,
            "currency": get(form, "currency"), "customer": get(form, "customer"),
            "payment_method": get(form, "payment_method"), "payment_method_types": ["card"],
            "capture_method": get(form, "capture_method").unwrap_or("automatic"),
            "metadata": metadata(form), "next_action": null, "last_payment_error": null, "latest_charge": null,
            "client_secret": "secret", "status": "requires_confirmation",
        });
        if get(form, "confirm") == Some("true") {
            match (decline, action) {
                (Some(code), _) => decline_intent(&mut intent, code),
                (None, true) => require_action(&mut intent, get(form, "return_url")),
                (None, false) => self.reserve(&mut intent),
            }
        }
        self.intents.push(intent.clone());
        if decline.is_some() {
            self.tell("payment_intent.payment_failed", &intent);
            let mut error = intent["last_payment_error"].clone();
            error["payment_intent"] = intent;
            return Err(Refusal { status: 402, error });
        }
        Ok(intent)
    }

    /// The amount is held; what is not captured by hand is taken at once.
    fn reserve(&mut self, intent: &mut Value) {
        intent["next_action"] = Value::Null;
        intent["latest_charge"] = json!(self.name("ch"));
        intent["status"] = json!("requires_capture");
        intent["amount_capturable"] = intent["amount"].clone();
        self.tell("payment_intent.amount_capturable_updated", intent);
    }

    pub fn capture(&mut self, id: &str, form: &Form) -> Done {
        let mut intent = self.intent(id)?;
        if intent["status"] != "requires_capture" {
            return Err(unexpected_state(intent));
        }
        let most = intent["amount_capturable"].as_i64().unwrap_or(0);
        let amount = get(form, "amount_to_capture").map_or(Ok(most), |_| number(form, "amount_to_capture"))?;
        if amount > most || amount <= 0 {
            return Err(refusal(400, "invalid_request_error", "amount_too_large"));
        }
        intent["status"] = json!("succeeded");
        (intent["amount_capturable"], intent["amount_received"]) = (json!(0), json!(amount));
        let source = json!({ "id": intent["latest_charge"], "object": "charge", "payment_intent": id });
        self.book("charge", amount, &intent["currency"].clone(), source);
        self.tell("payment_intent.succeeded", &intent);
        self.put_intent(intent)
    }

    pub fn cancel(&mut self, id: &str) -> Done {
        let mut intent = self.intent(id)?;
        if intent["status"] == "succeeded" || intent["status"] == "canceled" {
            return Err(unexpected_state(intent));
        }
        (intent["status"], intent["amount_capturable"]) = (json!("canceled"), json!(0));
        self.tell("payment_intent.canceled", &intent);
        self.put_intent(intent)
    }

    pub fn refund(&mut self, form: &Form) -> Done {
        let id = get(form, "payment_intent").unwrap_or("").to_owned();
        let intent = self.intent(&id)?;
        let left = intent["amount_received"].as_i64().unwrap_or(0) - self.refunded(&id);
        let amount = get(form, "amount").map_or(Ok(left), |_| number(form, "amount"))?;
        if amount <= 0 || amount > left {
            let code = if left == 0 { "charge_already_refunded" } else { "amount_too_large" };
            return Err(refusal(400, "invalid_request_error", code));
        }
        let refund = json!({
            "id": self.name("re"), "object": "refund", "created": now_s(), "amount": amount,
            "currency": intent["currency"], "payment_intent": id, "charge": intent["latest_charge"],
            "metadata": metadata(form), "reason": get(form, "reason"), "status": "succeeded",
        });
        self.book("refund", -amount, &intent["currency"], refund.clone());
        self.tell("refund.created", &refund);
        self.refunds.push(refund.clone());
        Ok(refund)
    }

    fn refunded(&self, intent: &str) -> i64 {
        let of_it = self.refunds.iter().filter(|refund| refund["payment_intent"] == intent);
        of_it.filter_map(|refund| refund["amount"].as_i64()).sum()
    }

    pub fn approve(&mut self, id: &str) {
        let Ok(mut intent) = self.intent(id) else { return };
        if intent["status"] == "requires_action" {
            self.reserve(&mut intent);
            let _ = self.put_intent(intent);
        }
    }

    pub fn fail_approval(&mut self, id: &str) {
        let Ok(mut intent) = self.intent(id) else { return };
        decline_intent(&mut intent, "authentication_required");
        intent["last_payment_error"]["code"] = json!("payment_intent_authentication_failure");
        self.tell("payment_intent.payment_failed", &intent);
        let _ = self.put_intent(intent);
    }

    pub fn dispute(&mut self, id: &str) -> String {
        let Ok(intent) = self.intent(id) else { return String::new() };
        let amount = intent["amount_received"].as_i64().unwrap_or(0) - self.refunded(id);
        let name = self.name("dp");
        let dispute = json!({
            "id": name, "object": "dispute", "created": now_s(), "amount": amount, "currency": intent["currency"],
            "payment_intent": id, "charge": intent["latest_charge"], "metadata": {}, "status": "needs_response",
        });
        self.book("adjustment", -amount, &intent["currency"], dispute.clone());
        self.tell("charge.dispute.created", &dispute);
        self.disputes.push(dispute);
        name
    }

    pub fn decide(&mut self, dispute: &str, won: bool) {
        let Some(mut decided) = self.disputes.iter().find(|known| known["id"] == dispute).cloned() else { return };
        decided["status"] = json!(if won { "won" } else { "lost" });
        if won {
            let amount = decided["amount"].as_i64().unwrap_or(0);
            self.book("adjustment", amount, &decided["currency"].clone(), decided.clone());
        }
        self.tell("charge.dispute.closed", &decided);
    }

    pub fn intent(&self, id: &str) -> Done {
        let found = self.intents.iter().find(|intent| intent["id"] == id);
        found.cloned().ok_or_else(|| refusal(404, "invalid_request_error", "resource_missing"))
    }

    fn put_intent(&mut self, intent: Value) -> Done {
        let known = self.intents.iter_mut().find(|known| known["id"] == intent["id"]);
        if let Some(known) = known {
            *known = intent.clone();
        }
        Ok(intent)
    }

    pub fn balance(&self) -> i64 {
        self.transactions.iter().filter_map(|transaction| transaction["amount"].as_i64()).sum()
    }

    fn book(&mut self, kind: &str, amount: i64, currency: &Value, source: Value) {
        let transaction = json!({
            "id": self.name("txn"), "object": "balance_transaction", "type": kind, "amount": amount, "fee": 0,
            "net": amount, "currency": currency, "created": now_s(), "source": source,
        });
        self.transactions.push(transaction);
    }

    fn tell(&mut self, kind: &str, object: &Value) {
        let name = self.name("evt");
        self.webhooks.push(events::webhook(&name, kind, object, now_s()));
    }

    fn name(&mut self, prefix: &str) -> String {
        self.numbers += 1;
        format!("{prefix}_{}", self.numbers)
    }
}

fn decline_intent(intent: &mut Value, decline_code: &str) {
    intent["status"] = json!("requires_payment_method");
    intent["last_payment_error"] = json!({
        "type": "card_error", "code": "card_declined", "decline_code": decline_code, "message": "The card was declined.",
    });
}

fn require_action(intent: &mut Value, return_url: Option<&str>) {
    intent["status"] = json!("requires_action");
    let url = format!("https://hooks.stripe.com/3d_secure/{}", intent["id"].as_str().unwrap_or(""));
    intent["next_action"] =
        json!({ "type": "redirect_to_url", "redirect_to_url": { "url": url, "return_url": return_url } });
}

fn unexpected_state(intent: Value) -> Refusal {
    let mut refused = refusal(400, "invalid_request_error", "payment_intent_unexpected_state");
    refused.error["payment_intent"] = intent;
    refused
}

pub(super) fn get<'a>(form: &'a Form, field: &str) -> Option<&'a str> {
    form.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
}

fn number(form: &Form, field: &str) -> Result<i64, Refusal> {
    let value = get(form, field).and_then(|value| value.parse().ok());
    value.ok_or_else(|| refusal(400, "invalid_request_error", "parameter_invalid_integer"))
}

fn metadata(form: &Form) -> Value {
    let entries = form.iter().filter_map(|(name, value)| {
        let key = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((key.to_owned(), json!(value)))
    });
    Value::Object(entries.collect())
}

pub(super) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(0)
}
