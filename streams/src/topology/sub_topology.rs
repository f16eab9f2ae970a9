//! Splitting a graph into sub-topologies: nodes joined by edges or by a common store.

use super::graph::{Graph, NodeId, NodeKind, StoreId, TopicName};
use std::collections::BTreeMap;

/// A part of the topology that runs as one task per partition.
#[derive(Clone, Debug)]
pub struct SubTopology {
    /// Its number, from 0, in order of first nodes.
    pub id: u32,
    /// Topics it reads.
    pub source_topics: Vec<TopicName>,
    /// Change logs of its stores.
    pub changelogs: Vec<ChangelogTopic>,
    /// Repartition topics that it reads (and the engine makes).
    pub repartitions: Vec<RepartitionTopic>,
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) stores: Vec<StoreId>,
}

/// The change log of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangelogTopic {
    /// The store's name.
    pub store: String,
    /// Name without the application id.
    pub topic: TopicName,
    /// How long windows are kept; `None`: compaction only.
    pub retention_ms: Option<i64>,
}

/// A topic between two sub-topologies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepartitionTopic {
    /// Name without the application id.
    pub topic: TopicName,
    /// Partition count, if the user gave one.
    pub partitions: Option<i32>,
    /// The topics that feed the writing sub-topology: it takes the largest of their partition counts.
    pub fed_by: Vec<TopicName>,
}

pub(super) fn split(graph: &Graph) -> Vec<SubTopology> {
    let mut groups: BTreeMap<usize, Vec<NodeId>> = BTreeMap::new();
    let roots = roots(graph);
    for (node, root) in roots.iter().enumerate() {
        groups.entry(*root).or_default().push(NodeId(node));
    }
    groups.into_values().enumerate().map(|(id, nodes)| describe_part(graph, id as u32, nodes)).collect()
}

/// The lowest node that each node is connected with (union by smallest).
fn roots(graph: &Graph) -> Vec<usize> {
    let mut root: Vec<usize> = (0..graph.nodes.len()).collect();
    fn find(root: &[usize], mut node: usize) -> usize {
        while root[node] != node {
            node = root[node];
        }
        node
    }
    let mut first_user: BTreeMap<StoreId, usize> = BTreeMap::new();
    for (node, info) in graph.nodes.iter().enumerate() {
        let with_store = info.stores.iter().map(|store| *first_user.entry(*store).or_insert(node));
        for other in info.parents.iter().map(|p| p.0).chain(with_store) {
            let (a, b) = (find(&root, node), find(&root, other));
            root[a.max(b)] = a.min(b);
        }
    }
    (0..root.len()).map(|node| find(&root, node)).collect()
}

fn describe_part(graph: &Graph, id: u32, nodes: Vec<NodeId>) -> SubTopology {
    let mut source_topics = vec![];
    let mut stores: Vec<StoreId> = vec![];
    for info in nodes.iter().map(|node| &graph.nodes[node.0]) {
        if let NodeKind::Source { topics, .. } = &info.kind {
            source_topics.extend(topics.iter().cloned());
        }
        stores.extend(&info.stores);
    }
    stores.sort();
    stores.dedup();
    let logged = stores.iter().map(|id| &graph.stores[id.0].spec).filter(|spec| spec.logged);
    let changelogs = logged
        .map(|spec| ChangelogTopic {
            store: spec.name.to_string(),
            topic: TopicName::Internal(format!("{}-changelog", spec.name)),
            retention_ms: spec.segments().map(|segments| segments.retention_ms),
        })
        .collect();
    let repartitions = source_topics.iter().filter_map(|topic| repartition(graph, topic)).collect();
    SubTopology { id, source_topics, changelogs, repartitions, nodes, stores }
}

fn repartition(graph: &Graph, topic: &TopicName) -> Option<RepartitionTopic> {
    let TopicName::Internal(name) = topic else { return None };
    let info = graph.repartitions.get(name)?;
    let sources = graph.writers_of(topic).flat_map(|node| graph.sources_of(node));
    let fed_by = sources
        .flat_map(|source| match &graph.nodes[source.0].kind {
            NodeKind::Source { topics, .. } => topics.clone(),
            _ => vec![],
        })
        .collect();
    Some(RepartitionTopic { topic: topic.clone(), partitions: info.partitions, fed_by })
}
