//! The graph that the DSL draws: nodes, edges, stores and topics, without types.

use super::{Flag, GlobalSource};
use crate::error::StreamsError;
use comanda_state_stores::StoreSpec;
use std::collections::BTreeMap;

/// A topic's name has at most 249 characters; the application id and the suffix need the rest.
const LONGEST_TOPIC_PART: usize = 200;

/// A node's number, in order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub usize);

/// A store's number, in order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StoreId(pub usize);

/// A topic as the topology names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TopicName {
    /// A topic of the application's users.
    External(String),
    /// A topic that the engine makes: `<application.id>-<name>`.
    Internal(String),
}

impl TopicName {
    /// The topic's name in Kafka.
    pub fn resolve(&self, application_id: &str) -> String {
        match self {
            Self::External(name) => name.clone(),
            Self::Internal(name) => format!("{application_id}-{name}"),
        }
    }

    fn label(&self) -> &str {
        match self {
            Self::External(name) | Self::Internal(name) => name,
        }
    }
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    Source { topics: Vec<TopicName>, reset: OffsetReset },
    Processor,
    Sink { topic: Option<TopicName> },
}

/// Where a source starts when its group has no committed position (`auto.offset.reset`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffsetReset {
    /// At the first record that is still there.
    #[default]
    Earliest,
    /// After the last record.
    Latest,
}

#[derive(Clone, Debug)]
pub(crate) struct NodeInfo {
    pub name: String,
    pub kind: NodeKind,
    pub parents: Vec<NodeId>,
    pub stores: Vec<StoreId>,
}

#[derive(Clone, Debug)]
pub(crate) struct StoreInfo {
    pub spec: StoreSpec,
    /// `None`: as the application's default says.
    pub persistent: Option<bool>,
}

/// An internal topic that carries records between sub-topologies.
#[derive(Clone, Debug)]
pub(crate) struct RepartitionInfo {
    pub partitions: Option<i32>,
    /// Somebody downstream makes something of records without a key (KIP-962); else they are not sent.
    pub takes_null_keys: Flag,
}

/// Topics whose partitions meet in one task.
#[derive(Clone, Debug)]
pub(crate) struct CoPartition {
    pub node: NodeId,
    pub sources: [Vec<NodeId>; 2],
}

#[derive(Default)]
pub(crate) struct Graph {
    pub nodes: Vec<NodeInfo>,
    pub stores: Vec<StoreInfo>,
    pub repartitions: BTreeMap<String, RepartitionInfo>,
    pub copartitions: Vec<CoPartition>,
    pub globals: Vec<GlobalSource>,
    pub errors: Vec<String>,
    /// Grace of the nodes that put records into windows.
    pub window_graces_ms: BTreeMap<NodeId, i64>,
    taken_names: BTreeMap<String, usize>,
}

impl Graph {
    /// Adds a node. A name given by the user must be free; a derived one gets the next free ordinal.
    pub fn add_node(&mut self, name: NodeName, kind: NodeKind, parents: &[NodeId], stores: &[StoreId]) -> NodeId {
        let name = self.free_name(name);
        let id = NodeId(self.nodes.len());
        self.nodes.push(NodeInfo { name, kind, parents: parents.to_vec(), stores: stores.to_vec() });
        id
    }

    fn free_name(&mut self, name: NodeName) -> String {
        let (text, given) = match name {
            NodeName::Given(text) => (text, true),
            NodeName::Derived(text) => (text, false),
        };
        let uses = self.taken_names.entry(text.clone()).or_default();
        *uses += 1;
        match *uses {
            1 => text,
            _ if given => {
                self.errors.push(format!("two nodes are named `{text}`"));
                text
            }
            n => format!("{text}-{n}"),
        }
    }

    /// Adds a store; its name must be free.
    pub fn add_store(&mut self, info: StoreInfo) -> StoreId {
        self.check_store_name(&info.spec.name);
        self.stores.push(info);
        StoreId(self.stores.len() - 1)
    }

    /// Adds a global table, whose number is the answer; its store's name must be free.
    pub fn add_global(&mut self, global: GlobalSource) -> usize {
        self.check_store_name(&global.store.spec.name);
        self.globals.push(global);
        self.globals.len() - 1
    }

    fn check_store_name(&mut self, name: &str) {
        let mut taken = self.stores.iter().chain(self.globals.iter().map(|global| &global.store));
        if taken.any(|store| &*store.spec.name == name) {
            self.errors.push(format!("two stores are named `{name}`: give one of them a name of its own"));
        }
        self.check_topic_part("store", name);
    }

    /// What is named so becomes part of an internal topic's name: Kafka's `Topic.validate` holds for it.
    fn check_topic_part(&mut self, what: &str, name: &str) {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > LONGEST_TOPIC_PART || !name.chars().all(legal) {
            self.errors.push(format!(
                "{what} `{name}`: a topic is named after it, so it must be 1 to {LONGEST_TOPIC_PART} letters, digits, \
                 `.`, `_` and `-`: name the operation, its store or its topic"
            ));
        }
    }

    /// Lets `node` use `store`.
    pub fn connect_store(&mut self, node: NodeId, store: StoreId) {
        let stores = &mut self.nodes[node.0].stores;
        if !stores.contains(&store) {
            stores.push(store);
        }
    }

    pub fn connect(&mut self, parent: NodeId, child: NodeId) {
        self.nodes[child.0].parents.push(parent);
    }

    pub fn name(&self, node: NodeId) -> &str {
        &self.nodes[node.0].name
    }

    /// The sources that feed a node within its sub-topology.
    pub fn sources_of(&self, node: NodeId) -> Vec<NodeId> {
        let mut found = vec![];
        let mut open = vec![node];
        while let Some(next) = open.pop() {
            let info = &self.nodes[next.0];
            if matches!(info.kind, NodeKind::Source { .. }) && !found.contains(&next) {
                found.push(next);
            }
            open.extend(&info.parents);
        }
        found.sort();
        found
    }

    /// How long after their end the windows of a node's rows take records: the longest grace of all windows that feed it;
    /// none if it is not fed by windows alone (`GraphGraceSearchUtil`).
    pub fn window_grace_ms(&self, node: NodeId) -> Option<i64> {
        if let Some(grace_ms) = self.window_graces_ms.get(&node) {
            return Some(*grace_ms);
        }
        let parents = self.nodes[node.0].parents.iter().map(|parent| self.window_grace_ms(*parent));
        parents.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Adds a repartition topic; its name must be free. The flag tells whether it takes records without a key.
    pub fn add_repartition(&mut self, name: &str, partitions: Option<i32>) -> (TopicName, Flag) {
        let takes_null_keys = Flag::default();
        self.check_topic_part("repartition topic", name);
        let info = RepartitionInfo { partitions, takes_null_keys: takes_null_keys.clone() };
        if self.repartitions.insert(name.to_owned(), info).is_some() {
            self.errors.push(format!("two repartition topics are named `{name}`: name one of the operations"));
        }
        (TopicName::Internal(name.to_owned()), takes_null_keys)
    }

    /// `node` joins records without a key: all repartition topics above it, near or far, take them.
    pub fn takes_null_keys(&mut self, node: NodeId) {
        let mut open = self.sources_of(node);
        while let Some(source) = open.pop() {
            let NodeKind::Source { topics, .. } = &self.nodes[source.0].kind else { continue };
            for topic in topics.iter().filter(|topic| matches!(topic, TopicName::Internal(_))) {
                if let Some(info) = self.repartitions.get(topic.label()) {
                    info.takes_null_keys.set();
                }
                open.extend(self.writers_of(topic).flat_map(|sink| self.sources_of(sink)));
            }
        }
    }

    /// The sinks that write to a topic.
    pub fn writers_of<'a>(&'a self, topic: &'a TopicName) -> impl Iterator<Item = NodeId> + 'a {
        (0..self.nodes.len()).map(NodeId).filter(
            move |node| matches!(&self.nodes[node.0].kind, NodeKind::Sink { topic: Some(sink) } if sink == topic),
        )
    }

    pub fn check(&self) -> Result<(), StreamsError> {
        let mut errors = self.errors.clone();
        let mut readers: BTreeMap<&TopicName, NodeId> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let NodeKind::Source { topics, .. } = &node.kind else { continue };
            for topic in topics {
                if let Some(first) = readers.insert(topic, NodeId(index)) {
                    let (a, b) = (self.name(first), &node.name);
                    errors.push(format!(
                        "topic `{}` is read by both `{a}` and `{b}`: read it once and share it",
                        topic.label()
                    ));
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(StreamsError::Topology(errors.join("; "))) }
    }
}

/// A node's name: the user's, or made from the operation and what it reads.
#[derive(Clone, Debug)]
pub(crate) enum NodeName {
    Given(String),
    Derived(String),
}

impl NodeName {
    /// The user's name if there is one, else `operation.input`: a name that may be part of a topic's.
    pub fn of(given: Option<&str>, operation: &str, input: &str) -> Self {
        match given {
            Some(name) => Self::Given(name.to_owned()),
            None => Self::Derived(format!("{operation}.{input}")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::*;

    /// A join with a table without a name, over a stream without one.
    fn joined(name: Option<&str>) -> Result<Topology, StreamsError> {
        let text = Serdes::string;
        let materialized = name.map(|name| Materialized::with(text(), text()).named(name));
        let builder = StreamsBuilder::new();
        let table = builder.table("menus", Consumed::with(text(), text()), materialized);
        builder
            .stream("orders", Consumed::with(text(), text()))
            .select_key(|_, order: Option<&String>| order.cloned())
            .join_table(&table, |_, order, menu| Some(format!("{order}{menu}")), Joined::with(text(), text()))
            .group_by_key(Grouped::with(text(), text()))
            .count(Materialized::with(text(), Serdes::long()))
            .to_stream()
            .to("sold", Produced::with(text(), Serdes::long()));
        builder.build()
    }

    #[test]
    fn names_that_nobody_gave_are_lawful_in_topic_names() {
        let description = joined(None).unwrap().describe().to_string();
        let counted = "count.join-table.source.select-key.stream.orders-repartition-store";
        assert!(["[table.menus-store]", counted].iter().all(|store| description.contains(store)), "{description}");
    }

    #[test]
    fn a_name_that_no_topic_may_have_is_refused() {
        for name in ["menus of the day", "", "menüs"] {
            let error = joined(Some(name)).err().unwrap().to_string();
            assert!(error.contains(&format!("store `{name}`")), "{error}");
        }
    }
}
