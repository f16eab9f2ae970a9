//! `process` and `process_values`, with the stores that their processors need.

use super::Drawing;
use super::nodes::{Node, NodeKey, Stream, stream_node, wrong};
use crate::error::OracleError;
use crate::functions::Spec;
use crate::op::Store;
use crate::processors::{Dedup, DelayCopy, EmitCounts, Numbers, Sequence, Stamp, VersionedAsOf, WindowRecent};
use crate::stores::{Kind, Named};
use crate::val::{Type, Val};
use comanda_streams::{ConnectedStore, InitContext, KStream, PunctuationType, Serdes, StoreHandle, Stores};

impl Drawing {
    pub fn process(&mut self, id: &str, from: &str, function: &str, store: Option<&Store>) -> Result<(), OracleError> {
        let of = self.node(from)?.plain_stream(id)?;
        let spec = Spec::parse(function);
        let values = match spec.name {
            "emit_count_every" | "emit_count_times" => Type::Long,
            "dedup_ttl" | "delay_copy" => of.values,
            _ => Type::String,
        };
        let stream = match spec.name {
            "stamp" => of.stream.process(id, &[], |_| Ok(Stamp)),
            "delay_copy" => {
                let delay_ms = spec.number(0)?;
                of.stream.process(id, &[], move |_| Ok(DelayCopy { delay_ms }))
            }
            "window_recent" => self.window_recent(id, &of, &spec, store)?,
            "versioned_asof" => self.versioned_as_of(id, &of, &spec, store)?,
            _ => self.process_numbers(id, &of, &spec, store)?,
        };
        self.define(id, stream_node(stream, values))
    }

    fn process_numbers(
        &mut self,
        id: &str,
        of: &Stream<String>,
        spec: &Spec<'_>,
        store: Option<&Store>,
    ) -> Result<KStream<String, Val>, OracleError> {
        let numbers = self.numbers_store(id, store)?;
        let stores: [&dyn ConnectedStore; 1] = [&numbers.clone()];
        Ok(match spec.name {
            "seq" => of.stream.process(id, &stores, move |init| Ok(Sequence(init.open(&numbers)?))),
            "dedup_ttl" => {
                let ttl_ms = spec.number(0)?;
                of.stream.process(id, &stores, move |init| Ok(Dedup { ttl_ms, forwarded: init.open(&numbers)? }))
            }
            "emit_count_every" | "emit_count_times" => {
                let (interval_ms, clock) = (spec.number(0)?, clock(spec)?);
                let limit = if spec.name == "emit_count_times" { spec.number(2)? } else { i64::MAX };
                of.stream.process(id, &stores, move |init| {
                    init.schedule(interval_ms, clock);
                    Ok(EmitCounts { counts: init.open(&numbers)?, fired: 0, limit })
                })
            }
            _ => return Err(spec.unknown("processor")),
        })
    }

    fn window_recent(
        &mut self,
        id: &str,
        of: &Stream<String>,
        spec: &Spec<'_>,
        store: Option<&Store>,
    ) -> Result<KStream<String, Val>, OracleError> {
        let name = self.processor_store(id, store, Kind::PlainWindow, Type::String)?;
        let (span_ms, retention_ms) = (spec.number(0)?, spec.number(1)?);
        let window_size_ms = span_ms.min(retention_ms);
        let windows = Stores::window_store(&name, retention_ms, window_size_ms, Serdes::string(), Serdes::string());
        let recent = self.builder.add_state_store(windows);
        let make = recent.clone();
        Ok(of.stream.process(id, &[&recent], move |init| Ok(WindowRecent { span_ms, recent: init.open(&make)? })))
    }

    fn versioned_as_of(
        &mut self,
        id: &str,
        of: &Stream<String>,
        spec: &Spec<'_>,
        store: Option<&Store>,
    ) -> Result<KStream<String, Val>, OracleError> {
        let name = self.processor_store(id, store, Kind::Versioned, Type::String)?;
        let (back_ms, history_ms) = (spec.number(0)?, spec.number(1)?);
        let versions = Stores::versioned_key_value_store(&name, history_ms, Serdes::string(), Serdes::string());
        let versions = self.builder.add_state_store(versions);
        let make = versions.clone();
        let process = move |init: &mut InitContext<'_, '_>| Ok(VersionedAsOf { back_ms, versions: init.open(&make)? });
        Ok(of.stream.process(id, &[&versions], process))
    }

    pub fn process_values(
        &mut self,
        id: &str,
        from: &str,
        function: &str,
        store: Option<&Store>,
    ) -> Result<(), OracleError> {
        let node = match (self.node(from)?.clone(), function) {
            (Node::Stream(of), "stamp") => stamp_values(id, &of),
            (Node::WindowedStream(of), "stamp") => stamp_values(id, &of),
            (Node::Stream(of), "seq") => {
                let numbers = self.numbers_store(id, store)?;
                let make = numbers.clone();
                let stream = of.stream.process_values(id, &[&numbers], move |init| Ok(Sequence(init.open(&make)?)));
                stream_node(stream, Type::String)
            }
            _ => return Err(wrong(id, "a stream, and `seq` or `stamp`")),
        };
        self.define(id, node)
    }

    fn numbers_store(&mut self, id: &str, store: Option<&Store>) -> Result<StoreHandle<Numbers>, OracleError> {
        let name = self.processor_store(id, store, Kind::PlainKv, Type::Long)?;
        Ok(self.builder.add_state_store(Stores::key_value_store(&name, Serdes::string(), Serdes::long())))
    }

    fn processor_store(
        &mut self,
        id: &str,
        store: Option<&Store>,
        kind: Kind,
        of: Type,
    ) -> Result<String, OracleError> {
        let Some(store) = store else {
            return Err(wrong(id, "a store"));
        };
        self.stores.insert(store.name.clone(), Named { kind, values: of, caching: false });
        Ok(store.name.clone())
    }
}

fn stamp_values<K: NodeKey>(id: &str, of: &Stream<K>) -> Node {
    stream_node(of.stream.process_values(id, &[], |_| Ok(Stamp)), Type::String)
}

fn clock(spec: &Spec<'_>) -> Result<PunctuationType, OracleError> {
    match spec.arg(1).as_str() {
        "stream" => Ok(PunctuationType::StreamTime),
        "wall" => Ok(PunctuationType::WallClockTime),
        other => Err(OracleError::malformed(format!("no clock `{other}`"))),
    }
}
