//! The production thread on prepared input: what is counted between two steps is the engine's own.

use crate::counting;
use crate::prepared::Prepared;
use crate::{filter_and_slice, value};
use bytes::Bytes;
use comanda_simulator::SimulatedBroker;
use comanda_state_stores::StoreError;
use comanda_state_stores::backend::{Backend, SimulatedDisk, SimulatedDiskBackend};
use comanda_streams::broker::{Broker, NewTopic};
use comanda_streams::membership::ProcessId;
use comanda_streams::{Now, SimulatedInstance, Simulation, StreamThread, StreamsConfig, TaskDisks, TaskId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Buffers have grown to their size by then.
const WARM: u64 = 20_000;
const COUNTED: u64 = 200_000;
/// Steps to become a member and open the task.
const STEPS_TO_RUN: i64 = 1_000;

/// A disk for a task that keeps nothing.
struct EmptyDisks;

impl TaskDisks for EmptyDisks {
    fn open(&self, _: TaskId) -> Result<Box<dyn Backend>, StoreError> {
        Ok(Box::new(SimulatedDiskBackend::open(&SimulatedDisk::new())))
    }

    fn destroy(&self, _: TaskId) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A thread that runs its one task, the time it stands at, and how much it has sent. `seen` is called with each record.
fn running(seen: impl Fn() + Send + Sync + 'static) -> (StreamThread, Now, Arc<AtomicU64>) {
    let (cluster, sent) = (SimulatedBroker::alone(1), Arc::new(AtomicU64::new(0)));
    let topic = |name: &str| NewTopic { name: name.into(), partitions: 1, replication: 1, configs: vec![] };
    cluster.admin().unwrap().create_topics(&[topic("in"), topic("out")]).unwrap();
    let values = (0..1_000).map(|number| Bytes::from(value(number))).collect();
    let instance = SimulatedInstance::new(Simulation {
        topology: filter_and_slice("in", "out", seen),
        config: StreamsConfig::new("app", ""),
        broker: Arc::new(Prepared { cluster: cluster.clone(), values, sent: sent.clone() }),
        process_id: ProcessId([1; 16]),
        offset_sums: BTreeMap::new(),
        disks: Arc::new(EmptyDisks),
        async_clients: Default::default(),
    });
    let mut thread = instance.thread(0).unwrap();
    for step in 1..STEPS_TO_RUN {
        let now = Now { steady_ms: step * 10, wall_clock_ms: step * 10 };
        thread.step(now).unwrap();
        if thread.is_running() && !thread.tasks().is_empty() {
            return (thread, now, sent);
        }
        cluster.advance(10);
    }
    panic!("the thread does not come to run its task");
}

/// Steps until so much is sent. The time stands: neither a commit nor a heartbeat falls due.
fn step_until(thread: &mut StreamThread, now: Now, sent: &AtomicU64, enough: u64) {
    while sent.load(Ordering::Relaxed) < enough {
        thread.step(now).unwrap();
    }
}

/// Allocations in steps that send so many records once the thread is warm.
fn allocations(seen: impl Fn() + Send + Sync + 'static) -> u64 {
    let (mut thread, now, sent) = running(seen);
    step_until(&mut thread, now, &sent, WARM);
    let before = counting::so_far();
    step_until(&mut thread, now, &sent, WARM + COUNTED);
    counting::so_far() - before
}

#[test]
fn a_record_of_a_stateless_topology_costs_the_engine_no_allocation() {
    assert_eq!(allocations(|| {}), 0);
}

#[test]
fn one_allocation_of_the_users_function_is_seen_as_one_a_record() {
    let seen = Arc::new(AtomicU64::new(0));
    let calls = seen.clone();
    let allocations = allocations(move || {
        calls.fetch_add(1, Ordering::Relaxed);
        drop(std::hint::black_box(Box::new(1)));
    });
    assert!((COUNTED..=seen.load(Ordering::Relaxed)).contains(&allocations), "{allocations}");
}
