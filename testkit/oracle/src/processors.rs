//! The processor catalogue, as an embedder would write it. `fired` stands outside a store because nothing is ever aborted
//! here.

use crate::val::{Key, Val, text};
use comanda_streams::{
    FixedKeyProcessor, FixedKeyProcessorContext, FixedKeyRecord, KeyValueStore, Processor, ProcessorContext, Record,
    Schedule, StreamsError, Validity, VersionedKeyValueStore, VersionedRecord, WindowStore,
};
use std::rc::Rc;

pub(crate) type Numbers = KeyValueStore<String, i64>;

/// `seq`: numbers the records of each key.
pub(crate) struct Sequence(pub Rc<Numbers>);

impl Sequence {
    fn numbered(&self, key: Option<&String>, value: Option<&Val>) -> Result<Option<Val>, StreamsError> {
        let text = text(value);
        let Some(key) = key else {
            return Ok(Some(text.into()));
        };
        Ok(Some(format!("{text}#{}", next(&self.0, key)?).into()))
    }
}

fn next(numbers: &Numbers, key: &String) -> Result<i64, StreamsError> {
    let next = numbers.get(key)?.unwrap_or(0) + 1;
    numbers.put(key, &next)?;
    Ok(next)
}

impl Processor<String, Val, String, Val> for Sequence {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, Val>,
        record: Record<String, Val>,
    ) -> Result<(), StreamsError> {
        let value = self.numbered(record.key.as_ref(), record.value.as_ref())?;
        ctx.forward(record.with_value(value))
    }
}

impl FixedKeyProcessor<String, Val, Val> for Sequence {
    fn process(
        &mut self,
        ctx: &mut FixedKeyProcessorContext<'_, '_, String, Val>,
        record: FixedKeyRecord<String, Val>,
    ) -> Result<(), StreamsError> {
        let value = self.numbered(record.key(), record.value.as_ref())?;
        ctx.forward(record.with_value(value))
    }
}

/// `stamp`: appends record time, the task's stream time and wall-clock time.
pub(crate) struct Stamp;

fn stamped(value: Option<&Val>, times: [i64; 3]) -> Option<Val> {
    let [record, stream, system] = times;
    Some(format!("{}@{record}/{stream}/{system}", text(value)).into())
}

impl<K: Key> Processor<K, Val, K, Val> for Stamp {
    fn process(&mut self, ctx: &mut ProcessorContext<'_, K, Val>, record: Record<K, Val>) -> Result<(), StreamsError> {
        let times = [record.timestamp, ctx.current_stream_time_ms(), ctx.current_system_time_ms()];
        let value = stamped(record.value.as_ref(), times);
        ctx.forward(record.with_value(value))
    }
}

impl<K: Key> FixedKeyProcessor<K, Val, Val> for Stamp {
    fn process(
        &mut self,
        ctx: &mut FixedKeyProcessorContext<'_, '_, K, Val>,
        record: FixedKeyRecord<K, Val>,
    ) -> Result<(), StreamsError> {
        let times = [record.timestamp, ctx.current_stream_time_ms(), ctx.current_system_time_ms()];
        let value = stamped(record.value.as_ref(), times);
        ctx.forward(record.with_value(value))
    }
}

/// `dedup_ttl`: drops a record whose key was last forwarded at most `ttl_ms` before it.
pub(crate) struct Dedup {
    pub ttl_ms: i64,
    pub forwarded: Rc<Numbers>,
}

impl Processor<String, Val, String, Val> for Dedup {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, Val>,
        record: Record<String, Val>,
    ) -> Result<(), StreamsError> {
        if let Some(key) = &record.key {
            let last = self.forwarded.get(key)?;
            if last.is_some_and(|last| record.timestamp - last <= self.ttl_ms) {
                return Ok(());
            }
            self.forwarded.put(key, &record.timestamp)?;
        }
        ctx.forward(record)
    }
}

/// `delay_copy`: the record, then the same again `delay_ms` later.
pub(crate) struct DelayCopy {
    pub delay_ms: i64,
}

impl<K: Key> Processor<K, Val, K, Val> for DelayCopy {
    fn process(&mut self, ctx: &mut ProcessorContext<'_, K, Val>, record: Record<K, Val>) -> Result<(), StreamsError> {
        let later = record.timestamp.wrapping_add(self.delay_ms);
        ctx.forward(record.clone())?;
        ctx.forward(record.with_timestamp(later))
    }
}

/// `emit_count_every`, `emit_count_times`: counts per key; a punctuation forwards all counts and clears them.
pub(crate) struct EmitCounts {
    pub counts: Rc<Numbers>,
    pub fired: i64,
    /// Punctuations until it cancels itself.
    pub limit: i64,
}

impl Processor<String, Val, String, Val> for EmitCounts {
    fn process(
        &mut self,
        _ctx: &mut ProcessorContext<'_, String, Val>,
        record: Record<String, Val>,
    ) -> Result<(), StreamsError> {
        record.key.as_ref().map(|key| next(&self.counts, key)).transpose()?;
        Ok(())
    }

    fn punctuate(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, Val>,
        schedule: &Schedule,
        timestamp_ms: i64,
    ) -> Result<(), StreamsError> {
        let counts = self.counts.all()?;
        let keys = i64::try_from(counts.len()).expect("a store has fewer than i64::MAX keys");
        ctx.forward(Record::new("tick".to_owned(), Val::Long(keys), timestamp_ms))?;
        for (key, count) in counts {
            ctx.forward(Record::new(key.clone(), Val::Long(count), timestamp_ms))?;
            self.counts.delete(&key)?;
        }
        self.fired += 1;
        if self.fired >= self.limit {
            schedule.cancel();
        }
        Ok(())
    }
}

/// `window_recent`: puts the record and forwards what its key has had over the last span.
pub(crate) struct WindowRecent {
    pub span_ms: i64,
    pub recent: Rc<WindowStore<String, String>>,
}

impl Processor<String, Val, String, Val> for WindowRecent {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, Val>,
        record: Record<String, Val>,
    ) -> Result<(), StreamsError> {
        let Some(key) = &record.key else {
            return ctx.forward(record.with_value(Some("null-key".into())));
        };
        let value = record.value.as_ref().map(Val::to_string);
        self.recent.put(key, value.as_ref(), record.timestamp)?;
        let from_ms = (record.timestamp - self.span_ms).max(0);
        let hits = self.recent.fetch_range(key, from_ms, record.timestamp)?;
        let hits: Vec<String> = hits.into_iter().map(|(start, value)| format!("{start}={value}")).collect();
        ctx.forward(record.with_value(Some(hits.join(",").into())))
    }
}

/// `versioned_asof`: puts the record and forwards what became of it, the latest version and the one `back_ms` earlier.
pub(crate) struct VersionedAsOf {
    pub back_ms: i64,
    pub versions: Rc<VersionedKeyValueStore<String, String>>,
}

impl Processor<String, Val, String, Val> for VersionedAsOf {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, Val>,
        record: Record<String, Val>,
    ) -> Result<(), StreamsError> {
        let Some(key) = &record.key else { return ctx.forward(record.with_value(Some("null-key".into()))) };
        let value = record.value.as_ref().map(Val::to_string);
        let valid_to = match self.versions.put(key, value.as_ref(), record.timestamp)? {
            Validity::NotPut => i64::MIN,
            Validity::Latest => -1,
            Validity::Until(time) => time,
        };
        let latest = version_text(self.versions.get(key)?);
        let before = version_text(self.versions.get_as_of(key, record.timestamp - self.back_ms)?);
        ctx.forward(record.with_value(Some(format!("{valid_to}|{latest}|{before}").into())))
    }
}

fn version_text(found: Option<VersionedRecord<String>>) -> String {
    found.map_or_else(|| "null".to_owned(), |found| format!("{}@{}", found.value, found.timestamp))
}
