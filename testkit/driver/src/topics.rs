//! Typed ends of a test: pipe into an input topic, read from an output topic.

use crate::TopologyTestDriver;
use bytes::Bytes;
use comanda_streams::broker::{Headers, RawRecord};
use comanda_streams::{Record, Serde, StreamsError};

/// A topic that a test writes to.
pub struct TestInputTopic<K, V> {
    pub(crate) topic: String,
    pub(crate) keys: Serde<K>,
    pub(crate) values: Serde<V>,
}

impl<K, V> TestInputTopic<K, V> {
    /// Pipes a record; the driver processes all that it causes before this returns.
    pub fn pipe<A: Into<K>, B: Into<V>>(
        &self,
        driver: &mut TopologyTestDriver,
        key: A,
        value: B,
        timestamp_ms: i64,
    ) -> Result<(), StreamsError> {
        self.pipe_record(driver, Record::new(Some(key.into()), Some(value.into()), timestamp_ms))
    }

    /// Pipes a record that may have null key or value, and headers.
    pub fn pipe_record(&self, driver: &mut TopologyTestDriver, record: Record<K, V>) -> Result<(), StreamsError> {
        let key = record.key.as_ref().map(|key| self.bytes(&self.keys, key)).transpose()?;
        let value = record.value.as_ref().map(|value| self.bytes(&self.values, value)).transpose()?;
        let raw = RawRecord { offset: 0, timestamp: record.timestamp, key, value, headers: record.headers };
        driver.pipe(&self.topic, raw)
    }

    fn bytes<T>(&self, serde: &Serde<T>, value: &T) -> Result<Bytes, StreamsError> {
        let mut out = vec![];
        serde.serialize(&self.topic, value, &mut out)?;
        Ok(out.into())
    }
}

/// A topic that a test reads from.
pub struct TestOutputTopic<K, V> {
    pub(crate) topic: String,
    pub(crate) keys: Serde<K>,
    pub(crate) values: Serde<V>,
}

impl<K, V> TestOutputTopic<K, V> {
    /// Takes all records sent since the last read, in order.
    pub fn read(&self, driver: &mut TopologyTestDriver) -> Result<Vec<Record<K, V>>, StreamsError> {
        let raw = driver.take_output(&self.topic);
        raw.into_iter().map(|record| self.decode(record)).collect()
    }

    /// The same, values only.
    pub fn read_values(&self, driver: &mut TopologyTestDriver) -> Result<Vec<Option<V>>, StreamsError> {
        Ok(self.read(driver)?.into_iter().map(|record| record.value).collect())
    }

    /// The same, keys and values.
    pub fn read_key_values(
        &self,
        driver: &mut TopologyTestDriver,
    ) -> Result<Vec<(Option<K>, Option<V>)>, StreamsError> {
        Ok(self.read(driver)?.into_iter().map(|record| (record.key, record.value)).collect())
    }

    fn decode(&self, raw: RawRecord) -> Result<Record<K, V>, StreamsError> {
        let key = raw.key.map(|bytes| self.keys.deserialize(&self.topic, &bytes)).transpose()?;
        let value = raw.value.map(|bytes| self.values.deserialize(&self.topic, &bytes)).transpose()?;
        let headers: Headers = raw.headers;
        Ok(Record { key, value, timestamp: raw.timestamp, headers })
    }
}
