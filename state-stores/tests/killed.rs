//! RocksDB after `kill -9`: this test runs itself as a process of its own, kills it, and looks at what it left.
#![allow(clippy::unwrap_used)]

use comanda_state_stores::backend::{ResourceSizes, SharedResources};
use comanda_state_stores::{Persistence, Positions, StoreSpec, TaskStorage, TaskStores};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const DIRECTORY: &str = "COMANDA_TEST_VICTIM_DIRECTORY";
const KEYS: u64 = 50;
const RETENTION_MS: i64 = 1000;
const FLUSH_EVERY: u64 = 40;

fn open(directory: &Path) -> TaskStores {
    let specs = [
        StoreSpec::key_value("first"),
        StoreSpec::window("windows", RETENTION_MS, 10).segment_ms(200),
        StoreSpec::key_value("last"),
    ];
    // So small that RocksDB flushes in between on its own.
    let sizes = ResourceSizes { write_buffer_bytes: 512 << 10, ..ResourceSizes::default() };
    let persistence = Persistence::RocksDb { directory: directory.into(), resources: SharedResources::new(sizes) };
    TaskStores::new(TaskStorage::open(&specs, persistence).unwrap())
}

/// Commits, applies and flushes until it is killed; tells each flush that has returned.
#[test]
#[ignore = "the process that the other tests kill"]
fn victim() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let stores = open(Path::new(&directory));
    let begin = number(&stores) + 1;
    for commit in begin.. {
        let value = [commit.to_be_bytes().as_slice(), &[7; 4000]].concat();
        let key = (commit % KEYS).to_be_bytes();
        stores.key_value("first").unwrap().put(&key, &value);
        stores.key_value("last").unwrap().put(&key, &value);
        stores.window("windows").unwrap().put(b"k", Some(&commit.to_be_bytes()), commit as i64 * 10);
        stores.commit(&Positions::default().with_input("in", 0, commit as i64));
        stores.apply().unwrap();
        if commit % FLUSH_EVERY == 0 {
            stores.flush().unwrap();
            println!("flushed {commit}");
            std::io::stdout().flush().unwrap();
        }
    }
}

fn number(stores: &TaskStores) -> u64 {
    stores.positions().inputs.values().next().map_or(0, |number| *number as u64)
}

/// Runs the victim until it dies of itself or has flushed `flushes` times; returns the last flush that it told.
fn run_victim(directory: &Path, kill_point: &str, flushes: usize) -> u64 {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env("COMANDA_KILL_POINT", kill_point)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.filter_map(|line| line.rsplit_once("flushed ")?.1.parse().ok());
    let last = told.take(flushes).last().unwrap_or(0);
    if kill_point.is_empty() {
        // It goes on meanwhile: the kill comes somewhere in the commits that follow.
        std::thread::sleep(std::time::Duration::from_millis(20));
        victim.kill().unwrap();
    }
    let status = victim.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{kill_point}: {status}");
    last
}

/// All tables are as of one commit, the one that the positions name, at least as new as the last flush.
fn assert_one_commit(directory: &Path, flushed: u64) {
    let stores = open(directory);
    let number = number(&stores);
    assert!(number >= flushed, "{number} kept, {flushed} flushed");
    for key in 0..KEYS {
        let last = (1..=number).rev().find(|commit| commit % KEYS == key);
        for name in ["first", "last"] {
            let found = stores.key_value(name).unwrap().get(&key.to_be_bytes()).unwrap();
            let found = found.map(|value| u64::from_be_bytes(*value.first_chunk().unwrap()));
            assert_eq!(found, last, "{name} {key} as of {number}");
        }
    }
    let windows = stores.window("windows").unwrap();
    let starts = (1..=number).map(|commit| commit as i64 * 10);
    let expected: Vec<i64> = starts.filter(|start| *start > number as i64 * 10 - RETENTION_MS).collect();
    let found = windows.fetch_range(b"k", 0, i64::MAX, comanda_state_stores::Direction::Forward).unwrap();
    assert_eq!(found.map(|entry| entry.unwrap().start_ms).collect::<Vec<_>>(), expected);
}

#[test]
fn killed_at_any_time_all_tables_are_as_of_the_commit_that_the_positions_name() {
    let directory = TempDir::new().unwrap();
    for life in 1..=6 {
        let flushed = run_victim(directory.path(), "", life);
        assert_one_commit(directory.path(), flushed);
    }
}

#[cfg(feature = "kill-points")]
#[test]
fn killed_at_each_named_point_all_tables_are_as_of_the_commit_that_the_positions_name() {
    for point in ["apply.before:90", "apply.inside:91", "rocksdb.flush:1", "rocksdb.flush:3"] {
        let directory = TempDir::new().unwrap();
        let flushed = run_victim(directory.path(), point, usize::MAX);
        assert_one_commit(directory.path(), flushed);
    }
}
