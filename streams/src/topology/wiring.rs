//! Making one task's nodes out of the topology: done once per task, after which no type is looked up any more.

use super::graph::{NodeId, StoreId};
use crate::async_calls::{AsyncClients, CallingNode};
use crate::error::StreamsError;
use crate::processor::Punctuated;
use crate::record::{Data, Record};
use crate::task::{CacheFlush, RecordCollector, SourceQueueNode, TaskContext};
use comanda_state_stores::{TaskStores, Views};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// Takes records of one type: the receiving side of an edge.
pub(crate) trait Receiver<K, V> {
    /// Processes one record to completion, children included.
    fn receive(&mut self, ctx: &mut TaskContext, record: Record<K, V>) -> Result<(), StreamsError>;
}

/// A node instance as its parents hold it.
pub(crate) type Inlet<K, V> = Rc<RefCell<dyn Receiver<K, V>>>;

type InletFactory<K, V> = Arc<dyn Fn(&mut Wiring) -> Result<Inlet<K, V>, StreamsError> + Send + Sync>;

/// The sending side of a node while the topology is drawn: who will listen.
pub(crate) struct Outlet<K, V> {
    listeners: Arc<Mutex<Vec<InletFactory<K, V>>>>,
}

impl<K, V> Clone for Outlet<K, V> {
    fn clone(&self) -> Self {
        Self { listeners: self.listeners.clone() }
    }
}

impl<K: Data, V: Data> Outlet<K, V> {
    pub fn new() -> Self {
        Self { listeners: Arc::default() }
    }

    /// Adds a child that is made once per task, even if it has several parents.
    pub fn connect<R: Receiver<K, V> + 'static>(
        &self,
        node: NodeId,
        make: impl Fn(&mut Wiring) -> Result<R, StreamsError> + Send + Sync + 'static,
    ) {
        let factory: InletFactory<K, V> = Arc::new(move |wiring| {
            if let Some(made) = wiring.nodes.get(&node) {
                let inlet = made.downcast_ref::<Inlet<K, V>>().expect("a node receives one type of record");
                return Ok(inlet.clone());
            }
            let inlet: Inlet<K, V> = Rc::new(RefCell::new(make(wiring)?));
            wiring.nodes.insert(node, Box::new(inlet.clone()));
            Ok(inlet)
        });
        self.listeners().push(factory);
    }

    /// Whether both are the sending side of the same node.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.listeners, &other.listeners)
    }

    /// Makes the children of one task.
    pub fn wire(&self, wiring: &mut Wiring) -> Result<Outputs<K, V>, StreamsError> {
        let listeners = self.listeners().clone();
        let inlets = listeners.iter().map(|make| make(wiring)).collect::<Result<Vec<_>, _>>()?;
        Ok(Outputs { inlets: inlets.into() })
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<InletFactory<K, V>>> {
        self.listeners.lock().expect("drawing a topology does not panic while it holds the lock")
    }
}

/// The children of a node in one task, in the order in which they were connected.
pub(crate) struct Outputs<K, V> {
    inlets: Rc<[Inlet<K, V>]>,
}

impl<K, V> Clone for Outputs<K, V> {
    fn clone(&self) -> Self {
        Self { inlets: self.inlets.clone() }
    }
}

impl<K: Data, V: Data> Outputs<K, V> {
    /// Gives the record to each child in turn; all but the last get a clone.
    #[inline]
    pub fn forward(&self, ctx: &mut TaskContext, record: Record<K, V>) -> Result<(), StreamsError> {
        let Some((last, others)) = self.inlets.split_last() else { return Ok(()) };
        for child in others {
            child.borrow_mut().receive(ctx, record.clone())?;
        }
        last.borrow_mut().receive(ctx, record)
    }
}

/// What a task's nodes are made with, and what they register.
pub(crate) struct Wiring<'a> {
    pub application_id: &'a str,
    pub stores: &'a TaskStores,
    /// The instance's global tables.
    pub globals: Views,
    pub async_clients: &'a AsyncClients,
    pub collector: Rc<RefCell<dyn RecordCollector>>,
    pub cache_max_bytes: usize,
    pub now_ms: i64,
    /// The task's stream time, for stores that forget by it.
    pub stream_time_ms: Rc<Cell<i64>>,
    pub sources: Vec<(String, Box<dyn SourceQueueNode>)>,
    pub flushes: Vec<(StoreId, Rc<RefCell<dyn CacheFlush>>)>,
    pub punctuated: Vec<Rc<RefCell<dyn Punctuated>>>,
    pub calling: Vec<Rc<RefCell<dyn CallingNode>>>,
    /// Times that operators keep of their own, by name of their store.
    pub times: Vec<(String, Rc<Cell<i64>>)>,
    pub(super) nodes: HashMap<NodeId, Box<dyn Any>>,
    pub(super) typed_stores: HashMap<StoreId, Box<dyn Any>>,
}

impl<'a> Wiring<'a> {
    pub fn new(
        application_id: &'a str,
        stores: &'a TaskStores,
        globals: Views,
        async_clients: &'a AsyncClients,
        collector: Rc<RefCell<dyn RecordCollector>>,
        cache_max_bytes: usize,
        now_ms: i64,
    ) -> Self {
        Self {
            application_id,
            stores,
            globals,
            async_clients,
            collector,
            cache_max_bytes,
            now_ms,
            stream_time_ms: Rc::new(Cell::new(crate::task::NO_TIME)),
            sources: vec![],
            flushes: vec![],
            punctuated: vec![],
            calling: vec![],
            times: vec![],
            nodes: HashMap::new(),
            typed_stores: HashMap::new(),
        }
    }

    /// An operator's own time, saved and put back with the task.
    pub fn operator_time(&mut self, name: &str) -> Rc<Cell<i64>> {
        let time = Rc::new(Cell::new(crate::task::NO_TIME));
        self.times.push((name.to_owned(), time.clone()));
        time
    }

    /// The one instance of a store in this task, made at first use.
    pub fn store<S: 'static>(
        &mut self,
        id: StoreId,
        make: impl FnOnce(&mut Self) -> Result<S, StreamsError>,
    ) -> Result<Rc<S>, StreamsError> {
        if let Some(made) = self.typed_stores.get(&id) {
            return Ok(made.downcast_ref::<Rc<S>>().expect("a store has one type").clone());
        }
        let store = Rc::new(make(self)?);
        self.typed_stores.insert(id, Box::new(store.clone()));
        Ok(store)
    }
}
