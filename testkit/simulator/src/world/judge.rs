//! What must hold of states: they are what their change logs say, no more and no less, and never ahead of them.

use super::deployment::Deployment;
use crate::cluster::{Cluster, Log};
use comanda_state_stores::backend::{Backend, Direction};
use comanda_state_stores::keys::window_key;
use comanda_state_stores::{
    Persistence, Positions, StoreKind, StoreSpec, StoreView, StoresView, TaskStorage, ValueAndTimestamp,
};
use comanda_streams::TaskId;
use comanda_streams::broker::TopicPartition;
use std::collections::BTreeMap;

/// Entries of a store as they are stored.
type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// A task's disk as found after its process has ended: how far it reaches in records of its change logs.
///
/// # Errors
/// If it holds anything but the committed change logs up to the positions that it names, or is ahead of the committed
/// inputs. Without transactions it only must not be ahead of its change logs.
pub(super) fn check_disk(
    cluster: &Cluster,
    deployment: &Deployment,
    task: TaskId,
    disk: Box<dyn Backend>,
) -> Result<i64, String> {
    let specs = deployment.topology.task_stores(&[task.sub_topology], &deployment.config);
    let mut storage = TaskStorage::open(&specs, Persistence::Backend(disk)).map_err(|e| format!("{task}: {e}"))?;
    let positions = storage.positions().clone();
    let origins: Vec<_> = (0..specs.len()).map(|store| storage.changelog_origin(store)).collect();
    storage.publish().map_err(|e| format!("{task}: {e}"))?;
    let view = storage.views().load().ok_or("a published state is there")?;
    if deployment.is_exactly_once() {
        check_inputs(cluster, deployment.id, task, &positions)?;
    }
    for (spec, origin) in specs.iter().zip(origins).filter(|(spec, _)| spec.persistent) {
        let log = changelog(deployment.id, task, spec);
        // Of a change log that was made again since then it says nothing.
        if origin.is_some_and(|origin| cluster.topics.get(&*log.topic).is_some_and(|topic| topic.id != origin.topic_id))
        {
            continue;
        }
        let position = positions.changelogs.get(&spec.name).copied().unwrap_or(0);
        let end = cluster.logs.get(&log).map_or(i64::MAX, Log::end);
        if position > end {
            return Err(format!("{task} is ahead of {log} on disk: {position} of {end}"));
        }
        if deployment.is_exactly_once() {
            check_store(cluster, &log, spec, &view, position)
                .map_err(|e| format!("{task} on disk at {position}: {e}"))?;
        }
    }
    Ok(positions.changelogs.values().sum())
}

/// A running task's committed state equals its whole change logs.
pub(super) fn check_state(
    cluster: &Cluster,
    deployment: &Deployment,
    task: TaskId,
    view: &StoresView,
) -> Result<(), String> {
    for spec in &deployment.topology.task_stores(&[task.sub_topology], &deployment.config) {
        let log = changelog(deployment.id, task, spec);
        check_store(cluster, &log, spec, view, i64::MAX).map_err(|e| format!("running {task}: {e}"))?;
    }
    Ok(())
}

fn changelog(application_id: &str, task: TaskId, spec: &StoreSpec) -> TopicPartition {
    TopicPartition::new(format!("{application_id}-{}-changelog", spec.name), task.partition)
}

fn check_inputs(cluster: &Cluster, group: &str, task: TaskId, positions: &Positions) -> Result<(), String> {
    let offsets = cluster.offsets.get(group);
    for ((topic, partition), position) in &positions.inputs {
        let input = TopicPartition::new(topic.clone(), *partition);
        let committed = offsets.map_or(0, |offsets| offsets.decided(&input, &cluster.fates));
        // Of what is out of retention unread nothing is committed: the task goes on where the log begins now.
        let begin = cluster.logs.get(&input).map_or(0, Log::start);
        if *position > committed.max(begin) {
            return Err(format!("{task} stands for {input} up to {position}, committed is {committed}"));
        }
    }
    Ok(())
}

fn check_store(
    cluster: &Cluster,
    log: &TopicPartition,
    spec: &StoreSpec,
    view: &StoresView,
    position: i64,
) -> Result<(), String> {
    if !cluster.logs.contains_key(log) {
        return Ok(());
    }
    let (expected, earliest_start) = replay(cluster, log, spec, position);
    let store = view.store(&spec.name).map_err(|e| e.to_string())?;
    let found = entries(store).map_err(|e| e.to_string())?;
    let differs = |key: &&Vec<u8>| {
        let (found, expected) = (found.get(*key), expected.get(*key));
        // What is out of retention may be seen as long as the records that moved the store's time on are not restored.
        let hidden = start_of(spec, key).is_some_and(|start| start < earliest_start);
        let is_right = if hidden { found.is_none_or(|found| expected == Some(found)) } else { found == expected };
        !is_right && !is_cleaned(cluster, log, key, position)
    };
    let Some(key) = found.keys().chain(expected.keys()).find(differs).cloned() else { return Ok(()) };
    let text = |entries: &Entries| entries.get(&key).map_or("missing".to_owned(), |it| it.escape_ascii().to_string());
    Err(format!(
        "store {} differs from {log}: {} is {}, must be {} ({} entries, {} expected)",
        spec.name,
        key.escape_ascii(),
        text(&found),
        text(&expected),
        found.len(),
        expected.len()
    ))
}

/// The committed change log up to `position`, replayed naively, and the first window start that is within retention.
fn replay(cluster: &Cluster, log: &TopicPartition, spec: &StoreSpec, position: i64) -> (Entries, i64) {
    let mut entries = Entries::new();
    let mut newest_start = i64::MIN;
    for record in cluster.logs[log].all_committed(position, &cluster.fates) {
        let key = record.key.as_deref().unwrap_or_default().to_vec();
        newest_start = newest_start.max(start_of(spec, &key).unwrap_or(i64::MIN));
        match record.value.as_deref() {
            Some(value) if spec.timestamped => {
                let value = ValueAndTimestamp { timestamp_ms: record.timestamp, value }.encode();
                entries.insert(key, value.to_vec());
            }
            Some(value) => drop(entries.insert(key, value.to_vec())),
            None => drop(entries.remove(&key)),
        }
    }
    let retention_ms = match &spec.kind {
        StoreKind::Window(window) => window.segments.retention_ms,
        _ => i64::MAX,
    };
    (entries, newest_start.saturating_sub(retention_ms).saturating_add(1))
}

/// Whether the last record of `key` before `position` is cleaned away: a restore that has not come to its successor yet
/// has not seen it.
fn is_cleaned(cluster: &Cluster, log: &TopicPartition, key: &[u8], position: i64) -> bool {
    let log = &cluster.logs[log];
    let of_key = log.all_committed(position, &cluster.fates).filter(|record| record.key.as_deref() == Some(key));
    of_key.last().is_some_and(|record| log.is_cleaned(record.offset))
}

/// The window start in a window store's key.
fn start_of(spec: &StoreSpec, key: &[u8]) -> Option<i64> {
    const START_AND_SEQUENCE: usize = 12;
    let StoreKind::Window(_) = spec.kind else { return None };
    let start = key.get(key.len().checked_sub(START_AND_SEQUENCE)?..)?.first_chunk::<8>()?;
    Some(i64::from_be_bytes(*start))
}

fn entries(store: &StoreView) -> Result<Entries, comanda_state_stores::StoreError> {
    match &store.spec().kind {
        StoreKind::Window(_) => {
            let found = store.window_fetch_all(0, i64::MAX / 2, Direction::Forward)?;
            found
                .map(|entry| {
                    let entry = entry?;
                    Ok((window_key(entry.key(), entry.start_ms, 0), entry.value.to_vec()))
                })
                .collect()
        }
        _ => store
            .range(None, None, Direction::Forward)?
            .map(|entry| entry.map(|(k, v)| (k.to_vec(), v.to_vec())))
            .collect(),
    }
}
