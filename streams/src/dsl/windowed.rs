//! A grouped stream in windows of time.

use super::config::{Grouped, Materialized};
use super::grouped::{repartitioned, store_name};
use super::kstream::KStream;
use super::ktable::KTable;
use super::table_node::{TableNode, store_info};
use super::windows::TimeWindows;
use crate::error::StreamsError;
use crate::operators::{GetterFactory, ValueGetter, WindowAggregateNode};
use crate::record::{Change, Data, ValueAndTimestamp, Windowed};
use crate::stores::{TimestampedWindowStore, WindowStoreDef, WindowedForwarder};
use crate::topology::{Flag, NodeKind, NodeName, Outlet, StoreId};
use comanda_state_stores::StoreSpec;
use std::rc::Rc;
use std::sync::Arc;

type Aggregator<K, V, A> = Arc<dyn Fn(&K, Option<V>, Option<A>) -> Option<A> + Send + Sync>;
type Initializer<A> = Arc<dyn Fn() -> Option<A> + Send + Sync>;

/// A grouped stream, windowed.
pub struct TimeWindowedKStream<K, V> {
    pub(crate) stream: KStream<K, V>,
    pub(crate) grouped: Grouped<K, V>,
    pub(crate) windows: TimeWindows,
}

impl<K: Data, V: Data> TimeWindowedKStream<K, V> {
    /// How many records each key has had in each window.
    pub fn count(&self, materialized: Materialized<K, i64>) -> KTable<Windowed<K>, i64> {
        let count = |_: &K, _: Option<V>, count: Option<i64>| Some(count.unwrap_or(0) + 1);
        self.aggregate_by("count", Some(Arc::new(|| Some(0))), Arc::new(count), materialized)
    }

    /// Each window's values combined; the first is taken as it is.
    pub fn reduce(
        &self,
        reducer: impl Fn(V, Option<V>) -> Option<V> + Send + Sync + 'static,
        materialized: Materialized<K, V>,
    ) -> KTable<Windowed<K>, V> {
        let combine = move |_: &K, value: Option<V>, so_far: Option<V>| match so_far {
            Some(so_far) => reducer(so_far, value),
            None => value,
        };
        self.aggregate_by("reduce", None, Arc::new(combine), materialized)
    }

    /// Each window's values folded into an aggregate.
    pub fn aggregate<A: Data>(
        &self,
        initializer: impl Fn() -> Option<A> + Send + Sync + 'static,
        aggregator: impl Fn(&K, Option<V>, Option<A>) -> Option<A> + Send + Sync + 'static,
        materialized: Materialized<K, A>,
    ) -> KTable<Windowed<K>, A> {
        self.aggregate_by("aggregate", Some(Arc::new(initializer)), Arc::new(aggregator), materialized)
    }

    fn aggregate_by<A: Data>(
        &self,
        operation: &str,
        initializer: Option<Initializer<A>>,
        aggregator: Aggregator<K, V, A>,
        materialized: Materialized<K, A>,
    ) -> KTable<Windowed<K>, A> {
        let store = store_name(operation, &self.stream, materialized.name.as_deref());
        let stream = repartitioned(&self.stream, &self.grouped, &store);
        let drawing = stream.drawing.clone();
        let name = NodeName::of(None, &format!("windowed-{operation}"), &stream.name());
        let node = drawing.graph.borrow_mut().add_node(name, NodeKind::Processor, &[stream.node], &[]);
        drawing.graph.borrow_mut().window_graces_ms.insert(node, self.windows.grace_ms());
        let def = self.add_store(&stream, node, &store, &materialized);
        let outlet: Outlet<Windowed<K>, Change<A>> = Outlet::new();
        let (children, old_values, windows) = (outlet.clone(), Flag::default(), self.windows);
        let table = Rc::new(WindowedTable { def: def.clone(), old_values: old_values.clone() });
        stream.outlet.connect(node, move |wiring| {
            let outputs = children.wire(wiring)?;
            Ok(WindowAggregateNode {
                windows,
                initializer: initializer.clone(),
                aggregator: aggregator.clone(),
                table: WindowedForwarder::new(wiring, &def, outputs, old_values.get())?,
                stream_time_ms: wiring.operator_time(&def.name),
            })
        });
        KTable { drawing, node, outlet, table }
    }

    fn add_store<A: Data>(
        &self,
        stream: &KStream<K, V>,
        node: crate::topology::NodeId,
        name: &str,
        materialized: &Materialized<K, A>,
    ) -> WindowStoreDef<K, A> {
        let (size_ms, kept_ms) = (self.windows.size_ms(), self.windows.size_ms() + self.windows.grace_ms());
        let retention_ms = materialized.retention_ms.unwrap_or(kept_ms);
        let mut graph = stream.drawing.graph.borrow_mut();
        if retention_ms < kept_ms {
            let text =
                format!("store `{name}` keeps windows for {retention_ms} ms, less than size + grace = {kept_ms} ms");
            graph.errors.push(text);
        }
        let spec = StoreSpec::window(name, retention_ms, size_ms);
        let id = graph.add_store(store_info(spec, materialized));
        graph.connect_store(node, id);
        WindowStoreDef {
            id,
            name: name.into(),
            caching: materialized.caching,
            window_size_ms: size_ms,
            keys: materialized.keys.clone(),
            values: materialized.values.clone(),
        }
    }
}

struct WindowedTable<K, V> {
    def: WindowStoreDef<K, V>,
    old_values: Flag,
}

impl<K: Data, V: Data> TableNode<Windowed<K>, V> for WindowedTable<K, V> {
    fn enable_old_values(&self, _force: bool) -> bool {
        self.old_values.set();
        true
    }

    fn getter(&self) -> (GetterFactory<Windowed<K>, V>, Vec<StoreId>) {
        let def = self.def.clone();
        let factory: GetterFactory<Windowed<K>, V> =
            Arc::new(move |wiring| Ok(Rc::new(WindowGetter(def.open(wiring)?))));
        (factory, vec![self.def.id])
    }
}

struct WindowGetter<K, V>(Rc<TimestampedWindowStore<K, V>>);

impl<K: Data, V: Data> ValueGetter<Windowed<K>, V> for WindowGetter<K, V> {
    fn get(&self, key: &Windowed<K>) -> Result<Option<ValueAndTimestamp<V>>, StreamsError> {
        self.0.fetch(&key.key, key.window.start_ms)
    }
}
