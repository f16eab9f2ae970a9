//! The start of every topology: sources and stores.

use super::config::{Consumed, Materialized};
use super::kstream::KStream;
use super::ktable::{self, KTable};
use crate::error::StreamsError;
use crate::operators::{SourceNode, SourceSpec};
use crate::record::Data;
use crate::stores::{StoreBuilder, StoreHandle};
use crate::topology::{Graph, NodeId, NodeKind, NodeName, OffsetReset, Outlet, SourceFactory, TopicName, Topology};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// What is being drawn, shared by all streams and tables of one builder.
pub(crate) struct Drawing {
    pub graph: RefCell<Graph>,
    pub sources: RefCell<BTreeMap<NodeId, SourceFactory>>,
}

pub(crate) type BuilderRef = Rc<Drawing>;

/// Draws a topology; `build` checks it.
pub struct StreamsBuilder {
    pub(super) drawing: BuilderRef,
}

impl Default for StreamsBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl StreamsBuilder {
    /// An empty one.
    pub fn new() -> Self {
        let drawing = Drawing { graph: RefCell::default(), sources: RefCell::default() };
        Self { drawing: Rc::new(drawing) }
    }

    /// Reads a topic as a stream.
    pub fn stream<K: Data, V: Data>(&self, topic: &str, consumed: Consumed<K, V>) -> KStream<K, V> {
        self.stream_of(&[topic], consumed)
    }

    /// Reads several topics as one stream; no order holds between them.
    pub fn stream_of<K: Data, V: Data>(&self, topics: &[&str], consumed: Consumed<K, V>) -> KStream<K, V> {
        let name = NodeName::of(consumed.name.as_deref(), "stream", &topics.join("."));
        let topics = topics.iter().map(|topic| TopicName::External((*topic).to_owned())).collect();
        let spec = spec_of(&consumed);
        let (node, outlet) = add_source(&self.drawing, name, topics, spec, consumed.reset);
        KStream::new(self.drawing.clone(), node, outlet)
    }

    /// Reads a topic as a table. It is stored if `materialized` names a store, or if something downstream needs its
    /// rows.
    pub fn table<K: Data, V: Data>(
        &self,
        topic: &str,
        consumed: Consumed<K, V>,
        materialized: Option<Materialized<K, V>>,
    ) -> KTable<K, V> {
        let name = NodeName::of(consumed.name.as_deref(), "table-source", topic);
        let (keys, values) = (consumed.keys.clone(), consumed.values.clone());
        let spec = spec_of(&consumed);
        let topics = vec![TopicName::External(topic.to_owned())];
        let (source, outlet) = add_source(&self.drawing, name, topics, spec, consumed.reset);
        let materialized = materialized.unwrap_or_else(|| Materialized::with(keys, values));
        ktable::source(self.drawing.clone(), source, &outlet, topic, materialized)
    }

    /// Adds a processor's store.
    pub fn add_state_store<S>(&self, builder: StoreBuilder<S>) -> StoreHandle<S> {
        let id = self.drawing.graph.borrow_mut().add_store(builder.info);
        StoreHandle { id, open: builder.open }
    }

    /// Checks what was drawn. Errors name both nodes, topics or stores that contradict each other.
    pub fn build(self) -> Result<Topology, StreamsError> {
        let graph = self.drawing.graph.take();
        let sources = self.drawing.sources.take();
        Topology::new(graph, sources)
    }
}

pub(super) fn spec_of<K, V>(consumed: &Consumed<K, V>) -> SourceSpec<K, V> {
    SourceSpec {
        keys: consumed.keys.clone(),
        values: consumed.values.clone(),
        extractor: consumed.extractor.clone(),
        validator: consumed.validator.clone(),
        partition_check: consumed.partition_check,
    }
}

/// Adds a source node; its instance in a task has a queue per topic.
pub(crate) fn add_source<K: Data, V: Data>(
    drawing: &BuilderRef,
    name: NodeName,
    topics: Vec<TopicName>,
    spec: SourceSpec<K, V>,
    reset: OffsetReset,
) -> (NodeId, Outlet<K, V>) {
    let kind = NodeKind::Source { topics: topics.clone(), reset };
    let node = drawing.graph.borrow_mut().add_node(name, kind, &[], &[]);
    let outlet: Outlet<K, V> = Outlet::new();
    let listeners = outlet.clone();
    let factory: SourceFactory = Arc::new(move |wiring| {
        let outputs = listeners.wire(wiring)?;
        for topic in &topics {
            let topic = topic.resolve(wiring.application_id);
            let source = SourceNode::new(topic.clone(), spec.clone(), outputs.clone());
            wiring.sources.push((topic, Box::new(source)));
        }
        Ok(())
    });
    drawing.sources.borrow_mut().insert(node, factory);
    (node, outlet)
}
