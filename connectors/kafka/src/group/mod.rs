//! The port's group transport: requests and answers of one member, moved by two threads.
//!
//! A Join waits at the coordinator for the whole rebalance, and brokers answer a connection's requests in order, so
//! heartbeats go over a connection of their own.

mod blobs;
mod exchange;
mod requests;
mod worker;

use crate::wire::Endpoint;
use comanda_streams::broker::{BrokerError, ErrorKind, GroupRequest, GroupResponse, GroupTransport, error_code};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use worker::Worker;

/// The socket on which a Join waits, so that dropping the transport ends the wait.
type WaitingJoin = Arc<Mutex<Option<TcpStream>>>;

/// One member's way to its coordinator.
pub(crate) struct KafkaGroup {
    requests: Sender<GroupRequest>,
    heartbeats: Sender<GroupRequest>,
    answers: Receiver<GroupResponse>,
    answer: Sender<GroupResponse>,
    waiting_join: WaitingJoin,
}

impl KafkaGroup {
    /// Starts the two threads; they connect when the first request comes and end when this value is dropped.
    pub(crate) fn start(endpoint: Endpoint, group_id: &str) -> Result<Self, BrokerError> {
        let (answer, answers) = channel();
        let waiting_join = WaitingJoin::default();
        let start = |role: &str| {
            let (queue, requests) = channel();
            let worker = Worker::new(endpoint.clone(), group_id, requests, answer.clone(), waiting_join.clone());
            std::thread::Builder::new()
                .name(format!("group-{role}"))
                .spawn(move || worker.run())
                .map(|_| queue)
                .map_err(|e| BrokerError::new(ErrorKind::Fatal, "start a group connection", e.to_string()))
        };
        Ok(Self { requests: start("member")?, heartbeats: start("heartbeat")?, answers, answer, waiting_join })
    }
}

impl GroupTransport for KafkaGroup {
    fn send(&mut self, request: GroupRequest) {
        let queue = match request {
            GroupRequest::Heartbeat { .. } => &self.heartbeats,
            _ => &self.requests,
        };
        if let Err(unsent) = queue.send(request) {
            // Only a panic ends a worker early; its request is answered all the same.
            let lost = worker::failed(&unsent.0, ErrorKind::Fatal, "the connection's thread has ended".to_owned());
            self.answer.send(lost).expect("this value holds the receiver");
        }
    }

    fn poll(&mut self) -> Option<GroupResponse> {
        self.answers.try_recv().ok()
    }
}

impl Drop for KafkaGroup {
    fn drop(&mut self) {
        let waiting = self.waiting_join.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(socket) = waiting {
            // Fails only if the connection is closed already, which is what is wanted.
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}

/// A heartbeat that did not get through. It is told as a code, so that [`GroupResponse::Failed`] always means the one
/// other request under way.
fn unheard_heartbeat() -> GroupResponse {
    GroupResponse::Heartbeat { error: error_code::COORDINATOR_NOT_AVAILABLE }
}
