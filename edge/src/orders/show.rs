//! `GET /api/v1/orders/{id}`: the order as of the last commit, or as of the caller's own write with `?after=`.

use super::body::OrderBody;
use super::{order_after, path_of, refusal_of};
use crate::app::Edge;
use crate::parameters::parameters;
use crate::ports::{Answer, CommandOffset};
use crate::problem::{Fault, Problem};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use comanda_schemas::OrderId;
use std::sync::Arc;

/// Shows an order.
pub(crate) async fn show(
    State(edge): State<Arc<Edge>>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Json<OrderBody>, Problem> {
    let order = order_id(path)?;
    let [after] = parameters(&uri, ["after"])?;
    let after = after.map(|text| text.parse::<CommandOffset>()).transpose();
    let after = after.map_err(|reason| Problem::invalid(vec![Fault::new("after", reason)]))?;
    match order_after(&edge, order, after).await? {
        Answer::Here(Some(known)) => Ok(Json(known.view.into())),
        Answer::Here(None) => {
            let refusal = refusal_of(&edge, order).await?;
            let problem = if refusal.is_some() { Problem::refused(refusal) } else { not_found() };
            Err(problem.about(path_of(order)))
        }
        Answer::Behind => Err(Problem::behind().about(path_of(order))),
        Answer::Elsewhere { owner } => Err(Problem::elsewhere(owner).about(path_of(order))),
    }
}

/// What is not an order's id is the path of nothing.
fn order_id(path: Result<Path<String>, PathRejection>) -> Result<OrderId, Problem> {
    let Ok(Path(text)) = path else { return Err(not_found()) };
    text.parse().map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::of_status(StatusCode::NOT_FOUND, "there is no such order")
}
