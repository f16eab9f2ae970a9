//! Expected beside observed, by FORMAT.md's "What to compare".

use crate::observed::{Entry, Observed, StoreContent};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Where a run differs from Kafka Streams': a line each, empty if it is equal. The type of an error and the number of
/// dropped records are left out: one is Java's, the other depends on the segments of RocksDB. So are windows of a cached
/// store that retention hides: Kafka Streams' cache shows them until it needs their room, ours keeps no written entries.
pub fn differences(expected: &Observed, observed: &Observed) -> Vec<String> {
    let mut found = vec![];
    let step = |seen: &Observed| seen.error.as_ref().map(|error| error.step);
    if step(expected) != step(observed) {
        found.push(format!("error: expected {:?}, got {:?}", expected.error, observed.error));
    }
    for (topic, pair) in pairs(&expected.outputs, &observed.outputs) {
        let difference = compare(pair, |expected, observed| first_difference(expected, observed));
        found.extend(difference.map(|text| format!("output {topic}: {text}")));
    }
    if let (Some(expected), Some(stores)) = (&expected.stores, &observed.stores) {
        for (name, pair) in pairs(expected, stores) {
            let visible_from = observed.visible_from.get(name).copied();
            let difference = compare(pair, |expected, store| in_store(expected, store, visible_from));
            found.extend(difference.map(|text| format!("store {name}: {text}")));
        }
    }
    found
}

type Pair<'a, T> = (Option<&'a T>, Option<&'a T>);

fn pairs<'a, T>(
    expected: &'a BTreeMap<String, T>,
    observed: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (&'a String, Pair<'a, T>)> {
    let names: BTreeSet<&String> = expected.keys().chain(observed.keys()).collect();
    names.into_iter().map(|name| (name, (expected.get(name), observed.get(name))))
}
fn compare<T>(pair: Pair<'_, T>, compare: impl Fn(&T, &T) -> Option<String>) -> Option<String> {
    match pair {
        (Some(expected), Some(observed)) => compare(expected, observed),
        (Some(_), None) => Some("expected, but not there".to_owned()),
        (None, _) => Some("not expected".to_owned()),
    }
}

fn in_store(expected: &StoreContent, observed: &StoreContent, visible_from: Option<i64>) -> Option<String> {
    if expected.kind != observed.kind {
        return Some(format!("expected a {} store, got {}", expected.kind, observed.kind));
    }
    let hidden = |entry: &&Entry| entry.start.is_some_and(|start| visible_from.is_some_and(|from| start < from));
    let visible: Vec<&Entry> = expected.entries.iter().filter(|entry| !hidden(entry)).collect();
    first_difference(&visible, &observed.entries.iter().collect::<Vec<_>>())
}

fn first_difference<T: PartialEq + Serialize>(expected: &[T], observed: &[T]) -> Option<String> {
    let length = expected.len().max(observed.len());
    let at = (0..length).find(|at| expected.get(*at) != observed.get(*at))?;
    let line = |list: &[T]| list.get(at).map_or_else(|| "nothing".to_owned(), json);
    Some(format!("[{at}] expected {}, got {}", line(expected), line(observed)))
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("records and entries are JSON")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
  "name": "n",
  "outputs": {
    "out": [
      {"step":0,"key":"a","value":"x","ts":5,"headers":[["h","1"]]},
      {"step":1,"key":null,"value":7,"ts":6}
    ],
    "silent": []
  },
  "stores": {
    "S": {
      "kind": "window",
      "entries": [
        {"key":"a","start":0,"value":"x","ts":5}
      ]
    }
  },
  "dropped_records": 1
}
"#;

    fn seen(change: impl FnOnce(&mut Observed)) -> Observed {
        let mut observed = serde_json::from_str(FILE).unwrap();
        change(&mut observed);
        observed
    }

    fn differences_after(change: impl FnOnce(&mut Observed)) -> Vec<String> {
        differences(&seen(|_| {}), &seen(change))
    }

    #[test]
    fn an_expected_file_is_rendered_byte_for_byte() {
        assert_eq!(seen(|_| {}).render(), FILE);
    }

    #[test]
    fn a_record_in_another_place_is_named() {
        let found = differences_after(|o| o.outputs.get_mut("out").unwrap().swap(0, 1));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("output out: [0] expected {\"step\":0"), "{found:?}");
    }

    #[test]
    fn a_missing_record_header_or_entry_differs() {
        assert_eq!(differences_after(|o| drop(o.outputs.get_mut("out").unwrap().pop())).len(), 1);
        assert_eq!(differences_after(|o| o.outputs.get_mut("out").unwrap()[0].headers.clear()).len(), 1);
        assert_eq!(differences_after(|o| drop(o.outputs.remove("silent"))).len(), 1);
        let no_entries = |o: &mut Observed| o.stores.as_mut().unwrap().get_mut("S").unwrap().entries.clear();
        assert_eq!(differences_after(no_entries).len(), 1);
    }

    #[test]
    fn an_error_counts_by_its_step_only() {
        let failed = |step, kind: &str| {
            let kind = kind.to_owned();
            seen(move |o| o.error = Some(crate::ErrorAt { step, kind }))
        };
        assert!(differences(&failed(3, "StreamsException"), &failed(3, "Fatal")).is_empty());
        assert_eq!(differences(&failed(3, "X"), &failed(4, "X")).len(), 1);
        assert_eq!(differences(&failed(3, "X"), &seen(|_| {})).len(), 1);
    }

    #[test]
    fn windows_that_only_kafka_streams_cache_shows_do_not_count() {
        let cleared = |visible_from| {
            differences_after(|o| {
                o.stores.as_mut().unwrap().get_mut("S").unwrap().entries.clear();
                o.visible_from.insert("S".to_owned(), visible_from);
            })
        };
        assert!(cleared(1).is_empty());
        assert_eq!(cleared(0).len(), 1);
    }

    #[test]
    fn dropped_records_do_not_count() {
        assert!(differences_after(|o| o.dropped_records = Some(9)).is_empty());
    }
}
