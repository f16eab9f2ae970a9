//! The connection to the group's coordinator.

use super::SimulatedBroker;
use crate::cluster::ConnectionId;
use comanda_streams::broker::{GroupRequest, GroupResponse, GroupTransport};

pub(super) struct SimulatedTransport {
    link: SimulatedBroker,
    connection: ConnectionId,
}

impl SimulatedTransport {
    pub fn new(link: SimulatedBroker, connection: ConnectionId) -> Self {
        Self { link, connection }
    }
}

impl GroupTransport for SimulatedTransport {
    fn send(&mut self, request: GroupRequest) {
        if !self.link.is_dead() {
            self.link.cluster().request(self.connection, request);
        }
    }

    fn poll(&mut self) -> Option<GroupResponse> {
        if self.link.is_dead() { None } else { self.link.cluster().response(self.connection) }
    }
}

impl Drop for SimulatedTransport {
    fn drop(&mut self) {
        self.link.cluster().disconnect(self.connection);
    }
}
