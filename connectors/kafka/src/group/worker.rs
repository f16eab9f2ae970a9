//! A thread that takes requests one by one to the group's coordinator, finding it anew whenever it has moved.

use super::{WaitingJoin, exchange, unheard_heartbeat};
use crate::KafkaError;
use crate::wire::{Cluster, Connection, Endpoint};
use comanda_streams::broker::{BrokerError, ErrorKind, GroupRequest, GroupResponse, error_code};
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

/// Pause before connecting again after a failure: doubled from the first to the second.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// One connection to the coordinator and its queue.
pub(super) struct Worker {
    endpoint: Endpoint,
    group_id: String,
    requests: Receiver<GroupRequest>,
    answers: Sender<GroupResponse>,
    waiting_join: WaitingJoin,
    cluster: Cluster,
    connection: Option<Connection>,
    /// Zero after a success.
    backoff: Duration,
}

impl Worker {
    pub(super) fn new(
        endpoint: Endpoint,
        group_id: &str,
        requests: Receiver<GroupRequest>,
        answers: Sender<GroupResponse>,
        waiting_join: WaitingJoin,
    ) -> Self {
        Self {
            cluster: Cluster::new(endpoint.clone()),
            endpoint,
            group_id: group_id.to_owned(),
            requests,
            answers,
            waiting_join,
            connection: None,
            backoff: Duration::ZERO,
        }
    }

    /// Serves requests until the transport is dropped; what was queued before that still goes out.
    pub(super) fn run(mut self) {
        while let Ok(request) = self.requests.recv() {
            let answer = self.serve(request);
            if self.answers.send(answer).is_err() && self.connection.is_none() {
                return; // nobody listens and nobody is reachable
            }
        }
    }

    fn serve(&mut self, request: GroupRequest) -> GroupResponse {
        std::thread::sleep(self.backoff);
        let lost = request.clone();
        match self.try_serve(request) {
            Ok(answer) => {
                self.backoff = Duration::ZERO;
                self.react_to(exchange::code(&answer));
                answer
            }
            Err(error) => {
                self.fall_back();
                failed(&lost, error.kind(), format!("group {}: {error}", self.group_id))
            }
        }
    }

    fn try_serve(&mut self, request: GroupRequest) -> Result<GroupResponse, KafkaError> {
        let patience = exchange::patience(&request, self.endpoint.timeout);
        let is_join = matches!(request, GroupRequest::Join { .. });
        let mut connection = match self.connection.take().filter(|open| !open.is_used_up()) {
            Some(connection) => connection,
            None => self.connect()?,
        };
        connection.set_timeout(patience)?;
        if is_join {
            *self.waiting_join.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.socket()?);
        }
        let answer = exchange::exchange(&mut connection, &self.group_id, request);
        if is_join {
            *self.waiting_join.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        let answer = answer?; // a failed connection is dropped here
        self.connection = Some(connection);
        Ok(answer)
    }

    fn connect(&mut self) -> Result<Connection, KafkaError> {
        let coordinator = self.cluster.coordinator(&self.group_id)?;
        Connection::open(&coordinator, &self.endpoint)
    }

    /// An answer may say that the coordinator has moved or is not ready.
    fn react_to(&mut self, code: i16) {
        match code {
            error_code::NOT_COORDINATOR | error_code::COORDINATOR_NOT_AVAILABLE => self.fall_back(),
            error_code::COORDINATOR_LOAD_IN_PROGRESS => self.lengthen_backoff(),
            _ => {}
        }
    }

    fn fall_back(&mut self) {
        self.connection = None;
        self.lengthen_backoff();
    }

    fn lengthen_backoff(&mut self) {
        self.backoff = (self.backoff * 2).clamp(FIRST_BACKOFF, LONGEST_BACKOFF);
    }
}

/// The answer to a request that got none.
pub(super) fn failed(request: &GroupRequest, kind: ErrorKind, reason: String) -> GroupResponse {
    match request {
        GroupRequest::Heartbeat { .. } => {
            tracing::debug!(%reason, "heartbeat not heard");
            unheard_heartbeat()
        }
        _ => GroupResponse::Failed { error: BrokerError::new(kind, exchange::name(request), reason) },
    }
}
