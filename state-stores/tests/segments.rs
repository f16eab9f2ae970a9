//! Expired segments: dropped whole, and not before what made them expire is durable.
#![allow(clippy::unwrap_used)]

use comanda_state_stores::backend::{Backend, SimulatedDisk, SimulatedDiskBackend};
use comanda_state_stores::{Direction, Persistence, Positions, StoreSpec, TaskStorage, TaskStores};

fn specs() -> [StoreSpec; 1] {
    [StoreSpec::window("w", 20, 10).segment_ms(10)]
}

fn open(disk: &SimulatedDisk) -> TaskStores {
    let backend = Box::new(SimulatedDiskBackend::open(disk));
    TaskStores::new(TaskStorage::open(&specs(), Persistence::Backend(backend)).unwrap())
}

fn put_and_apply(stores: &TaskStores, start_ms: i64) {
    assert!(stores.window("w").unwrap().put(b"k", Some(b"v"), start_ms));
    stores.commit(&Positions::default().with_changelog("w", start_ms));
    stores.apply().unwrap();
}

fn starts(stores: &TaskStores) -> Vec<i64> {
    let windows = stores.window("w").unwrap();
    windows.fetch_all(0, i64::MAX, Direction::Forward).unwrap().map(|entry| entry.unwrap().start_ms).collect()
}

#[test]
fn a_segment_is_dropped_at_the_first_flush_after_it_expired() {
    let disk = SimulatedDisk::new();
    let stores = open(&disk);
    for start_ms in [5, 15, 60] {
        put_and_apply(&stores, start_ms);
    }
    assert_eq!(starts(&stores), [60]);
    let tables = || SimulatedDiskBackend::open(&disk).table_names();
    stores.flush().unwrap();
    drop(stores);
    assert_eq!(tables(), ["segment.6.w"]);
}

#[test]
fn a_crash_before_the_flush_brings_expired_windows_back_with_their_time() {
    let disk = SimulatedDisk::new();
    let stores = open(&disk);
    put_and_apply(&stores, 5);
    put_and_apply(&stores, 15);
    stores.flush().unwrap();
    put_and_apply(&stores, 60);
    disk.crash(|_| 0);
    let stores = open(&disk);
    assert_eq!(starts(&stores), [5, 15]);
    assert_eq!(stores.window("w").unwrap().observed_stream_time(), 15);
    assert_eq!(stores.positions().changelogs.values().copied().collect::<Vec<_>>(), [15]);
}

#[test]
fn a_put_out_of_retention_is_refused_and_one_tick_more_is_what_some_stores_see() {
    let [plain] = specs();
    let more = StoreSpec::window("more", 20, 10).segment_ms(10).one_tick_more();
    let stores = TaskStores::new(TaskStorage::open(&[plain, more], Persistence::Memory).unwrap());
    let seen = ["w", "more"].map(|name| {
        let windows = stores.window(name).unwrap();
        let accepted = [40, 19, 20, 21].map(|start_ms| windows.put(b"k", Some(b"v"), start_ms));
        let seen: Vec<i64> = windows
            .fetch_range(b"k", 0, 99, Direction::Forward)
            .unwrap()
            .map(|entry| entry.unwrap().start_ms)
            .collect();
        (accepted, seen)
    });
    assert_eq!(seen[0], ([true, false, false, true], vec![21, 40]));
    assert_eq!(seen[1], ([true, false, true, true], vec![20, 21, 40]));
}

#[test]
fn a_scan_shows_the_store_as_it_was_when_it_began() {
    let specs = [StoreSpec::key_value("kv")];
    let stores = TaskStores::new(TaskStorage::open(&specs, Persistence::Memory).unwrap());
    let store = stores.key_value("kv").unwrap();
    for key in 0..100u8 {
        store.put(&[key], b"old");
        if key == 50 {
            stores.commit(&Positions::default());
            stores.apply().unwrap();
        }
    }
    let mut seen = 0;
    for entry in store.all(Direction::Forward).unwrap() {
        let (key, value) = entry.unwrap();
        assert_eq!(&*value, b"old");
        store.delete(&key);
        store.put(&[200 + seen as u8 % 50], b"new");
        seen += 1;
    }
    assert_eq!(seen, 100);
    assert_eq!(store.all(Direction::Forward).unwrap().count(), 50);
}
