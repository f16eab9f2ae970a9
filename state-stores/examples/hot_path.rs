//! What a read-modify-write costs: the keyed count of a stream, with commits, change-log drains and applies.
//!
//! `cargo run -p comanda-state-stores --example hot_path [KEYS] [RECORDS]`: prints nanoseconds of CPU per record for each way
//! of keeping the state. Figures of one machine are comparable with each other only.

use comanda_state_stores::backend::SharedResources;
use comanda_state_stores::{Direction, Persistence, Positions, StoreError, StoreSpec, TaskStorage, TaskStores};
use std::convert::Infallible;
use std::time::Duration;

/// Records between commits.
const COMMIT_EVERY: usize = 20_000;
/// Commits between applies, where they are rare.
const RARELY: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let keys = arguments.next().transpose()?.unwrap_or(100_000);
    let records = arguments.next().transpose()?.unwrap_or(4_000_000);
    let directory = std::env::temp_dir().join(format!("comanda-hot-path-{}", std::process::id()));
    println!("{records} records over {keys} keys, a commit every {COMMIT_EVERY}");
    for (name, on_disk, apply_every, publish) in [
        ("memory, applied at every commit", false, 1, false),
        ("memory, applied at every 20th commit", false, RARELY, false),
        ("RocksDB, applied at every commit", true, 1, false),
        ("RocksDB, applied at every 20th commit", true, RARELY, false),
        ("the same, published at every commit", true, RARELY, true),
    ] {
        let persistence = match on_disk {
            true => Persistence::RocksDb { directory: directory.clone(), resources: SharedResources::default() },
            false => Persistence::Memory,
        };
        let specs = [StoreSpec::key_value("counts").timestamped()];
        let stores = TaskStores::new(TaskStorage::open(&specs, persistence)?);
        let spent = count(&stores, keys, records, apply_every, publish)?;
        let seen = stores.key_value("counts")?.all(Direction::Forward)?.count();
        println!("{name:40} {:6.0} ns per record, {seen} keys", spent.as_nanos() as f64 / records as f64);
        drop(stores);
        TaskStorage::destroy(&directory)?;
    }
    Ok(())
}

fn count(
    stores: &TaskStores,
    keys: usize,
    records: usize,
    apply_every: usize,
    publish: bool,
) -> Result<Duration, StoreError> {
    let counts = stores.key_value("counts")?;
    let names: Vec<Vec<u8>> = (0..keys).map(|key| format!("key-{key:010}").into_bytes()).collect();
    let (mut state, mut logged, mut commits) = (1u64, 0u64, 0);
    let begun = cpu_time();
    for record in 0..records {
        // An xorshift: the keys come in no order that a cache could follow.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let Some(key) = names.get(state as usize % keys) else {
            continue;
        };
        stores.set_record_timestamp(record as i64);
        let count = counts.get_with(key, |stored| stored.last_chunk::<8>().map_or(0, |n| i64::from_be_bytes(*n)))?;
        let mut value = [0; 16];
        value[..8].copy_from_slice(&(record as i64).to_be_bytes());
        value[8..].copy_from_slice(&(count.unwrap_or(0) + 1).to_be_bytes());
        counts.put(key, &value);
        if (record + 1) % COMMIT_EVERY == 0 {
            let Ok(()) = stores.drain_uncommitted(|_, _, _, _| {
                logged += 1;
                Ok::<(), Infallible>(())
            });
            stores.commit(&Positions::default().with_input("in", 0, record as i64));
            commits += 1;
            if commits % apply_every == 0 {
                stores.apply()?;
            }
            if publish {
                stores.publish()?;
            }
        }
    }
    stores.apply()?;
    stores.flush()?;
    Ok(cpu_time().saturating_sub(begun))
}

/// CPU time of this thread: unlike wall time it does not count the neighbours'. RocksDB's own threads come on top.
fn cpu_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = statistics.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
