//! What a run wrote, read back as others see it (read_committed), in a form that two engines can be compared in.

use crate::error::BenchError;
use crate::reader::Reader;
use crate::workload::Workload;
use bytes::Bytes;
use comanda_streams::broker::{Broker, RawRecord};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A topic's content.
#[derive(Debug, PartialEq, Eq)]
pub enum Outputs {
    /// Per partition, how many records and a digest of them in order: offsets apart, the same records.
    Sequences(Vec<(u64, u64)>),
    /// The last value and time of each key, with its partition.
    LastValues(BTreeMap<Option<Bytes>, Last>),
}

/// A key's last record.
#[derive(Debug, PartialEq, Eq)]
pub struct Last {
    partition: u32,
    timestamp: i64,
    value: Option<Bytes>,
}

impl Outputs {
    /// Reads all of `topic`.
    ///
    /// # Errors
    /// The broker's.
    pub fn read(broker: &dyn Broker, topic: &str, workload: Workload) -> Result<Self, BenchError> {
        let mut outputs = Self::empty(workload);
        Reader::new(broker, topic, workload.partitions())?
            .read_to_end(broker, |partition, record| outputs.add(partition, record))?;
        Ok(outputs)
    }

    fn empty(workload: Workload) -> Self {
        if workload.every_output_is_determined() {
            Self::Sequences(vec![(0, 0); workload.partitions() as usize])
        } else {
            Self::LastValues(BTreeMap::new())
        }
    }

    fn add(&mut self, partition: u32, record: RawRecord) {
        match self {
            Self::Sequences(partitions) => {
                let (count, digest) = &mut partitions[partition as usize];
                // Fixed keys: the same in every run of this program.
                let mut hasher = DefaultHasher::new();
                (*digest, record.timestamp, &record.key, &record.value).hash(&mut hasher);
                (*count, *digest) = (*count + 1, hasher.finish());
            }
            Self::LastValues(keys) => {
                let RawRecord { key, value, timestamp, .. } = record;
                keys.insert(key, Last { partition, timestamp, value });
            }
        }
    }

    /// Records, or keys.
    pub fn len(&self) -> u64 {
        match self {
            Self::Sequences(partitions) => partitions.iter().map(|(count, _)| count).sum(),
            Self::LastValues(keys) => keys.len() as u64,
        }
    }

    /// The first place in which `other` is not the same.
    pub fn difference(&self, other: &Self) -> Option<String> {
        match (self, other) {
            (Self::Sequences(ours), Self::Sequences(theirs)) => {
                let partition = (0..ours.len()).find(|number| ours[*number] != theirs[*number])?;
                let (ours, theirs) = (ours[partition], theirs[partition]);
                Some(format!("partition {partition}: {ours:?} beside {theirs:?} (records, digest)"))
            }
            (Self::LastValues(ours), Self::LastValues(theirs)) => {
                let key = ours.keys().chain(theirs.keys()).find(|key| ours.get(*key) != theirs.get(*key))?;
                Some(format!("key {key:?}: {:?} beside {:?}", ours.get(key), theirs.get(key)))
            }
            _ => Some("what was read: sequences beside last values".to_owned()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn outputs(workload: Workload, records: &[(&'static str, &'static str, i64)]) -> Outputs {
        let mut outputs = Outputs::empty(workload);
        for (key, value, timestamp) in records {
            let (key, value) = (Some(Bytes::from_static(key.as_bytes())), Some(Bytes::from_static(value.as_bytes())));
            outputs.add(0, RawRecord { key, value, timestamp: *timestamp, ..RawRecord::default() });
        }
        outputs
    }

    #[test]
    fn sequences_differ_by_order_value_time_and_number() {
        let of = |records: &[_]| outputs(Workload::W2, records);
        let base = of(&[("a", "1", 5), ("b", "1", 5)]);
        assert_eq!(base.difference(&of(&[("a", "1", 5), ("b", "1", 5)])), None);
        for other in [
            &[("b", "1", 5), ("a", "1", 5)][..],
            &[("a", "1", 5), ("b", "2", 5)],
            &[("a", "1", 5), ("b", "1", 6)],
            &[("a", "1", 5)],
        ] {
            assert!(base.difference(&of(other)).is_some(), "{other:?}");
        }
    }

    #[test]
    fn last_values_are_equal_however_updates_were_merged() {
        let merged = outputs(Workload::W2c, &[("a", "2", 6), ("b", "1", 5)]);
        let every = outputs(Workload::W2c, &[("a", "1", 5), ("b", "1", 5), ("a", "2", 6)]);
        assert_eq!(merged.difference(&every), None);
        let lost = outputs(Workload::W2c, &[("a", "2", 6)]);
        assert!(merged.difference(&lost).unwrap().contains("key"));
        assert!(lost.difference(&merged).is_some());
    }
}
