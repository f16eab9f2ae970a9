//! Slots come and go; what is not applied stays.
#![allow(clippy::unwrap_used)]

use super::slot::SLOT_OVERHEAD_BYTES;
use super::*;

fn put(overlay: &mut Overlay, key: &[u8], value: &[u8]) {
    overlay.write(key, Some(value.into()), Stamp::default(), false);
}

fn commit_and_apply(overlay: &mut Overlay, cache_bytes: usize) {
    overlay.commit();
    overlay.applied(cache_bytes);
}

#[test]
fn an_applied_entry_stays_readable_within_the_cache_bound() {
    let mut overlay = Overlay::default();
    put(&mut overlay, b"k", b"v");
    commit_and_apply(&mut overlay, 1 << 20);
    assert_eq!(overlay.get(b"k").unwrap().unwrap().as_ref(), b"v");
    assert!(overlay.is_clean());
    assert!(overlay.scan(&KeyRange::all(), Direction::Forward).is_none());
}

#[test]
fn eviction_keeps_what_is_not_applied_and_what_was_used() {
    let mut overlay = Overlay::default();
    let room_for_two = 2 * (SLOT_OVERHEAD_BYTES + 2);
    for key in [b"a", b"b", b"c"] {
        put(&mut overlay, key, b"v");
    }
    commit_and_apply(&mut overlay, 3 * room_for_two);
    overlay.evict(room_for_two);
    put(&mut overlay, b"d", b"v");
    commit_and_apply(&mut overlay, room_for_two);
    put(&mut overlay, b"d", b"w");
    overlay.evict(0);
    assert_eq!(overlay.get(b"d").unwrap().unwrap().as_ref(), b"w");
    assert_eq!((overlay.clean_bytes, overlay.index.len()), (0, 1));
    overlay.abort();
    assert_eq!((overlay.get(b"d"), overlay.index.len()), (None, 0));
}

#[test]
fn slots_are_used_again() {
    let mut overlay = Overlay::default();
    for round in 0..100u32 {
        put(&mut overlay, &round.to_be_bytes(), b"v");
        put(&mut overlay, b"kept", b"v");
        overlay.abort();
    }
    assert_eq!(overlay.slots.len(), 2);
}
