//! Reads a case's JSON without the loader and tells whether it needs more than the engine has: the loader may not skip
//! any other case.

use comanda_oracle::{OracleError, Verdicts};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Operations of the engine.
const OPERATIONS: &[&str] = &[
    "stream",
    "table",
    "filter",
    "filter_not",
    "map",
    "map_values",
    "flat_map",
    "flat_map_values",
    "select_key",
    "merge",
    "split",
    "repartition",
    "to_table",
    "to_stream",
    "to",
    "group_by_key",
    "group_by",
    "count",
    "reduce",
    "aggregate",
    "suppress",
    "stream_table_join",
    "global_table",
    "stream_global_join",
    "table_table_join",
    "process",
    "process_values",
];

/// Fields that ask for more than these operations do without them: emission on close, a grace period of a stream-table
/// join, a versioned store.
const FIELDS_BEYOND: &[&str] = &["emit", "grace", "history_ms"];

/// Fails if a case was skipped without need.
pub fn check(folder: &str, verdicts: &Verdicts) -> Result<(), OracleError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(folder);
    for (name, lacking) in &verdicts.skipped {
        let case = read(&folder.join(format!("{name}.json")))?;
        assert!(goes_beyond(&case), "{name} was skipped for {lacking:?}, but its operations are all there");
    }
    Ok(())
}

fn read(path: &PathBuf) -> Result<Value, OracleError> {
    let text = std::fs::read(path).map_err(|source| OracleError::Read { path: path.clone(), source })?;
    serde_json::from_slice(&text).map_err(|source| OracleError::Format { path: path.clone(), source })
}

fn goes_beyond(case: &Value) -> bool {
    let config = &case["config"];
    let operations = case["topology"].as_array().map(Vec::as_slice).unwrap_or_default();
    config["optimization"] == "all" || config["store_format"] == "headers" || operations.iter().any(is_beyond)
}

fn is_beyond(op: &Value) -> bool {
    let name = op["op"].as_str().unwrap_or_default();
    let window = op["window"]["type"].as_str().unwrap_or("tumbling");
    let has = |field: &&str| op.get(field).is_some() || op["store"].get(field).is_some();
    !OPERATIONS.contains(&name) || !["tumbling", "hopping"].contains(&window) || FIELDS_BEYOND.iter().any(has)
}
