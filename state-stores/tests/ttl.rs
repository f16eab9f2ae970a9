//! The index by which a TTL store finds expired rows, where it is behind or only partly worked off.
#![allow(clippy::unwrap_used)]

use comanda_state_stores::{ChangelogRecord, Persistence, Positions, StoreSpec, TaskStorage, TaskStores, TtlStore};

const TTL_MS: i64 = 100;

fn stores() -> (TaskStores, TtlStore) {
    let storage = TaskStorage::open(&[StoreSpec::ttl("ttl", TTL_MS)], Persistence::Memory).unwrap();
    let stores = TaskStores::new(storage);
    let ttl = stores.ttl("ttl").unwrap();
    (stores, ttl)
}

fn restore(stores: &TaskStores, timestamps_ms: &[i64]) {
    let record = |(number, timestamp_ms): (usize, &i64)| ChangelogRecord {
        key: b"k",
        value: Some(b"v"),
        timestamp_ms: *timestamp_ms,
        offset: number as i64,
    };
    let records: Vec<_> = timestamps_ms.iter().enumerate().map(record).collect();
    stores.with_storage(|storage| storage.restore(0, records, 10).unwrap());
}

#[test]
fn a_row_that_was_replaced_in_the_change_log_lives_by_its_last_timestamp() {
    let (stores, ttl) = stores();
    restore(&stores, &[0, 50]);
    ttl.observe_stream_time(120);
    assert_eq!(ttl.delete_expired(10).unwrap(), 1, "the entry that is behind");
    assert!(ttl.get(b"k").unwrap().is_some());
    ttl.observe_stream_time(150);
    assert_eq!(ttl.delete_expired(10).unwrap(), 1);
    assert_eq!(ttl.get(b"k").unwrap(), None);
}

#[test]
fn an_abort_brings_back_what_was_deleted_and_what_is_to_be() {
    let (stores, ttl) = stores();
    assert!(ttl.put(b"k", b"v", 0).unwrap());
    stores.commit(&Positions::default());
    ttl.observe_stream_time(100);
    assert_eq!(ttl.delete_expired(10).unwrap(), 1);
    stores.abort();
    assert!(ttl.get(b"k").unwrap().is_some());
    ttl.observe_stream_time(100);
    assert_eq!((ttl.get(b"k").unwrap(), ttl.delete_expired(10).unwrap()), (None, 1));
}
