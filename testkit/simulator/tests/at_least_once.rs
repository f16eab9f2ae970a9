//! What holds without transactions, in runs that are laid out and not drawn.
#![allow(clippy::unwrap_used)]

use comanda_simulator::{Faults, SimulatedBroker};
use comanda_state_stores::StoreError;
use comanda_state_stores::backend::{Backend, SimulatedDisk, SimulatedDiskBackend};
use comanda_streams::broker::{Broker, Headers, NewTopic, TopicPartition};
use comanda_streams::membership::ProcessId;
use comanda_streams::{
    AsyncClients, Consumed, Now, ProcessingGuarantee, Produced, Serdes, SimulatedInstance, Simulation, StreamThread,
    StreamsBuilder, StreamsConfig, TaskDisks, TaskId,
};
use std::collections::BTreeMap;
use std::sync::Arc;

const COMMIT_INTERVAL_MS: i64 = 1_000;
const MOMENT_MS: i64 = 5;

struct FreshDisks;

impl TaskDisks for FreshDisks {
    fn open(&self, _task: TaskId) -> Result<Box<dyn Backend>, StoreError> {
        Ok(Box::new(SimulatedDiskBackend::open(&SimulatedDisk::new())))
    }

    fn destroy(&self, _task: TaskId) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Run {
    broker: SimulatedBroker,
    thread: StreamThread,
    now_ms: i64,
}

impl Run {
    /// An application that copies `in` to `out`, running.
    fn start() -> Self {
        let broker = SimulatedBroker::alone(1);
        let topic = |name: &str| NewTopic { name: name.to_owned(), partitions: 1, replication: 1, configs: vec![] };
        broker.admin().unwrap().create_topics(&[topic("in"), topic("out")]).unwrap();
        let builder = StreamsBuilder::new();
        let text = Serdes::string;
        builder.stream("in", Consumed::with(text(), text())).to("out", Produced::with(text(), text()));
        let mut config = StreamsConfig::new("app", "");
        config.processing_guarantee = ProcessingGuarantee::AtLeastOnce;
        config.commit_interval_ms = COMMIT_INTERVAL_MS;
        let instance = SimulatedInstance::new(Simulation {
            topology: builder.build().unwrap(),
            config,
            broker: Arc::new(broker.clone()),
            process_id: ProcessId([1; 16]),
            offset_sums: BTreeMap::new(),
            disks: Arc::new(FreshDisks),
            async_clients: AsyncClients::default(),
        });
        let thread = instance.thread(0).unwrap();
        let mut run = Self { broker, thread, now_ms: 0 };
        run.pass(3 * COMMIT_INTERVAL_MS);
        assert!(run.thread.is_running());
        run
    }

    fn pass(&mut self, for_ms: i64) {
        let until_ms = self.now_ms + for_ms;
        while self.now_ms < until_ms {
            self.now_ms += MOMENT_MS;
            self.broker.advance(MOMENT_MS);
            self.thread.step(Now { steady_ms: self.now_ms, wall_clock_ms: self.now_ms }).unwrap();
        }
    }

    fn feed(&self) {
        let mut producer = self.broker.producer(None).unwrap();
        let topic = producer.topic("in").unwrap();
        producer.send(topic, Some(0), 1, Some(b"k"), Some(b"v"), &Headers::EMPTY).unwrap();
        producer.flush().unwrap();
    }

    fn committed(&self) -> Option<i64> {
        let found = self.broker.admin().unwrap().committed_offsets("app", &[TopicPartition::new("in", 0)]).unwrap();
        found[0].as_ref().map(|committed| committed.offset)
    }
}

#[test]
fn a_position_whose_commit_was_lost_is_committed_again_even_if_the_thread_goes_back_in_between() {
    let mut run = Run::start();
    run.broker.set_faults(Faults { lose_message_one_in: 1, ..Faults::none() });
    run.feed();
    run.pass(COMMIT_INTERVAL_MS / 4);
    assert_eq!(run.committed(), None, "the commit is lost");
    run.broker.set_faults(Faults { fail_one_in: 1, ..Faults::none() });
    run.pass(COMMIT_INTERVAL_MS / 2);
    run.broker.set_faults(Faults::none());
    run.pass(5 * COMMIT_INTERVAL_MS);
    assert_eq!(run.committed(), Some(1));
}
