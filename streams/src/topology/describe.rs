//! A topology as text and as a picture.

use super::{NodeId, NodeKind, SubTopology, TopicName, Topology};
use std::fmt::Write;

/// Kafka Streams' `TopologyDescription.toString()`.
pub(super) fn text(topology: &Topology) -> String {
    let mut out = String::from("Topologies:\n");
    for part in topology.sub_topologies() {
        let _ = writeln!(out, "   Sub-topology: {}", part.id);
        for node in &part.nodes {
            out += &node_text(topology, part, *node);
        }
        out.push('\n');
    }
    for (number, global) in topology.globals().iter().enumerate() {
        let id = topology.sub_topologies().len() + number;
        let (topic, store) = (&global.topic, &global.store.spec.name);
        let _ = writeln!(out, "   Sub-topology: {id} for global store (will not generate tasks)");
        let _ = writeln!(out, "    Source: global-source.{topic} (topics: [{topic}])\n      --> global-table.{topic}");
        let _ = writeln!(out, "    Processor: global-table.{topic} (stores: [{store}])\n      --> none");
        let _ = writeln!(out, "      <-- global-source.{topic}\n");
    }
    out
}

fn node_text(topology: &Topology, part: &SubTopology, id: NodeId) -> String {
    let node = topology.node(id);
    let children = names(topology, children(topology, part, id));
    let parents = names(topology, node.parents.clone());
    match &node.kind {
        NodeKind::Source { topics, .. } => {
            format!("    Source: {} (topics: [{}])\n      --> {children}\n", node.name, topic_list(topics))
        }
        NodeKind::Processor => {
            let stores: Vec<_> = node.stores.iter().map(|s| topology.store(*s).spec.name.to_string()).collect();
            format!(
                "    Processor: {} (stores: [{}])\n      --> {children}\n      <-- {parents}\n",
                node.name,
                stores.join(", ")
            )
        }
        NodeKind::Sink { topic } => {
            let topic = topic.as_ref().map_or("<extractor>".to_owned(), |t| topic_list(std::slice::from_ref(t)));
            format!("    Sink: {} (topic: {topic})\n      <-- {parents}\n", node.name)
        }
    }
}

fn children(topology: &Topology, part: &SubTopology, id: NodeId) -> Vec<NodeId> {
    part.nodes.iter().copied().filter(|node| topology.node(*node).parents.contains(&id)).collect()
}

fn names(topology: &Topology, nodes: Vec<NodeId>) -> String {
    if nodes.is_empty() {
        return "none".to_owned();
    }
    nodes.iter().map(|node| topology.node(*node).name.as_str()).collect::<Vec<_>>().join(", ")
}

fn topic_list(topics: &[TopicName]) -> String {
    let names = topics.iter().map(|topic| match topic {
        TopicName::External(name) | TopicName::Internal(name) => name.as_str(),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// A Graphviz digraph: a cluster per sub-topology, cylinders for stores, notes for topics.
pub(super) fn graphviz(topology: &Topology) -> String {
    let mut out = String::from("digraph topology {\n  rankdir=LR; node [shape=box];\n");
    for part in topology.sub_topologies() {
        let _ = writeln!(out, "  subgraph cluster_{0} {{ label=\"sub-topology {0}\";", part.id);
        for id in &part.nodes {
            let node = topology.node(*id);
            let _ = writeln!(out, "    n{} [label=\"{}\"];", id.0, node.name);
            for store in &node.stores {
                let _ =
                    writeln!(out, "    s{} [shape=cylinder label=\"{}\"];", store.0, topology.store(*store).spec.name);
                let _ = writeln!(out, "    n{} -> s{} [dir=none style=dashed];", id.0, store.0);
            }
        }
        out += "  }\n";
        for id in &part.nodes {
            edges(topology, *id, &mut out);
        }
    }
    for global in topology.globals() {
        let (topic, store) = (&global.topic, &global.store.spec.name);
        let _ = writeln!(out, "  \"{topic}\" [shape=note]; \"{store}\" [shape=cylinder]; \"{topic}\" -> \"{store}\";");
    }
    out + "}\n"
}

fn edges(topology: &Topology, id: NodeId, out: &mut String) {
    let node = topology.node(id);
    for parent in &node.parents {
        let _ = writeln!(out, "  n{} -> n{};", parent.0, id.0);
    }
    match &node.kind {
        NodeKind::Source { topics, .. } => {
            for topic in topics {
                let name = topic_list(std::slice::from_ref(topic));
                let _ = writeln!(out, "  \"{name}\" [shape=note]; \"{name}\" -> n{};", id.0);
            }
        }
        NodeKind::Sink { topic: Some(topic) } => {
            let name = topic_list(std::slice::from_ref(topic));
            let _ = writeln!(out, "  \"{name}\" [shape=note]; n{} -> \"{name}\";", id.0);
        }
        _ => {}
    }
}
