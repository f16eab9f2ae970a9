//! `kill -9` and a start on the same state directory: a static member has its tasks back without anybody noticing
//! (KIP-345), a dynamic one after its session.

use crate::applications::assert_counted;
use crate::child::{Home, Process};
use crate::feed::SteadyFeed;
use crate::fixture::{PARTITIONS, Reader, cluster, create_topics, wait_until};
use comanda_kafka::KafkaBroker;
use comanda_servers::{Servers, unique_name};
use comanda_streams::broker::{Broker, Isolation, OffsetSpec, TopicPartition};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Two processes that share the tasks evenly, under input that goes on.
struct Pair {
    kafka: Arc<KafkaBroker>,
    output: String,
    homes: [Home; 2],
    _directories: [tempfile::TempDir; 2],
    feed: SteadyFeed,
    stays: Process,
    dies: Option<Process>,
}

impl Pair {
    fn start(session_timeout_ms: i32, is_static: bool) -> Self {
        let kafka = cluster(Servers::kafka());
        let [application_id, input, output] = ["returns", "returns-in", "returns-out"].map(unique_name);
        create_topics(&*kafka, &[&input, &output], PARTITIONS);
        let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let homes = [0, 1].map(|process: usize| Home {
            session_timeout_ms,
            instance_id: is_static.then(|| format!("pod-{process}")),
            ..Home::new(&application_id, &input, &output, directories[process].path())
        });
        let feed = SteadyFeed::start(kafka.clone(), &input, 2_000, 500);
        let stays = Process::start(&homes[0], "");
        stays.wait_for_tasks(PARTITIONS as usize);
        let dies = Process::start(&homes[1], "");
        dies.wait_for_tasks(PARTITIONS as usize / 2);
        wait_until("both run", || {
            [&stays, &dies].iter().all(|one| one.states().last().is_some_and(|s| s == "Running"))
        });
        // In the middle of its work.
        std::thread::sleep(Duration::from_millis(500));
        Self { kafka, output, homes, _directories: directories, feed, stays, dies: Some(dies) }
    }

    /// Kills the second process and starts it again: how long it took until each of its tasks had put something out.
    fn kill_and_start_again(&mut self) -> Duration {
        let partition = |task: String| task.split('_').nth(1).unwrap().parse::<i32>().unwrap();
        let partitions: Vec<i32> = self.tasks().into_iter().map(partition).collect();
        let logs: Vec<_> = partitions.iter().map(|p| TopicPartition::new(&*self.output, *p)).collect();
        let mut admin = self.kafka.admin().unwrap();
        drop(self.dies.take()); // kill -9
        let killed_at = Instant::now();
        let ends = admin.list_offsets(&logs, OffsetSpec::Latest, Isolation::ReadUncommitted).unwrap();
        self.dies = Some(Process::start(&self.homes[1], ""));
        let mut reader = Reader::new(&*self.kafka, &self.output);
        wait_until("its tasks go on", || {
            reader.poll();
            let goes_on = |(partition, end): (&i32, &i64)| {
                reader.records.get(partition).and_then(|records| records.last()).is_some_and(|last| last.offset >= *end)
            };
            partitions.iter().zip(&ends).all(goes_on)
        });
        killed_at.elapsed()
    }

    /// Tasks of the second process.
    fn tasks(&self) -> BTreeSet<String> {
        self.dies.iter().flat_map(|process| process.restored().into_keys()).collect()
    }

    fn end(self) {
        assert_counted(&*self.kafka, &self.output, &self.feed.stop());
        self.dies.into_iter().for_each(Process::terminate);
        self.stays.terminate();
    }
}

#[test]
fn a_static_member_killed_and_started_again_has_its_tasks_back_and_the_other_member_sees_no_rebalance() {
    /// Longer than anything here may take: a member that was not taken for its former self would wait that long.
    const SESSION_TIMEOUT_MS: i32 = 120_000;
    let mut pair = Pair::start(SESSION_TIMEOUT_MS, true);
    let (others, tasks) = (pair.stays.states(), pair.tasks());
    let took = pair.kill_and_start_again();
    println!("static: {took:?} from kill -9 to the first output of each of its tasks");
    assert_eq!(pair.stays.states(), others, "the other member saw a rebalance");
    assert_eq!(pair.tasks(), tasks);
    pair.end();
}

#[test]
fn a_static_member_that_closes_stays_in_the_group_and_has_its_tasks_back_when_it_starts_again() {
    let mut pair = Pair::start(120_000, true);
    let (others, tasks) = (pair.stays.states(), pair.tasks());
    pair.dies.take().unwrap().terminate();
    let again = pair.dies.insert(Process::start(&pair.homes[1], ""));
    again.wait_for_tasks(tasks.len());
    for (task, restored) in again.restored() {
        assert!(tasks.contains(&task) && restored.records == 0, "task {task} was closed in good order");
    }
    assert_eq!(pair.stays.states(), others, "the other member saw a rebalance");
    pair.end();
}

#[test]
fn a_dynamic_member_killed_and_started_again_costs_its_session_and_a_rebalance() {
    let mut pair = Pair::start(6_000, false);
    let others = pair.stays.states();
    let took = pair.kill_and_start_again();
    println!("dynamic, session of 6 s: {took:?} from kill -9 to the first output of each of its tasks");
    wait_until("the other member has seen the rebalance", || pair.stays.states().len() > others.len());
    pair.end();
}
