//! A topology: an immutable value of nodes, edges, stores and topics that tasks are made from.

mod describe;
mod flag;
mod global;
mod graph;
mod sub_topology;
mod wiring;

pub use graph::{OffsetReset, TopicName};
pub use sub_topology::{ChangelogTopic, RepartitionTopic, SubTopology};

pub(crate) use flag::Flag;
pub(crate) use global::{GlobalCheck, GlobalSource};
pub(crate) use graph::{CoPartition, Graph, NodeId, NodeInfo, NodeKind, NodeName, StoreId, StoreInfo};
pub(crate) use wiring::{Outlet, Outputs, Receiver, Wiring};

use crate::config::StreamsConfig;
use crate::dsl::StoreType;
use crate::error::StreamsError;
use comanda_state_stores::StoreSpec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Makes one source's nodes in a task.
pub(crate) type SourceFactory = Arc<dyn Fn(&mut Wiring) -> Result<(), StreamsError> + Send + Sync>;

/// A checked topology. A clone shares it; it may go to any thread.
#[derive(Clone)]
pub struct Topology {
    inner: Arc<Inner>,
}

struct Inner {
    nodes: Vec<NodeInfo>,
    stores: Vec<StoreInfo>,
    copartitions: Vec<CoPartition>,
    sources: BTreeMap<NodeId, SourceFactory>,
    globals: Vec<GlobalSource>,
    sub_topologies: Vec<SubTopology>,
}

impl Topology {
    pub(crate) fn new(graph: Graph, sources: BTreeMap<NodeId, SourceFactory>) -> Result<Self, StreamsError> {
        graph.check()?;
        let sub_topologies = sub_topology::split(&graph);
        let Graph { nodes, stores, copartitions, globals, .. } = graph;
        let inner = Inner { nodes, stores, copartitions, sources, globals, sub_topologies };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its sub-topologies in order of their ids: parts that only topics connect.
    pub fn sub_topologies(&self) -> &[SubTopology] {
        &self.inner.sub_topologies
    }

    /// The text that Kafka Streams' `Topology.describe()` would print for these nodes.
    pub fn describe(&self) -> String {
        describe::text(self)
    }

    /// The same as a Graphviz digraph.
    pub fn to_graphviz(&self) -> String {
        describe::graphviz(self)
    }

    /// A number that tells topologies apart: members of a group must run the same one (FNV-1a of `describe`).
    pub fn fingerprint(&self) -> u64 {
        self.describe()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// All topics of users that it reads.
    pub fn source_topics(&self) -> Vec<String> {
        let topics = self.inner.nodes.iter().flat_map(|node| match &node.kind {
            NodeKind::Source { topics, .. } => topics.as_slice(),
            _ => &[],
        });
        topics
            .filter_map(|topic| match topic {
                TopicName::External(name) => Some(name.clone()),
                TopicName::Internal(_) => None,
            })
            .collect()
    }

    /// Where the source of `topic` starts without a committed position.
    pub fn offset_reset(&self, topic: &str, application_id: &str) -> OffsetReset {
        let found = self.inner.nodes.iter().find_map(|node| match &node.kind {
            NodeKind::Source { topics, reset } => {
                topics.iter().any(|t| t.resolve(application_id) == topic).then_some(*reset)
            }
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// Groups of topics whose partition counts must be equal, each with the name of the node that needs it.
    pub fn copartition_groups(&self, application_id: &str) -> Vec<(String, Vec<String>)> {
        let topics_of = |source: &NodeId| match &self.inner.nodes[source.0].kind {
            NodeKind::Source { topics, .. } => topics.iter().map(|t| t.resolve(application_id)).collect(),
            _ => vec![],
        };
        let groups = self.inner.copartitions.iter().map(|group| {
            let topics = group.sources.iter().flatten().flat_map(topics_of).collect();
            (self.node(group.node).name.clone(), topics)
        });
        groups.collect()
    }

    /// The sub-topology that has a store, and the store's specification.
    pub(crate) fn store_home(&self, name: &str) -> Option<(u32, &StoreSpec)> {
        self.inner.sub_topologies.iter().find_map(|part| {
            let store = part.stores.iter().find(|id| &*self.store(**id).spec.name == name)?;
            Some((part.id, &self.store(*store).spec))
        })
    }

    /// Its global tables.
    pub(crate) fn globals(&self) -> &[GlobalSource] {
        &self.inner.globals
    }

    /// The topics of its global tables, in their order.
    pub fn global_topics(&self) -> impl Iterator<Item = &str> {
        self.inner.globals.iter().map(|global| global.topic.as_str())
    }

    /// The stores of its global tables, in the same order.
    pub fn global_stores(&self, config: &StreamsConfig) -> Vec<StoreSpec> {
        self.inner.globals.iter().map(|global| spec_of(&global.store, config)).collect()
    }

    pub(crate) fn node(&self, id: NodeId) -> &NodeInfo {
        &self.inner.nodes[id.0]
    }

    pub(crate) fn store(&self, id: StoreId) -> &StoreInfo {
        &self.inner.stores[id.0]
    }

    /// The stores that a task of these sub-topologies opens, in registration order.
    pub fn task_stores(&self, sub_topologies: &[u32], config: &StreamsConfig) -> Vec<StoreSpec> {
        let parts = sub_topologies.iter().map(|id| &self.inner.sub_topologies[*id as usize]);
        let mut ids: Vec<StoreId> = parts.flat_map(|part| part.stores.iter().copied()).collect();
        ids.sort();
        ids.into_iter().map(|id| spec_of(self.store(id), config)).collect()
    }

    /// Makes the nodes of these sub-topologies.
    pub(crate) fn wire(&self, sub_topologies: &[u32], wiring: &mut Wiring) -> Result<(), StreamsError> {
        for part in sub_topologies.iter().map(|id| &self.inner.sub_topologies[*id as usize]) {
            for node in &part.nodes {
                if let Some(make) = self.inner.sources.get(node) {
                    make(wiring)?;
                }
            }
        }
        // In the order of the nodes that use the stores first, as Kafka Streams registers them: a source's table may be
        // given its store late, when a join below it is drawn.
        let first_user = |store: &StoreId| self.inner.nodes.iter().position(|node| node.stores.contains(store));
        wiring.flushes.sort_by_key(|(store, _)| (first_user(store), *store));
        Ok(())
    }
}

/// A store as this configuration has it.
fn spec_of(info: &StoreInfo, config: &StreamsConfig) -> StoreSpec {
    let by_default = config.default_store_type == StoreType::RocksDb;
    StoreSpec { persistent: info.persistent.unwrap_or(by_default), ..info.spec.clone() }
}
