//! Disks that fill up, lose a directory or return other bytes, and change logs that are not what they were: noticed, and
//! restored from what Kafka has.

use crate::applications::{assert_counted, assert_state, counting};
use crate::child::{Home, Process};
use crate::feed::{Feed, SteadyFeed};
use crate::fixture::*;
use comanda_kafka::KafkaBroker;
use comanda_servers::{Kind, OwnServer, Servers, unique_name};
use comanda_streams::{KafkaStreams, KafkaStreamsState, Restored, StreamsConfig, TaskId};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const KEYS: u64 = 2_000;
const TASK: TaskId = TaskId { sub_topology: 0, partition: 0 };

/// A counting application, and what it restored in all its lives.
struct Counted {
    kafka: Arc<KafkaBroker>,
    id: String,
    input: String,
    output: String,
    state: tempfile::TempDir,
    restored: Arc<Mutex<Vec<Restored>>>,
}

impl Counted {
    fn new(address: &str) -> Self {
        let kafka = cluster(address);
        let [id, input, output] = ["faults", "faults-in", "faults-out"].map(unique_name);
        create_topics(&*kafka, &[&input, &output], PARTITIONS);
        Self { kafka, id, input, output, state: tempfile::tempdir().unwrap(), restored: Arc::default() }
    }

    /// Writes to its disk at every commit.
    fn start(&self) -> KafkaStreams {
        let config = StreamsConfig { apply_bytes: 1, flush_bytes: 1, ..config(&self.id, self.state.path()) };
        let mut streams = KafkaStreams::new(counting(&self.input, &self.output), config, self.kafka.clone()).unwrap();
        let told = self.restored.clone();
        streams.set_restore_listener(move |restored| told.lock().unwrap().push(restored));
        streams.start().unwrap();
        assert!(streams.wait_until_running(PATIENCE), "{:?}", streams.error());
        streams
    }

    fn directory(&self) -> PathBuf {
        self.state.path().join(&self.id).join(TASK.to_string())
    }

    fn feed(&self) -> SteadyFeed {
        SteadyFeed::start(self.kafka.clone(), &self.input, KEYS, 500)
    }

    fn wait_for_outputs(&self, records: usize) {
        read_until(&*self.kafka, &self.output, "some is counted", |all| count(all) >= records);
    }

    /// What the task restored, life by life.
    fn restored(&self) -> Vec<Restored> {
        self.restored.lock().unwrap().iter().filter(|restored| restored.task == TASK).copied().collect()
    }
}

#[test]
fn a_state_directory_deleted_under_a_running_task_is_restored_and_nothing_is_lost_or_counted_twice() {
    let counted = Counted::new(Servers::kafka());
    let feed = counted.feed();
    let streams = counted.start();
    counted.wait_for_outputs(KEYS as usize);
    // RocksDB may write a new file in the meantime.
    wait_until("the directory is deleted", || std::fs::remove_dir_all(counted.directory()).is_ok());
    wait_until("the task is opened again", || counted.restored().len() >= 2);
    let last = counted.restored().pop().unwrap();
    assert!(last.records > 0, "nothing was left to go on from: {last:?}");
    let expected = feed.stop();
    assert_counted(&*counted.kafka, &counted.output, &expected);
    assert_state(&*counted.kafka, &counted.id, &expected);
    assert_eq!(streams.error(), None);
    assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
    assert!(counted.directory().join("CURRENT").exists());
}

/// Closes the application, has its disk changed, and starts it again: what it restored of how much.
fn after_a_change(change: impl FnOnce(PathBuf)) -> Restored {
    let counted = Counted::new(Servers::kafka());
    let feed = counted.feed();
    let streams = counted.start();
    counted.wait_for_outputs(KEYS as usize + 500);
    assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
    change(counted.directory());
    let streams = counted.start();
    let expected = feed.stop();
    assert_counted(&*counted.kafka, &counted.output, &expected);
    assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
    counted.restored().pop().unwrap()
}

#[test]
fn a_state_directory_deleted_between_runs_is_restored_from_the_log_s_beginning() {
    let restored = after_a_change(|directory| std::fs::remove_dir_all(directory).unwrap());
    assert!(restored.records > KEYS / 8, "{restored:?}");
}

#[test]
fn tables_with_other_bytes_than_were_written_are_noticed_and_restored_from_the_log_s_beginning() {
    let restored = after_a_change(|directory| {
        let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
        for table in files.filter(|path| path.extension().is_some_and(|extension| extension == "sst")) {
            let mut bytes = std::fs::read(&table).unwrap();
            // The data's blocks: what tells that it is a table stays.
            let data = bytes.len() / 2;
            bytes[..data].fill(0x5a);
            std::fs::write(&table, bytes).unwrap();
        }
    });
    assert!(restored.records > KEYS / 8, "{restored:?}");
}

#[test]
fn on_a_full_disk_an_application_waits_and_goes_on_once_there_is_room() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["full", "full-in", "full-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(&application_id, &input, &output, directory.path());
    let feed = SteadyFeed::start(kafka.clone(), &input, 5_000, 1_000);
    let process = Process::start(&home, "");
    process.wait_for_tasks(PARTITIONS as usize);
    read_until(&*kafka, &output, "some is counted", |records| count(records) >= 5_000);
    let before = process.restored();
    process.limit_files("1");
    // Each task meets it at its next flush, after 64 KiB.
    std::thread::sleep(Duration::from_secs(8));
    process.limit_files("unlimited");
    let again = |(task, first): (&String, &crate::child::RestoredTask)| process.restored()[task].at > first.at;
    wait_until("a task was closed and is opened again", || before.iter().any(again));
    let expected = feed.stop();
    assert_counted(&*kafka, &output, &expected);
    assert_state(&*kafka, &application_id, &expected);
    process.terminate();
}

#[test]
fn a_change_log_deleted_and_made_again_under_a_running_task_is_noticed_and_counts_as_what_it_holds() {
    let server = OwnServer::start(Kind::Kafka);
    let counted = Counted::new(server.address());
    let streams = counted.start();
    let mut feed = Feed::new(&*counted.kafka, &counted.input);
    let mut send = |times: u64| {
        for number in 0..times {
            feed.send(&format!("key-{}", number % KEYS), "v");
        }
        feed.flush();
    };
    send(2 * KEYS);
    counted.wait_for_outputs(2 * KEYS as usize);
    let changelog = format!("{}-counts-changelog", counted.id);
    let tool = ["org.apache.kafka.tools.TopicCommand", "--bootstrap-server", server.address(), "--topic", &changelog];
    server.kafka_tool(&[&tool[..], &["--delete"]].concat());
    let partitions = PARTITIONS.to_string();
    server.kafka_tool(&[&tool[..], &["--create", "--partitions", &partitions]].concat());
    let lives = counted.restored().len();
    send(KEYS);
    wait_until("the task's state is restored", || counted.restored().len() > lives);
    let last = counted.restored().pop().unwrap();
    assert!(last.log_records < KEYS, "the log began anew: {last:?}");
    // What the new log holds is what a new owner would find: here it is the state too.
    send(KEYS);
    wait_until("it goes on", || {
        let all = read_all(&*counted.kafka, &counted.output);
        count(&all) >= 4 * KEYS as usize
    });
    assert_eq!((streams.error(), streams.close()), (None, KafkaStreamsState::NotRunning));
}
