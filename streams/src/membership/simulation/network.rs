//! Messages on their way: late, lost, or left on a broken connection.

use super::World;
use super::coordinator::Replies;
use crate::broker::{BrokerError, ErrorKind, GroupRequest, GroupResponse, error_code};

/// A message on its way.
pub(super) enum Message {
    Request(GroupRequest),
    Answer(GroupResponse),
}

impl World {
    /// Sends what the thread has asked for.
    pub(super) fn post(&mut self, slot: usize) {
        let requests = self.slots[slot].thread.as_mut().map(|thread| std::mem::take(&mut thread.requests));
        for request in requests.into_iter().flatten() {
            let is_heartbeat = matches!(request, GroupRequest::Heartbeat { .. });
            if !is_heartbeat {
                self.slots[slot].request += 1;
            }
            let number = self.slots[slot].request;
            self.send(slot, number, Message::Request(request));
        }
    }

    pub(super) fn send(&mut self, slot: usize, number: u64, message: Message) {
        let lost = self.faults && self.dice.once_in(40);
        let delay_ms = 1 + self.dice.below(60) as i64;
        let message = match message {
            Message::Request(GroupRequest::Heartbeat { .. }) | Message::Answer(GroupResponse::Heartbeat { .. })
                if lost =>
            {
                match self.dice.below(2) {
                    0 => return, // never heard of again
                    _ => Message::Answer(GroupResponse::Heartbeat { error: error_code::COORDINATOR_NOT_AVAILABLE }),
                }
            }
            _ if lost => Message::Answer(broken()),
            message => message,
        };
        self.sent += 1;
        self.network.insert((self.now_ms + delay_ms, self.sent), (slot, number, message));
    }

    pub(super) fn deliver(&mut self) {
        while let Some(first) = self.network.first_entry().filter(|first| first.key().0 <= self.now_ms) {
            let (slot, number, message) = first.remove();
            match message {
                Message::Request(request) => {
                    let replies = self.ask(slot, number, request);
                    self.answer(replies);
                }
                Message::Answer(answer) => self.arrive(slot, number, answer),
            }
        }
    }

    pub(super) fn ask(&mut self, slot: usize, number: u64, request: GroupRequest) -> Replies {
        if self.now_ms >= self.coordinator_away_until_ms {
            return self.coordinator.handle(self.now_ms, (slot, number), request);
        }
        let error = error_code::NOT_COORDINATOR;
        let (generation, leader, member_id, members) = (-1, String::new(), String::new(), vec![]);
        let refused = match request {
            GroupRequest::Join { .. } => GroupResponse::Joined { error, generation, leader, member_id, members },
            GroupRequest::Sync { .. } => GroupResponse::Synced { error, user_data: vec![] },
            GroupRequest::Heartbeat { .. } => GroupResponse::Heartbeat { error },
            GroupRequest::Leave { .. } => GroupResponse::Left { error },
            GroupRequest::CommitOffsets { .. } => GroupResponse::Committed { error },
        };
        vec![((slot, number), refused)]
    }

    pub(super) fn answer(&mut self, replies: Replies) {
        for ((slot, number), reply) in replies {
            self.send(slot, number, Message::Answer(reply));
        }
    }

    /// An answer reaches its thread unless the connection it belongs to is gone.
    pub(super) fn arrive(&mut self, slot: usize, number: u64, answer: GroupResponse) {
        let slot = &mut self.slots[slot];
        let is_heartbeat = matches!(answer, GroupResponse::Heartbeat { .. });
        if let Some(thread) = slot.thread.as_mut().filter(|_| is_heartbeat || slot.request == number) {
            if matches!(answer, GroupResponse::Failed { .. }) {
                slot.request += 1;
            }
            thread.inbox.push_back(answer);
        }
    }
}

pub(super) fn broken() -> GroupResponse {
    GroupResponse::Failed { error: BrokerError::new(ErrorKind::Retriable, "group request", "connection reset") }
}
