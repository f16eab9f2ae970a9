//! What really happened, as the city knows it: the truth that a summary is compared with.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::hidden::Hidden;

/// How an order ended, in the city's own sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not over yet.
    Open,
    /// The courier has handed it over.
    Delivered,
    /// The customer changed his mind.
    Regretted,
    /// The customer had waited long enough.
    Impatient,
    /// The restaurant refused.
    Rejected,
    /// The provider declined the payment.
    PaymentDeclined,
    /// The courier stood before a closed door.
    Undeliverable,
    /// The processors ended it for a reason of their own (a deadline, no driver).
    BySystem,
    /// The customer gave up and the processors never answered.
    Unanswered,
}

impl Outcome {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Open => "open",
            Outcome::Delivered => "delivered",
            Outcome::Regretted => "regretted by the customer",
            Outcome::Impatient => "given up by the customer",
            Outcome::Rejected => "refused by the restaurant",
            Outcome::PaymentDeclined => "declined by the bank",
            Outcome::Undeliverable => "undeliverable",
            Outcome::BySystem => "ended by the system",
            Outcome::Unanswered => "unanswered",
        }
    }
}

/// One order, in the city's own sight. Times in milliseconds since 1970, money in centavos of COP.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrderBook {
    /// The order.
    pub order_id: String,
    /// Its restaurant.
    pub restaurant_id: String,
    /// The restaurant's zone.
    pub zone: String,
    /// When it was placed.
    pub placed_at_ms: i64,
    /// What was promised.
    pub promised_at_ms: i64,
    /// When the food stood ready.
    pub ready_at_ms: Option<i64>,
    /// When the courier had it.
    pub picked_up_at_ms: Option<i64>,
    /// When it ended, see `outcome`; for a delivered order the moment at the door.
    pub ended_at_ms: Option<i64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was ordered: item → pieces.
    pub pieces: BTreeMap<String, u64>,
    /// What it costs.
    pub total_centavos: i64,
    /// What the provider took.
    pub captured_centavos: i64,
    /// What the provider gave back.
    pub refunded_centavos: i64,
}

/// The payment provider's own account, centavos of COP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MoneyBook {
    /// Reserved, all in all.
    pub authorized_centavos: i64,
    /// Taken, all in all.
    pub captured_centavos: i64,
    /// Given back, all in all.
    pub refunded_centavos: i64,
    /// Reservations let go, all in all.
    pub voided_centavos: i64,
    /// Payments declined.
    pub declined: u64,
}

impl MoneyBook {
    /// What the provider holds: taken less given back.
    pub fn held_centavos(&self) -> i64 {
        self.captured_centavos - self.refunded_centavos
    }
}

/// Records sent to one topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TopicBook {
    /// All of them, with repetitions and bad ones.
    pub sent: u64,
    /// Repetitions among them: the same event, the same `event_id`, sent again.
    pub duplicates: u64,
    /// Records among them that were sent after their event time.
    pub late: u64,
    /// Bad records among them.
    pub faults: u64,
}

/// The city's books.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Books {
    /// The evening's seed.
    pub seed: u64,
    /// Orders placed so far.
    pub orders_made: u64,
    /// Orders handed over.
    pub delivered: u64,
    /// Orders that ended otherwise.
    pub cancelled: u64,
    /// Orders by outcome; the sum is `orders_made`.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// The provider's account.
    pub money: MoneyBook,
    /// Every order placed so far.
    pub orders: Vec<OrderBook>,
    /// Pieces handed over: zone → item → pieces.
    pub delivered_items: BTreeMap<String, BTreeMap<String, u64>>,
    /// Names of the items in `delivered_items`.
    pub item_names: BTreeMap<String, String>,
    /// Records by topic.
    pub topics: BTreeMap<String, TopicBook>,
    /// Bad records by topic and kind. Each **distinct** record must land in `<topic>.dead-letter`, once per
    /// application that reads the topic.
    pub dead_letters: BTreeMap<String, BTreeMap<String, u64>>,
    /// What the processors asked for that cannot be right (capture without authorisation, a courier nobody knows,
    /// cancelled after the hand-over, or for a reason that did not happen): to be empty.
    pub complaints: BTreeMap<String, u64>,
    /// The factors that the processors could only learn.
    pub hidden: Hidden,
}

impl Books {
    /// Orders that have not ended.
    pub fn open(&self) -> u64 {
        self.orders_made - self.delivered - self.cancelled
    }
}
