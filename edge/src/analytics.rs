//! `GET /api/v1/analytics/popular-items`: the most delivered items of the current or last window.

use crate::app::Edge;
use crate::parameters::parameters;
use crate::ports::Answer;
use crate::problem::{Fault, Problem};
use crate::rfc3339::Shown;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use comanda_schemas::{PopularItems, RankedItem};
use serde::Serialize;
use std::sync::Arc;

/// Stands for all zones; also the key of their ranking.
const ALL_ZONES: &str = "all";
/// Zones are short names; a longer one is none.
const MAX_ZONE_BYTES: usize = 64;

/// A ranking as the API shows it.
#[derive(Serialize)]
pub(crate) struct RankingBody {
    zone: String,
    window_start: Shown,
    window_end: Shown,
    updated_at: Shown,
    items: Vec<RankedItem>,
}

/// Shows the ranking of `?zone=`, or of all zones.
pub(crate) async fn popular_items(State(edge): State<Arc<Edge>>, uri: Uri) -> Result<Json<RankingBody>, Problem> {
    let [zone] = parameters(&uri, ["zone"])?;
    let zone = zone.unwrap_or_else(|| ALL_ZONES.to_owned());
    if zone.is_empty() || zone.len() > MAX_ZONE_BYTES {
        return Err(Problem::invalid(vec![Fault::new("zone", "is not a zone's name")]));
    }
    let analytics = edge.analytics.clone();
    match edge.query(move || analytics.popular_items(&zone)).await? {
        Answer::Here(Some(ranking)) => Ok(Json(ranking.into())),
        Answer::Here(None) => {
            Err(Problem::of_status(StatusCode::NOT_FOUND, "nothing has been delivered there in any window"))
        }
        Answer::Behind => Err(Problem::behind()),
        Answer::Elsewhere { owner } => Err(Problem::elsewhere(owner)),
    }
}

impl From<PopularItems> for RankingBody {
    fn from(ranking: PopularItems) -> Self {
        Self {
            zone: ranking.zone,
            window_start: Shown(ranking.window_start),
            window_end: Shown(ranking.window_end),
            updated_at: Shown(ranking.envelope.occurred_at),
            items: ranking.items,
        }
    }
}
