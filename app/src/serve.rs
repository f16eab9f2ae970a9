//! An instance: the roles that one process runs, started and stopped together.

use crate::cluster;
use crate::config::Addresses;
use crate::edge::{self, Running};
use crate::error::AppError;
use crate::payments::{PaymentSettings, Payments};
use crate::roles::{Role, Surroundings, await_topic_serdes, processor};
use comanda_clickhouse::{Mapping, SinkConfig, SinkHandle, SinkParts, SinkStatus};
use comanda_edge::EdgeHandle;
use comanda_processors::order::OrderState;
use comanda_registry::SchemaRegistry;
use comanda_schemas::OrderId;
use comanda_streams::broker::Broker;
use comanda_streams::{Clock, KafkaStreamsState, QueryableStore, StreamsError, SystemClock};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Group of the sink's instances.
pub const SINK_GROUP: &str = "clickhouse-sink";

/// Running roles.
pub struct Instance {
    processors: Running,
    sink: Option<SinkHandle>,
    edge: Option<EdgeHandle>,
}

/// What an instance is to run, and how.
pub struct Plan<'a> {
    /// Roles.
    pub roles: &'a [Role],
    /// Where state is kept.
    pub state_dir: &'a Path,
    /// Port of the edge, on loopback; other instances are told of it.
    pub edge_port: u16,
    /// The processors' and the edge's time.
    pub clock: Arc<dyn Clock>,
    /// The payment role's providers.
    pub payments: Option<Payments>,
}

/// Runs roles until SIGTERM or SIGINT, then stops them in good order.
pub fn run(addresses: &Addresses, roles: &[Role], state_dir: &Path, edge_port: u16) -> Result<(), AppError> {
    let roles = if roles.is_empty() { &Role::ALL } else { roles };
    let asked_to_stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, asked_to_stop.clone())
            .map_err(|error| AppError::io("cannot listen for signals", error))?;
    }
    let goes_on = || !asked_to_stop.load(Ordering::Relaxed);
    let payments = payments_of(roles)?;
    let plan = Plan { roles, state_dir, edge_port, clock: Arc::new(SystemClock), payments };
    let instance = Instance::start(addresses, plan, goes_on)?;
    while !asked_to_stop.load(Ordering::Relaxed) {
        instance.check()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    instance.stop()
}

/// The providers: the payment role needs them, the edge takes their webhooks where they are configured.
fn payments_of(roles: &[Role]) -> Result<Option<Payments>, AppError> {
    let variable = |name: &str| std::env::var(name).ok();
    let is_wanted = roles.contains(&Role::Edge) && PaymentSettings::is_configured(&variable);
    if !roles.contains(&Role::Payment) && !is_wanted {
        return Ok(None);
    }
    PaymentSettings::from_environment(&variable)?.payments().map(Some)
}

impl Instance {
    /// Starts the roles; waits for the registry as long as `goes_on` says so.
    pub fn start(addresses: &Addresses, plan: Plan<'_>, goes_on: impl Fn() -> bool) -> Result<Self, AppError> {
        let Plan { roles, state_dir, edge_port, clock, payments } = plan;
        let broker: Arc<dyn Broker> = cluster::broker(addresses)?;
        let registry: Arc<dyn SchemaRegistry> = Arc::new(cluster::registry(addresses));
        let serdes = await_topic_serdes(&registry, goes_on)?;
        let address = if roles.contains(&Role::Edge) { format!("127.0.0.1:{edge_port}") } else { String::new() };
        let mut processors: Running = vec![];
        let (payments, address) = (payments.as_ref(), address.as_str());
        let around = Surroundings { broker: &broker, serdes: &serdes, state_dir, address, clock: &clock, payments };
        for processor in roles.iter().filter_map(|role| processor(*role)) {
            processors.push((processor.name, Arc::new(processor.start(&around)?)));
        }
        let sink = roles.contains(&Role::Sink).then(|| start_sink(addresses, &broker, &registry)).transpose()?;
        let edge = roles
            .contains(&Role::Edge)
            .then(|| edge::start(edge_port, &processors, &broker, &serdes, clock.clone(), payments))
            .transpose()?;
        Ok(Self { processors, sink, edge })
    }

    /// Waits until all processors run.
    pub fn wait_until_running(&self, timeout: Duration) -> Result<(), AppError> {
        let deadline = Instant::now() + timeout;
        for (role, streams) in &self.processors {
            if !streams.wait_until_running(deadline.saturating_duration_since(Instant::now())) {
                let reason = streams.error().unwrap_or_else(|| format!("still {:?}", streams.state()));
                return Err(AppError::Role { role, error: StreamsError::Fatal(reason) });
            }
        }
        Ok(())
    }

    /// An error if a role has died.
    pub fn check(&self) -> Result<(), AppError> {
        for (role, streams) in &self.processors {
            if matches!(streams.state(), KafkaStreamsState::Error | KafkaStreamsState::PendingError) {
                let reason = streams.error().unwrap_or_default();
                return Err(AppError::Role { role, error: StreamsError::Fatal(reason) });
            }
        }
        if self.edge.as_ref().is_some_and(EdgeHandle::is_finished) {
            return Err(AppError::Edge("has ended by itself".to_owned()));
        }
        match self.sink.as_ref().map(SinkHandle::status) {
            Some(SinkStatus::Failed(reason)) => {
                Err(AppError::Role { role: "sink", error: StreamsError::Fatal(reason) })
            }
            _ => Ok(()),
        }
    }

    /// The order role's state, to be queried.
    pub fn orders(&self) -> Result<QueryableStore<OrderId, OrderState>, AppError> {
        edge::orders(&self.processors)
    }

    /// Stops all roles in good order.
    pub fn stop(self) -> Result<(), AppError> {
        if let Some(edge) = self.edge {
            edge.stop().map_err(|error| AppError::Edge(error.to_string()))?;
        }
        // The last holder stops it: the edge's queries have ended.
        drop(self.processors);
        self.sink.map_or(Ok(()), |sink| Ok(sink.stop()?))
    }
}

fn start_sink(
    addresses: &Addresses,
    broker: &Arc<dyn Broker>,
    registry: &Arc<dyn SchemaRegistry>,
) -> Result<SinkHandle, AppError> {
    Ok(comanda_clickhouse::start(SinkParts {
        config: SinkConfig::new(SINK_GROUP),
        clickhouse: cluster::clickhouse(addresses),
        broker: broker.clone(),
        registry: registry.clone(),
        mappings: Mapping::all()?,
    })?)
}
