//! Calls as PayPal's requests.

use comanda_processors::payment::{Money, ProviderCall, Request};
use serde_json::{Value, json};

/// Path and body.
pub(super) fn request(call: &ProviderCall, return_url: &str) -> (String, Value) {
    let authorization = |reference: &str| format!("/v2/payments/authorizations/{reference}");
    match &call.request {
        Request::Authorize { amount, .. } => ("/v2/checkout/orders".to_owned(), order(call, amount, return_url)),
        Request::Resume { reference } => (format!("/v2/checkout/orders/{reference}/authorize"), json!({})),
        Request::Capture { reference, amount } => {
            let body = json!({ "amount": value(amount), "final_capture": true });
            (authorization(reference) + "/capture", body)
        }
        Request::Void { reference } | Request::Abandon { reference } => (authorization(reference) + "/void", json!({})),
        Request::Refund { reference, amount } => {
            let body = json!({ "amount": value(amount), "custom_id": custom_id(call) });
            (format!("/v2/payments/captures/{reference}/refund"), body)
        }
    }
}

/// The customer approves at PayPal; the method is chosen there.
fn order(call: &ProviderCall, amount: &Money, return_url: &str) -> Value {
    json!({
        "intent": "AUTHORIZE",
        "purchase_units": [{
            "reference_id": call.payment.to_string(),
            "custom_id": custom_id(call),
            "amount": value(amount),
        }],
        "payment_source": { "paypal": { "experience_context": {
            "user_action": "PAY_NOW",
            "shipping_preference": "NO_SHIPPING",
            "return_url": return_url,
            "cancel_url": return_url,
        } } },
    })
}

/// PayPal writes amounts as decimals.
fn value(amount: &Money) -> Value {
    json!({ "currency_code": amount.currency, "value": format!("{}.{:02}", amount.minor / 100, amount.minor % 100) })
}

/// PayPal does one request id once, for each of its operations; going on with an order is another than making it.
pub(super) fn request_id(call: &ProviderCall) -> String {
    match call.request {
        Request::Resume { .. } => format!("{}:RESUME", call.key),
        _ => call.key.to_string(),
    }
}

/// By this an object is found again, and its webhooks: `<key>:<payment>`, 95 of the 127 characters that PayPal takes.
pub(super) fn custom_id(call: &ProviderCall) -> String {
    format!("{}:{}", call.key, call.payment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cents_are_written_with_two_digits() {
        let written = |minor| value(&Money { currency: "USD".to_owned(), minor })["value"].clone();
        assert_eq!([written(1_038), written(5), written(200)], [json!("10.38"), json!("0.05"), json!("2.00")]);
    }
}
