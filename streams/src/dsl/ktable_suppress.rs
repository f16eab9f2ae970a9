//! Suppression of a table's updates.

use super::ktable::KTable;
use super::suppressed::{Suppressed, Until};
use super::table_node::DerivedTable;
use crate::operators::{GetterFactory, SuppressGetter, SuppressNode, Wait};
use crate::record::{Change, Data};
use crate::stores::BufferDef;
use crate::topology::{Flag, NodeId, NodeKind, NodeName, Outlet, StoreInfo};
use comanda_state_stores::StoreSpec;
use std::rc::Rc;
use std::sync::Arc;

/// The format of a buffer's values that Kafka Streams writes.
const BUFFER_VERSION: u8 = 3;

impl<K: Data, V: Data> KTable<K, V> {
    /// Holds updates back until a limit of time or until their window closes. Stream time decides, so that a table that
    /// gets no more updates emits no more either.
    pub fn suppress(&self, suppressed: Suppressed<K, V>) -> KTable<K, V> {
        // A row that waits is read as it was before.
        self.table.enable_old_values(true);
        let Suppressed { keys, values, name, until, bounds } = suppressed;
        let name = NodeName::of(name.as_deref(), "suppress", &self.name());
        let node = self.drawing.graph.borrow_mut().add_node(name, NodeKind::Processor, &[self.node], &[]);
        let wait = self.wait_of(node, until);
        let def = self.add_buffer(node, |id, name| BufferDef { id, name, keys, values });
        let outlet: Outlet<K, Change<V>> = Outlet::new();
        let (children, buffer) = (outlet.clone(), def.clone());
        self.outlet.connect(node, move |wiring| {
            let outputs = children.wire(wiring)?;
            let stream_time_ms = wiring.operator_time(&buffer.name);
            Ok(SuppressNode { wait: wait.clone(), bounds, buffer: buffer.open(wiring)?, stream_time_ms, outputs })
        });
        let table = Rc::new(self.seen_through(def));
        KTable { drawing: self.drawing.clone(), node, outlet, table }
    }

    fn wait_of(&self, node: NodeId, until: Until<K>) -> Wait<K> {
        let time_of = match until {
            Until::TimeLimit(wait) => return wait,
            Until::WindowCloses(end_of) => end_of,
        };
        let mut graph = self.drawing.graph.borrow_mut();
        let wait_ms = graph.window_grace_ms(node).unwrap_or_else(|| {
            let text = format!("`{}` waits for windows to close, and nothing above it has windows", graph.name(node));
            graph.errors.push(text);
            0
        });
        Wait { time_of, wait_ms, emits_tombstones: false }
    }

    fn add_buffer(
        &self,
        node: NodeId,
        make: impl FnOnce(crate::topology::StoreId, Arc<str>) -> BufferDef<K, V>,
    ) -> BufferDef<K, V> {
        let mut graph = self.drawing.graph.borrow_mut();
        let name = format!("{}-store", graph.name(node));
        let spec = StoreSpec::key_value(&name).changelog_version(BUFFER_VERSION);
        let id = graph.add_store(StoreInfo { spec, persistent: None });
        graph.connect_store(node, id);
        make(id, name.into())
    }

    /// The reading side of this table behind the buffer.
    fn seen_through(&self, def: BufferDef<K, V>) -> DerivedTable<K, V> {
        let (asked, parent) = (self.table.clone(), self.table.clone());
        DerivedTable {
            parents_enable_old_values: Box::new(move |force| asked.enable_old_values(force)),
            getter: Box::new(move || {
                let (rows, mut stores) = parent.getter();
                stores.push(def.id);
                let buffer = def.clone();
                let getter: GetterFactory<K, V> = Arc::new(move |wiring| {
                    Ok(Rc::new(SuppressGetter { buffer: buffer.open(wiring)?, parent: rows(wiring)? }))
                });
                (getter, stores)
            }),
            old_values: Flag::default(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::*;

    #[test]
    fn waiting_for_windows_that_nothing_made_is_refused() {
        let windowed = WindowedSerdes::time_windowed(Serdes::string(), 10);
        let builder = StreamsBuilder::new();
        builder
            .table("minutes", Consumed::with(windowed.clone(), Serdes::long()), None)
            .suppress(Suppressed::until_window_closes(windowed, Serdes::long(), BufferConfig::unbounded()));
        let error = builder.build().err().unwrap().to_string();
        assert!(error.contains("`suppress.table.minutes` waits for windows to close"), "{error}");
    }
}
