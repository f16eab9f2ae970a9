//! Whether something was done, as PayPal's own objects say.

use super::{PayPal, answers, requests};
use crate::http::text;
use comanda_processors::payment::{Answer, ProviderCall, Request};
use comanda_schemas::PaymentFailureReason;
use serde_json::Value;

impl PayPal {
    /// Any failure leaves it as unknown as it was.
    pub(super) async fn look_up(&self, call: &ProviderCall) -> Answer {
        self.find(call).await.unwrap_or_else(|detail| Answer::Unknown { detail })
    }

    async fn find(&self, call: &ProviderCall) -> Result<Answer, String> {
        match &call.request {
            // An order that nobody was told of is approved by nobody and reserves nothing: another may be made.
            Request::Authorize { .. } => Ok(Answer::NotDone),
            Request::Resume { reference } => {
                let order = self.read(&format!("/v2/checkout/orders/{reference}")).await?;
                Ok(answers::authorization(&order).unwrap_or(Answer::NotDone))
            }
            Request::Capture { reference, .. } => self.find_capture(reference).await,
            Request::Void { reference } | Request::Abandon { reference } => {
                let authorization = self.authorization(reference).await?;
                Ok(match text(&authorization, "/status") {
                    "VOIDED" => Answer::Done { reference: reference.clone() },
                    "CREATED" | "PENDING" => Answer::NotDone,
                    _ => declined(reference),
                })
            }
            Request::Refund { reference, .. } => {
                let capture = self.read(&format!("/v2/payments/captures/{reference}")).await?;
                let order = self.order_of(&capture).await?;
                let refunds = payments(&order, "refunds");
                let ours = requests::custom_id(call);
                let found = refunds.iter().find(|refund| text(refund, "/custom_id") == ours);
                Ok(found.map_or(Answer::NotDone, answers::movement))
            }
        }
    }

    async fn find_capture(&self, reference: &str) -> Result<Answer, String> {
        let authorization = self.authorization(reference).await?;
        match text(&authorization, "/status") {
            "CAPTURED" | "PARTIALLY_CAPTURED" => {
                let order = self.order_of(&authorization).await?;
                payments(&order, "captures").first().map(answers::movement).ok_or_else(|| "no capture".to_owned())
            }
            "CREATED" | "PENDING" => Ok(Answer::NotDone),
            _ => Ok(declined(reference)),
        }
    }

    async fn authorization(&self, reference: &str) -> Result<Value, String> {
        self.read(&format!("/v2/payments/authorizations/{reference}")).await
    }

    /// The order that an authorisation or a capture belongs to.
    async fn order_of(&self, object: &Value) -> Result<Value, String> {
        let order = text(object, "/supplementary_data/related_ids/order_id");
        if order.is_empty() {
            return Err("an object without its order".to_owned());
        }
        self.read(&format!("/v2/checkout/orders/{order}")).await
    }
}

fn payments<'a>(order: &'a Value, kind: &str) -> &'a [Value] {
    let found = order.pointer(&format!("/purchase_units/0/payments/{kind}")).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}

fn declined(reference: &str) -> Answer {
    Answer::Declined { reason: PaymentFailureReason::ProviderRefused, reference: Some(reference.to_owned()) }
}
