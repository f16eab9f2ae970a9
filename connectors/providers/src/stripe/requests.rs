//! Calls as Stripe's requests.

use comanda_processors::payment::{ProviderCall, Request};

/// A form's fields, in order.
pub(super) type Form = Vec<(&'static str, String)>;

/// A request; without a form it only reads.
#[derive(Debug, PartialEq)]
pub(super) struct StripeRequest {
    pub path: String,
    pub form: Option<Form>,
}

pub(super) fn request(call: &ProviderCall, return_url: &str) -> StripeRequest {
    let post = |path: String, form: Form| StripeRequest { path, form: Some(form) };
    let intent = |reference: &str| format!("/v1/payment_intents/{reference}");
    match &call.request {
        Request::Authorize { method, amount } => {
            let mut form = vec![
                ("amount", amount.minor.to_string()),
                ("currency", amount.currency.to_lowercase()),
                ("customer", method.customer.clone()),
                ("payment_method", method.method.clone()),
                ("payment_method_types[]", "card".to_owned()),
                ("capture_method", "manual".to_owned()),
                ("confirm", "true".to_owned()),
                ("return_url", return_url.to_owned()),
            ];
            form.extend(metadata(call));
            post("/v1/payment_intents".to_owned(), form)
        }
        // What the customer approved at the bank, Stripe goes on with by itself.
        Request::Resume { reference } => StripeRequest { path: intent(reference), form: None },
        Request::Abandon { reference } => {
            post(intent(reference) + "/cancel", vec![("cancellation_reason", "abandoned".to_owned())])
        }
        Request::Capture { reference, amount } => {
            post(intent(reference) + "/capture", vec![("amount_to_capture", amount.minor.to_string())])
        }
        Request::Void { reference } => {
            post(intent(reference) + "/cancel", vec![("cancellation_reason", "requested_by_customer".to_owned())])
        }
        Request::Refund { reference, amount } => {
            let mut form = vec![
                ("payment_intent", reference.clone()),
                ("amount", amount.minor.to_string()),
                ("reason", "requested_by_customer".to_owned()),
            ];
            form.extend(metadata(call));
            post("/v1/refunds".to_owned(), form)
        }
    }
}

/// By these an object is found again, and its webhooks.
fn metadata(call: &ProviderCall) -> Form {
    vec![
        ("metadata[order_id]", call.key.order.to_string()),
        ("metadata[payment_id]", call.payment.to_string()),
        ("metadata[operation]", call.key.operation.symbol().to_owned()),
        ("metadata[attempt]", call.key.attempt.to_string()),
    ]
}
