//! The load: always the same keys and amounts in the same order, at a steady pace.

use crate::topics::{INPUT, PARTITIONS, await_drained, kafka};
use crate::totals::scattered;
use comanda_streams::broker::{Broker, Headers, Producer, TopicHandle};
use comanda_streams::partitioner::partition_for_key;
use comanda_streams::{Clock, SystemClock};
use std::error::Error;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Between two looks at what is due.
const PACE: Duration = Duration::from_millis(10);

/// For the first million keys, several times over.
const CAPACITY_LIMIT_S: u64 = 900;

/// How many records a second.
#[derive(Clone, Copy, Debug)]
pub enum Rate {
    /// So many.
    PerSecond(u64),
    /// So many per cent of what the application gets through when it has all of its input at once.
    OfCapacity(u64),
}

impl FromStr for Rate {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        match text.strip_suffix('%') {
            Some(percent) => Ok(Self::OfCapacity(percent.parse()?)),
            None => Ok(Self::PerSecond(text.parse()?)),
        }
    }
}

/// Sends until SIGTERM. When all keys have been processed once it says `LOADED` with the capacity that showed and the
/// rate it goes on at; at its end, how many records are acknowledged.
///
/// # Errors
/// The broker's: a record that it did not take.
pub fn run(bootstrap: &str, keys: u64, then: Rate) -> Result<(), Box<dyn Error>> {
    let stopped = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, stopped.clone())?;
    let mut producer = kafka(bootstrap)?.producer(None)?;
    let topic = producer.topic(INPUT)?;
    let mut load = Load { producer, topic, keys, sent: 0 };
    let began = Instant::now();
    load.send_first()?;
    await_drained(bootstrap, CAPACITY_LIMIT_S)?;
    let capacity = keys * 1_000 / began.elapsed().as_millis().max(1) as u64;
    let per_s = match then {
        Rate::PerSecond(per_s) => per_s,
        Rate::OfCapacity(percent) => capacity * percent / 100,
    };
    println!("LOADED {keys} keys at {capacity} records a second, then {per_s}");
    load.paced(per_s, &stopped)?;
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
    fn send_first(&mut self) -> Result<(), Box<dyn Error>> {
        while self.sent < self.keys {
            self.send()?;
        }
        Ok(self.producer.flush()?)
    }

    /// What is due goes out together; what a broker's absence held up follows as fast as it goes.
    fn paced(&mut self, per_s: u64, stopped: &AtomicBool) -> Result<(), Box<dyn Error>> {
        let (began, before) = (Instant::now(), self.sent);
        while !stopped.load(Ordering::Relaxed) {
            let due = before + began.elapsed().as_millis() as u64 * per_s / 1_000;
            while self.sent < due && !stopped.load(Ordering::Relaxed) {
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
