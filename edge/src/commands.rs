//! Commands into Kafka: a thread of its own, because a producer's calls block; requests that wait share a flush.

use crate::error::EdgeError;
use crate::ports::{AppendError, Appending, CommandOffset, Commands};
use comanda_schemas::Message;
use comanda_streams::Serde;
use comanda_streams::broker::{Broker, BrokerError, ErrorKind, Headers, ProducedPartition, Producer, TopicHandle};
use comanda_streams::partitioner::partition_for_key;
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// Commands that may wait for the thread: at 64 KiB each at most 32 MiB, some seconds' worth at full speed. More are
/// turned away at once.
const QUEUE: usize = 512;
/// Commands that share a flush.
const BATCH: usize = 256;

/// The way of one topic's commands into Kafka, over the engine's port: a producer without transactions, idempotent. Its
/// thread ends with it, after what is queued.
pub struct KafkaCommands<M> {
    queue: Sender<Waiting>,
    serde: Serde<M>,
}

/// A record, and who waits for it.
struct Waiting {
    key: String,
    value: Vec<u8>,
    timestamp: i64,
    reply: oneshot::Sender<Result<CommandOffset, AppendError>>,
}

impl<M: Message> KafkaCommands<M> {
    /// The topic of all these commands.
    const TOPIC: &str = M::EVENTS[0].topic;

    /// Starts the thread. Kafka and the topic may come later.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(broker: Arc<dyn Broker>, serde: Serde<M>) -> Result<Self, EdgeError> {
        let (queue, waiting) = channel(QUEUE);
        std::thread::Builder::new()
            .name("edge-commands".to_owned())
            .spawn(move || write_all(broker.as_ref(), Self::TOPIC, waiting))
            .map_err(|error| EdgeError::Runtime {
                attempt: "start the thread that writes commands",
                reason: error.to_string(),
            })?;
        Ok(Self { queue, serde })
    }

    fn submit(&self, command: &M) -> Result<oneshot::Receiver<Result<CommandOffset, AppendError>>, AppendError> {
        let (Some(key), Some(envelope)) = (command.key(), command.envelope()) else {
            return Err(AppendError::Unwritable("its type is not known to this build".to_owned()));
        };
        let mut value = vec![];
        self.serde
            .serialize(Self::TOPIC, command, &mut value)
            .map_err(|error| AppendError::Unwritable(error.reason))?;
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { key, value, timestamp: envelope.occurred_at.millis(), reply };
        match self.queue.try_send(waiting) {
            Ok(()) => Ok(answer),
            Err(_) => Err(AppendError::NotWritten(format!("{QUEUE} commands wait already"))),
        }
    }
}

impl<M: Message> Commands<M> for KafkaCommands<M> {
    fn append(&self, command: M) -> Appending {
        let submitted = self.submit(&command);
        Box::pin(async move {
            let ended = |_| Err(AppendError::OutcomeUnknown("the thread that writes commands has ended".to_owned()));
            submitted?.await.unwrap_or_else(ended)
        })
    }
}

/// The thread: until the queue is closed and empty.
fn write_all(broker: &dyn Broker, topic: &'static str, mut queue: Receiver<Waiting>) {
    let mut log = None;
    while let Some(first) = queue.blocking_recv() {
        let batch = batch(first, &mut queue);
        if batch.is_empty() {
            continue;
        }
        match write(broker, topic, &mut log, &batch) {
            Ok(offsets) => {
                for (waiting, offset) in batch.into_iter().zip(offsets) {
                    let _ = waiting.reply.send(offset); // who has gone does not want it
                }
            }
            Err(error) => {
                // What is left in the producer must not follow later: a caller may have been told that it was not.
                log = None;
                tracing::warn!(%error, commands = batch.len(), "commands not acknowledged");
                for waiting in batch {
                    let _ = waiting.reply.send(Err(error.clone()));
                }
            }
        }
    }
}

/// All that waits now and is still wanted: who gave up was told that the outcome is unknown, and nothing is better than
/// an order placed minutes later.
fn batch(first: Waiting, queue: &mut Receiver<Waiting>) -> Vec<Waiting> {
    let more = std::iter::from_fn(|| queue.try_recv().ok());
    std::iter::once(first).chain(more).take(BATCH).filter(|waiting| !waiting.reply.is_closed()).collect()
}

type Offsets = Vec<Result<CommandOffset, AppendError>>;

/// Sends the batch and waits for all of it.
fn write(
    broker: &dyn Broker,
    topic: &'static str,
    log: &mut Option<CommandLog>,
    batch: &[Waiting],
) -> Result<Offsets, AppendError> {
    if log.is_none() {
        *log = Some(CommandLog::open(broker, topic).map_err(|error| AppendError::NotWritten(error.to_string()))?);
    }
    let log = log.as_mut().expect("opened above");
    let unknown = |error: BrokerError| AppendError::OutcomeUnknown(error.to_string());
    let partitions = batch.iter().map(|waiting| log.send(waiting)).collect::<Result<Vec<_>, _>>().map_err(unknown)?;
    log.producer.flush().map_err(unknown)?;
    let produced = log.producer.take_produced();
    Ok(partitions.into_iter().map(|partition| reached(topic, &produced, partition)).collect())
}

/// The port tells how far a partition got, not where each record lies: the last record of the flush stands for all.
fn reached(topic: &str, produced: &[ProducedPartition], partition: i32) -> Result<CommandOffset, AppendError> {
    match produced.iter().find(|produced| produced.partition == partition) {
        Some(produced) => Ok(CommandOffset(produced.next_offset - 1)),
        None => Err(AppendError::OutcomeUnknown(format!("no acknowledgement from {topic}-{partition}"))),
    }
}

/// A producer that knows its topic.
struct CommandLog {
    producer: Box<dyn Producer>,
    topic: TopicHandle,
    partitions: i32,
}

impl CommandLog {
    fn open(broker: &dyn Broker, name: &'static str) -> Result<Self, BrokerError> {
        let descriptions = broker.admin()?.describe_topics(&[name])?;
        let Some(Some(description)) = descriptions.into_iter().next() else {
            return Err(BrokerError::new(
                ErrorKind::UnknownTopic,
                format!("write to {name}"),
                "there is no such topic",
            ));
        };
        let mut producer = broker.producer(None)?;
        let topic = producer.topic(name)?;
        Ok(Self { producer, topic, partitions: description.partitions })
    }

    fn send(&mut self, waiting: &Waiting) -> Result<i32, BrokerError> {
        let (key, value) = (waiting.key.as_bytes(), &waiting.value);
        let partition = partition_for_key(key, self.partitions);
        self.producer.send(self.topic, Some(partition), waiting.timestamp, Some(key), Some(value), &Headers::EMPTY)?;
        Ok(partition)
    }
}
