//! `kill -9` at each named point: the result is that of a run without crashes, and only the tail is restored.

use crate::applications::{assert_counted, assert_state};
use crate::child::{FLUSH_BYTES, Home, Process};
use crate::feed::SteadyFeed;
use crate::fixture::{PARTITIONS, cluster, create_topics};
use comanda_servers::{Servers, unique_name};

/// The points, each with how often it is passed before: some seconds of work, so that the process has caught up.
const KILL_POINTS: [&str; 6] = [
    "commit.in-drain:4000",
    "commit.after-flush:25",
    "commit.after-send-offsets:25",
    "commit.after:25",
    "apply.inside:41",
    "rocksdb.flush:11",
];
/// Of 200 bytes each.
const KEYS: u64 = 50_000;
const RECORDS_PER_S: u64 = 2_000;
/// What may be restored of a task: what was written since the last flush, which one commit may overrun. An entry takes
/// 176 bytes and more in the bounded layers.
const TAIL_RECORDS: u64 = 3 * FLUSH_BYTES as u64 / 176;

#[test]
fn killed_at_each_named_point_it_counts_as_if_nothing_had_happened_and_restores_the_tail_only() {
    let store_bytes_per_task = KEYS * 200 / PARTITIONS as u64;
    assert!(store_bytes_per_task >= 20 * FLUSH_BYTES as u64);
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["killed", "killed-in", "killed-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let home = |process: usize| Home {
        kafka: Servers::kafka().to_owned(),
        application_id: application_id.clone(),
        input: input.clone(),
        output: output.clone(),
        state_dir: directories[process].path().to_owned(),
        threads: 1,
    };
    let feed = SteadyFeed::start(kafka.clone(), &input, KEYS, RECORDS_PER_S);
    let mut other = Process::start(&home(1), "");
    other.wait_for_tasks(1);

    let mut life = Process::start(&home(0), "commit.after:100");
    life.wait_for_kill();
    for point in KILL_POINTS {
        life = Process::start(&home(0), point);
        life.wait_for_kill();
        assert_tail_only(&life, point);
    }
    // The other process too, in the middle of whatever it does.
    life = Process::start(&home(0), "");
    life.wait_for_tasks(2);
    other.kill();
    other = Process::start(&home(1), "");
    other.wait_for_tasks(1);

    let expected = feed.stop();
    assert_counted(&*kafka, &output, &expected);
    assert_state(&*kafka, &application_id, &expected);
    let tasks = life.restored();
    life.close();
    other.close();
    life = Process::start(&home(0), "");
    life.wait_for_tasks(PARTITIONS as usize);
    for (task, restored) in life.restored().iter().filter(|(task, _)| tasks.contains_key(*task)) {
        assert_eq!(restored.records, 0, "task {task} was closed in good order");
    }
    assert_counted(&*kafka, &output, &expected);
}

fn assert_tail_only(life: &Process, point: &str) {
    let restored = life.restored();
    assert!(!restored.is_empty(), "{point}: no task was opened before the kill");
    for (task, restored) in restored {
        assert!(restored.records <= TAIL_RECORDS, "{point}: task {task} restored {restored:?}");
        assert!(restored.log_records >= 10 * TAIL_RECORDS, "{point}: task {task}: its log is short: {restored:?}");
    }
}
