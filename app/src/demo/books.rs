//! What the evening left behind on the city's side.

use comanda_city::Books;

/// The city's books, and how long orders took to be readable.
pub struct SystemBooks {
    /// The city's own account.
    pub city: Books,
    /// From writing an order to reading it in the order role's state, real milliseconds, sorted.
    pub freshness_ms: Vec<f64>,
}
