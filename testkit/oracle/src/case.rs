//! A case as it stands in its file.

use crate::error::OracleError;
use crate::op::Op;
use crate::val::Val;
use serde::Deserialize;
use std::path::Path;

/// A topology and timed input.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// Unique; the file's name without `.json`.
    pub name: String,
    pub(crate) config: Config,
    pub(crate) topology: Vec<Op>,
    pub(crate) inputs: Vec<Step>,
    #[serde(default)]
    pub(crate) probes: Probes,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    pub store_type: StoreType,
    pub cache_bytes: usize,
    pub optimization: String,
    pub store_format: String,
    pub wall_clock_start_ms: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store_type: StoreType::InMemory,
            cache_bytes: 0,
            optimization: "none".to_owned(),
            store_format: "default".to_owned(),
            wall_clock_start_ms: 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum StoreType {
    #[serde(rename = "in_memory")]
    InMemory,
    #[serde(rename = "rocksdb")]
    RocksDb,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Step {
    Pipe {
        pipe: String,
        key: Option<String>,
        value: Option<Val>,
        ts: i64,
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    Advance {
        advance_wall_clock_ms: i64,
    },
}

/// Where to look into versioned stores at the end.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Probes {
    pub keys: Vec<String>,
    pub as_of: Vec<i64>,
}

impl Case {
    /// Reads a case file.
    pub fn read(path: &Path) -> Result<Self, OracleError> {
        let text = std::fs::read(path).map_err(|source| OracleError::Read { path: path.to_owned(), source })?;
        serde_json::from_slice(&text).map_err(|source| OracleError::Format { path: path.to_owned(), source })
    }

    /// What the case uses and the engine does not have.
    pub fn lacking(&self) -> Vec<&'static str> {
        let mut lacking: Vec<_> = self.topology.iter().filter_map(Op::lacking).collect();
        if self.config.optimization != "none" {
            lacking.push("optimization: all");
        }
        if self.config.store_format != "default" {
            lacking.push("store_format: headers");
        }
        lacking.sort_unstable();
        lacking.dedup();
        lacking
    }
}
