//! Why a value and a schema do not go together.

use std::fmt::Display;

/// Where (fields, outermost first) and what.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(String);

impl CodecError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The same error, seen from the record around the field.
    pub(crate) fn within(self, field: &str) -> Self {
        Self(format!("{field}: {}", self.0))
    }
}

impl serde::de::Error for CodecError {
    fn custom<T: Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl serde::ser::Error for CodecError {
    fn custom<T: Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}
