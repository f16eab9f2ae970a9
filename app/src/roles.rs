//! The stream-processing roles: each is one application id with its topology and state.

use crate::error::AppError;
use crate::payments::Payments;
use clap::ValueEnum;
use comanda_processors::{TopicSerdes, analytics, delivery, order, payment};
use comanda_providers::PaymentClient;
use comanda_registry::{RegistryError, SchemaRegistry, avro_serde};
use comanda_streams::broker::Broker;
use comanda_streams::{Clock, KafkaStreams, StreamsConfig, StreamsError, Topology};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Pauses between attempts to reach the registry at the start: doubled from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What an instance can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The order life cycle and its views.
    Order,
    /// Payments: providers, customers' methods, the ledger.
    Payment,
    /// Dispatch and deliveries.
    Delivery,
    /// ETAs, popular items, delivery metrics.
    Analytics,
    /// Topics to ClickHouse.
    Sink,
    /// HTTP.
    Edge,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 6] = [Role::Order, Role::Payment, Role::Delivery, Role::Analytics, Role::Sink, Role::Edge];
}

/// A role that runs on the engine.
pub struct Processor {
    /// Application id.
    pub name: &'static str,
    /// Topics that its group reads; global tables have no group.
    pub reads: &'static [&'static str],
    topology: fn(&Drawing<'_>) -> Result<Topology, StreamsError>,
}

/// What topologies are drawn with.
struct Drawing<'a> {
    serdes: &'a TopicSerdes,
    payments: Option<&'a Payments>,
}

/// What processors are started with.
pub struct Surroundings<'a> {
    /// Kafka.
    pub broker: &'a Arc<dyn Broker>,
    /// Of all topics.
    pub serdes: &'a TopicSerdes,
    /// Where state is kept.
    pub state_dir: &'a Path,
    /// Where this instance answers queries, or empty.
    pub address: &'a str,
    /// The processors' time.
    pub clock: &'a Arc<dyn Clock>,
    /// The payment role needs them.
    pub payments: Option<&'a Payments>,
}

/// The processor behind a role, if it is one.
pub fn processor(role: Role) -> Option<Processor> {
    match role {
        Role::Order => Some(Processor {
            name: order::APPLICATION_ID,
            reads: &["order.commands", "payment.events", "delivery.events", "analytics.eta"],
            topology: |drawing| order::topology(drawing.serdes),
        }),
        Role::Payment => Some(Processor {
            name: payment::APPLICATION_ID,
            reads: &["payment.commands", "payment.method-commands"],
            topology: payment_topology,
        }),
        Role::Delivery => Some(Processor {
            name: delivery::APPLICATION_ID,
            reads: &["delivery.commands", "delivery.driver-pings", "delivery.drivers"],
            topology: |drawing| delivery::topology(drawing.serdes),
        }),
        Role::Analytics => Some(Processor {
            name: analytics::APPLICATION_ID,
            reads: &["order.events", "delivery.events", "delivery.drivers"],
            topology: |drawing| analytics::topology(drawing.serdes),
        }),
        Role::Sink | Role::Edge => None,
    }
}

impl Processor {
    /// Starts it.
    pub fn start(&self, around: &Surroundings<'_>) -> Result<KafkaStreams, AppError> {
        let failed = |error| AppError::Role { role: self.name, error };
        let drawing = Drawing { serdes: around.serdes, payments: around.payments };
        let topology = (self.topology)(&drawing).map_err(failed)?;
        let application_server = around.address.to_owned();
        let config = StreamsConfig { application_server, ..StreamsConfig::new(self.name, around.state_dir) };
        let streams = KafkaStreams::new(topology, config, around.broker.clone()).map_err(failed)?;
        let mut streams = streams.with_clock(around.clock.clone());
        if let Some(payments) = around.payments.filter(|_| self.name == payment::APPLICATION_ID) {
            let client = PaymentClient::new(&payments.providers, around.clock);
            let client = client.map_err(|error| AppError::Payments(error.to_string()))?;
            streams.set_async_client(payment::PROVIDERS, Arc::new(client));
        }
        streams.start().map_err(failed)?;
        Ok(streams)
    }
}

fn payment_topology(drawing: &Drawing<'_>) -> Result<Topology, StreamsError> {
    let lacking = || StreamsError::Topology("no payment provider is configured".to_owned());
    payment::topology(drawing.serdes, &drawing.payments.ok_or_else(lacking)?.rules)
}

/// Serdes of all topics, over one registry; waits for a registry that does not answer, as long as `goes_on` says so.
pub fn await_topic_serdes(
    registry: &Arc<dyn SchemaRegistry>,
    goes_on: impl Fn() -> bool,
) -> Result<TopicSerdes, RegistryError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match topic_serdes(registry) {
            Err(error @ RegistryError::Unavailable { .. }) if goes_on() => {
                tracing::warn!(%error, again_in_s = pause.as_secs_f64(), "the roles wait for the schema registry");
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            done => return done,
        }
    }
}

/// Serdes of all topics, over one registry.
fn topic_serdes(registry: &Arc<dyn SchemaRegistry>) -> Result<TopicSerdes, RegistryError> {
    Ok(TopicSerdes {
        order_commands: avro_serde(registry)?,
        order_events: avro_serde(registry)?,
        order_views: avro_serde(registry)?,
        payment_commands: avro_serde(registry)?,
        payment_events: avro_serde(registry)?,
        payment_ledger: avro_serde(registry)?,
        payment_method_commands: avro_serde(registry)?,
        payment_methods: avro_serde(registry)?,
        delivery_commands: avro_serde(registry)?,
        delivery_events: avro_serde(registry)?,
        driver_pings: avro_serde(registry)?,
        drivers: avro_serde(registry)?,
        restaurant_catalog: avro_serde(registry)?,
        eta: avro_serde(registry)?,
        popular_items: avro_serde(registry)?,
        delivery_metrics: avro_serde(registry)?,
    })
}
