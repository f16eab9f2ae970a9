//! Test doubles of the edge's ports, and a client that calls the router.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use comanda_edge::{
    Analytics, Answer, AppendError, Appending, CommandOffset, Commands, EdgeParts, Health, KnownOrder, Limits, Orders,
    QueryError, RefusedOrder, app,
};
use comanda_schemas::{
    CommandRejectReason, Cop, DeliveryStatus, Envelope, EventId, EventTime, OrderCommand, OrderId, OrderStatus,
    OrderView, PaymentStatus, PlaceOrder, PopularItems,
};
use comanda_streams::Clock;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;

/// The time of all tests: 2024-03-30T18:19:00Z.
pub const NOW_MS: i64 = 1_711_822_740_000;

/// A town in memory: a command log, and an order role that takes commands in as its mood says.
#[derive(Default)]
pub struct TownDouble {
    state: Mutex<Town>,
}

#[derive(Default)]
struct Town {
    log: Vec<PlaceOrder>,
    taken_in: usize,
    orders: BTreeMap<OrderId, KnownOrder>,
    refusals: BTreeMap<OrderId, RefusedOrder>,
    rankings: BTreeMap<String, PopularItems>,
    mood: Mood,
    looks: usize,
    not_ready: Option<String>,
}

/// How the town behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Mood {
    /// Commands are taken in at the third look.
    #[default]
    Working,
    /// Commands are never taken in.
    Asleep,
    /// Commands are taken in, and dead-lettered.
    Refusing,
    /// Commands are taken in, and refused with a reason.
    SoldOut,
    /// The state is elsewhere.
    Elsewhere(Option<String>),
    /// Queries fail.
    QueriesFail { retriable: bool },
    /// Queries panic.
    QueriesPanic,
    /// Appends fail.
    AppendsFail(AppendError),
    /// Appends never end.
    AppendsHang,
}

impl TownDouble {
    pub fn set(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    pub fn add(&self, known: KnownOrder) {
        self.state.lock().unwrap().orders.insert(known.view.order_id, known);
    }

    pub fn rank(&self, ranking: PopularItems) {
        self.state.lock().unwrap().rankings.insert(ranking.zone.clone(), ranking);
    }

    pub fn break_down(&self, why: &str) {
        self.state.lock().unwrap().not_ready = Some(why.to_owned());
    }

    /// All commands written so far.
    pub fn log(&self) -> Vec<PlaceOrder> {
        self.state.lock().unwrap().log.clone()
    }
}

impl Town {
    /// As the order role: the first `PlaceOrder` of an id makes the order, repetitions and others change nothing.
    fn take_in(&mut self) {
        for place in self.log.drain(self.taken_in..).collect::<Vec<_>>() {
            match self.mood {
                Mood::Refusing => {}
                Mood::SoldOut => {
                    let reason = CommandRejectReason::ItemUnavailable;
                    let detail = "items[0]: is sold out".to_owned();
                    let refused = RefusedOrder { command: place.envelope.event_id, reason, detail };
                    self.refusals.insert(place.order_id, refused);
                }
                _ => {
                    self.orders.entry(place.order_id).or_insert_with(|| known(&place));
                }
            }
            self.log.push(place);
        }
        self.taken_in = self.log.len();
    }

    fn mood<T>(&self) -> Option<Result<Answer<T>, QueryError>> {
        match &self.mood {
            Mood::Elsewhere(owner) => Some(Ok(Answer::Elsewhere { owner: owner.clone() })),
            Mood::QueriesFail { retriable } => {
                Some(Err(QueryError { reason: "disk /dev/sda1 has bad blocks".to_owned(), retriable: *retriable }))
            }
            Mood::QueriesPanic => panic!("the password is rosebud"),
            _ => None,
        }
    }
}

impl Commands<OrderCommand> for TownDouble {
    fn append(&self, command: OrderCommand) -> Appending {
        let mut town = self.state.lock().unwrap();
        match town.mood.clone() {
            Mood::AppendsFail(error) => return Box::pin(async move { Err(error) }),
            Mood::AppendsHang => return Box::pin(std::future::pending()),
            _ => {}
        }
        let OrderCommand::PlaceOrder(place) = command else { panic!("the edge writes no other command") };
        town.log.push(place);
        town.looks = 0;
        let offset = CommandOffset(town.log.len() as i64 - 1);
        Box::pin(async move { Ok(offset) })
    }
}

impl Orders for TownDouble {
    fn order(&self, order: OrderId, after: Option<CommandOffset>) -> Result<Answer<Option<KnownOrder>>, QueryError> {
        let mut town = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(answer) = town.mood() {
            return answer;
        }
        town.looks += 1;
        if town.looks >= 3 && town.mood != Mood::Asleep {
            town.take_in();
        }
        if after.is_some_and(|CommandOffset(offset)| town.taken_in as i64 <= offset) {
            return Ok(Answer::Behind);
        }
        Ok(Answer::Here(town.orders.get(&order).cloned()))
    }

    fn refusal(&self, order: OrderId) -> Result<Answer<Option<RefusedOrder>>, QueryError> {
        Ok(Answer::Here(self.state.lock().unwrap().refusals.get(&order).cloned()))
    }
}

impl Analytics for TownDouble {
    fn popular_items(&self, zone: &str) -> Result<Answer<Option<PopularItems>>, QueryError> {
        let town = self.state.lock().unwrap();
        town.mood().unwrap_or_else(|| Ok(Answer::Here(town.rankings.get(zone).cloned())))
    }
}

impl Health for TownDouble {
    fn started(&self) -> Result<(), String> {
        self.ready()
    }

    fn ready(&self) -> Result<(), String> {
        self.state.lock().unwrap().not_ready.clone().map_or(Ok(()), Err)
    }
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now_ms(&self) -> i64 {
        NOW_MS
    }
}

/// The parts of an edge in front of `town`; waits are short.
pub fn parts(town: &Arc<TownDouble>) -> EdgeParts {
    EdgeParts {
        commands: town.clone(),
        webhooks: None,
        orders: town.clone(),
        analytics: town.clone(),
        health: town.clone(),
        clock: Arc::new(StoppedClock),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        limits: Limits {
            acknowledged: Duration::from_millis(300),
            taken_in: Duration::from_millis(300),
            body: Duration::from_secs(2),
        },
    }
}

/// A client, and the town behind the edge.
pub fn town() -> (Client, Arc<TownDouble>) {
    let town = Arc::<TownDouble>::default();
    (Client(app(parts(&town))), town)
}

/// Calls a router.
#[derive(Clone)]
pub struct Client(pub Router);

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Client {
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Reply { status, headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Posts an order as JSON.
    pub async fn post(&self, body: impl Into<Body>) -> Reply {
        self.send(post_order(body).body_as_is()).await
    }

    pub async fn post_with_key(&self, key: &str, body: &Value) -> Reply {
        self.send(post_order(body.to_string()).header("Idempotency-Key", key)).await
    }
}

/// A request under construction: axum's builder wants its body last.
pub struct Posting(Request<Body>);

pub fn post_order(body: impl Into<Body>) -> Posting {
    let request = Request::post("/api/v1/orders").header("Content-Type", "application/json");
    Posting(request.body(body.into()).unwrap())
}

impl Posting {
    pub fn header(mut self, name: &'static str, value: &str) -> Request<Body> {
        self.0.headers_mut().insert(name, value.parse().unwrap());
        self.0
    }

    fn body_as_is(self) -> Request<Body> {
        self.0
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status, type and content of a problem document, which must be a whole one.
    pub fn problem(&self) -> (u16, String, Value) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        let kind = body["type"].as_str().unwrap().to_owned();
        assert_eq!(body["status"], self.status.as_u16());
        assert!(!body["title"].as_str().unwrap().is_empty() && !body["detail"].as_str().unwrap().is_empty());
        (self.status.as_u16(), kind, body)
    }

    /// `field: reason` of every fault of a 422.
    pub fn faults(&self) -> Vec<String> {
        let (status, kind, body) = self.problem();
        assert_eq!((status, kind.as_str()), (422, "urn:problem-type:comanda:invalid"), "{body}");
        let faults = body["errors"].as_array().unwrap().iter();
        faults
            .map(|fault| format!("{}: {}", fault["field"].as_str().unwrap(), fault["reason"].as_str().unwrap()))
            .collect()
    }
}

/// A good order.
pub fn order_body() -> Value {
    json!({
        "customer_id": "3b1f7c1e-5a0d-4b6e-9a51-0e2f4d8c7a10",
        "restaurant_id": "7c1ad5f2-3d2c-4d62-9a35-5f0fb3b1a001",
        "zone": "chapinero",
        "restaurant_cell": "8966e42d20bffff",
        "customer_cell": "8966e42d287ffff",
        "items": [
            { "item_id": "a2c5a7d4-8f27-4f2b-b0f6-3c1d1f0e9b01", "name": "Ajiaco", "quantity": 2, "unit_price_centavos": 2_890_000, "options": [] },
            { "item_id": "a2c5a7d4-8f27-4f2b-b0f6-3c1d1f0e9b02", "name": "Jugo de lulo", "quantity": 1, "unit_price_centavos": 690_000, "options": [] }
        ],
        "delivery_fee_centavos": 590_000,
        "tax_centavos": 120_000,
        "discount_centavos": 100_000,
        "total_centavos": 7_080_000,
        "payment_method_id": "5d0c7b1a-2e3f-4a5b-8c6d-7e8f9a0b1c2d",
        "delivery_address": { "key_id": "customer-3b1f", "bytes": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" },
        "promised_at": "2024-03-30T19:00:00Z"
    })
}

/// The order that a command makes.
pub fn known(place: &PlaceOrder) -> KnownOrder {
    let place = place.clone();
    let envelope = Envelope::first(EventId(place.order_id.0), place.envelope.occurred_at, place.order_id, "order");
    let view = OrderView {
        envelope,
        order_id: place.order_id,
        version: 1,
        status: OrderStatus::Pending,
        customer_id: place.customer_id,
        restaurant_id: place.restaurant_id,
        zone: place.zone,
        restaurant_cell: place.restaurant_cell,
        customer_cell: place.customer_cell,
        items: place.items,
        subtotal_centavos: place.subtotal_centavos,
        delivery_fee_centavos: place.delivery_fee_centavos,
        tax_centavos: place.tax_centavos,
        discount_centavos: place.discount_centavos,
        total_centavos: place.total_centavos,
        placed_at: place.placed_at,
        scheduled_for: place.scheduled_for,
        promised_at: place.promised_at,
        payment_status: PaymentStatus::Pending,
        payment_action_url: None,
        payment_action_deadline_at: None,
        payment_id: None,
        captured_centavos: Cop::ZERO,
        refunded_centavos: Cop::ZERO,
        delivery_status: DeliveryStatus::NotRequested,
        delivery_id: None,
        driver_id: None,
        eta_p50_at: None,
        eta_p90_at: None::<EventTime>,
        confirmed_at: None,
        preparing_at: None,
        ready_at: None,
        assigned_at: None,
        picked_up_at: None,
        delivered_at: None,
        cancelled_at: None,
        cancel_reason: None,
    };
    KnownOrder { placed_by: place.envelope.event_id, view }
}
