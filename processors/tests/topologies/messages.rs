//! What people, restaurants, couriers and the provider say about order number `n`; times in seconds of the evening.

use comanda_schemas::*;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Start of the test evening, milliseconds since 1970: a whole hour.
pub const EVENING_MS: i64 = 1_795_212_000_000;
/// Seconds after the evening's start when all of a test is over.
pub const LONG_AFTER_S: i64 = 100 * 24 * 3_600;
pub const PRICE: Cop = Cop(4_150_000);

pub fn at(second: i64) -> EventTime {
    EventTime(EVENING_MS + second * 1_000)
}

pub fn order_id(n: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x0001_0000 + n))
}

pub fn delivery_id(n: u128) -> DeliveryId {
    DeliveryId(Uuid::new_v5(&order_id(n).0, b"delivery"))
}

pub fn payment_id(n: u128) -> PaymentId {
    PaymentId(Uuid::new_v5(&order_id(n).0, b"payment"))
}

pub fn restaurant() -> RestaurantId {
    RestaurantId(Uuid::from_u128(0x0004_0001))
}

pub fn driver(n: u128) -> DriverId {
    DriverId(Uuid::from_u128(0x0005_0000 + n))
}

/// The H3 cell of a place so many metres east of the restaurant.
pub fn cell(metres_east: f64) -> String {
    let (lat, lon) = place(metres_east);
    h3o::LatLng::new(lat, lon).unwrap().to_cell(h3o::Resolution::Nine).to_string()
}

pub fn place(metres_east: f64) -> (f64, f64) {
    (4.65, -74.06 + metres_east / 110_900.0)
}

/// An envelope with an identity of its own.
pub fn envelope(order: u128, second: i64) -> Envelope {
    Envelope::first(new_event_id(), at(second), order_id(order), "test")
}

pub fn new_event_id() -> EventId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    EventId(Uuid::from_u128(0xEEEE_0000_0000 + u128::from(NEXT.fetch_add(1, Ordering::Relaxed))))
}

pub fn item_id(number: u128) -> ItemId {
    ItemId(Uuid::from_u128(0x0007_0000 + number))
}

/// The menu behind [`place_order`]: two dishes, 8 % tax, open from noon to midnight, brings 5 km far.
pub fn catalog() -> RestaurantCatalog {
    let item = |number: u128, price| CatalogItem {
        item_id: item_id(number),
        name: format!("dish {number}"),
        price_centavos: Cop(price),
        available: true,
        option_groups: vec![],
    };
    let (lat, lon) = place(0.0);
    RestaurantCatalog {
        envelope: Envelope::first(new_event_id(), at(-3_600), CorrelationId(restaurant().0), "test"),
        restaurant_id: restaurant(),
        name: "Fogón".to_owned(),
        zone: "zone-1".to_owned(),
        cell: cell(0.0),
        lat,
        lon,
        open: true,
        opens_minute: 12 * 60,
        closes_minute: 24 * 60,
        items: vec![item(1, 1_500_000), item(2, 500_000)],
        tax_basis_points: 800,
        delivery_range_m: Some(5_000),
    }
}

pub fn place_order(n: u128, second: i64) -> PlaceOrder {
    let item = |number: u128, quantity, price| OrderItem {
        item_id: item_id(number),
        name: format!("dish {number}"),
        quantity,
        unit_price_centavos: Cop(price),
        options: vec![],
    };
    PlaceOrder {
        envelope: envelope(n, second),
        order_id: order_id(n),
        customer_id: CustomerId(Uuid::from_u128(0x0002_0000 + n)),
        restaurant_id: restaurant(),
        zone: "zone-1".to_owned(),
        restaurant_cell: cell(0.0),
        customer_cell: cell(2_000.0),
        items: vec![item(1, 2, 1_500_000), item(2, 1, 500_000)],
        subtotal_centavos: Cop(3_500_000),
        delivery_fee_centavos: Cop(470_000),
        tax_centavos: Cop(280_000),
        discount_centavos: Cop(100_000),
        total_centavos: PRICE,
        payment_method_id: PaymentMethodId(Uuid::from_u128(0x0008_0000 + n)),
        delivery_address: Sealed { key_id: "customer-key".to_owned(), bytes: vec![0, 255, 7].into() },
        placed_at: at(second),
        scheduled_for: None,
        promised_at: Some(at(second + 2_400)),
    }
}

pub fn accept(n: u128, second: i64) -> AcceptOrder {
    AcceptOrder {
        envelope: envelope(n, second),
        order_id: order_id(n),
        restaurant_id: restaurant(),
        estimated_ready_at: Some(at(second + 1_200)),
    }
}

pub fn reject(n: u128, second: i64) -> RejectOrder {
    RejectOrder {
        envelope: envelope(n, second),
        order_id: order_id(n),
        restaurant_id: restaurant(),
        reason: RestaurantRejectReason::TooBusy,
    }
}

pub fn start_preparing(n: u128, second: i64) -> StartPreparing {
    StartPreparing { envelope: envelope(n, second), order_id: order_id(n), restaurant_id: restaurant() }
}

pub fn mark_ready(n: u128, second: i64) -> MarkReady {
    MarkReady { envelope: envelope(n, second), order_id: order_id(n), restaurant_id: restaurant() }
}

pub fn cancel(n: u128, second: i64, requested_by: CancelledBy) -> CancelOrder {
    CancelOrder {
        envelope: envelope(n, second),
        order_id: order_id(n),
        requested_by,
        customer_id: None,
        restaurant_id: None,
    }
}

pub fn authorized(n: u128, second: i64) -> PaymentAuthorized {
    PaymentAuthorized {
        envelope: envelope(n, second),
        order_id: order_id(n),
        payment_id: payment_id(n),
        amount_centavos: PRICE,
        attempt: 1,
        provider_reference: "a".to_owned(),
    }
}

pub fn captured(n: u128, second: i64) -> PaymentCaptured {
    PaymentCaptured {
        envelope: envelope(n, second),
        order_id: order_id(n),
        payment_id: payment_id(n),
        amount_centavos: PRICE,
        attempt: 1,
        provider_reference: "c".to_owned(),
    }
}

pub fn voided(n: u128, second: i64) -> PaymentVoided {
    PaymentVoided {
        envelope: envelope(n, second),
        order_id: order_id(n),
        payment_id: payment_id(n),
        attempt: 1,
        provider_reference: "v".to_owned(),
    }
}

pub fn refunded(n: u128, second: i64) -> PaymentRefunded {
    PaymentRefunded {
        envelope: envelope(n, second),
        order_id: order_id(n),
        payment_id: payment_id(n),
        amount_centavos: PRICE,
        attempt: 1,
        provider_reference: "r".to_owned(),
    }
}

pub fn payment_failed(n: u128, second: i64, operation: PaymentOperation, attempt: i32) -> PaymentFailed {
    PaymentFailed {
        envelope: envelope(n, second),
        order_id: order_id(n),
        payment_id: payment_id(n),
        operation,
        amount_centavos: PRICE,
        attempt,
        reason: PaymentFailureReason::ProviderUnavailable,
        provider_reference: None,
    }
}

pub fn assigned(n: u128, second: i64) -> DeliveryAssigned {
    DeliveryAssigned {
        envelope: envelope(n, second),
        order_id: order_id(n),
        delivery_id: delivery_id(n),
        driver_id: driver(1),
        restaurant_id: restaurant(),
        zone: "zone-1".to_owned(),
        restaurant_cell: cell(0.0),
        customer_cell: cell(2_000.0),
        attempt: 1,
        driver_distance_m: 300.0,
    }
}

pub fn declined(n: u128, second: i64) -> DeliveryDeclined {
    DeliveryDeclined {
        envelope: envelope(n, second),
        order_id: order_id(n),
        delivery_id: delivery_id(n),
        driver_id: driver(1),
        restaurant_id: restaurant(),
        zone: "zone-1".to_owned(),
        attempt: 1,
        reason: DeclineReason::TooFar,
    }
}

pub fn picked_up(n: u128, second: i64) -> DeliveryPickedUp {
    DeliveryPickedUp {
        envelope: envelope(n, second),
        order_id: order_id(n),
        delivery_id: delivery_id(n),
        driver_id: driver(1),
        restaurant_id: restaurant(),
        zone: "zone-1".to_owned(),
    }
}

pub fn delivered(n: u128, second: i64) -> DeliveryDelivered {
    DeliveryDelivered {
        envelope: envelope(n, second),
        order_id: order_id(n),
        delivery_id: delivery_id(n),
        driver_id: driver(1),
        restaurant_id: restaurant(),
        zone: "zone-1".to_owned(),
        restaurant_cell: cell(0.0),
        customer_cell: cell(2_000.0),
        requested_at: at(second - 1_800),
        assigned_at: at(second - 1_200),
        picked_up_at: at(second - 600),
    }
}

pub fn delivery_failed(n: u128, second: i64, reason: DeliveryFailureReason, picked_up: bool) -> DeliveryFailed {
    DeliveryFailed {
        envelope: envelope(n, second),
        order_id: order_id(n),
        delivery_id: delivery_id(n),
        driver_id: picked_up.then(|| driver(1)),
        restaurant_id: restaurant(),
        zone: "zone-1".to_owned(),
        reason,
        picked_up,
    }
}

pub fn eta(n: u128, second: i64, p50_second: i64, p90_second: i64) -> EtaPredicted {
    EtaPredicted {
        envelope: envelope(n, second),
        order_id: order_id(n),
        restaurant_id: restaurant(),
        zone: "zone-1".to_owned(),
        stage: OrderStatus::Pending,
        predicted_at: at(second),
        p50_at: at(p50_second),
        p90_at: at(p90_second),
    }
}
