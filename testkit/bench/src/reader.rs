//! Reads a topic from its beginning as others see it: read_committed.

use crate::error::BenchError;
use comanda_streams::broker::{
    Broker, Consumer, ConsumerRole, Fetched, Isolation, OffsetSpec, PartitionId, RawRecord, TopicPartition,
};
use std::time::{Duration, Instant};

/// Items taken at once.
const POLL_ITEMS: usize = 10_000;
const POLL_WAIT: Duration = Duration::from_millis(100);
/// Nothing more is written for so long, longer than a session and a transaction last: it will not come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A consumer of all partitions.
pub struct Reader {
    topic: String,
    consumer: Box<dyn Consumer>,
    partitions: Vec<TopicPartition>,
    fetched: Vec<Fetched>,
    seen: u64,
}

impl Reader {
    /// At the beginning of all `partitions` of `topic`.
    ///
    /// # Errors
    /// The broker's.
    pub fn new(broker: &dyn Broker, topic: &str, partitions: u32) -> Result<Self, BenchError> {
        let partitions: Vec<TopicPartition> =
            (0..partitions).map(|number| TopicPartition::new(topic, number as i32)).collect();
        let mut consumer = broker.consumer(ConsumerRole::Restore)?;
        for (number, partition) in (0..).zip(&partitions) {
            consumer.assign(PartitionId(number), partition, 0)?;
        }
        Ok(Self { topic: topic.to_owned(), consumer, partitions, fetched: vec![], seen: 0 })
    }

    /// Takes what is there by partition; waits a moment if nothing is.
    ///
    /// # Errors
    /// The broker's.
    pub fn poll(&mut self, mut take: impl FnMut(u32, RawRecord)) -> Result<(), BenchError> {
        self.consumer.poll(POLL_WAIT, POLL_ITEMS, &mut self.fetched)?;
        for item in self.fetched.drain(..) {
            match item {
                Fetched::Record(PartitionId(partition), record) => {
                    self.seen += 1;
                    take(partition, record);
                }
                Fetched::End { .. } => {}
                Fetched::OutOfRange(id) => {
                    return Err(BenchError::Stopped(format!("{}: partition {} lost its start", self.topic, id.0)));
                }
            }
        }
        Ok(())
    }

    /// Takes all up to each partition's high watermark of now, past which only transaction markers could be.
    ///
    /// # Errors
    /// The broker's.
    pub fn read_to_end(&mut self, broker: &dyn Broker, mut take: impl FnMut(u32, RawRecord)) -> Result<(), BenchError> {
        let ends = broker.admin()?.list_offsets(&self.partitions, OffsetSpec::Latest, Isolation::ReadUncommitted)?;
        while !self.is_at(&ends) {
            self.poll(&mut take)?;
        }
        Ok(())
    }

    fn is_at(&self, ends: &[i64]) -> bool {
        let position = |number| self.consumer.position(PartitionId(number));
        (0..).zip(ends).all(|(number, end)| position(number).is_some_and(|reached| reached >= *end))
    }

    /// Takes until it has seen `records` since the beginning.
    ///
    /// # Errors
    /// The broker's, or if they do not come.
    pub fn until(&mut self, records: u64, mut take: impl FnMut(u32, RawRecord)) -> Result<(), BenchError> {
        let mut last = Instant::now();
        while self.seen < records {
            let before = self.seen;
            self.poll(&mut take)?;
            if self.seen > before {
                last = Instant::now();
            } else if last.elapsed() > PATIENCE {
                let text = format!("{}: {} of {records} records after {PATIENCE:?} of quiet", self.topic, self.seen);
                return Err(BenchError::Stopped(text));
            }
        }
        Ok(())
    }
}
