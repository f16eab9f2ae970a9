//! Drawing up the books.

use std::collections::BTreeMap;

use crate::books::{Books, OrderBook, Outcome};
use crate::city::City;
use crate::faults::FAULTS;
use crate::figures::Sample;
use crate::order::Order;

impl City {
    /// The books as they stand now.
    pub fn books(&self) -> Books {
        let placed = || self.orders.iter().filter(|order| order.placed);
        let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
        placed().for_each(|order| *outcomes.entry(order.outcome).or_default() += 1);
        let count = |outcome| outcomes.get(&outcome).copied().unwrap_or(0);
        let (orders_made, delivered) = (placed().count() as u64, count(Outcome::Delivered));
        let cancelled = orders_made - delivered - count(Outcome::Open);
        let (delivered_items, item_names) = self.items();
        Books {
            seed: self.config.seed,
            orders_made,
            delivered,
            cancelled,
            outcomes,
            money: self.provider.book,
            orders: placed().map(|order| self.order_book(order)).collect(),
            delivered_items,
            item_names,
            topics: self.network.books.iter().map(|(topic, book)| ((*topic).to_owned(), *book)).collect(),
            dead_letters: self.dead_letters(),
            complaints: self.complaints.clone(),
            hidden: self.hidden.clone(),
        }
    }

    fn order_book(&self, order: &Order) -> OrderBook {
        let (restaurant, account) = (&self.restaurants[order.restaurant], self.provider.account(order.id));
        OrderBook {
            order_id: order.id.to_string(),
            restaurant_id: restaurant.id.to_string(),
            zone: self.zones.name(restaurant.zone).to_owned(),
            placed_at_ms: order.placed_ms,
            promised_at_ms: order.promised_ms,
            ready_at_ms: order.ready_ms,
            picked_up_at_ms: order.picked_up_ms,
            ended_at_ms: order.ended_ms,
            outcome: order.outcome,
            pieces: pieces_of(order),
            total_centavos: order.bill.total.0,
            captured_centavos: account.captured,
            refunded_centavos: account.refunded,
        }
    }

    fn items(&self) -> (BTreeMap<String, BTreeMap<String, u64>>, BTreeMap<String, String>) {
        let (mut pieces, mut names) = (BTreeMap::<String, BTreeMap<String, u64>>::new(), BTreeMap::new());
        for order in self.orders.iter().filter(|order| order.outcome == Outcome::Delivered) {
            let zone = self.zones.name(self.restaurants[order.restaurant].zone);
            let of_zone = pieces.entry(zone.to_owned()).or_default();
            for line in &order.lines {
                *of_zone.entry(line.item_id.to_string()).or_default() += u64::from(line.quantity.unsigned_abs());
                names.insert(line.item_id.to_string(), line.name.clone());
            }
        }
        (pieces, names)
    }

    fn dead_letters(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut expected: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for (fault, (topic, kind)) in FAULTS.iter().enumerate() {
            if self.faults_sent[fault] > 0 {
                expected
                    .entry((*topic).to_owned())
                    .or_default()
                    .insert(kind.name().to_owned(), self.faults_sent[fault]);
            }
        }
        expected
    }

    /// The evening's orders as [`Figures`](crate::Figures) want them, those that the restaurant has finished.
    /// Orders booked ahead count as placed before the opening, as in the real evenings. Restaurants are named by
    /// rank, so that evenings of several seeds can be measured together.
    pub fn samples(&self) -> Vec<Sample> {
        let since = |at_ms: i64| at_ms - self.config.starts_at_ms;
        let sample = |order: &Order| {
            Some(Sample {
                placed_ms: if order.booked { -1 } else { since(order.placed_ms) },
                ready_ms: since(order.ready_ms?),
                promised_ms: since(order.promised_ms),
                restaurant: format!("restaurant-{}", order.restaurant),
                direct_travel_minutes: order.direct_minutes,
            })
        };
        self.orders.iter().filter_map(sample).collect()
    }
}

fn pieces_of(order: &Order) -> BTreeMap<String, u64> {
    let mut pieces = BTreeMap::new();
    for line in &order.lines {
        *pieces.entry(line.item_id.to_string()).or_default() += u64::from(line.quantity.unsigned_abs());
    }
    pieces
}
