//! The port's producer: records by topic handle, transactions called directly.

mod deliveries;

pub(crate) use deliveries::Deliveries;

use crate::KafkaError;
use crate::classify::{Call, broker_error, classify, classify_delivery};
use crate::ffi::{Client, Config, Failure, FlushState, Outgoing, Topic, code};
use comanda_streams::broker::{
    BrokerError, ErrorKind, GroupIdentity, Headers, OffsetAndMetadata, ProducedPartition, Producer, TopicHandle,
    TopicPartition,
};
use deliveries::DeliveryFailure;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// Delivery reports are served every so many records, so that they do not pile up between flushes.
const RECORDS_PER_POLL: u32 = 512;
/// How long `send` waits for room before it looks again.
const FULL_WAIT: Duration = Duration::from_millis(50);
/// A flush goes round as often as needed: every record fails by `message.timeout.ms` at the latest.
const FLUSH_ROUND: Duration = Duration::from_secs(1);
/// Before an abort, what is queued gets so long to arrive: when the transaction's partitions are not yet registered at
/// the coordinator (it may still be writing the last commit's markers), librdkafka's abort request is refused for good
/// with INVALID_TXN_STATE.
const ABORT_GRACE: Duration = Duration::from_millis(500);

/// A librdkafka producer.
pub(crate) struct KafkaProducer {
    /// Dropped before the client that they belong to is (each holds it).
    topics: Vec<(String, Topic)>,
    by_name: HashMap<String, TopicHandle>,
    client: Rc<Client>,
    /// Transactional id, for messages; `None` for a plain producer.
    transactional_id: Option<String>,
    until_poll: u32,
}

impl KafkaProducer {
    /// A producer with all its settings.
    pub(crate) fn new(settings: &[(String, String)], transactional_id: Option<&str>) -> Result<Self, KafkaError> {
        Ok(Self {
            topics: Vec::new(),
            by_name: HashMap::new(),
            client: Rc::new(Client::producer(Config::new(settings)?)?),
            transactional_id: transactional_id.map(str::to_owned),
            until_poll: RECORDS_PER_POLL,
        })
    }

    fn call(&self) -> Call {
        if self.transactional_id.is_some() { Call::Transaction } else { Call::Plain }
    }

    fn error(&self, call: Call, attempt: &str, failure: &Failure) -> BrokerError {
        let failure = self.with_cause(failure);
        let who = self.transactional_id.as_deref().unwrap_or("a plain producer");
        broker_error(classify(call, &failure), format!("{attempt} of {who}"), &failure)
    }

    /// A failure that only says "broken down" stands for the error that did it.
    fn with_cause(&self, failure: &Failure) -> Failure {
        let cause = (failure.code == code::FATAL).then(|| self.client.fatal_error()).flatten();
        cause.unwrap_or_else(|| failure.clone())
    }

    fn unsent(&self, topic: &str, failure: &Failure) -> BrokerError {
        let failure = self.with_cause(failure);
        let kind = classify_delivery(self.call(), &failure);
        broker_error(kind, format!("send to {topic}"), &failure)
    }

    fn undelivered(&self, failed: DeliveryFailure) -> BrokerError {
        let failure = self.with_cause(&Failure::of_code(failed.code));
        let name = self.topics.get(failed.topic).map_or("?", |(name, _)| name);
        let attempt = format!("deliver a record to {name}-{}", failed.partition);
        let error = broker_error(classify_delivery(self.call(), &failure), attempt, &failure);
        let topic = u32::try_from(failed.topic).expect("topics fit in memory, so in 32 bits");
        BrokerError { undelivered: Some(TopicHandle(topic)), ..error }
    }

    fn take_undelivered(&self) -> Option<BrokerError> {
        let failed = self.client.deliveries().borrow_mut().take_failure();
        failed.map(|failed| self.undelivered(failed))
    }

    fn serve_reports_now_and_then(&mut self) {
        self.until_poll -= 1;
        if self.until_poll == 0 {
            self.until_poll = RECORDS_PER_POLL;
            self.client.poll(Duration::ZERO);
        }
    }
}

impl Producer for KafkaProducer {
    fn init_transactions(&mut self) -> Result<(), BrokerError> {
        self.client.init_transactions().map_err(|failure| {
            let cause = self.client.take_refusal().unwrap_or(failure);
            self.error(self.call(), "init_transactions", &cause)
        })
    }

    fn begin_transaction(&mut self) -> Result<(), BrokerError> {
        self.client.begin_transaction().map_err(|e| self.error(self.call(), "begin_transaction", &e))
    }

    fn topic(&mut self, name: &str) -> Result<TopicHandle, BrokerError> {
        if let Some(handle) = self.by_name.get(name) {
            return Ok(*handle);
        }
        let topic = Topic::new(&self.client, name)
            .map_err(|e| broker_error(ErrorKind::Fatal, format!("make a handle of topic {name}"), &e))?;
        let number = u32::try_from(self.topics.len()).expect("topics fit in memory, so in 32 bits");
        self.topics.push((name.to_owned(), topic));
        self.by_name.insert(name.to_owned(), TopicHandle(number));
        Ok(TopicHandle(number))
    }

    fn send(
        &mut self,
        topic: TopicHandle,
        partition: Option<i32>,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &Headers,
    ) -> Result<(), BrokerError> {
        self.serve_reports_now_and_then();
        let number = topic.0 as usize;
        let Some((name, handle)) = self.topics.get(number) else {
            return Err(BrokerError::new(ErrorKind::Fatal, "send", format!("no topic has the handle {}", topic.0)));
        };
        let timestamp = sendable(timestamp);
        let record = Outgoing { topic: handle, topic_number: number, partition, timestamp, key, value, headers };
        loop {
            match self.client.produce(&record) {
                Ok(()) => return Ok(()),
                Err(full) if full.code == code::QUEUE_FULL => self.client.poll(FULL_WAIT),
                // A failed delivery is why a transaction takes no more.
                Err(failure) => return Err(self.take_undelivered().unwrap_or_else(|| self.unsent(name, &failure))),
            }
        }
    }

    fn flush(&mut self) -> Result<(), BrokerError> {
        loop {
            let state = self.client.flush(FLUSH_ROUND);
            // After a failure the rest of a transaction stays where it is until the abort.
            if let Some(error) = self.take_undelivered() {
                return Err(error);
            }
            if state != FlushState::Waiting {
                return Ok(());
            }
        }
    }

    fn take_produced(&mut self) -> Vec<ProducedPartition> {
        self.client.poll(Duration::ZERO);
        self.client.deliveries().borrow_mut().take_reached()
    }

    fn send_offsets(
        &mut self,
        offsets: &[(TopicPartition, OffsetAndMetadata)],
        group: &GroupIdentity,
    ) -> Result<(), BrokerError> {
        // Brokers take an empty member id with generation -1 without fencing it: that must never be sent.
        assert!(!group.member_id.is_empty() && group.generation >= 0, "offsets of no member: {group:?}");
        let attempt = || {
            format!(
                "send_offsets for group {} as {} in generation {}",
                group.group_id, group.member_id, group.generation
            )
        };
        self.client.send_offsets(offsets, group).map_err(|e| self.error(self.call(), &attempt(), &e))
    }

    fn commit_transaction(&mut self) -> Result<(), BrokerError> {
        self.client.commit_transaction().map_err(|e| self.error(Call::Commit, "commit_transaction", &e))
    }

    fn abort_transaction(&mut self) -> Result<(), BrokerError> {
        if self.client.outstanding() > 0 {
            self.client.flush(ABORT_GRACE);
        }
        // No purge before it, as one would need who reads delivery reports from an event queue: librdkafka drops what is
        // queued itself, and only its own way keeps the sequence numbers of the next transaction without a gap (error
        // 45 otherwise). Its reports are served inside the call.
        let result = self.client.abort_transaction();
        self.client.deliveries().borrow_mut().forget();
        result.map_err(|e| self.error(self.call(), "abort_transaction", &e))
    }
}

/// librdkafka takes timestamp 0 for "now": a record at the epoch itself is sent as one millisecond later.
fn sendable(timestamp: i64) -> i64 {
    if timestamp == 0 { 1 } else { timestamp }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        // What nobody waited for is not wanted; the client's end would wait for records in flight.
        if self.client.outstanding() > 0 {
            self.client.purge();
            self.client.flush(Duration::ZERO);
        }
    }
}
