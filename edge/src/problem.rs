//! Every error of the API as a problem document (RFC 9457).

use crate::ports::RefusedOrder;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use comanda_schemas::CommandRejectReason;
use serde::Serialize;

/// One field of a request that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// Path of the field, e.g. `items[2].quantity`, or the name of a header or parameter.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Fault {
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// A problem document. Nothing of what fails inside gets into it: that is for the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: Box<str>,
    /// The resource that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<Box<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// Why an order was refused, by the contract's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<CommandRejectReason>,
    /// Address of the instance to ask instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Box<str>>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// When to come back after a hand-over or a moment of overload.
const RETRY_AFTER_S: u32 = 1;

impl Problem {
    /// One that its status says all about (RFC 9457 4.2.1: `about:blank`, title as the status's phrase).
    pub fn of_status(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self::new("about:blank", title, status, detail)
    }

    fn new(kind: &'static str, title: &'static str, status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into().into();
        Self {
            kind,
            title,
            status,
            detail,
            instance: None,
            errors: vec![],
            reason: None,
            owner: None,
            retry_after_s: None,
        }
    }

    /// The request is understood and breaks rules.
    pub fn invalid(errors: Vec<Fault>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.field, one.reason),
            more => format!("{} fields are at fault", more.len()),
        };
        let (kind, title) = ("urn:problem-type:comanda:invalid", "The request breaks rules");
        Self { errors, ..Self::new(kind, title, StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// The order role has taken the command in, and there is no order: it said why, or what it found is in the dead-letter
    /// topic.
    pub fn refused(refusal: Option<RefusedOrder>) -> Self {
        let (kind, title) = ("urn:problem-type:comanda:refused", "The order was refused");
        let (reason, detail) = match refusal {
            Some(refusal) => (Some(refusal.reason), refusal.detail),
            None => (None, "the order breaks a rule that only the order role checks; nothing was placed".to_owned()),
        };
        Self { reason, ..Self::new(kind, title, StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// Another request with this key has placed another order.
    pub fn key_used() -> Self {
        let (kind, title) = ("urn:problem-type:comanda:key-used", "The idempotency key is taken");
        let reason = "was used by this customer for another order";
        let problem = Self::new(kind, title, StatusCode::CONFLICT, format!("the Idempotency-Key {reason}"));
        Self { errors: vec![Fault::new("Idempotency-Key", reason)], ..problem }
    }

    /// The key's state is at another instance.
    pub fn elsewhere(owner: Option<String>) -> Self {
        let detail = match &owner {
            Some(owner) => format!("the instance at {owner} has this key"),
            None => "the key is being moved between instances".to_owned(),
        };
        let (kind, title) = ("urn:problem-type:comanda:elsewhere", "Another instance has the answer");
        Self { owner: owner.map(String::into), ..Self::passing(kind, title, detail) }
    }

    /// The key's state has not reached the caller's own write.
    pub fn behind() -> Self {
        let detail = "the command has been written and not yet been taken in";
        Self::passing("urn:problem-type:comanda:behind", "The state has not got that far", detail)
    }

    /// A server that the edge needs does not answer.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::passing("urn:problem-type:comanda:unavailable", "Not available now", detail)
    }

    fn passing(kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let retry_after_s = Some(RETRY_AFTER_S);
        Self { retry_after_s, ..Self::new(kind, title, StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// Something broke. `reason` goes to the log, not to the caller.
    pub fn internal(reason: &dyn std::fmt::Display) -> Self {
        tracing::error!(%reason, "a request failed");
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR, "the log has the reason under the response's x-request-id")
    }

    /// The same, about the resource at `path`.
    pub fn about(self, path: impl Into<String>) -> Self {
        Self { instance: Some(path.into().into()), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after_s) = (self.status, self.retry_after_s);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
