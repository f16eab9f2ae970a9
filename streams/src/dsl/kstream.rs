//! A stream of records, and its stateless operators.

use super::builder::{BuilderRef, add_source};
use super::config::{Grouped, Produced, Repartitioned};
use super::grouped::KGroupedStream;
use crate::StreamsError;
use crate::broker::Headers;
use crate::operators::{
    BranchNode, FlatMapNode, FnNode, PassNode, SinkNode, SinkTopic, SourceSpec, TimestampExtractor,
};
use crate::processor::{FixedKey, FixedKeyProcessor, InitContext, Processor, ProcessorNode, PunctuatedNode, Schedules};
use crate::record::{Data, Record};
use crate::serde::Serde;
use crate::stores::ConnectedStore;
use crate::topology::{Flag, NodeId, NodeKind, NodeName, OffsetReset, Outlet, Receiver, StoreId, TopicName, Wiring};
use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

/// An unbounded stream of records.
pub struct KStream<K, V> {
    pub(crate) drawing: BuilderRef,
    pub(crate) node: NodeId,
    pub(crate) outlet: Outlet<K, V>,
    /// An operation before may have changed the key: grouping and joining need a repartition topic.
    pub(crate) key_changed: bool,
    /// The topics it was sent through to be joined or grouped.
    pub(crate) repartitioned: Rc<RefCell<Vec<ThroughTopic<K, V>>>>,
}

/// A stream read back from a repartition topic.
pub(crate) struct ThroughTopic<K, V> {
    name: String,
    stream: KStream<K, V>,
}

impl<K, V> Clone for KStream<K, V> {
    fn clone(&self) -> Self {
        Self {
            drawing: self.drawing.clone(),
            node: self.node,
            outlet: self.outlet.clone(),
            key_changed: self.key_changed,
            repartitioned: self.repartitioned.clone(),
        }
    }
}

impl<K: Data, V: Data> KStream<K, V> {
    pub(crate) fn new(drawing: BuilderRef, node: NodeId, outlet: Outlet<K, V>) -> Self {
        Self { drawing, node, outlet, key_changed: false, repartitioned: Rc::default() }
    }

    pub(crate) fn name(&self) -> String {
        self.drawing.graph.borrow().name(self.node).to_owned()
    }

    /// Adds a processor node below this stream.
    pub(crate) fn add_node<L: Data, W: Data, R: Receiver<K, V> + 'static>(
        &self,
        given: Option<&str>,
        operation: &str,
        stores: &[StoreId],
        make: impl Fn(&mut Wiring, &Outlet<L, W>) -> Result<R, StreamsError> + Send + Sync + 'static,
    ) -> KStream<L, W> {
        let name = NodeName::of(given, operation, &self.name());
        let node = self.drawing.graph.borrow_mut().add_node(name, NodeKind::Processor, &[self.node], stores);
        let outlet = Outlet::new();
        let children = outlet.clone();
        self.outlet.connect(node, move |wiring| make(wiring, &children));
        KStream { key_changed: self.key_changed, ..KStream::new(self.drawing.clone(), node, outlet) }
    }

    fn add_function<L: Data, W: Data>(
        &self,
        operation: &str,
        function: impl Fn(Record<K, V>) -> Option<Record<L, W>> + Send + Sync + 'static,
    ) -> KStream<L, W> {
        let function = Arc::new(function);
        self.add_node(None, operation, &[], move |wiring, children: &Outlet<L, W>| {
            Ok(FnNode { function: function.clone(), outputs: children.wire(wiring)? })
        })
    }

    fn with_changed_key(self) -> Self {
        Self { key_changed: true, ..self }
    }

    /// Keeps the records for which `predicate` holds.
    pub fn filter(&self, predicate: impl Fn(Option<&K>, Option<&V>) -> bool + Send + Sync + 'static) -> Self {
        self.add_function("filter", move |r| predicate(r.key.as_ref(), r.value.as_ref()).then_some(r))
    }

    /// Drops the records for which `predicate` holds.
    pub fn filter_not(&self, predicate: impl Fn(Option<&K>, Option<&V>) -> bool + Send + Sync + 'static) -> Self {
        self.add_function("filter-not", move |r| (!predicate(r.key.as_ref(), r.value.as_ref())).then_some(r))
    }

    /// Replaces the value; the key and its partition stay.
    pub fn map_values<W: Data>(
        &self,
        mapper: impl Fn(Option<&K>, Option<V>) -> Option<W> + Send + Sync + 'static,
    ) -> KStream<K, W> {
        self.add_function("map-values", move |mut r| {
            let value = mapper(r.key.as_ref(), r.value.take());
            Some(r.with_value(value))
        })
    }

    /// Replaces key and value.
    pub fn map<L: Data, W: Data>(
        &self,
        mapper: impl Fn(Option<K>, Option<V>) -> (Option<L>, Option<W>) + Send + Sync + 'static,
    ) -> KStream<L, W> {
        let mapped = self.add_function("map", move |r| {
            let (key, value) = mapper(r.key, r.value);
            Some(Record { key, value, timestamp: r.timestamp, headers: r.headers })
        });
        mapped.with_changed_key()
    }

    /// Replaces the key.
    pub fn select_key<L: Data>(
        &self,
        selector: impl Fn(Option<&K>, Option<&V>) -> Option<L> + Send + Sync + 'static,
    ) -> KStream<L, V> {
        let mapped = self.add_function("select-key", move |r| {
            let key = selector(r.key.as_ref(), r.value.as_ref());
            Some(r.with_key(key))
        });
        mapped.with_changed_key()
    }

    /// Replaces each record by any number of records.
    pub fn flat_map<L: Data, W: Data, I>(
        &self,
        mapper: impl Fn(Option<K>, Option<V>) -> I + Send + Sync + 'static,
    ) -> KStream<L, W>
    where
        I: IntoIterator<Item = (Option<L>, Option<W>)> + 'static,
    {
        let function = Arc::new(move |r: Record<K, V>| {
            let (timestamp, headers): (i64, Headers) = (r.timestamp, r.headers);
            let made = mapper(r.key, r.value).into_iter();
            made.map(move |(key, value)| Record { key, value, timestamp, headers: headers.clone() })
        });
        let mapped = self.add_node(None, "flat-map", &[], move |wiring, children: &Outlet<L, W>| {
            Ok(FlatMapNode { function: function.clone(), outputs: children.wire(wiring)? })
        });
        mapped.with_changed_key()
    }

    /// Replaces each value by any number of values under the same key.
    pub fn flat_map_values<W: Data, I>(
        &self,
        mapper: impl Fn(Option<&K>, Option<V>) -> I + Send + Sync + 'static,
    ) -> KStream<K, W>
    where
        I: IntoIterator<Item = Option<W>> + 'static,
    {
        let function = Arc::new(move |mut r: Record<K, V>| {
            let made = mapper(r.key.as_ref(), r.value.take()).into_iter();
            made.map(move |value| Record {
                key: r.key.clone(),
                value,
                timestamp: r.timestamp,
                headers: r.headers.clone(),
            })
        });
        self.add_node(None, "flat-map-values", &[], move |wiring, children: &Outlet<K, W>| {
            Ok(FlatMapNode { function: function.clone(), outputs: children.wire(wiring)? })
        })
    }

    /// Calls `action` for each record and passes it on.
    pub fn peek(&self, action: impl Fn(Option<&K>, Option<&V>) + Send + Sync + 'static) -> Self {
        self.add_function("peek", move |r| {
            action(r.key.as_ref(), r.value.as_ref());
            Some(r)
        })
    }

    /// This stream's and the other's records in one stream; no order holds between them.
    pub fn merge(&self, other: &KStream<K, V>) -> Self {
        let merged = self.add_node(None, "merge", &[], |wiring, children: &Outlet<K, V>| {
            Ok(PassNode { outputs: children.wire(wiring)? })
        });
        // A stream merged with itself stays as it is: a node has each parent once.
        if !other.outlet.is(&self.outlet) {
            let children = merged.outlet.clone();
            other.outlet.connect(merged.node, move |wiring| Ok(PassNode { outputs: children.wire(wiring)? }));
            self.drawing.graph.borrow_mut().connect(other.node, merged.node);
        }
        Self { key_changed: self.key_changed || other.key_changed, ..merged }
    }

    /// Splits by the first predicate that holds. Yields a stream per predicate and a last one with all other records.
    pub fn branch(
        &self,
        predicates: Vec<Box<dyn Fn(Option<&K>, Option<&V>) -> bool + Send + Sync>>,
    ) -> Vec<KStream<K, V>> {
        let name = NodeName::of(None, "branch", &self.name());
        let node = self.drawing.graph.borrow_mut().add_node(name, NodeKind::Processor, &[self.node], &[]);
        let predicates: Vec<Option<Arc<_>>> = predicates.into_iter().map(|p| Some(Arc::from(p))).collect();
        let count = predicates.len() + 1;
        let outlets: Vec<Outlet<K, V>> = (0..count).map(|_| Outlet::new()).collect();
        let children = outlets.clone();
        self.outlet.connect(node, move |wiring| {
            let with_default = predicates.iter().cloned().chain([None]);
            let branches = with_default.zip(&children).map(|(p, outlet)| Ok((p, outlet.wire(wiring)?)));
            Ok(BranchNode { branches: branches.collect::<Result<_, StreamsError>>()? })
        });
        let stream =
            |outlet| KStream { key_changed: self.key_changed, ..KStream::new(self.drawing.clone(), node, outlet) };
        outlets.into_iter().map(stream).collect()
    }

    /// Runs a processor written by hand. `make` is called once per task, with the stores listed.
    pub fn process<L: Data, W: Data, P: Processor<K, V, L, W> + 'static>(
        &self,
        name: &str,
        stores: &[&dyn ConnectedStore],
        make: impl Fn(&mut InitContext<'_, '_>) -> Result<P, StreamsError> + Send + Sync + 'static,
    ) -> KStream<L, W> {
        self.add_processor(name, "process", stores, make).with_changed_key()
    }

    /// Runs a processor written by hand that keeps the keys: no repartition follows.
    pub fn process_values<W: Data, P: FixedKeyProcessor<K, V, W> + 'static>(
        &self,
        name: &str,
        stores: &[&dyn ConnectedStore],
        make: impl Fn(&mut InitContext<'_, '_>) -> Result<P, StreamsError> + Send + Sync + 'static,
    ) -> KStream<K, W> {
        self.add_processor(name, "process-values", stores, move |init| make(init).map(FixedKey))
    }

    fn add_processor<L: Data, W: Data, P: Processor<K, V, L, W> + 'static>(
        &self,
        name: &str,
        operation: &str,
        stores: &[&dyn ConnectedStore],
        make: impl Fn(&mut InitContext<'_, '_>) -> Result<P, StreamsError> + Send + Sync + 'static,
    ) -> KStream<L, W> {
        let stores: Vec<StoreId> = stores.iter().map(|store| StoreId(store.store_number())).collect();
        self.add_node(Some(name), operation, &stores, move |wiring, children: &Outlet<L, W>| {
            let outputs = children.wire(wiring)?;
            let schedules = Rc::new(RefCell::new(Schedules::new(wiring.now_ms)));
            let processor = make(&mut InitContext::new(wiring, schedules.clone()))?;
            let node = Rc::new(RefCell::new(ProcessorNode { processor, outputs, schedules }));
            let punctuated = PunctuatedNode::<P, K, V, L, W> { node: node.clone(), input: PhantomData };
            wiring.punctuated.push(Rc::new(RefCell::new(punctuated)));
            Ok(node)
        })
    }

    /// Sends the records through a topic of the engine's own, placed by key.
    pub fn repartition(&self, repartitioned: Repartitioned<K, V>) -> Self {
        let name = repartitioned.name.clone().unwrap_or_else(|| self.name());
        let serdes = (repartitioned.keys, repartitioned.values);
        self.through_repartition_topic(&name, serdes, repartitioned.partitions)
    }

    /// The stream placed by its key, if it may not be: all joins and groupings that ask for the same topic share it.
    pub(crate) fn placed_by_key(&self, name: &str, serdes: (Serde<K>, Serde<V>)) -> Self {
        if !self.key_changed {
            return self.clone();
        }
        let mut topics = self.repartitioned.borrow_mut();
        if let Some(known) = topics.iter().find(|topic| topic.name == name) {
            return known.stream.clone();
        }
        let stream = self.through_repartition_topic(name, serdes, None);
        topics.push(ThroughTopic { name: name.to_owned(), stream: stream.clone() });
        stream
    }

    fn through_repartition_topic(
        &self,
        name: &str,
        (keys, values): (Serde<K>, Serde<V>),
        partitions: Option<i32>,
    ) -> Self {
        let topic_name = format!("{name}-repartition");
        let (topic, takes_null_keys) = self.drawing.graph.borrow_mut().add_repartition(&topic_name, partitions);
        self.add_sink(None, topic.clone(), keys.clone(), values.clone(), takes_null_keys);
        let extractor = TimestampExtractor::FailOnInvalid;
        let spec = SourceSpec { keys, values, extractor, validator: None, partition_check: false };
        let source = NodeName::Derived(format!("source.{topic_name}"));
        let (node, outlet) = add_source(&self.drawing, source, vec![topic], spec, OffsetReset::Earliest);
        KStream::new(self.drawing.clone(), node, outlet)
    }

    fn add_sink(&self, given: Option<&str>, topic: TopicName, keys: Serde<K>, values: Serde<V>, takes_null_keys: Flag) {
        let name = NodeName::of(given, "to", &self.name());
        let kind = NodeKind::Sink { topic: Some(topic.clone()) };
        let node = self.drawing.graph.borrow_mut().add_node(name, kind, &[self.node], &[]);
        self.outlet.connect(node, move |wiring| {
            let name = topic.resolve(wiring.application_id);
            let handle = wiring.collector.borrow_mut().topic(&name)?;
            let topic = SinkTopic::Static(name, handle);
            let takes_null_keys = takes_null_keys.get();
            Ok(SinkNode { topic, keys: keys.clone(), values: values.clone(), takes_null_keys })
        });
    }

    /// Writes to a topic.
    pub fn to(&self, topic: &str, produced: Produced<K, V>) {
        let name = TopicName::External(topic.to_owned());
        let takes_null_keys = Flag::default();
        takes_null_keys.set();
        self.add_sink(produced.name.as_deref(), name, produced.keys, produced.values, takes_null_keys);
    }

    /// Writes each record to the topic that `topic_of` names (`TopicNameExtractor`); the topics must exist.
    pub fn to_dynamic(
        &self,
        topic_of: impl Fn(&Record<K, V>) -> String + Send + Sync + 'static,
        produced: Produced<K, V>,
    ) {
        let name = NodeName::of(produced.name.as_deref(), "to-dynamic", &self.name());
        let kind = NodeKind::Sink { topic: None };
        let node = self.drawing.graph.borrow_mut().add_node(name, kind, &[self.node], &[]);
        let topic_of: Arc<dyn Fn(&Record<K, V>) -> String + Send + Sync> = Arc::new(topic_of);
        self.outlet.connect(node, move |_| {
            let topic = SinkTopic::Dynamic(topic_of.clone(), HashMap::new());
            let (keys, values) = (produced.keys.clone(), produced.values.clone());
            Ok(SinkNode { topic, keys, values, takes_null_keys: true })
        });
    }

    /// Groups by the key as it is; repartitions first if an operation before may have changed it.
    pub fn group_by_key(&self, grouped: Grouped<K, V>) -> KGroupedStream<K, V> {
        KGroupedStream { stream: self.clone(), grouped }
    }

    /// Groups by another key.
    pub fn group_by<L: Data>(
        &self,
        selector: impl Fn(Option<&K>, Option<&V>) -> Option<L> + Send + Sync + 'static,
        grouped: Grouped<L, V>,
    ) -> KGroupedStream<L, V> {
        self.select_key(selector).group_by_key(grouped)
    }
}
