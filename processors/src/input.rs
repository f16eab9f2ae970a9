//! How the roles read a topic that outsiders write: bad records go to the dead-letter topic.

use crate::contract_rules::{Checked, check_record};
use comanda_streams::{Consumed, Serde};
use std::fmt::Display;

/// Checks each record against the contract, and its place, before it reaches any state.
pub(crate) fn checked<K, V>(keys: Serde<K>, values: Serde<V>) -> Consumed<K, V>
where
    K: Display + 'static,
    V: Checked,
{
    Consumed::with(keys, values).with_validation(check_record).with_partition_check()
}
