//! Ends of orders, and dice for streams of them.

use comanda_schemas::*;
use uuid::Uuid;

/// Start of the test evening, milliseconds since 1970: a whole hour.
pub const EVENING_MS: i64 = 1_795_212_000_000;

pub fn at(minute: f64) -> EventTime {
    EventTime(EVENING_MS + (minute * 60_000.0) as i64)
}

pub fn order_id(n: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x0001_0000 + n))
}

pub fn item_id(n: u128) -> ItemId {
    ItemId(Uuid::from_u128(0x0007_0000 + n))
}

pub fn restaurant(n: u128) -> RestaurantId {
    RestaurantId(Uuid::from_u128(0x0004_0000 + n))
}

pub fn envelope(order: u128, what: &str, at: EventTime) -> Envelope {
    let event_id = EventId(Uuid::new_v5(&order_id(order).0, what.as_bytes()));
    Envelope::first(event_id, at, order_id(order), "test")
}

/// Order `n` of `zone`, delivered `at` this minute, placed half an hour before; lines are (item, quantity).
pub fn delivered(n: u128, zone: &str, minute: f64, lines: &[(u128, i32)]) -> OrderDelivered {
    let line = |&(item, quantity): &(u128, i32)| OrderItem {
        item_id: item_id(item),
        name: format!("dish {item}"),
        quantity,
        unit_price_centavos: Cop(1_500_000),
        options: vec![],
    };
    OrderDelivered {
        envelope: envelope(n, "delivered", at(minute)),
        order_id: order_id(n),
        customer_id: CustomerId(Uuid::from_u128(0x0002_0000 + n)),
        restaurant_id: restaurant(1),
        zone: zone.to_owned(),
        driver_id: DriverId(Uuid::from_u128(0x0005_0001)),
        items: lines.iter().map(line).collect(),
        total_centavos: Cop(1_500_000),
        placed_at: at(minute - 30.0),
        promised_at: None,
    }
}

pub fn cancelled(n: u128, zone: &str, minute: f64) -> OrderCancelled {
    OrderCancelled {
        envelope: envelope(n, "cancelled", at(minute)),
        order_id: order_id(n),
        customer_id: CustomerId(Uuid::from_u128(0x0002_0000 + n)),
        restaurant_id: restaurant(1),
        zone: zone.to_owned(),
        reason: CancelReason::CustomerRequest,
        cancelled_in: OrderStatus::Pending,
    }
}

/// Numbers from a seed (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}
