//! `POST /api/v1/orders`: writes the command, then waits a moment for the order role to take it in.

use super::body::OrderBody;
use super::new_order::NewOrder;
use super::{order_after, path_of, refusal_of};
use crate::app::Edge;
use crate::json_body::JsonBody;
use crate::observe::{Outcome, count_order};
use crate::ports::{Answer, AppendError, CommandOffset, KnownOrder};
use crate::problem::{Fault, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use comanda_schemas::{EventId, EventTime, OrderCommand, OrderId, PlaceOrder};
use serde_json::json;
use std::sync::Arc;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest idempotency key.
const MAX_KEY_CHARS: usize = 128;

/// Places an order.
pub(crate) async fn place(
    State(edge): State<Arc<Edge>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let order = NewOrder::read(body)?;
    let ids = order.ids(key);
    let command = order.command(ids, EventTime(edge.clock.now_ms()));
    let offset = append(&edge, command).await.inspect_err(|_| count_order(Outcome::NotWritten))?;
    let answer = order_after(&edge, ids.order, Some(offset)).await;
    // The command is written, whatever a query says: from here on the caller gets its location.
    let answer = answer.unwrap_or(Answer::Behind);
    if answer == Answer::Here(None) {
        count_order(Outcome::Refused);
        let refusal = refusal_of(&edge, ids.order).await?.filter(|refusal| refusal.command == ids.command);
        return Err(Problem::refused(refusal));
    }
    respond(ids.order, ids.command, offset, answer)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let refused = |reason: &str| Err(Problem::invalid(vec![Fault::new("Idempotency-Key", reason)]));
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return refused("is given twice");
    }
    let visible = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    match value.to_str().ok().filter(visible) {
        Some(text) if text.len() <= MAX_KEY_CHARS => Ok(Some(text)),
        _ => refused("is not of 1 to 128 visible ASCII characters"),
    }
}

async fn append(edge: &Edge, command: PlaceOrder) -> Result<CommandOffset, Problem> {
    let path = path_of(command.order_id);
    let appending = edge.commands.append(OrderCommand::from(command));
    let unknown = "whether the order was placed is not known: look at `instance`, or send the same request again if it \
                   has an Idempotency-Key";
    match tokio::time::timeout(edge.limits.acknowledged, appending).await {
        Ok(Ok(offset)) => Ok(offset),
        Ok(Err(error @ AppendError::Unwritable(_))) => Err(Problem::internal(&error)),
        Ok(Err(error @ AppendError::NotWritten(_))) => {
            tracing::warn!(%error, "an order could not be written");
            Err(Problem::unavailable("the order was not placed"))
        }
        Ok(Err(error @ AppendError::OutcomeUnknown(_))) => {
            tracing::warn!(%error, "an order may not have been written");
            Err(Problem::unavailable(unknown).about(path))
        }
        Err(_) => {
            tracing::warn!(path, "Kafka did not acknowledge an order in time");
            Err(Problem::unavailable(unknown).about(path))
        }
    }
}

fn respond(
    order: OrderId,
    command: EventId,
    offset: CommandOffset,
    answer: Answer<Option<KnownOrder>>,
) -> Result<Response, Problem> {
    match answer {
        Answer::Here(Some(known)) if known.placed_by == command => {
            count_order(Outcome::Accepted);
            let location = [(header::LOCATION, path_of(order))];
            Ok((StatusCode::CREATED, location, Json(OrderBody::from(known.view))).into_response())
        }
        Answer::Here(Some(_)) => {
            count_order(Outcome::Refused);
            Err(Problem::key_used().about(path_of(order)))
        }
        Answer::Here(None) | Answer::Behind | Answer::Elsewhere { .. } => {
            count_order(Outcome::Pending);
            let location = [(header::LOCATION, format!("{}?after={offset}", path_of(order)))];
            Ok((StatusCode::ACCEPTED, location, Json(json!({ "order_id": order }))).into_response())
        }
    }
}
