//! A request's body as JSON, with the right status for each way in which it can be none.

use crate::app::Edge;
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use std::sync::Arc;

/// Longest body that is read. The largest order that makes sense is a tenth of it.
pub(crate) const MAX_BODY_BYTES: usize = 64 << 10;

/// A body that is JSON, whatever it says.
pub(crate) struct JsonBody(pub Value);

impl FromRequest<Arc<Edge>> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, edge: &Arc<Edge>) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "send the body as Content-Type: application/json";
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        let bytes = read(request, edge).await?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::of_status(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")))?;
        Ok(Self(value))
    }
}

/// The bytes of a body, if they come in whole and in time.
pub(crate) async fn read(request: Request, edge: &Arc<Edge>) -> Result<Bytes, Problem> {
    let reading = tokio::time::timeout(edge.limits.body, Bytes::from_request(request, edge));
    reading.await.map_err(|_| too_slow())?.map_err(unreadable)
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = text.and_then(|text| text.split(';').next()).map(str::trim);
    media_type.is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json"))
}

fn too_slow() -> Problem {
    Problem::of_status(StatusCode::REQUEST_TIMEOUT, "the body did not come in whole in time")
}

fn unreadable(rejection: BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = format!("a body has at most {MAX_BODY_BYTES} bytes");
            Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE, detail)
        }
        _ => Problem::of_status(StatusCode::BAD_REQUEST, "the body ended early"),
    }
}
