//! The driver: one task, stepped by the records and the clock that a test gives it.

use crate::captured::Captured;
use crate::topics::{TestInputTopic, TestOutputTopic};
use comanda_state_stores::{Persistence, Positions, TaskStorage, TaskStores, Views};
use comanda_streams::broker::RawRecord;
use comanda_streams::task::{GlobalTask, Task, TaskSetup};
use comanda_streams::{AsyncClients, Serde, StreamsConfig, StreamsError, TaskId, Topology};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Runs one topology for a test.
pub struct TopologyTestDriver {
    task: Task,
    globals: GlobalTask,
    /// Global table by topic.
    global_topics: BTreeMap<String, usize>,
    /// Records of theirs that were left out.
    global_drops: u64,
    captured: Rc<RefCell<Captured>>,
    /// Input number by topic.
    inputs: BTreeMap<String, usize>,
    outputs: BTreeMap<String, Vec<RawRecord>>,
    next_offset: BTreeMap<String, i64>,
    now_ms: i64,
}

impl TopologyTestDriver {
    /// A driver with Kafka Streams' default settings, the clock at 0.
    pub fn new(topology: &Topology) -> Result<Self, StreamsError> {
        Self::with_config(topology, StreamsConfig::new("test", ""), 0)
    }

    /// A driver with these settings, the clock at `now_ms`. State is kept in memory whatever they say; all commits are
    /// immediate.
    pub fn with_config(topology: &Topology, config: StreamsConfig, now_ms: i64) -> Result<Self, StreamsError> {
        Self::with_async_clients(topology, config, now_ms, &AsyncClients::default())
    }

    /// The same with clients for the topology's asynchronous calls. They are called within [`Self::pipe`] and
    /// [`Self::advance_wall_clock_time`]; their answers are processed by the latter.
    pub fn with_async_clients(
        topology: &Topology,
        config: StreamsConfig,
        now_ms: i64,
        async_clients: &AsyncClients,
    ) -> Result<Self, StreamsError> {
        let config = StreamsConfig { num_stream_threads: 1, ..config };
        let all: Vec<u32> = topology.sub_topologies().iter().map(|part| part.id).collect();
        let storage = TaskStorage::open(&topology.task_stores(&all, &config), Persistence::Memory)?;
        let (globals, views) = global_tables(topology, &config)?;
        let captured = Rc::new(RefCell::new(Captured::default()));
        let task = Task::new(TaskSetup {
            id: TaskId { sub_topology: 0, partition: 0 },
            topology,
            sub_topologies: &all,
            config: &config,
            stores: TaskStores::new(storage),
            globals: views,
            async_clients,
            collector: captured.clone(),
            now_ms,
        })?;
        let inputs = task.inputs().enumerate().map(|(input, from)| (from.topic.to_string(), input)).collect();
        let global_topics = topology.global_topics().map(str::to_owned).zip(0..).collect();
        let (outputs, next_offset) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { task, globals, global_topics, global_drops: 0, captured, inputs, outputs, next_offset, now_ms })
    }

    /// An input topic with its serdes.
    pub fn input_topic<K, V>(&self, topic: &str, keys: Serde<K>, values: Serde<V>) -> TestInputTopic<K, V> {
        TestInputTopic { topic: topic.to_owned(), keys, values }
    }

    /// An output topic with its serdes. Change logs and repartition topics may be read too, by their full names.
    pub fn output_topic<K, V>(&self, topic: &str, keys: Serde<K>, values: Serde<V>) -> TestOutputTopic<K, V> {
        TestOutputTopic { topic: topic.to_owned(), keys, values }
    }

    /// Pipes bytes; processes all that they cause.
    pub fn pipe(&mut self, topic: &str, record: RawRecord) -> Result<(), StreamsError> {
        if self.global_topics.contains_key(topic) {
            return self.update_global(topic, &record);
        }
        if !self.inputs.contains_key(topic) {
            return Err(StreamsError::Topology(format!("no source reads topic `{topic}`")));
        }
        self.enqueue(topic, record);
        self.run()
    }

    /// Moves the clock and fires wall-clock punctuations that are due, each once.
    pub fn advance_wall_clock_time(&mut self, by_ms: i64) -> Result<(), StreamsError> {
        self.now_ms += by_ms;
        self.task.punctuate_wall_clock(self.now_ms)?;
        self.commit()?;
        self.run()
    }

    /// Takes the records sent to a topic since the last call.
    pub fn take_output(&mut self, topic: &str) -> Vec<RawRecord> {
        self.outputs.remove(topic).unwrap_or_default()
    }

    /// Topics that have been sent to and not read since.
    pub fn output_topics(&self) -> impl Iterator<Item = &str> {
        self.outputs.keys().map(String::as_str)
    }

    /// The global tables' stores, to look into.
    pub fn global_stores(&self) -> &TaskStores {
        self.globals.stores()
    }

    /// The task's stores, to look into.
    pub fn stores(&self) -> &TaskStores {
        self.task.stores()
    }

    /// Records left out so far (`dropped-records-total`).
    pub fn dropped_records(&self) -> u64 {
        self.task.dropped_records() + self.global_drops
    }

    /// A global table has the record at once.
    fn update_global(&mut self, topic: &str, record: &RawRecord) -> Result<(), StreamsError> {
        let Some(table) = self.global_topics.get(topic) else { return Ok(()) };
        if !self.globals.update(*table, record)? {
            self.global_drops += 1;
        }
        self.globals.commit(&Positions::default(), 0)?;
        Ok(self.globals.publish()?)
    }

    fn run(&mut self) -> Result<(), StreamsError> {
        loop {
            match self.task.process(self.now_ms) {
                Ok(true) => self.commit()?,
                Ok(false) if self.task.buffered_records() == 0 => return self.commit(),
                Ok(false) => return Err(StreamsError::Fatal("records wait that no queue gives out".to_owned())),
                Err(StreamsError::Aborted(_)) => self.replay()?,
                Err(error) => return Err(error),
            }
        }
    }

    /// As a thread does after an abort: what was queued comes again, and the bad record goes to the dead-letter topic.
    fn replay(&mut self) -> Result<(), StreamsError> {
        self.captured.borrow_mut().take();
        let queued = self.task.take_queued();
        self.task.abort();
        for (input, record) in queued {
            self.task.add_record(input, record);
            self.mark_caught_up();
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StreamsError> {
        self.task.prepare_commit()?;
        self.task.committed(&[]);
        self.task.stores().apply()?;
        self.task.start_calls(self.now_ms)?;
        let sent = self.captured.borrow_mut().take();
        for (topic, record) in sent {
            if self.inputs.contains_key(&topic) {
                self.enqueue(&topic, record.clone());
            }
            self.update_global(&topic, &record)?;
            self.outputs.entry(topic).or_default().push(record);
        }
        Ok(())
    }

    fn enqueue(&mut self, topic: &str, record: RawRecord) {
        let next = self.next_offset.entry(topic.to_owned()).or_insert(0);
        let record = RawRecord { offset: *next, ..record };
        *next += 1;
        self.task.add_record(self.inputs[topic], record);
        self.mark_caught_up();
    }

    /// No topic has more than what is queued.
    fn mark_caught_up(&mut self) {
        let inputs: Vec<(usize, String)> = self.inputs.iter().map(|(topic, input)| (*input, topic.clone())).collect();
        for (input, topic) in inputs {
            self.task.set_end(input, self.next_offset.get(&topic).copied().unwrap_or(0));
        }
    }
}

/// The tables, empty, and where tasks read them.
fn global_tables(topology: &Topology, config: &StreamsConfig) -> Result<(GlobalTask, Views), StreamsError> {
    let storage = TaskStorage::open(&topology.global_stores(config), Persistence::Memory)?;
    let views = storage.views();
    let globals = GlobalTask::new(topology, storage)?;
    globals.publish()?;
    Ok((globals, views))
}
