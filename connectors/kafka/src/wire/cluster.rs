//! The brokers of a cluster: who leads a partition, who coordinates a group, and a connection to each.

use super::{Connection, Endpoint, text};
use crate::KafkaError;
use crate::error::kafka;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::Request;
use std::collections::HashMap;
use std::io;

/// Topic ids came with version 10 (KIP-516); an older broker answers in its own highest.
const METADATA_VERSION: i16 = 12;
const FIND_COORDINATOR_VERSION: i16 = 3;
const GROUP_KEY: i8 = 0;

/// Connections to a cluster, opened when first needed and dropped when they break.
pub(crate) struct Cluster {
    endpoint: Endpoint,
    /// Addresses by broker id, of the last metadata.
    brokers: HashMap<i32, String>,
    controller: i32,
    open: HashMap<String, Connection>,
}

impl Cluster {
    /// No connection yet.
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, brokers: HashMap::new(), controller: -1, open: HashMap::new() }
    }

    /// Metadata of `topics`, or of all; asking creates none.
    pub(crate) fn metadata(&mut self, topics: Option<&[&str]>) -> Result<MetadataResponse, KafkaError> {
        let named = |name: &&str| MetadataRequestTopic::default().with_name(Some(TopicName(text(name))));
        let request = MetadataRequest::default()
            .with_topics(topics.map(|names| names.iter().map(named).collect()))
            .with_allow_auto_topic_creation(false);
        let answer = self.ask_any(&request, METADATA_VERSION)?;
        let address = |host: &str, port: i32| format!("{host}:{port}");
        self.brokers = answer.brokers.iter().map(|b| (b.node_id.0, address(&b.host, b.port))).collect();
        self.controller = answer.controller_id.0;
        Ok(answer)
    }

    /// Asks whichever broker answers.
    pub(crate) fn ask_any<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, KafkaError> {
        let mut candidates: Vec<String> = self.open.keys().cloned().collect();
        candidates.extend(self.brokers.values().cloned());
        candidates.extend(self.endpoint.bootstrap.iter().cloned());
        let mut failure = KafkaError::Unreachable {
            addresses: candidates.join(","),
            source: io::Error::new(io::ErrorKind::InvalidInput, "no address given"),
        };
        for address in candidates {
            match self.ask_at(&address, request, version) {
                Err(error @ (KafkaError::Unreachable { .. } | KafkaError::Connection { .. })) => failure = error,
                answer => return answer,
            }
        }
        Err(failure)
    }

    /// Asks one broker, as the last metadata named it.
    pub(crate) fn ask<R: Request>(
        &mut self,
        broker: i32,
        request: &R,
        version: i16,
    ) -> Result<R::Response, KafkaError> {
        let address = self.brokers.get(&broker).cloned();
        let address = address.ok_or_else(|| KafkaError::answer(kafka::LEADER_NOT_AVAILABLE))?;
        self.ask_at(&address, request, version)
    }

    /// Asks the controller (with KRaft: a broker that passes it on), as the last metadata named it.
    pub(crate) fn ask_controller<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, KafkaError> {
        self.ask(self.controller, request, version)
    }

    /// Asks the coordinator of a group.
    pub(crate) fn ask_coordinator<R: Request>(
        &mut self,
        group_id: &str,
        request: &R,
        version: i16,
    ) -> Result<R::Response, KafkaError> {
        let address = self.coordinator(group_id)?;
        self.ask_at(&address, request, version)
    }

    /// Address of the coordinator of a group.
    pub(crate) fn coordinator(&mut self, group_id: &str) -> Result<String, KafkaError> {
        let request = FindCoordinatorRequest::default().with_key(text(group_id)).with_key_type(GROUP_KEY);
        let answer = self.ask_any(&request, FIND_COORDINATOR_VERSION)?;
        match answer.error_code {
            0 => Ok(format!("{}:{}", &*answer.host, answer.port)),
            code => Err(KafkaError::answer(code)),
        }
    }

    fn ask_at<R: Request>(&mut self, address: &str, request: &R, version: i16) -> Result<R::Response, KafkaError> {
        let mut connection = match self.open.remove(address).filter(|open| !open.is_used_up()) {
            Some(connection) => connection,
            None => Connection::open(address, &self.endpoint)?,
        };
        let answer = connection.call(request, version)?; // a failed connection is dropped here
        self.open.insert(address.to_owned(), connection);
        Ok(answer)
    }
}
