//! What a run led to, in the layout of the expected files.

use crate::error::OracleError;
use crate::val::Val;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The content of an expected file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// The case.
    pub name: String,
    /// By sink topic, in the order sent.
    pub outputs: BTreeMap<String, Vec<OutputRecord>>,
    /// By store name; none after an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stores: Option<BTreeMap<String, StoreContent>>,
    /// The metric `dropped-records-total`; none after an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped_records: Option<u64>,
    /// What ended the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorAt>,
    /// Of each cached window store of our run, the first window start that retention does not hide.
    #[serde(skip)]
    pub visible_from: BTreeMap<String, i64>,
}

/// A record of a sink topic.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// The step that caused it.
    pub step: i64,
    /// Key as text.
    pub key: Option<String>,
    /// Value.
    pub value: Option<Val>,
    /// Timestamp, ms.
    pub ts: i64,
    /// Names and texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// What a named store holds at the end.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreContent {
    /// `kv`, `plain_kv`, `window`, `plain_window`, `session` or `versioned`.
    pub kind: String,
    /// By key, start, end.
    pub entries: Vec<Entry>,
}

/// An entry of a store; the kind decides which fields there are.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Key as text.
    pub key: String,
    /// `"latest"` or a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Value>,
    /// Start of the window or session, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// End of the session, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// Value.
    pub value: Option<Val>,
    /// Timestamp, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
}

/// What ended a run, and where.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorAt {
    /// The step; -1 when the topology was refused.
    pub step: i64,
    /// Java's exception or our error, not compared.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Observed {
    /// Reads an expected file.
    pub fn read(path: &Path) -> Result<Self, OracleError> {
        let text = std::fs::read(path).map_err(|source| OracleError::Read { path: path.to_owned(), source })?;
        serde_json::from_slice(&text).map_err(|source| OracleError::Format { path: path.to_owned(), source })
    }

    /// The expected file's bytes.
    pub fn render(&self) -> String {
        let value = serde_json::to_value(self).expect("maps with text keys and finite numbers are JSON");
        let mut out = String::new();
        render(&value, "", &mut out);
        out.push('\n');
        out
    }
}

/// Objects and lists break into lines; the elements of a list are compact.
fn render(value: &Value, indent: &str, out: &mut String) {
    let inner = format!("{indent}  ");
    let parts: Vec<String> = match value {
        Value::Object(members) if !members.is_empty() => members
            .iter()
            .map(|(name, member)| {
                let mut part = format!("{}: ", Value::from(name.as_str()));
                render(member, &inner, &mut part);
                part
            })
            .collect(),
        Value::Array(elements) if !elements.is_empty() => elements.iter().map(Value::to_string).collect(),
        leaf => return out.push_str(&leaf.to_string()),
    };
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    out.push(open);
    out.push('\n');
    out.push_str(&inner);
    out.push_str(&parts.join(&format!(",\n{inner}")));
    out.push('\n');
    out.push_str(indent);
    out.push(close);
}
