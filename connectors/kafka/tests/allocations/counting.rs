//! The system's allocator, counting for each thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Made without an allocation and gone without a destructor: an allocator may use it at any time.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Allocations of this thread so far; a block that grows counts again.
pub fn so_far() -> u64 {
    ALLOCATIONS.get()
}

struct Counting;

// SAFETY: hands every call on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the one asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; the block came from there.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn an_allocation_counts_on_its_own_thread() {
    let before = so_far();
    let mut grown = std::hint::black_box(Vec::with_capacity(1));
    grown.extend([0_u8; 100]);
    std::thread::scope(|scope| drop(scope.spawn(|| std::hint::black_box(vec![0_u8; 10])).join()));
    let spawned = so_far();
    assert!(spawned >= before + 2, "{before} {spawned}");
    let other = std::thread::spawn(|| {
        let before = so_far();
        drop(std::hint::black_box(vec![0_u8; 10]));
        so_far() - before
    });
    assert_eq!(other.join().unwrap(), 1);
}
