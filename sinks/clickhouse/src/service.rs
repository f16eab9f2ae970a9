//! Threads that carry inserts to ClickHouse, so that the loop goes on heartbeating however long one takes.

use crate::block::Block;
use crate::client::{ClickHouse, InsertError};
use crate::error::SinkError;
use crate::lease::Lease;
use crate::request_builder;
use crate::table::Table;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::sync::Arc;

/// An insert to be made. There is at most one per Kafka partition, which bounds the queue.
pub(crate) struct Job {
    /// Comes back with the answer.
    pub ticket: u64,
    pub table: Arc<Table>,
    pub block: Arc<Block>,
    pub lease: Arc<Lease>,
}

/// How an insert ended.
pub(crate) struct Answer {
    pub ticket: u64,
    pub result: Result<(), InsertError>,
}

/// The threads; they end after their present insert when this is dropped.
pub(crate) struct InsertService {
    jobs: Sender<Job>,
    answers: Receiver<Answer>,
}

impl InsertService {
    /// Starts `threads` threads, at least one.
    pub fn start(client: &ClickHouse, threads: usize) -> Result<Self, SinkError> {
        let (jobs, queue) = unbounded::<Job>();
        let (answer, answers) = unbounded();
        for number in 0..threads.max(1) {
            let (client, queue, answer) = (client.clone(), queue.clone(), answer.clone());
            std::thread::Builder::new()
                .name(format!("clickhouse-insert-{number}"))
                .spawn(move || work(&client, &queue, &answer))
                .map_err(|error| SinkError::Thread(error.to_string()))?;
        }
        Ok(Self { jobs, answers })
    }

    /// Queues an insert.
    pub fn submit(&self, job: Job) {
        self.jobs.send(job).expect("the threads live as long as this value");
    }

    /// The next answer, if one has come.
    pub fn poll(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }
}

fn work(client: &ClickHouse, queue: &Receiver<Job>, answers: &Sender<Answer>) {
    for job in queue {
        let insert = request_builder::insert(&job.table, client.database(), &job.block, client.compresses());
        let answer = Answer { ticket: job.ticket, result: client.insert(&insert, &job.lease) };
        if answers.send(answer).is_err() {
            return; // the sink is gone
        }
    }
}
