//! How long it takes from an event to queryable state: a thread looks for each order until it can be read.

use crate::error::AppError;
use comanda_processors::order::OrderState;
use comanda_schemas::OrderId;
use comanda_streams::{QueryResult, QueryableStore};
use std::collections::HashSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// An order that cannot be read after so long counts as that long.
const GIVE_UP: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The measuring thread.
pub struct Freshness {
    sent: Sender<(OrderId, Instant)>,
    thread: JoinHandle<Vec<f64>>,
    /// Orders written: one that is sent again is there already.
    seen: HashSet<OrderId>,
}

impl Freshness {
    pub fn start(orders: QueryableStore<OrderId, OrderState>) -> Result<Self, AppError> {
        let (sent, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("freshness".to_owned())
            .spawn(move || measure(&orders, &inbox))
            .map_err(|error| AppError::io("cannot start a thread", error))?;
        Ok(Self { sent, thread, seen: HashSet::new() })
    }

    /// An order is being written now, perhaps again.
    pub fn sent(&mut self, order: OrderId) {
        if self.seen.insert(order) {
            // The thread lives as long as this sender does.
            let _ = self.sent.send((order, Instant::now()));
        }
    }

    /// The times measured, sorted.
    pub fn finish(self) -> Vec<f64> {
        drop(self.sent);
        let mut times = self.thread.join().unwrap_or_default();
        times.sort_by(f64::total_cmp);
        times
    }
}

fn measure(orders: &QueryableStore<OrderId, OrderState>, inbox: &Receiver<(OrderId, Instant)>) -> Vec<f64> {
    let (mut waiting, mut times, mut open) = (vec![], vec![], true);
    while open || !waiting.is_empty() {
        loop {
            match inbox.try_recv() {
                Ok(order) => waiting.push(order),
                Err(std::sync::mpsc::TryRecvError::Empty) => break,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    open = false;
                    break;
                }
            }
        }
        waiting.retain(|(order, since): &(OrderId, Instant)| {
            let there = matches!(orders.get(order), Ok(QueryResult::Found(Some(_))));
            let done = there || since.elapsed() > GIVE_UP;
            if done {
                times.push(since.elapsed().as_secs_f64() * 1_000.0);
            }
            !done
        });
        std::thread::sleep(LOOK_EVERY);
    }
    times
}
