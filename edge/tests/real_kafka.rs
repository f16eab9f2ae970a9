//! The edge before the order role on a real broker: accepted orders, own writes, and an outage in between.

#![allow(clippy::unwrap_used)]

use comanda_edge::{
    Analytics, Answer, EdgeHandle, EdgeOptions, EdgeParts, EdgeService, Health, KafkaCommands, KnownOrder, Limits,
    OrdersInStore, QueryError, RefusedOrder,
};
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_processors::{TopicSerdes, order};
use comanda_registry::{MemoryRegistry, SchemaRegistry, avro_serde};
use comanda_schemas::{
    CatalogItem, Cop, CorrelationId, Envelope, Event, EventId, EventTime, Message, PopularItems, RestaurantCatalog,
    RestaurantId, topic, topics,
};
use comanda_servers::{Kind, OwnServer};
use comanda_streams::broker::{Broker, Headers, NewTopic};
use comanda_streams::{KafkaStreams, Serde, StreamsConfig, SystemClock};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn serdes() -> TopicSerdes {
    fn of<M: Message>(registry: &Arc<dyn SchemaRegistry>) -> Serde<M> {
        avro_serde(registry).unwrap()
    }
    let registry: Arc<dyn SchemaRegistry> = Arc::new(MemoryRegistry::default());
    TopicSerdes {
        order_commands: of(&registry),
        order_events: of(&registry),
        order_views: of(&registry),
        payment_commands: of(&registry),
        payment_events: of(&registry),
        payment_ledger: of(&registry),
        payment_method_commands: of(&registry),
        payment_methods: of(&registry),
        delivery_commands: of(&registry),
        delivery_events: of(&registry),
        driver_pings: of(&registry),
        drivers: of(&registry),
        restaurant_catalog: of(&registry),
        eta: of(&registry),
        popular_items: of(&registry),
        delivery_metrics: of(&registry),
    }
}

fn create_topics(broker: &dyn Broker) {
    let all: Vec<NewTopic> = topics()
        .iter()
        .map(|topic| NewTopic {
            name: topic.name.clone(),
            partitions: topic.partitions,
            replication: 1,
            configs: topic.configs(),
        })
        .collect();
    broker.admin().unwrap().create_topics(&all).unwrap();
}

/// What the README's order is ordered from, open around the clock.
fn write_catalog(broker: &dyn Broker, serde: &Serde<RestaurantCatalog>) {
    let order = order_body();
    let item = &order["items"][0];
    let restaurant_id: RestaurantId = serde_json::from_value(order["restaurant_id"].clone()).unwrap();
    let catalog = RestaurantCatalog {
        envelope: Envelope::first(EventId(restaurant_id.0), EventTime(0), CorrelationId(restaurant_id.0), "test"),
        restaurant_id,
        name: "Fogón".to_owned(),
        zone: "chapinero".to_owned(),
        cell: "8966e42d20bffff".to_owned(),
        lat: 4.65,
        lon: -74.06,
        open: true,
        opens_minute: 0,
        closes_minute: 24 * 60,
        items: vec![CatalogItem {
            item_id: serde_json::from_value(item["item_id"].clone()).unwrap(),
            name: "Ajiaco".to_owned(),
            price_centavos: Cop(2_890_000),
            available: true,
            option_groups: vec![],
        }],
        tax_basis_points: 0,
        delivery_range_m: None,
    };
    let (mut producer, mut value) = (broker.producer(None).unwrap(), vec![]);
    serde.serialize(RestaurantCatalog::TOPIC, &catalog, &mut value).unwrap();
    let (topic, key) = (producer.topic(RestaurantCatalog::TOPIC).unwrap(), restaurant_id.to_string());
    producer.send(topic, None, 0, Some(key.as_bytes()), Some(&value), &Headers::EMPTY).unwrap();
    producer.flush().unwrap();
}

fn order_role(broker: &Arc<dyn Broker>, serdes: &TopicSerdes, state: &Path) -> Arc<KafkaStreams> {
    let config = StreamsConfig::new(order::APPLICATION_ID, state);
    let mut streams = KafkaStreams::new(order::topology(serdes).unwrap(), config, broker.clone()).unwrap();
    streams.start().unwrap();
    assert!(streams.wait_until_running(Duration::from_secs(60)), "{:?}", streams.error());
    Arc::new(streams)
}

/// Stands for what this test does not ask.
struct NothingElse;

impl Analytics for NothingElse {
    fn popular_items(&self, _: &str) -> Result<Answer<Option<PopularItems>>, QueryError> {
        Ok(Answer::Here(None))
    }
}

impl Health for NothingElse {
    fn started(&self) -> Result<(), String> {
        Ok(())
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }
}

fn edge(broker: &Arc<dyn Broker>, serdes: &TopicSerdes, streams: &Arc<KafkaStreams>) -> EdgeHandle {
    let (keys, values) = order::orders_serde();
    let partitions = topic("order.commands").unwrap().partitions;
    let store = streams.store(order::ORDERS, partitions, keys, values).unwrap();
    let read =
        |state: &order::OrderState| KnownOrder { placed_by: state.placed.envelope.event_id, view: order::view(state) };
    let (keys, values) = order::refusals_serde();
    let refusals = streams.store(order::ORDER_REFUSALS, partitions, keys, values).unwrap();
    let refused = |refused: &order::RefusedOrder| RefusedOrder {
        command: refused.command,
        reason: refused.reason,
        detail: refused.detail.clone(),
    };
    let owner = {
        let streams = streams.clone();
        Arc::new(move |task| streams.key_query_metadata(task).active_host)
    };
    let parts = EdgeParts {
        commands: Arc::new(KafkaCommands::start(broker.clone(), serdes.order_commands.clone()).unwrap()),
        webhooks: None,
        orders: Arc::new(OrdersInStore::new(store, read, refusals, refused, owner)),
        analytics: Arc::new(NothingElse),
        health: Arc::new(NothingElse),
        clock: Arc::new(SystemClock),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        limits: Limits { acknowledged: Duration::from_secs(2), ..Limits::default() },
    };
    EdgeService::new(EdgeOptions { port: 0, ..EdgeOptions::default() }, parts).unwrap().start().unwrap()
}

/// A client over a socket.
struct Client {
    agent: ureq::Agent,
    base: String,
}

/// Status, `Location` and body.
type Reply = (u16, Option<String>, Value);

impl Client {
    fn of(edge: &EdgeHandle) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self { agent: config.into(), base: format!("http://{}", edge.address()) }
    }

    fn post(&self, key: &str, body: &Value) -> Reply {
        let url = format!("{}/api/v1/orders", self.base);
        reply(self.agent.post(url).header("Idempotency-Key", key).send_json(body).unwrap())
    }

    fn get(&self, path: &str) -> Reply {
        reply(self.agent.get(format!("{}{path}", self.base)).call().unwrap())
    }

    /// Posts until the answer is no 503.
    fn post_until_taken(&self, key: &str, body: &Value) -> Reply {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let reply = self.post(key, body);
            if reply.0 != 503 || Instant::now() > deadline {
                return reply;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Follows a location until there is an answer other than 503.
    fn follow(&self, location: &str) -> Reply {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let reply = self.get(location);
            if reply.0 != 503 || Instant::now() > deadline {
                return reply;
            }
        }
    }
}

fn reply(mut response: ureq::http::Response<ureq::Body>) -> Reply {
    let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
    let body = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
    (response.status().as_u16(), location, body)
}

/// The README's order.
fn order_body() -> Value {
    let (_, example) = include_str!("../README.md").split_once("-d '").unwrap();
    serde_json::from_str(example.split_once('\'').unwrap().0).unwrap()
}

#[test]
fn orders_are_accepted_once_each_and_read_back_over_an_outage_of_kafka() {
    let server = OwnServer::start(Kind::Kafka);
    let broker: Arc<dyn Broker> = Arc::new(KafkaBroker::new(KafkaSettings::new(server.address())).unwrap());
    create_topics(&*broker);
    let (serdes, state) = (serdes(), tempfile::tempdir().unwrap());
    write_catalog(&*broker, &serdes.restaurant_catalog);
    let streams = order_role(&broker, &serdes, state.path());
    let edge = edge(&broker, &serdes, &streams);
    let client = Client::of(&edge);
    let mut other = order_body();
    other["items"][0]["quantity"] = 3.into();

    let (status, location, order) = client.post("cart-1", &order_body());
    assert!(status == 201 || status == 202, "{order}");
    let (status, _, shown) = client.follow(&location.unwrap());
    assert_eq!((status, &shown["status"], &shown["total_centavos"]), (200, &"pending".into(), &6_370_000.into()));
    let (status, _, again) = client.post("cart-1", &order_body());
    assert_eq!((status, &again["order_id"], &again["times"]), (201, &shown["order_id"], &shown["times"]));
    assert_eq!(client.post("cart-1", &other).0, 409);
    other["items"][0]["unit_price_centavos"] = 1.into();
    let (status, _, problem) = client.post("cart-0", &other);
    assert_eq!((status, &problem["reason"]), (422, &"TOTAL_NOT_AS_EXPECTED".into()), "{problem}");

    // Between two commits of the role: a sole broker skips the markers that it owed when it crashed (ADR 7).
    std::thread::sleep(Duration::from_secs(2));
    server.kill();
    let (status, _, problem) = client.post("cart-2", &order_body());
    assert_eq!(status, 503, "{problem}");
    assert_eq!(client.get(problem["instance"].as_str().unwrap()).0, 404, "state answers without Kafka");
    server.start_again();
    let (status, location, order) = client.post_until_taken("cart-2", &order_body());
    assert!(status == 201 || status == 202, "{order}");
    let location = location.unwrap();
    assert_eq!(
        location.split('?').next(),
        problem["instance"].as_str(),
        "the same order, whatever came of the first try"
    );
    let (status, _, shown) = client.follow(&location);
    assert_eq!((status, &shown["status"]), (200, &"pending".into()), "{shown}");

    edge.stop().unwrap();
    drop(streams);
}
