//! `kill -9` at each named point: the result is that of a run without crashes, and only the tail is restored.

use crate::applications::{assert_counted, assert_counted_at_least, assert_state, assert_windowed};
use crate::child::{Application, FLUSH_BYTES, Home, Process, RestoredTask};
use crate::disk::on_disk;
use crate::feed::SteadyFeed;
use crate::fixture::{PARTITIONS, cluster, count, create_topics, read_until};
use comanda_servers::{Servers, unique_name};
use comanda_streams::ProcessingGuarantee;
use std::collections::BTreeMap;

/// The points, each with how often it is passed before: some seconds of work, so that the process has caught up.
const KILL_POINTS: [&str; 6] = [
    "commit.in-drain:4000",
    "commit.after-flush:25",
    "commit.after-send-offsets:25",
    "commit.after:25",
    "apply.inside:41",
    "rocksdb.flush:11",
];
/// Those behind a commit, or before its first step: what is committed and not on the disk is restored after them.
const BEHIND: [&str; 4] = ["commit.after:100", "commit.after:25", "apply.inside:41", "rocksdb.flush:11"];
/// Of 200 bytes each.
const KEYS: u64 = 50_000;
const RECORDS_PER_S: u64 = 2_000;
/// What may be restored of a task: what was written since the last flush, which one commit may overrun. An entry takes
/// 176 bytes and more in the bounded layers.
const TAIL_RECORDS: u64 = 3 * FLUSH_BYTES as u64 / 176;

#[test]
fn killed_at_each_named_point_it_counts_as_if_nothing_had_happened_and_restores_the_tail_only() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["killed", "killed-in", "killed-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let directories = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let home = |process: usize| Home::new(&application_id, &input, &output, directories[process].path());
    let feed = SteadyFeed::start(kafka.clone(), &input, KEYS, RECORDS_PER_S);
    let mut other = Process::start(&home(1), "");
    other.wait_for_tasks(1);
    // The tail is to be seen against a log of all keys, however slow the machine.
    read_until(&*kafka, &output, "each key is counted", |records| count(records) >= KEYS as usize);

    let mut before = "commit.after:100";
    let mut life = Process::start(&home(0), before);
    life.wait_for_kill();
    for point in KILL_POINTS {
        life = Process::start(&home(0), point);
        life.wait_for_kill();
        assert_tail_only(&life, before);
        before = point;
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
    life.terminate();
    other.terminate();
    assert_large(&home(0), &tasks);
    life = Process::start(&home(0), "");
    life.wait_for_tasks(PARTITIONS as usize);
    for (task, restored) in life.restored().iter().filter(|(task, _)| tasks.contains_key(*task)) {
        assert_eq!(restored.records, 0, "task {task} was closed in good order");
    }
    assert_counted(&*kafka, &output, &expected);
}

/// What is restored after a kill at a point.
fn assert_tail_only(life: &Process, killed_at: &str) {
    let restored = life.restored();
    assert!(!restored.is_empty(), "{killed_at}: no task was opened before the next kill");
    let records: u64 = restored.values().map(|task| task.records).sum();
    assert!(records > 0 || !BEHIND.contains(&killed_at), "{killed_at}: nothing was restored: {restored:?}");
    for (task, restored) in restored {
        assert!(restored.records <= TAIL_RECORDS, "{killed_at}: task {task} restored {restored:?}");
        assert!(restored.log_records >= 10 * TAIL_RECORDS, "{killed_at}: task {task}: its log is short: {restored:?}");
    }
}

/// The tasks' stores are as large as the tail must be seen against.
fn assert_large(home: &Home, tasks: &BTreeMap<String, RestoredTask>) {
    let states = on_disk(&home.topology(), &home.config());
    for (task, state) in states.iter().filter(|(task, _)| tasks.contains_key(&task.to_string())) {
        let bytes: usize = state["counts"].iter().map(|((key, _), value)| key.len() + value.len()).sum();
        assert!(bytes >= 20 * FLUSH_BYTES, "task {task} has {bytes} bytes on the disk");
    }
    assert!(!tasks.is_empty());
}

#[test]
fn killed_at_named_points_windows_behind_a_repartition_topic_count_as_if_nothing_had_happened() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["windows", "windows-in", "windows-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let directory = tempfile::tempdir().unwrap();
    let application = Application::Windowing;
    let home = Home { application, ..Home::new(&application_id, &input, &output, directory.path()) };
    let feed = SteadyFeed::start(kafka.clone(), &input, 2_000, 1_000);
    for point in ["commit.after-send-offsets:25", "commit.after:25", "apply.inside:9", "rocksdb.flush:3"] {
        Process::start(&home, point).wait_for_kill();
    }
    let last = Process::start(&home, "");
    last.wait_for_tasks(2 * PARTITIONS as usize);
    assert_windowed(&*kafka, &output, &feed.stop());
    let restored: u64 = last.restored().values().map(|task| task.records).sum();
    assert!(restored > 0, "the last kill left the windows behind their log");
    last.terminate();
}

#[test]
fn killed_under_at_least_once_it_loses_no_record() {
    let kafka = cluster(Servers::kafka());
    let [application_id, input, output] = ["at-least", "at-least-in", "at-least-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], PARTITIONS);
    let directory = tempfile::tempdir().unwrap();
    let guarantee = ProcessingGuarantee::AtLeastOnce;
    let home = Home { guarantee, ..Home::new(&application_id, &input, &output, directory.path()) };
    let feed = SteadyFeed::start(kafka.clone(), &input, 5_000, 1_000);
    for point in ["commit.before-flush:15", "commit.after:15", "apply.inside:5", "rocksdb.flush:2"] {
        Process::start(&home, point).wait_for_kill();
    }
    let last = Process::start(&home, "");
    assert_counted_at_least(&*kafka, &output, &feed.stop());
    last.terminate();
}
