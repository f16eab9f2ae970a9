//! `/health/…`: what a supervisor asks. Live: the process answers. Startup and ready: as the app says.

use crate::app::Edge;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

type Answer = Result<Json<Value>, Problem>;

pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

pub(crate) async fn startup(State(edge): State<Arc<Edge>>) -> Answer {
    edge.health.started().map_err(Problem::unavailable)?;
    Ok(Json(json!({ "status": "started" })))
}

pub(crate) async fn ready(State(edge): State<Arc<Edge>>) -> Answer {
    edge.health.ready().map_err(Problem::unavailable)?;
    Ok(Json(json!({ "status": "ready" })))
}
