//! Values of cases: text or a number, told apart by the declared type of the topic or operation.

use comanda_streams::{Deserializer, Serde, SerdeError, Serdes, Serializer, Windowed};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A value that is not null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Val {
    /// Of type `long`.
    Long(i64),
    /// Of type `string`.
    Text(String),
}

/// A value type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// UTF-8 text.
    String,
    /// Signed 64-bit, big-endian in bytes.
    Long,
}

impl fmt::Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Long(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Val {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Val {
    fn from(number: i64) -> Self {
        Self::Long(number)
    }
}

impl Val {
    /// The number of a `long`.
    ///
    /// # Panics
    /// If it is text: Kafka Streams would throw a ClassCastException, and no case does that.
    pub fn number(&self) -> i64 {
        match self {
            Self::Long(number) => *number,
            Self::Text(text) => panic!("the case takes the text `{text}` for a number"),
        }
    }
}

/// FORMAT.md's `text(x)` of a value.
pub(crate) fn text(value: Option<&Val>) -> String {
    value.map_or_else(|| "null".to_owned(), Val::to_string)
}

/// FORMAT.md's `text(x)` of a key that was rendered already.
pub(crate) fn key_text(key: Option<&str>) -> &str {
    key.unwrap_or("null")
}

/// Length in UTF-16 units, as Java counts.
pub(crate) fn length(text: &str) -> i64 {
    i64::try_from(text.encode_utf16().count()).expect("a text is shorter than i64::MAX")
}

/// A key of a stream or table.
pub(crate) trait Key: comanda_streams::Data {
    /// How functions and sinks see it.
    fn text(&self) -> Cow<'_, str>;
}

impl Key for String {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl Key for Windowed<String> {
    fn text(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

/// The serde of a declared value type.
pub(crate) fn values(of: Type) -> Serde<Val> {
    let declared = Declared { of, text: Serdes::string(), long: Serdes::long() };
    Serde::new(declared.clone(), declared)
}

#[derive(Clone)]
struct Declared {
    of: Type,
    text: Serde<String>,
    long: Serde<i64>,
}

impl Serializer<Val> for Declared {
    fn serialize(&self, topic: &str, value: &Val, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        match (self.of, value) {
            (Type::String, Val::Text(text)) => self.text.serialize(topic, text, out),
            (Type::Long, Val::Long(number)) => self.long.serialize(topic, number, out),
            _ => Err(SerdeError::invalid(format!("`{value}` is no {:?}", self.of))),
        }
    }
}

impl Deserializer<Val> for Declared {
    fn deserialize(&self, topic: &str, bytes: &[u8]) -> Result<Val, SerdeError> {
        match self.of {
            Type::String => self.text.deserialize(topic, bytes).map(Val::Text),
            Type::Long => self.long.deserialize(topic, bytes).map(Val::Long),
        }
    }
}

/// The serde of a sink's keys: written as text, never read.
pub(crate) fn rendered_keys<K: Key>() -> Serde<K> {
    Serde::new(Rendered, Rendered)
}

struct Rendered;

impl<K: Key> Serializer<K> for Rendered {
    fn serialize(&self, _topic: &str, key: &K, out: &mut Vec<u8>) -> Result<(), SerdeError> {
        out.extend_from_slice(key.text().as_bytes());
        Ok(())
    }
}

impl<K: Key> Deserializer<K> for Rendered {
    fn deserialize(&self, topic: &str, _bytes: &[u8]) -> Result<K, SerdeError> {
        Err(SerdeError::invalid(format!("rendered keys of {topic} are not read")))
    }
}
