//! The engine's port to Kafka: records through librdkafka, group membership and administration on connections of its own.
//!
//! What it is not: a general Kafka client. It offers what `comanda_streams::broker` asks for, and nothing around it.

mod admin;
mod classify;
mod consumer;
mod error;
#[allow(unsafe_code)]
mod ffi;
mod group;
mod producer;
mod settings;
mod wire;

pub use error::KafkaError;
pub use settings::KafkaSettings;

use admin::KafkaAdmin;
use comanda_streams::broker::{Admin, Broker, BrokerError, Consumer, ConsumerRole, GroupTransport, Producer};
use consumer::KafkaConsumer;
use ffi::Config;
use group::KafkaGroup;
use producer::KafkaProducer;
use wire::Endpoint;

/// A Kafka cluster, reached through librdkafka.
#[derive(Clone, Debug)]
pub struct KafkaBroker {
    settings: KafkaSettings,
    endpoint: Endpoint,
}

impl KafkaBroker {
    /// A broker with `settings`; connects to nothing yet.
    ///
    /// # Errors
    /// Names the first setting that is refused, unknown or invalid.
    pub fn new(settings: KafkaSettings) -> Result<Self, KafkaError> {
        settings.check()?;
        for role in [ConsumerRole::Main, ConsumerRole::Restore, ConsumerRole::Global] {
            Config::new(&settings.consumer(role))?;
        }
        Config::new(&settings.producer(Some("checked")))?;
        let endpoint = settings.endpoint()?;
        Ok(Self { settings, endpoint })
    }
}

impl Broker for KafkaBroker {
    fn consumer(&self, role: ConsumerRole) -> Result<Box<dyn Consumer>, BrokerError> {
        let consumer = KafkaConsumer::new(&self.settings.consumer(role));
        Ok(Box::new(consumer.map_err(|e| e.during(format!("make a {role:?} consumer")))?))
    }

    fn producer(&self, transactional_id: Option<&str>) -> Result<Box<dyn Producer>, BrokerError> {
        let producer = KafkaProducer::new(&self.settings.producer(transactional_id), transactional_id);
        let name = transactional_id.unwrap_or("without transactions");
        Ok(Box::new(producer.map_err(|e| e.during(format!("make a producer {name}")))?))
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        Ok(Box::new(KafkaAdmin::new(self.endpoint.clone())))
    }

    fn group(&self, group_id: &str) -> Result<Box<dyn GroupTransport>, BrokerError> {
        Ok(Box::new(KafkaGroup::start(self.endpoint.clone(), group_id)?))
    }
}
