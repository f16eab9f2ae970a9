//! Arrows between the rooms: which crate of the workspace may depend on which, and on what from outside.
//!
//! Dev-dependencies are free: a test may use the testkit, an example a connector.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata};

/// A crate's name with the names of what it depends on, in the workspace and outside.
pub type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The rooms and what each may use of the others (the table in ARCHITECTURE.md).
const ROOMS: &[(&str, &[&str])] = &[
    ("comanda-schemas", &[]),
    ("comanda-state-stores", &[]),
    ("comanda-streams", &["comanda-state-stores"]),
    ("comanda-kafka", &["comanda-streams"]),
    ("comanda-registry", &["comanda-streams", "comanda-schemas"]),
    ("comanda-providers", &["comanda-streams", "comanda-schemas", "comanda-processors"]),
    ("comanda-processors", &["comanda-streams", "comanda-schemas"]),
    ("comanda-clickhouse", &["comanda-streams", "comanda-registry", "comanda-schemas"]),
    ("comanda-edge", &["comanda-streams", "comanda-registry", "comanda-schemas"]),
    // For anyone who embeds the engine: it must not pull in more than the engine.
    ("comanda-streams-test", &["comanda-streams", "comanda-state-stores"]),
];

/// The composition root, which may use every room. Nobody uses it.
const APP: &str = "comanda";
/// The rest of the testkit takes what each part needs, but never these.
const NEVER_IN_TESTKIT: &[&str] = &[APP, "comanda-edge"];

/// What only one room may name.
const OWNED: &[(&str, &str)] = &[
    ("rocksdb", "comanda-state-stores"),
    ("librocksdb-sys", "comanda-state-stores"),
    ("rdkafka", "comanda-kafka"),
    ("rdkafka-sys", "comanda-kafka"),
];

/// What these rooms must not even reach through other rooms: their code is stepped, never scheduled.
const STEPPED_ROOMS: &[&str] = &["comanda-processors", "comanda-streams", "comanda-state-stores"];
const SCHEDULERS: &[&str] = &["tokio", "axum", "rdkafka", "rdkafka-sys"];

/// The normal and build dependencies of every crate in the workspace.
pub fn arrows_of(metadata: &Metadata) -> Arrows {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let uses = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .map(|dependency| dependency.name.clone())
                .collect();
            (package.name.to_string(), uses)
        })
        .collect()
}

/// Every arrow that the table does not allow.
pub fn violations(arrows: &Arrows) -> Vec<String> {
    let mut found = Vec::new();
    for (room, uses) in arrows {
        for used in uses {
            found.extend(refused_room(arrows, room, used));
            found.extend(refused_owner(room, used));
        }
        if STEPPED_ROOMS.contains(&room.as_str()) {
            found.extend(reached_schedulers(arrows, room));
        }
    }
    found
}

fn refused_room(arrows: &Arrows, room: &str, used: &str) -> Option<String> {
    let within_workspace = arrows.contains_key(used);
    (within_workspace && !may_use(room, used))
        .then(|| format!("{room} must not depend on {used}: see \"Rooms and arrows\" in ARCHITECTURE.md"))
}

fn may_use(room: &str, used: &str) -> bool {
    match ROOMS.iter().find(|(name, _)| *name == room) {
        Some((_, allowed)) => allowed.contains(&used),
        None if room == APP => true,
        None => !NEVER_IN_TESTKIT.contains(&used),
    }
}

fn refused_owner(room: &str, used: &str) -> Option<String> {
    let (_, owner) = OWNED.iter().find(|(owned, _)| *owned == used)?;
    (*owner != room).then(|| format!("{room} must not depend on {used}: only {owner} names it"))
}

fn reached_schedulers(arrows: &Arrows, room: &str) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut to_visit = vec![room];
    while let Some(next) = to_visit.pop() {
        for used in arrows.get(next).into_iter().flatten() {
            if reached.insert(used.as_str()) {
                to_visit.push(used);
            }
        }
    }
    SCHEDULERS
        .iter()
        .filter(|scheduler| reached.contains(*scheduler))
        .map(|scheduler| format!("{room} must not reach {scheduler}: it is stepped by whoever holds it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(pairs: &[(&str, &[&str])]) -> Arrows {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        pairs.iter().map(|(room, uses)| ((*room).to_owned(), owned(uses))).collect()
    }

    #[test]
    fn an_arrow_of_the_table_passes() {
        let house = arrows(&[
            ("comanda-streams", &["comanda-state-stores", "bytes"]),
            ("comanda-state-stores", &["rocksdb"]),
            ("comanda", &["comanda-streams", "tokio"]),
        ]);
        assert!(violations(&house).is_empty());
    }

    #[test]
    fn an_arrow_against_the_table_is_refused() {
        let house = arrows(&[("comanda-streams", &["comanda-kafka"]), ("comanda-kafka", &[])]);
        assert_eq!(violations(&house).len(), 1);
    }

    #[test]
    fn the_testkit_may_use_rooms_but_neither_edge_nor_app() {
        let house = arrows(&[
            ("comanda-bench", &["comanda-kafka", "comanda-edge"]),
            ("comanda-kafka", &[]),
            ("comanda-edge", &[]),
        ]);
        assert_eq!(violations(&house).len(), 1);
    }

    #[test]
    fn rocksdb_belongs_to_one_room() {
        let house = arrows(&[("comanda-edge", &["rocksdb"])]);
        assert_eq!(violations(&house).len(), 1);
    }

    #[test]
    fn processors_do_not_reach_tokio_through_the_engine() {
        let house = arrows(&[("comanda-processors", &["comanda-streams"]), ("comanda-streams", &["tokio"])]);
        let found = violations(&house);
        assert!(found.iter().any(|line| line.starts_with("comanda-processors must not reach tokio")));
    }
}
