//! How a join looks into a table, stored or not.

use crate::error::StreamsError;
use crate::record::{Data, ValueAndTimestamp};
use crate::stores::TimestampedStore;
use crate::topology::Wiring;
use std::rc::Rc;
use std::sync::Arc;

/// Reads a table's row.
pub(crate) trait ValueGetter<K, V> {
    /// The row of `key` now.
    fn get(&self, key: &K) -> Result<Option<ValueAndTimestamp<V>>, StreamsError>;
}

/// Makes a task's getter.
pub(crate) type GetterFactory<K, V> =
    Arc<dyn Fn(&mut Wiring) -> Result<Rc<dyn ValueGetter<K, V>>, StreamsError> + Send + Sync>;

/// Reads a table that is stored.
pub(crate) struct StoreGetter<K, V>(pub Rc<TimestampedStore<K, V>>);

impl<K: Data, V: Data> ValueGetter<K, V> for StoreGetter<K, V> {
    fn get(&self, key: &K) -> Result<Option<ValueAndTimestamp<V>>, StreamsError> {
        self.0.get(key)
    }
}
