//! Expected beside observed, by FORMAT.md's "What to compare".

use crate::observed::{Observed, OutputRecord, StoreContent};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// Where a run differs from Kafka Streams': a line each, empty if it is equal. The type of an error and the number of
/// dropped records are left out: one is Java's, the other depends on the segments of RocksDB.
pub fn differences(expected: &Observed, observed: &Observed) -> Vec<String> {
    let mut found = vec![];
    let step = |seen: &Observed| seen.error.as_ref().map(|error| error.step);
    if step(expected) != step(observed) {
        found.push(format!(
            "error: expected {:?}, got {:?}",
            expected.error, observed.error
        ));
    }
    compare_maps(
        &expected.outputs,
        &observed.outputs,
        &mut found,
        "output",
        |expected: &Vec<OutputRecord>, observed| first_difference(expected, observed),
    );
    if let (Some(expected), Some(observed)) = (&expected.stores, &observed.stores) {
        compare_maps(
            expected,
            observed,
            &mut found,
            "store",
            |expected: &StoreContent, observed| {
                if expected.kind != observed.kind {
                    return Some(format!(
                        "expected a {} store, got {}",
                        expected.kind, observed.kind
                    ));
                }
                first_difference(&expected.entries, &observed.entries)
            },
        );
    }
    found
}

fn compare_maps<T: Debug>(
    expected: &BTreeMap<String, T>,
    observed: &BTreeMap<String, T>,
    found: &mut Vec<String>,
    what: &str,
    compare: impl Fn(&T, &T) -> Option<String>,
) {
    let names: BTreeSet<&String> = expected.keys().chain(observed.keys()).collect();
    for name in names {
        let difference = match (expected.get(name), observed.get(name)) {
            (Some(expected), Some(observed)) => compare(expected, observed),
            (expected, _) => Some(format!(
                "only {}",
                if expected.is_some() {
                    "expected"
                } else {
                    "observed"
                }
            )),
        };
        found.extend(difference.map(|text| format!("{what} {name}: {text}")));
    }
}

fn first_difference<T: PartialEq + Serialize>(expected: &[T], observed: &[T]) -> Option<String> {
    let length = expected.len().max(observed.len());
    let at = (0..length).find(|at| expected.get(*at) != observed.get(*at))?;
    let line = |list: &[T]| list.get(at).map_or_else(|| "nothing".to_owned(), json);
    Some(format!(
        "[{at}] expected {}, got {}",
        line(expected),
        line(observed)
    ))
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
        assert!(
            found[0].starts_with("output out: [0] expected {\"step\":0"),
            "{found:?}"
        );
    }

    #[test]
    fn a_missing_record_header_or_entry_differs() {
        assert_eq!(
            differences_after(|o| drop(o.outputs.get_mut("out").unwrap().pop())).len(),
            1
        );
        assert_eq!(
            differences_after(|o| o.outputs.get_mut("out").unwrap()[0].headers.clear()).len(),
            1
        );
        assert_eq!(
            differences_after(|o| drop(o.outputs.remove("silent"))).len(),
            1
        );
        let no_entries = |o: &mut Observed| {
            o.stores
                .as_mut()
                .unwrap()
                .get_mut("S")
                .unwrap()
                .entries
                .clear()
        };
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
    fn dropped_records_do_not_count() {
        assert!(differences_after(|o| o.dropped_records = Some(9)).is_empty());
    }
}
