//! A scan of one column family.

use super::errors::error;
use super::handles::{OwnedIterator, OwnedSnapshot};
use crate::StoreError;
use crate::backend::{Cursor, Direction, KeyRange};
use rocksdb::ReadOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Options that keep a scan within `range`.
pub(super) fn bounded(range: &KeyRange) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(range.from.as_slice());
    if let Some(to) = &range.to {
        options.set_iterate_upper_bound(to.as_slice());
    }
    options
}

/// A scan of one family, consistent as of its creation.
pub(super) struct RocksCursor {
    iterator: OwnedIterator,
    direction: Direction,
    directory: PathBuf,
    /// What the iterator reads as of, if that is a snapshot; released after it.
    _snapshot: Option<Arc<OwnedSnapshot>>,
}

impl RocksCursor {
    pub fn start(
        mut iterator: OwnedIterator,
        snapshot: Option<Arc<OwnedSnapshot>>,
        range: &KeyRange,
        direction: Direction,
        directory: &Path,
    ) -> Result<Box<dyn Cursor>, StoreError> {
        if range.is_empty() {
            return Ok(Box::new(Nothing));
        }
        // The bounds are in the read options: "first" and "last" mean within them.
        iterator.with_dependent_mut(|_, iterator| match direction {
            Direction::Forward => iterator.seek_to_first(),
            Direction::Backward => iterator.seek_to_last(),
        });
        let cursor = Self { iterator, direction, directory: directory.into(), _snapshot: snapshot };
        cursor.check()?;
        Ok(Box::new(cursor))
    }

    fn check(&self) -> Result<(), StoreError> {
        let status = self.iterator.borrow_dependent().status();
        status.map_err(|cause| error("scan", "a table", &self.directory, cause))
    }
}

impl Cursor for RocksCursor {
    fn entry(&self) -> Option<(&[u8], &[u8])> {
        self.iterator.borrow_dependent().item()
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        let direction = self.direction;
        self.iterator.with_dependent_mut(|_, iterator| {
            if iterator.valid() {
                match direction {
                    Direction::Forward => iterator.next(),
                    Direction::Backward => iterator.prev(),
                }
            }
        });
        self.check()
    }
}

/// A scan of an empty range.
struct Nothing;

impl Cursor for Nothing {
    fn entry(&self) -> Option<(&[u8], &[u8])> {
        None
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
