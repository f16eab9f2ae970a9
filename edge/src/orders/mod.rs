//! Orders over HTTP: placing one, and looking at it.

mod body;
mod new_order;
mod place;
mod show;
mod values;

pub(crate) use place::place;
pub(crate) use show::show;

use crate::app::Edge;
use crate::ports::{Answer, CommandOffset, KnownOrder, QueryError, RefusedOrder};
use crate::problem::Problem;
use comanda_schemas::OrderId;
use std::time::{Duration, Instant};

/// Pauses between two looks at a state that is behind: soon at first, then less often.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LAST_PAUSE: Duration = Duration::from_millis(40);

/// Path of an order.
fn path_of(order: OrderId) -> String {
    format!("/api/v1/orders/{order}")
}

/// Asks for an order until the state has reached `after`, for `limits.taken_in` at most: then the answer is `Behind`.
async fn order_after(
    edge: &Edge,
    order: OrderId,
    after: Option<CommandOffset>,
) -> Result<Answer<Option<KnownOrder>>, Problem> {
    let deadline = Instant::now() + edge.limits.taken_in;
    let mut pause = FIRST_PAUSE;
    loop {
        let orders = edge.orders.clone();
        let answer = edge.query(move || orders.order(order, after)).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        if answer != Answer::Behind || left.is_zero() {
            return Ok(answer);
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Why there is no such order, if the order role has refused it lately.
async fn refusal_of(edge: &Edge, order: OrderId) -> Result<Option<RefusedOrder>, Problem> {
    let orders = edge.orders.clone();
    match edge.query(move || orders.refusal(order)).await? {
        Answer::Here(refusal) => Ok(refusal),
        Answer::Behind | Answer::Elsewhere { .. } => Ok(None),
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        if !error.retriable {
            return Problem::internal(&error);
        }
        tracing::warn!(%error, "a query failed and may be tried again");
        Problem::unavailable("the state cannot be read just now")
    }
}
