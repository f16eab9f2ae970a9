//! Input that goes on while things break, and what a run without crashes makes of it.

use comanda_streams::broker::{Broker, Headers, Producer, TopicHandle};
use comanda_streams::partitioner::partition_for_key;
use comanda_streams::{Clock, SystemClock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::fixture::PARTITIONS;

/// Per partition, in order: key and the number that its record is among those of its key. This is what the counting
/// application writes when nothing goes wrong.
pub type Sequence = BTreeMap<i32, Vec<(String, u64)>>;

/// Sends records one after the other, each key to its partition.
pub struct Feed {
    producer: Box<dyn Producer>,
    topic: TopicHandle,
    pub timestamp: i64,
    counts: BTreeMap<String, u64>,
    pub expected: Sequence,
}

impl Feed {
    pub fn new(broker: &dyn Broker, topic: &str) -> Self {
        let mut producer = broker.producer(None).unwrap();
        let topic = producer.topic(topic).unwrap();
        Self { producer, topic, timestamp: this_minute_ms(), counts: BTreeMap::new(), expected: BTreeMap::new() }
    }

    pub fn send(&mut self, key: &str, value: &str) {
        let partition = partition_for_key(key.as_bytes(), PARTITIONS);
        self.raw(Some(partition), Some(key.as_bytes()), Some(value.as_bytes()));
        let count = self.counts.entry(key.to_owned()).or_insert(0);
        *count += 1;
        self.expected.entry(partition).or_default().push((key.to_owned(), *count));
    }

    /// A record that no application counts.
    pub fn raw(&mut self, partition: Option<i32>, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.producer.send(self.topic, partition, self.timestamp, key, value, &Headers::EMPTY).unwrap();
    }

    pub fn flush(&mut self) {
        self.producer.flush().unwrap();
    }
}

/// A feed that goes on in a thread of its own.
pub struct SteadyFeed {
    stop: Arc<AtomicBool>,
    pause: Arc<AtomicBool>,
    thread: JoinHandle<Sequence>,
}

impl SteadyFeed {
    /// Each of `keys` keys once as fast as it goes, then any of them, so many a second, until it is stopped.
    pub fn start(broker: Arc<dyn Broker>, topic: &str, keys: u64, records_per_s: u64) -> Self {
        let [stop, pause] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let (topic, stopped, paused) = (topic.to_owned(), stop.clone(), pause.clone());
        let run = move || {
            let mut feed = Feed::new(&*broker, &topic);
            (0..keys).for_each(|key| feed.send(&format!("key-{key}"), "v"));
            feed.flush();
            let (started, mut sent) = (Instant::now(), 0);
            while !stopped.load(Ordering::Relaxed) {
                if paused.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                }
                let due = started.elapsed().as_millis() as u64 * records_per_s / 1_000;
                for number in sent..due {
                    feed.send(&format!("key-{}", scattered(number) % keys), "v");
                }
                sent = due;
                feed.flush();
                std::thread::sleep(Duration::from_millis(20));
            }
            feed.expected
        };
        Self { stop, pause, thread: std::thread::spawn(run) }
    }

    /// Nothing is sent from soon on until it is resumed; then what is due goes out at once.
    pub fn pause(&self) {
        self.pause.store(true, Ordering::Relaxed);
    }

    pub fn resume(&self) {
        self.pause.store(false, Ordering::Relaxed);
    }

    /// Ends it: what a run without crashes makes of all that was sent.
    pub fn stop(self) -> Sequence {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// The beginning of this minute: retention leaves records of now alone.
pub fn this_minute_ms() -> i64 {
    SystemClock.now_ms() / 60_000 * 60_000
}

/// Spreads numbers over all others, always the same way (SplitMix64).
pub fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)) >> 1
}
