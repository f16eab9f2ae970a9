//! How the roles read a topic that outsiders write: bad records go to the dead-letter topic.

use crate::contract_rules::{Checked, check_record};
use crate::time_rules;
use comanda_schemas::Message;
use comanda_streams::{
    Consumed, Data, FixedKeyProcessor, FixedKeyProcessorContext, FixedKeyRecord, KStream, Serde, StreamsBuilder,
    StreamsError,
};
use std::fmt::Display;

/// Checks each record against the contract, its place and its times, before it reaches any state.
pub(crate) fn outsiders<K, V>(builder: &StreamsBuilder, topic: &str, keys: Serde<K>, values: Serde<V>) -> KStream<K, V>
where
    K: Data + Display,
    V: Data + Checked,
{
    let checked = Consumed::with(keys, values).with_validation(check_record).with_partition_check();
    builder.stream(topic, checked).process_values(&format!("times-of-{topic}"), &[], |_| Ok(TimeCheck))
}

/// A node of its own: a source's validation sees neither the record's timestamp nor the clock.
struct TimeCheck;

impl<K: Data, V: Data + Message> FixedKeyProcessor<K, V, V> for TimeCheck {
    fn process(
        &mut self,
        ctx: &mut FixedKeyProcessorContext<'_, '_, K, V>,
        record: FixedKeyRecord<K, V>,
    ) -> Result<(), StreamsError> {
        let envelope = record.value.as_ref().and_then(Message::envelope);
        let occurred_at = envelope.map(|envelope| envelope.occurred_at);
        time_rules::check(record.timestamp, occurred_at, ctx.current_system_time_ms())
            .map_err(StreamsError::SkipRecord)?;
        ctx.forward(record)
    }
}
