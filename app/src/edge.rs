//! The edge over the roles of this process: their stores answer, their commands' topic takes.

use crate::error::AppError;
use crate::payments::Payments;
use crate::webhooks::ProviderWebhooks;
use comanda_edge::{
    EdgeHandle, EdgeOptions, EdgeParts, EdgeService, Health, KafkaCommands, KnownOrder, Limits, OrdersInStore, Owner,
    PaymentWebhooks, PopularItemsInStore, REQUEST_SECONDS, REQUEST_SECONDS_BUCKETS, describe_metrics,
};
use comanda_processors::order::{self, OrderState, RefusedOrder};
use comanda_processors::{TopicSerdes, analytics};
use comanda_schemas::OrderId;
use comanda_streams::broker::Broker;
use comanda_streams::{Clock, KafkaStreams, KafkaStreamsState, QueryableStore, StreamsError, TaskId};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::Arc;

/// Processors of this process by application id.
pub type Running = Vec<(&'static str, Arc<KafkaStreams>)>;

/// Starts the edge over the roles that run here.
pub fn start(
    port: u16,
    running: &Running,
    broker: &Arc<dyn Broker>,
    serdes: &TopicSerdes,
    clock: Arc<dyn Clock>,
    payments: Option<&Payments>,
) -> Result<EdgeHandle, AppError> {
    let failed = |error: &dyn std::fmt::Display| AppError::Edge(error.to_string());
    let metrics = install_metrics().map_err(|error| failed(&error))?;
    let commands = KafkaCommands::start(broker.clone(), serdes.order_commands.clone()).map_err(|e| failed(&e))?;
    let orders = OrdersInStore::new(
        orders(running)?,
        known_order,
        refusals(running)?,
        refused_order,
        owner(role(running, order::APPLICATION_ID)?),
    );
    let statistics = role(running, analytics::APPLICATION_ID)?;
    let (keys, values) = analytics::popular_items_serde();
    let store = statistics
        .store(analytics::POPULAR_ITEMS, partitions_of("order.events"), keys, values)
        .map_err(|error| failed(&error))?;
    let webhooks = payments.map(|payments| webhooks(payments, broker, serdes, &clock)).transpose()?;
    let parts = EdgeParts {
        commands: Arc::new(commands),
        webhooks,
        orders: Arc::new(orders),
        analytics: Arc::new(PopularItemsInStore::new(store, Clone::clone, owner(statistics))),
        health: Arc::new(RolesHealth(running.clone())),
        clock,
        metrics,
        limits: Limits::default(),
    };
    let options = EdgeOptions { port, ..EdgeOptions::default() };
    EdgeService::new(options, parts).and_then(EdgeService::start).map_err(|error| failed(&error))
}

fn webhooks(
    payments: &Payments,
    broker: &Arc<dyn Broker>,
    serdes: &TopicSerdes,
    clock: &Arc<dyn Clock>,
) -> Result<PaymentWebhooks, AppError> {
    let commands = KafkaCommands::start(broker.clone(), serdes.payment_commands.clone());
    let commands = commands.map_err(|error| AppError::Edge(error.to_string()))?;
    let verifier = Arc::new(ProviderWebhooks { providers: payments.providers.clone(), clock: clock.clone() });
    Ok(PaymentWebhooks { verifier, commands: Arc::new(commands) })
}

/// The order role's state, to be queried.
pub fn orders(running: &Running) -> Result<QueryableStore<OrderId, OrderState>, AppError> {
    let (keys, values) = order::orders_serde();
    let streams = role(running, order::APPLICATION_ID)?;
    let found = streams.store(order::ORDERS, partitions_of("order.commands"), keys, values);
    found.map_err(|error| AppError::Role { role: order::APPLICATION_ID, error })
}

fn refusals(running: &Running) -> Result<QueryableStore<OrderId, RefusedOrder>, AppError> {
    let (keys, values) = order::refusals_serde();
    let streams = role(running, order::APPLICATION_ID)?;
    let found = streams.store(order::ORDER_REFUSALS, partitions_of("order.commands"), keys, values);
    found.map_err(|error| AppError::Role { role: order::APPLICATION_ID, error })
}

fn refused_order(refused: &RefusedOrder) -> comanda_edge::RefusedOrder {
    let RefusedOrder { command, reason, detail, .. } = refused.clone();
    comanda_edge::RefusedOrder { command, reason, detail }
}

fn known_order(state: &OrderState) -> KnownOrder {
    KnownOrder { placed_by: state.placed.envelope.event_id, view: order::view(state) }
}

/// Queries go to stores of this process; answering for other instances comes with remote queries.
fn role(running: &Running, name: &'static str) -> Result<Arc<KafkaStreams>, AppError> {
    let found = running.iter().find(|(role, _)| *role == name);
    let missing = || StreamsError::Fatal("must run in the same process as the edge".to_owned());
    found.map(|(_, streams)| streams.clone()).ok_or_else(|| AppError::Role { role: name, error: missing() })
}

fn owner(streams: Arc<KafkaStreams>) -> Owner {
    Arc::new(move |task: TaskId| streams.key_query_metadata(task).active_host)
}

fn partitions_of(topic: &str) -> i32 {
    comanda_schemas::topic(topic).map_or(1, |topic| topic.partitions)
}

fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    let buckets = Matcher::Full(REQUEST_SECONDS.to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(buckets, &REQUEST_SECONDS_BUCKETS)?;
    let handle = builder.install_recorder()?;
    describe_metrics();
    Ok(handle)
}

/// Works as long as the roles do.
struct RolesHealth(Running);

impl RolesHealth {
    fn all(&self, good: impl Fn(KafkaStreamsState) -> bool) -> Result<(), String> {
        let bad = self.0.iter().find(|(_, streams)| !good(streams.state()));
        bad.map_or(Ok(()), |(role, streams)| Err(format!("role {role} is {:?}", streams.state())))
    }
}

impl Health for RolesHealth {
    fn started(&self) -> Result<(), String> {
        self.all(|state| state != KafkaStreamsState::Created)
    }

    /// A rebalance is no reason to send requests elsewhere: what stays here is answered.
    fn ready(&self) -> Result<(), String> {
        self.all(|state| matches!(state, KafkaStreamsState::Running | KafkaStreamsState::Rebalancing))
    }
}
