//! A sink: typed records become bytes of a topic.

use crate::error::StreamsError;
use crate::record::{Data, Record};
use crate::serde::Serde;
use crate::task::{OutputTopic, TaskContext};
use crate::topology::Receiver;
use std::collections::HashMap;
use std::sync::Arc;

/// Where a sink's records go.
pub(crate) enum SinkTopic<K, V> {
    /// Always there.
    Static(String, OutputTopic),
    /// Computed per record (`TopicNameExtractor`).
    Dynamic(Arc<dyn Fn(&Record<K, V>) -> String + Send + Sync>, HashMap<String, OutputTopic>),
}

/// The instance of a sink in a task.
pub(crate) struct SinkNode<K, V> {
    pub topic: SinkTopic<K, V>,
    pub keys: Serde<K>,
    pub values: Serde<V>,
    /// Repartition topics lose records without a key unless somebody downstream can use them.
    pub takes_null_keys: bool,
}

impl<K: Data, V: Data> Receiver<K, V> for SinkNode<K, V> {
    fn receive(&mut self, ctx: &mut TaskContext, record: Record<K, V>) -> Result<(), StreamsError> {
        if !self.takes_null_keys && record.key.is_none() {
            return Ok(());
        }
        let (keys, values) = (&self.keys, &self.values);
        let write = |name: &str, key_out: &mut Vec<u8>, value_out: &mut Vec<u8>| {
            record.key.as_ref().map(|key| keys.serialize(name, key, key_out)).transpose()?;
            record.value.as_ref().map(|value| values.serialize(name, value, value_out)).transpose()?;
            Ok((record.key.is_some(), record.value.is_some()))
        };
        match &mut self.topic {
            SinkTopic::Static(name, topic) => ctx
                .send(*topic, record.timestamp, &record.headers, |k, v| write(name, k, v))
                .or_else(|error| ctx.unsent(name, error)),
            SinkTopic::Dynamic(extract, known) => {
                let name = extract(&record);
                let topic = match known.get(&name) {
                    Some(topic) => *topic,
                    None => *known.entry(name.clone()).or_insert(ctx.topic(&name)?),
                };
                ctx.send(topic, record.timestamp, &record.headers, |k, v| write(&name, k, v))
                    .or_else(|error| ctx.unsent(&name, error))
            }
        }
    }
}
