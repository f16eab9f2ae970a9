//! State stores for stream processing: a task's tables, written together, readable as of a commit.
//!
//! **What it is.** The stores of one task (key-value, window, session, versioned, TTL) in Kafka Streams' key formats, over
//! memory or RocksDB, with a two-layer overlay in between so that the state on disk never runs ahead of what Kafka has
//! committed:
//!
//! ```text
//!   put ─► uncommitted ──commit()──► committed ──apply()──► backend ──flush()──► durable
//!           ▲ abort() drops it          │ publish(): other threads read here and below
//!   get ────┴── looks from the left to the right; the first hit wins
//! ```
//!
//! **What it is not.** It knows no Kafka, no clock, no thread, no serde: keys and values are bytes, time comes in with
//! the records, and whoever drives it says when to commit, apply and flush. It is not a database for several writers:
//! one task owns its stores.
//!
//! Start at [`TaskStorage::open`] (may be opened and restored on any thread), go on with [`TaskStores`] on the thread
//! that processes, and hand [`Views`] to threads that only read.
//!
//! ```
//! use comanda_state_stores::{Persistence, Positions, StoreSpec, TaskStorage, TaskStores};
//!
//! let specs = [StoreSpec::key_value("counts").in_memory()];
//! let storage = TaskStorage::open(&specs, Persistence::Memory)?;
//! let stores = TaskStores::new(storage);
//! let counts = stores.key_value("counts")?;
//! counts.put(b"fries", b"1");
//! stores.commit(&Positions::default().with_input("orders", 0, 17));
//! stores.apply()?;
//! assert_eq!(counts.get(b"fries")?.as_deref(), Some(b"1".as_slice()));
//! # Ok::<(), comanda_state_stores::StoreError>(())
//! ```
#![deny(unsafe_code, missing_docs)]

pub mod backend;
mod error;
pub mod keys;
pub mod kill_points;
mod overlay;
mod positions;
mod shared_bytes;
mod shared_layer;
mod spec;
mod storage;
mod store;
mod view;

pub use error::{Remedy, StoreError};
pub use keys::ValueAndTimestamp;
pub use positions::{ChangelogOrigin, Positions};
pub use shared_bytes::SharedBytes;
pub use spec::{SegmentedSpec, StoreKind, StoreSpec, WindowSpec};
pub use storage::{ChangelogRecord, DEFAULT_READ_CACHE_BYTES, Persistence, TaskStorage};
pub use store::{
    Direction, Entries, KeyValueStore, SessionEntries, SessionEntry, SessionStore, TaskStores, TtlStore, Validity,
    VersionedRecord, VersionedStore, WindowEntries, WindowEntry, WindowStore,
};
pub use view::{StoreView, StoresView, Views};
