//! The function catalogue: `name:arg:arg` becomes a closure.

mod fold;
mod join;
mod map;

pub(crate) use fold::{Aggregator, Reducer, aggregator, init, reducer};
pub(crate) use join::{Joiner, joiner};
pub(crate) use map::{
    Flat, FlatValues, KeyMapper, Mapped, Mapper, Predicate, flat, flat_values, key, predicate, value,
};

use crate::error::OracleError;

/// A reference into the catalogue.
pub(crate) struct Spec<'a> {
    pub name: &'a str,
    args: Vec<&'a str>,
}

impl<'a> Spec<'a> {
    pub fn parse(text: &'a str) -> Self {
        let mut parts = text.split(':');
        Self { name: parts.next().unwrap_or_default(), args: parts.collect() }
    }

    /// The argument at `index`; a missing one is the empty text.
    pub fn arg(&self, index: usize) -> String {
        self.args.get(index).copied().unwrap_or_default().to_owned()
    }

    pub fn number(&self, index: usize) -> Result<i64, OracleError> {
        let text = self.arg(index);
        text.parse().map_err(|_| OracleError::malformed(format!("`{}` needs a number, not `{text}`", self.name)))
    }

    pub fn unknown(&self, kind: &str) -> OracleError {
        OracleError::malformed(format!("unknown {kind}: {}", self.name))
    }
}
