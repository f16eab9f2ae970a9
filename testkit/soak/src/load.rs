//! The load: always the same keys and amounts in the same order, at a steady pace.

use crate::topics::{INPUT, PARTITIONS, kafka};
use crate::totals::scattered;
use comanda_streams::broker::{Broker, Headers, Producer, TopicHandle};
use comanda_streams::partitioner::partition_for_key;
use comanda_streams::{Clock, SystemClock};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Between two looks at what is due.
const PACE: Duration = Duration::from_millis(10);

/// Sends until SIGTERM; says `LOADED` when each key has been sent once, and at its end how many records are acknowledged.
///
/// # Errors
/// The broker's: a record that it did not take.
pub fn run(bootstrap: &str, keys: u64, first_per_s: u64, then_per_s: u64) -> Result<(), Box<dyn Error>> {
    let stopped = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, stopped.clone())?;
    let mut producer = kafka(bootstrap)?.producer(None)?;
    let topic = producer.topic(INPUT)?;
    let mut load = Load { producer, topic, keys, sent: 0 };
    load.paced(first_per_s, |sent| sent >= keys)?;
    println!("LOADED");
    load.paced(then_per_s, |_| stopped.load(Ordering::Relaxed))?;
    println!("{} records", load.sent);
    Ok(())
}

struct Load {
    producer: Box<dyn Producer>,
    topic: TopicHandle,
    keys: u64,
    sent: u64,
}

impl Load {
    /// What is due goes out together; what a broker's absence held up follows as fast as it goes.
    fn paced(&mut self, per_s: u64, is_over: impl Fn(u64) -> bool) -> Result<(), Box<dyn Error>> {
        let (began, before) = (Instant::now(), self.sent);
        while !is_over(self.sent) {
            let due = before + began.elapsed().as_millis() as u64 * per_s / 1_000;
            while self.sent < due && !is_over(self.sent) {
                self.send()?;
            }
            std::thread::sleep(PACE);
        }
        Ok(self.producer.flush()?)
    }

    fn send(&mut self) -> Result<(), Box<dyn Error>> {
        let number = if self.sent < self.keys { self.sent } else { scattered(self.sent) % self.keys };
        let key = format!("key-{number}");
        let amount = (scattered(!self.sent) % 10_000) as i64;
        let partition = partition_for_key(key.as_bytes(), PARTITIONS);
        let (key, value) = (Some(key.as_bytes()), amount.to_be_bytes());
        self.producer.send(self.topic, Some(partition), SystemClock.now_ms(), key, Some(&value), &Headers::EMPTY)?;
        self.sent += 1;
        Ok(())
    }
}
