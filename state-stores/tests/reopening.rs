//! What opening finds: state that fits, state that does not, state that is held or broken.
#![allow(clippy::unwrap_used)]

use comanda_state_stores::backend::{Backend, RocksBackend, SharedResources};
use comanda_state_stores::{
    ChangelogRecord, Direction, Persistence, Positions, Remedy, StoreError, StoreSpec, TaskStorage, TaskStores,
    VersionedRecord,
};
use std::path::Path;
use tempfile::TempDir;

fn open(directory: &Path, specs: &[StoreSpec]) -> Result<TaskStorage, StoreError> {
    let resources = SharedResources::default();
    TaskStorage::open(specs, Persistence::RocksDb { directory: directory.into(), resources })
}

/// Two stores with an entry each, committed at offset 5 of their change logs, flushed.
fn filled(directory: &Path) -> [StoreSpec; 2] {
    let specs = [StoreSpec::key_value("a"), StoreSpec::window("b.with.dots", 1000, 10)];
    let stores = TaskStores::new(open(directory, &specs).unwrap());
    stores.key_value("a").unwrap().put(b"k", b"v");
    stores.window("b.with.dots").unwrap().put(b"k", Some(b"v"), 500);
    let positions = Positions::default().with_input("in", 0, 9).with_changelog("a", 5);
    stores.commit(&positions.with_changelog("b.with.dots", 5));
    stores.apply().unwrap();
    stores.flush().unwrap();
    specs
}

#[test]
fn what_was_flushed_is_there_again_with_its_positions() {
    let directory = TempDir::new().unwrap();
    let specs = filled(directory.path());
    let stores = TaskStores::new(open(directory.path(), &specs).unwrap());
    assert_eq!(stores.positions().inputs.values().copied().collect::<Vec<_>>(), [9]);
    assert_eq!(stores.key_value("a").unwrap().get(b"k").unwrap().as_deref(), Some(b"v".as_slice()));
    let windows = stores.window("b.with.dots").unwrap();
    assert_eq!(windows.fetch(b"k", 500).unwrap().as_deref(), Some(b"v".as_slice()));
    assert_eq!(windows.observed_stream_time(), 500);
}

#[test]
fn a_store_stored_in_another_layout_starts_over_and_the_others_stay() {
    let directory = TempDir::new().unwrap();
    let [a, b] = filled(directory.path());
    let changed = [a, b.segment_ms(7)];
    let stores = TaskStores::new(open(directory.path(), &changed).unwrap());
    let changelogs = stores.positions().changelogs;
    assert_eq!(changelogs.iter().map(|(name, offset)| (&**name, *offset)).collect::<Vec<_>>(), [("a", 5)]);
    let windows = stores.window("b.with.dots").unwrap();
    assert_eq!(windows.fetch_all(0, i64::MAX, Direction::Forward).unwrap().count(), 0);
    assert_eq!(windows.observed_stream_time(), i64::MIN);
}

#[test]
fn tables_of_a_store_that_is_gone_are_dropped_with_its_position() {
    let directory = TempDir::new().unwrap();
    let [a, _] = filled(directory.path());
    drop(open(directory.path(), std::slice::from_ref(&a)).unwrap());
    let backend = RocksBackend::open(directory.path(), SharedResources::default()).unwrap();
    assert_eq!(backend.table_names(), ["main.a"]);
    drop(backend);
    let storage = open(directory.path(), &[a, StoreSpec::window("b.with.dots", 1000, 10)]).unwrap();
    assert_eq!(storage.positions().changelogs.len(), 1);
}

#[test]
fn a_directory_that_somebody_holds_is_locked_and_may_be_tried_again() {
    let directory = TempDir::new().unwrap();
    let specs = filled(directory.path());
    let holder = open(directory.path(), &specs).unwrap();
    let refused = open(directory.path(), &specs).err().unwrap();
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
    assert_eq!(refused.remedy(), Remedy::Retry);
    drop(holder);
    open(directory.path(), &specs).unwrap();
}

#[test]
fn views_let_the_directory_go_when_the_task_is_closed() {
    let directory = TempDir::new().unwrap();
    let specs = filled(directory.path());
    let mut storage = open(directory.path(), &specs).unwrap();
    storage.publish().unwrap();
    let views = storage.views();
    assert!(views.load().is_some());
    drop(storage);
    assert!(views.load().is_none());
    open(directory.path(), &specs).unwrap();
}

#[test]
fn a_damaged_database_is_corrupt_and_opens_empty_once_destroyed() {
    let directory = TempDir::new().unwrap();
    let specs = filled(directory.path());
    std::fs::write(directory.path().join("CURRENT"), "MANIFEST-999999\n").unwrap();
    let refused = open(directory.path(), &specs).err().unwrap();
    assert_eq!(refused.remedy(), Remedy::TaskCorrupted, "{refused}");
    TaskStorage::destroy(directory.path()).unwrap();
    assert_eq!(open(directory.path(), &specs).unwrap().positions(), &Positions::default());
}

#[test]
fn a_damaged_table_is_corrupt_when_read() {
    let directory = TempDir::new().unwrap();
    let specs = filled(directory.path());
    for file in std::fs::read_dir(directory.path()).unwrap().map(Result::unwrap) {
        if file.path().extension().is_some_and(|extension| extension == "sst") {
            let length = file.metadata().unwrap().len() as usize;
            std::fs::write(file.path(), vec![0x5a; length]).unwrap();
        }
    }
    let read = open(directory.path(), &specs).and_then(|storage| {
        let stores = TaskStores::new(storage);
        stores.key_value("a").unwrap().get(b"k")
    });
    assert_eq!(read.err().unwrap().remedy(), Remedy::TaskCorrupted);
}

#[test]
fn a_directory_deleted_under_a_task_is_named_at_the_next_flush_and_opens_empty() {
    let scratch = TempDir::new().unwrap();
    let directory = scratch.path().join("0_1");
    let specs = filled(&directory);
    let stores = TaskStores::new(open(&directory, &specs).unwrap());
    std::fs::remove_dir_all(&directory).unwrap();
    stores.key_value("a").unwrap().put(b"k", b"w");
    stores.commit(&Positions::default().with_changelog("a", 6));
    let refused = stores.apply().and_then(|()| stores.flush()).unwrap_err();
    assert_eq!(refused.remedy(), Remedy::Reopen, "{refused}");
    assert!(refused.to_string().contains("0_1"), "{refused}");
    drop(stores);
    assert_eq!(open(&directory, &specs).unwrap().positions(), &Positions::default());
}

#[test]
fn a_record_that_is_none_of_the_store_s_is_named_and_not_tried_again() {
    let scratch = TempDir::new().unwrap();
    for (spec, name) in [(StoreSpec::window("w", 1000, 10), "w"), (StoreSpec::session("s", 1000), "s")] {
        let mut storage = open(&scratch.path().join(name), &[spec]).unwrap();
        let record = ChangelogRecord { key: b"short", value: Some(b"v"), timestamp_ms: 1, offset: 41 };
        let refused = storage.restore(0, [record], 42).unwrap_err();
        assert_eq!(refused.remedy(), Remedy::Fatal, "{refused}");
        let text = refused.to_string();
        assert!(
            text.contains(&format!("{name:?}")) && text.contains("offset 41") && text.contains("5 bytes"),
            "{text}"
        );
        assert_eq!(storage.positions(), &Positions::default(), "nothing of the batch counts");
    }
}

#[test]
fn a_wiped_task_is_empty_and_stays_so() {
    let directory = TempDir::new().unwrap();
    let specs = filled(directory.path());
    let mut storage = open(directory.path(), &specs).unwrap();
    storage.wipe().unwrap();
    drop(storage);
    let stores = TaskStores::new(open(directory.path(), &specs).unwrap());
    assert_eq!(stores.positions(), Positions::default());
    assert_eq!(stores.key_value("a").unwrap().get(b"k").unwrap(), None);
}

#[test]
fn a_task_moves_between_threads_once_its_handles_are_gone() {
    let stores = TaskStores::new(TaskStorage::open(&[StoreSpec::versioned("v", 100)], Persistence::Memory).unwrap());
    let handle = stores.versioned("v").unwrap();
    handle.put(b"k", Some(b"v"), 1).unwrap();
    let stores = stores.into_storage().err().unwrap();
    drop(handle);
    let storage = stores.into_storage().ok().unwrap();
    let found = std::thread::spawn(move || TaskStores::new(storage).versioned("v").unwrap().get(b"k").unwrap());
    let expected = VersionedRecord { value: b"v".as_slice().into(), valid_from_ms: 1, valid_to_ms: None };
    assert_eq!(found.join().unwrap(), Some(expected));
}
