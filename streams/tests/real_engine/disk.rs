//! What a closed application left on its disk.

use comanda_state_stores::backend::SharedResources;
use comanda_state_stores::{Direction, Persistence, StoreKind, TaskStorage, TaskStores};
use comanda_streams::{StreamsConfig, TaskId, Topology};
use std::collections::BTreeMap;

use crate::fixture::PARTITIONS;

/// A store's entries as stored: key and window start (0 if it has no windows), value.
pub type Entries = BTreeMap<(Vec<u8>, i64), Vec<u8>>;

/// All stores by name. Each window's entry is also what a fetch by its key finds.
pub fn contents(stores: &TaskStores) -> BTreeMap<String, Entries> {
    let of = |name: &str, kind: &StoreKind| -> Entries {
        if !matches!(kind, StoreKind::Window(_)) {
            let all = stores.key_value(name).unwrap().all(Direction::Forward).unwrap();
            return all.map(Result::unwrap).map(|(key, value)| ((key.to_vec(), 0), value.to_vec())).collect();
        }
        let store = stores.window(name).unwrap();
        let all = store.fetch_all(0, i64::MAX, Direction::Forward).unwrap();
        let entries = all.map(Result::unwrap).map(|entry| {
            assert_eq!(store.fetch(entry.key(), entry.start_ms).unwrap().as_deref(), Some(&entry.value[..]));
            ((entry.key().to_vec(), entry.start_ms), entry.value.to_vec())
        });
        entries.collect()
    };
    stores.specs().iter().map(|spec| (spec.name.to_string(), of(&spec.name, &spec.kind))).collect()
}

/// The same of each task that has a directory.
pub fn on_disk(topology: &Topology, config: &StreamsConfig) -> BTreeMap<TaskId, BTreeMap<String, Entries>> {
    let mut found = BTreeMap::new();
    for sub_topology in topology.sub_topologies().iter().map(|part| part.id) {
        let specs = topology.task_stores(&[sub_topology], config);
        for task in (0..PARTITIONS).map(|partition| TaskId { sub_topology, partition }) {
            let directory = config.state_dir.join(&config.application_id).join(task.to_string());
            if directory.exists() && !specs.is_empty() {
                let disk = Persistence::RocksDb { directory, resources: SharedResources::default() };
                found.insert(task, contents(&TaskStores::new(TaskStorage::open(&specs, disk).unwrap())));
            }
        }
    }
    found
}
