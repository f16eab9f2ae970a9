//! One order of tonight: what was decided about it beforehand and how far it has come.

use comanda_schemas::{
    CustomerId, DeliveryId, EventId, OrderId, OrderItem, PaymentFailureReason, RestaurantRejectReason,
};

use crate::books::Outcome;
use crate::config::CityConfig;
use crate::fate::{Fate, Realm};
use crate::menu::{Bill, Menu};
use crate::network::Lane;
use crate::place::Place;
use crate::plan::PlannedOrder;

const MINUTE_MS: i64 = 60_000;
/// Customers who change their minds do so within this time.
const REGRET_MS: (i64, i64) = (MINUTE_MS, 25 * MINUTE_MS);

/// A customer's wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cancellation {
    NotAsked,
    /// Sent, not answered: the restaurant keeps the food back. The outcome if it is granted.
    Asked(Outcome),
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kitchen {
    Waiting,
    /// To be begun at a time that is fixed.
    Planned,
    Cooking,
    Ready,
}

#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) customer: CustomerId,
    pub(crate) restaurant: usize,
    pub(crate) home: Place,
    pub(crate) placed_ms: i64,
    pub(crate) promised_ms: i64,
    pub(crate) direct_minutes: f64,
    /// Ordered before the opening, really.
    pub(crate) booked: bool,
    pub(crate) lines: Vec<OrderItem>,
    pub(crate) bill: Bill,

    /// Decided by the seed, whatever the processors do.
    pub(crate) regrets_at_ms: Option<i64>,
    pub(crate) rejection: Option<RestaurantRejectReason>,
    pub(crate) card_trouble: Option<PaymentFailureReason>,
    pub(crate) closed_door: bool,

    pub(crate) placed: bool,
    pub(crate) restaurant_asked: bool,
    pub(crate) confirmed: bool,
    pub(crate) cancellation: Cancellation,
    /// Valid once a cancellation was asked for.
    pub(crate) gives_up_at_ms: i64,
    pub(crate) kitchen: Kitchen,
    pub(crate) ready_ms: Option<i64>,
    /// Courier and delivery, once the courier has taken it on.
    pub(crate) ride: Option<(usize, DeliveryId)>,
    pub(crate) picked_up_ms: Option<i64>,
    pub(crate) outcome: Outcome,
    pub(crate) ended_ms: Option<i64>,
    /// The last event observed of it: the cause of what comes next.
    pub(crate) cause: Option<EventId>,
    pub(crate) lane: Lane,
}

impl Order {
    pub(crate) fn new(config: &CityConfig, number: usize, planned: &PlannedOrder, menu: &Menu) -> Order {
        let mut fate = Fate::of(config.seed, Realm::Order, (number as u64) << 1 | 1);
        let lines = menu.order(&mut fate);
        Order {
            id: planned.id,
            customer: planned.customer,
            restaurant: planned.restaurant,
            home: planned.home,
            placed_ms: planned.placed_ms,
            promised_ms: planned.promised_ms,
            direct_minutes: planned.direct_minutes,
            booked: planned.booked,
            bill: Bill::of(&lines, planned.direct_minutes, &mut fate),
            lines,
            regrets_at_ms: fate
                .chance(config.regretted_share)
                .then(|| planned.placed_ms + fate.between_ms(REGRET_MS.0, REGRET_MS.1)),
            rejection: fate.chance(config.rejected_share).then(|| rejection(&mut fate)),
            card_trouble: fate.chance(config.declined_share).then(|| card_trouble(&mut fate)),
            closed_door: fate.chance(config.undeliverable_share),
            placed: false,
            restaurant_asked: false,
            confirmed: false,
            cancellation: Cancellation::NotAsked,
            gives_up_at_ms: 0,
            kitchen: Kitchen::Waiting,
            ready_ms: None,
            ride: None,
            picked_up_ms: None,
            outcome: Outcome::Open,
            ended_ms: None,
            cause: None,
            lane: Lane::default(),
        }
    }

    pub(crate) fn ended(&self) -> bool {
        self.outcome != Outcome::Open
    }

    /// Whether the restaurant may hand it to a courier.
    pub(crate) fn may_leave(&self) -> bool {
        self.kitchen == Kitchen::Ready && !matches!(self.cancellation, Cancellation::Asked(_))
    }
}

fn rejection(fate: &mut Fate) -> RestaurantRejectReason {
    let reasons =
        [RestaurantRejectReason::TooBusy, RestaurantRejectReason::ItemUnavailable, RestaurantRejectReason::Closed];
    reasons[fate.below(reasons.len())]
}

fn card_trouble(fate: &mut Fate) -> PaymentFailureReason {
    let reasons = [
        PaymentFailureReason::InsufficientFunds,
        PaymentFailureReason::CardDeclined,
        PaymentFailureReason::ExpiredCard,
    ];
    reasons[fate.below(reasons.len())]
}
