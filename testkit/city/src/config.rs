//! What one chooses of an evening.

/// 17:00 in Bogotá on a Friday in November 2026, milliseconds since 1970.
pub const DEFAULT_STARTS_AT_MS: i64 = 1_795_212_000_000;

/// An evening's parameters. Shares lie between 0 and 1; all else follows from the seed.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CityConfig {
    /// Same seed and same observations: same evening.
    pub seed: u64,
    /// Orders placed (a replayed evening has its own number).
    pub orders: u32,
    /// Restaurants that exist (a replayed evening has its own).
    pub restaurants: u32,
    /// Dispatch zones, bands from south to north (`zone-1`, `zone-2`, …), each a set of H3 cells.
    pub zones: u32,
    /// The opening, 17:00: milliseconds since 1970. Records carry event times after it, so choose a day that the
    /// topics' retention still holds.
    pub starts_at_ms: i64,
    /// Shortest and longest time between two pings of a courier.
    pub ping_every_ms: (i64, i64),
    /// Whether the city plays the payment provider, too. If not, the payment role asks providers of its own, who learn
    /// from [`City::payment_methods`](crate::City::payment_methods) whose card is to be declined.
    pub plays_provider: bool,
    /// Share of the payments that the provider declines.
    pub declined_share: f64,
    /// Share of the orders whose customer changes his mind.
    pub regretted_share: f64,
    /// Share of the orders that the restaurant refuses.
    pub rejected_share: f64,
    /// Share of the assignments that the courier gives back.
    pub declined_ride_share: f64,
    /// Share of the rides that end before a closed door: reported as failed.
    pub undeliverable_share: f64,
    /// How long a customer waits for the confirmation before cancelling.
    pub confirmation_patience_ms: i64,
    /// How long after the promise a customer waits for the food to leave the restaurant before cancelling.
    pub delivery_patience_ms: i64,
    /// How long a customer waits for the answer to a cancellation; after that the order is over for the city.
    pub answer_patience_ms: i64,
    /// Share of the records that reach Kafka late.
    pub late_share: f64,
    /// Share of the records that are sent twice.
    pub duplicate_share: f64,
    /// Bad records of each kind and topic, see [`FaultKind`](crate::FaultKind).
    pub faults_per_kind: u32,
}

impl Default for CityConfig {
    fn default() -> Self {
        CityConfig {
            seed: 1,
            orders: 600,
            restaurants: crate::calibration::RESTAURANTS,
            zones: 3,
            starts_at_ms: DEFAULT_STARTS_AT_MS,
            ping_every_ms: (5_000, 15_000),
            plays_provider: true,
            declined_share: 0.03,
            regretted_share: 0.03,
            rejected_share: 0.015,
            declined_ride_share: 0.03,
            undeliverable_share: 0.005,
            confirmation_patience_ms: 20 * 60_000,
            delivery_patience_ms: 75 * 60_000,
            answer_patience_ms: 15 * 60_000,
            late_share: 0.02,
            duplicate_share: 0.01,
            faults_per_kind: 2,
        }
    }
}
