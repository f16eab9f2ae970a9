//! Input that is sent while an engine runs: always the same records, so that both engines' outputs can be compared.

use crate::error::BenchError;
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_streams::broker::{Broker, Headers, Producer, TopicHandle};
use comanda_streams::partitioner::partition_for_key;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Event time of the first record, a millisecond to each: any, but the same in all runs.
const START_MS: i64 = 1_700_000_000_000;
const VALUE_BYTES: usize = 100;
/// Between two looks at what is due.
const PACE: Duration = Duration::from_millis(1);

/// A topic that is being filled with numbered records.
pub struct Feed {
    producer: Box<dyn Producer>,
    topic: TopicHandle,
    partitions: u32,
    keys: u64,
}

impl Feed {
    /// Records of `keys` keys, one after the other. Each is sent at once: a producer that gathers them would add its
    /// waiting to the engines' latency.
    ///
    /// # Errors
    /// The broker's.
    pub fn new(bootstrap: &str, topic: &str, partitions: u32, keys: u64) -> Result<Self, BenchError> {
        let broker = KafkaBroker::new(KafkaSettings::new(bootstrap).with("producer.linger.ms", "0"))?;
        let mut producer = broker.producer(None)?;
        let topic = producer.topic(topic)?;
        Ok(Self { producer, topic, partitions, keys })
    }

    /// Sends them as fast as it goes.
    ///
    /// # Errors
    /// The broker's.
    pub fn at_once(&mut self, mut numbers: Range<u64>) -> Result<(), BenchError> {
        numbers.try_for_each(|number| self.send(number))?;
        Ok(self.producer.flush()?)
    }

    /// Sends each when it is due, so many a second from `began` on; hands back when each was sent.
    ///
    /// # Errors
    /// The broker's.
    pub fn paced(&mut self, numbers: Range<u64>, per_s: u64, began: Instant) -> Result<Vec<Instant>, BenchError> {
        let mut sent = Vec::with_capacity((numbers.end - numbers.start) as usize);
        let mut next = numbers.start;
        while next < numbers.end {
            let due = numbers.start + began.elapsed().as_micros() as u64 * per_s / 1_000_000;
            while next < due.min(numbers.end) {
                sent.push(Instant::now());
                self.send(next)?;
                next += 1;
            }
            std::thread::sleep(PACE);
        }
        self.producer.flush()?;
        Ok(sent)
    }

    fn send(&mut self, number: u64) -> Result<(), BenchError> {
        let key = format!("k{:011}", number % self.keys);
        let partition = partition_for_key(key.as_bytes(), self.partitions as i32);
        let time = START_MS + number as i64;
        let value = value(number);
        let (key, value) = (Some(key.as_bytes()), Some(&value[..]));
        Ok(self.producer.send(self.topic, Some(partition), time, key, value, &Headers::EMPTY)?)
    }
}

/// The number of the record that a value was made for, or that an output carries on.
pub fn number_of(value: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*value.first_chunk()?))
}

/// The record's number, then bytes drawn by it (SplitMix64).
fn value(number: u64) -> [u8; VALUE_BYTES] {
    let mut value = [0; VALUE_BYTES];
    for (word, bytes) in (0..).zip(value.chunks_mut(size_of::<u64>())) {
        let drawn = if word == 0 { number } else { scattered(number.wrapping_mul(31).wrapping_add(word)) };
        bytes.copy_from_slice(&drawn.to_be_bytes()[..bytes.len()]);
    }
    value
}

fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
