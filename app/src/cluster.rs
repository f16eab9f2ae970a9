//! What has to be there before a role runs: topics, schemas, tables.

use crate::config::Addresses;
use crate::error::AppError;
use comanda_clickhouse::{ClickHouse, ClickHouseConfig};
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_registry::{HttpRegistry, HttpSettings, register_all};
use comanda_streams::broker::{Broker, NewTopic};
use std::sync::Arc;

/// A call from a stream thread must be over well within its session (6 s).
const REGISTRY_SETTINGS: HttpSettings =
    HttpSettings { connect_timeout_ms: 500, timeout_ms: 1_500, attempts: 2, backoff_ms: 100 };

/// Who prepares or looks back may wait: a registry that has just started answers its first calls slowly.
const PATIENT_REGISTRY_SETTINGS: HttpSettings =
    HttpSettings { connect_timeout_ms: 2_000, timeout_ms: 15_000, attempts: 5, backoff_ms: 500 };

/// The way to Kafka.
pub fn broker(addresses: &Addresses) -> Result<Arc<KafkaBroker>, AppError> {
    Ok(Arc::new(KafkaBroker::new(KafkaSettings::new(&addresses.kafka))?))
}

/// The schema registry, for stream threads.
pub fn registry(addresses: &Addresses) -> HttpRegistry {
    HttpRegistry::new(&addresses.registry, REGISTRY_SETTINGS)
}

/// The schema registry, for everybody else.
pub fn patient_registry(addresses: &Addresses) -> HttpRegistry {
    HttpRegistry::new(&addresses.registry, PATIENT_REGISTRY_SETTINGS)
}

/// ClickHouse's settings.
pub fn clickhouse(addresses: &Addresses) -> ClickHouseConfig {
    ClickHouseConfig::new(&addresses.clickhouse, &addresses.database)
}

/// Creates topics, registers schemas, makes tables; what is there already stays as it is.
pub fn prepare(addresses: &Addresses) -> Result<(), AppError> {
    create_topics(&*broker(addresses)?)?;
    register_all(&patient_registry(addresses), comanda_schemas::topics())?;
    comanda_clickhouse::migrate(&ClickHouse::new(clickhouse(addresses)))?;
    Ok(())
}

/// The contract's topics, replicated as far as there are brokers: the local set-up has one.
fn create_topics(broker: &dyn Broker) -> Result<(), AppError> {
    let topics: Vec<NewTopic> = comanda_schemas::topics()
        .iter()
        .map(|topic| NewTopic {
            name: topic.name.clone(),
            partitions: topic.partitions,
            replication: -1,
            configs: topic.configs(),
        })
        .collect();
    broker.admin()?.create_topics(&topics)?;
    Ok(())
}
