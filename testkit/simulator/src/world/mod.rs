//! A run: instances, inputs, faults and time, all drawn from one seed; then quiet, then judgement.

mod disks;
mod instance;
mod judge;

use crate::applications::{APPLICATION_ID, Application, Input, Logs, Part, Settings};
use crate::client::set_meanwhile;
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::faults::Faults;
use comanda_streams::broker::{NewTopic, TopicPartition};
use comanda_streams::partitioner::partition_for_key;
use comanda_streams::{StreamsConfig, StreamsError, TaskId};
use instance::{EPOCH_MS, Instance};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long things go wrong.
const FAULTS_MS: i64 = 40_000;
/// How long the last faults have their effect: a session, a transaction's time-out and its sweep.
const AFTERMATH_MS: i64 = 25_000;
/// How long the group may take afterwards to come to rest.
const CALM_MS: i64 = 60_000;
/// How long nothing may change once all is processed.
const QUIET_MS: i64 = 3_000;
/// The longest moment between two steps.
const LONGEST_MOMENT_MS: i64 = 40;
/// Calls held up within calls: more would only deepen the stack.
const DEEPEST: u32 = 3;
/// Records fed in a run at most.
const MOST_INPUTS: usize = 600;

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The application that was run.
    pub application: &'static str,
    /// Faults that happened, with their numbers.
    pub seen: BTreeMap<&'static str, u64>,
    /// A digest of all logs: equal for equal runs.
    pub digest: u64,
    /// What must not be.
    pub problems: Vec<String>,
}

/// Runs a seed.
pub fn run(seed: u64) -> Report {
    let world = Rc::new(World::new(seed));
    let meanwhile = Rc::downgrade(&world);
    set_meanwhile(Some(Rc::new(move |for_ms| {
        if let Some(world) = meanwhile.upgrade() {
            world.pass_within_a_call(for_ms);
        }
    })));
    world.live();
    set_meanwhile(None);
    world.report()
}

struct World {
    cluster: Arc<Mutex<Cluster>>,
    config: StreamsConfig,
    settings: Settings,
    application: Application,
    parts: RefCell<Vec<Box<dyn Part>>>,
    instances: Vec<Instance>,
    depth: Cell<u32>,
    calm: Cell<bool>,
    inputs: Cell<usize>,
    problems: RefCell<Vec<String>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let settings = Settings { caching: dice.once_in(2), in_memory: dice.once_in(3) };
        let mut application = Application::draw(&mut dice, settings).expect("the applications are sound");
        let config = draw_config(&mut dice, settings);
        let instances = (0..1 + dice.below(3) as usize).map(Instance::new).collect();
        let faults = Faults::draw(&mut dice);
        tracing::info!(seed, application = application.name, ?settings, ?config, ?faults, "a run begins");
        let mut cluster = Cluster::new(dice, faults);
        let parts = std::mem::take(&mut application.parts);
        let topic = |(name, partitions): (&str, i32)| NewTopic {
            name: name.to_owned(),
            partitions,
            replication: 1,
            configs: vec![],
        };
        let topics: Vec<NewTopic> = parts.iter().flat_map(|part| part.topics()).map(topic).collect();
        cluster.create_topics(&topics);
        Self {
            cluster: Arc::new(Mutex::new(cluster)),
            config,
            settings,
            application,
            parts: RefCell::new(parts),
            instances,
            depth: Cell::new(0),
            calm: Cell::new(false),
            inputs: Cell::new(0),
            problems: RefCell::default(),
        }
    }

    fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn problem(&self, problem: String) {
        tracing::error!(now_ms = self.cluster().now_ms, problem);
        self.problems.borrow_mut().push(problem);
    }

    /// An error ends a thread for good in production; all faults here can be mended.
    fn thread_ended(&self, instance: usize, error: &StreamsError) {
        self.problem(format!("thread of instance {instance} ended: {error}"));
    }

    fn live(&self) {
        self.pass(FAULTS_MS);
        self.calm_down();
        self.pass(AFTERMATH_MS);
        if self.come_to_rest() {
            self.feed_last();
            if self.come_to_rest() {
                self.stay_at_rest();
            }
        }
    }

    fn report(&self) -> Report {
        let cluster = self.cluster();
        let mut problems = self.problems.borrow().clone();
        problems.extend(cluster.violations.iter().cloned());
        Report {
            application: self.application.name,
            seen: cluster.seen.clone(),
            digest: cluster.digest(),
            problems,
        }
    }

    fn pass(&self, for_ms: i64) {
        let until_ms = self.cluster().now_ms + for_ms;
        while self.cluster().now_ms < until_ms {
            self.moment();
        }
    }

    fn pass_within_a_call(&self, for_ms: i64) {
        if self.depth.get() < DEEPEST {
            self.depth.set(self.depth.get() + 1);
            self.pass(for_ms);
            self.depth.set(self.depth.get() - 1);
        }
    }

    /// A little time, and a step of everybody in any order.
    fn moment(&self) {
        let mut order: Vec<usize> = (0..self.instances.len()).collect();
        {
            let mut cluster = self.cluster();
            let moment_ms = 1 + cluster.dice.ms(LONGEST_MOMENT_MS);
            cluster.advance(moment_ms);
            cluster.dice.shuffle(&mut order);
        }
        if !self.calm.get() {
            self.disturb();
            self.feed();
        }
        for number in order {
            self.step(&self.instances[number]);
        }
    }

    fn once_in(&self, rate: impl Fn(&Faults) -> u64) -> bool {
        let mut cluster = self.cluster();
        let one_in = rate(&cluster.faults);
        cluster.dice.once_in(one_in)
    }

    fn note(&self, fault: &'static str) {
        self.cluster().note(fault);
    }

    /// What goes wrong between steps.
    fn disturb(&self) {
        let any = self.cluster().dice.below(self.instances.len() as u64) as usize;
        let instance = &self.instances[any];
        if self.once_in(|faults| faults.kill_one_in) {
            self.note("instance killed between steps");
            self.kill(instance);
        }
        if self.once_in(|faults| faults.stop_one_in) {
            if let Some(thread) = &mut instance.life.borrow_mut().thread {
                self.note("instance stopped");
                thread.stop();
            }
        }
        if self.once_in(|faults| faults.freeze_one_in) {
            self.note("instance frozen");
            let mut cluster = self.cluster();
            let longest_ms = cluster.faults.longest_freeze_ms;
            instance.life.borrow_mut().frozen_until_ms = cluster.now_ms + cluster.dice.ms(longest_ms);
        }
        if self.once_in(|faults| faults.fence_one_in) {
            let mut cluster = self.cluster();
            let ids: Vec<String> = cluster.transactional_ids.keys().cloned().collect();
            if !ids.is_empty() {
                let id = &ids[cluster.dice.below(ids.len() as u64) as usize];
                cluster.note("producer fenced by somebody else");
                cluster.fence(id);
            }
        }
        if self.once_in(|faults| faults.evict_one_in) {
            self.cluster().evict_any();
        }
        if self.once_in(|faults| faults.coordinator_away_one_in) {
            self.note("coordinator away");
            let mut cluster = self.cluster();
            let for_ms = cluster.dice.ms(3_000);
            cluster.send_coordinators_away(for_ms);
        }
        if self.once_in(|faults| faults.compact_one_in) {
            self.cluster().compact_any();
        }
    }

    /// Inputs, alone or in transactions, some of which are aborted: those must not be seen.
    fn feed(&self) {
        let mut parts = self.parts.borrow_mut();
        let mut cluster = self.cluster();
        if self.inputs.get() >= MOST_INPUTS || !cluster.dice.once_in(6) {
            return;
        }
        let any = cluster.dice.below(parts.len() as u64) as usize;
        let now_ms = EPOCH_MS + cluster.now_ms;
        let cluster = &mut *cluster;
        let aborted = cluster.dice.once_in(8);
        let inputs = parts[any].inputs(&mut cluster.dice, now_ms);
        self.inputs.set(self.inputs.get() + inputs.len());
        match cluster.dice.below(3) {
            _ if aborted => cluster.feed(&inputs, Some(false)),
            0 => cluster.feed(&inputs, Some(true)),
            _ => cluster.feed(&inputs, None),
        }
    }

    fn feed_last(&self) {
        let mut parts = self.parts.borrow_mut();
        let mut cluster = self.cluster();
        let now_ms = EPOCH_MS + cluster.now_ms;
        parts.iter_mut().for_each(|part| cluster.feed(&part.last_inputs(now_ms), None));
    }

    /// From here on nothing goes wrong any more.
    fn calm_down(&self) {
        self.calm.set(true);
        self.cluster().faults = Faults::none();
        for instance in &self.instances {
            let mut life = instance.life.borrow_mut();
            (life.frozen_until_ms, life.away_until_ms) = (0, 0);
        }
        tracing::info!(now_ms = self.cluster().now_ms, "faults are over");
    }

    /// Goes on until everything is processed and right; says what is not if that does not come.
    fn come_to_rest(&self) -> bool {
        let until_ms = self.cluster().now_ms + CALM_MS;
        let mut wrong = String::new();
        while self.cluster().now_ms < until_ms {
            self.pass(500);
            match self.rests().and_then(|()| self.verify()) {
                Ok(()) => return true,
                Err(what) => wrong = what,
            }
        }
        self.problem(format!("not at rest after {CALM_MS} ms without faults: {wrong}"));
        false
    }

    /// Nothing may come after all is processed; only then states are compared.
    fn stay_at_rest(&self) {
        let generation = self.generation();
        self.pass(QUIET_MS);
        if let Err(problem) = self.rests().and_then(|()| self.verify()).and_then(|()| self.check_states()) {
            self.problem(format!("after a rest: {problem}"));
        }
        if self.generation() != generation {
            self.problem(format!("the group does not rest: generation {generation}, then {}", self.generation()));
        }
    }

    fn generation(&self) -> i32 {
        self.cluster().coordinators.get(APPLICATION_ID).map_or(-1, |group| group.generation())
    }

    fn verify(&self) -> Result<(), String> {
        let cluster = self.cluster();
        self.parts.borrow().iter().try_for_each(|part| part.verify(&Logs(&cluster), self.settings))
    }

    /// Whether all instances run and all inputs are committed as read.
    fn rests(&self) -> Result<(), String> {
        for (number, instance) in self.instances.iter().enumerate() {
            let life = instance.life.borrow();
            let Some(thread) = &life.thread else { return Err(format!("instance {number} is not up")) };
            if !thread.is_running() {
                return Err(format!("instance {number} does not run what it was given"));
            }
        }
        let cluster = self.cluster();
        if !cluster.coordinators.get(APPLICATION_ID).is_some_and(|group| group.is_stable()) {
            return Err("the group is not stable".to_owned());
        }
        let app = &cluster.offsets;
        for (input, log) in self.input_logs(&cluster) {
            let last = log.all_committed(log.end(), &cluster.fates).last().map_or(0, |record| record.offset + 1);
            let read = app.get(APPLICATION_ID).map_or(0, |offsets| offsets.decided(&input, &cluster.fates));
            if read < last {
                return Err(format!("{input} is read up to {read} of {last}"));
            }
        }
        Ok(())
    }

    fn input_logs<'a>(&self, cluster: &'a Cluster) -> Vec<(TopicPartition, &'a crate::cluster::Log)> {
        let parts = self.application.topology.sub_topologies().iter();
        let topics: Vec<String> =
            parts.flat_map(|part| &part.source_topics).map(|topic| topic.resolve(APPLICATION_ID)).collect();
        let inputs = cluster.logs.iter().filter(|(partition, _)| topics.iter().any(|topic| **topic == *partition.topic));
        inputs.map(|(partition, log)| (partition.clone(), log)).collect()
    }

    fn check_states(&self) -> Result<(), String> {
        let cluster = self.cluster();
        let mut owners: BTreeMap<TaskId, usize> = BTreeMap::new();
        for (number, instance) in self.instances.iter().enumerate() {
            let life = instance.life.borrow();
            let Some(thread) = &life.thread else { continue };
            for task in thread.tasks() {
                if let Some(other) = owners.insert(task, number) {
                    return Err(format!("{task} runs in {other} and in {number}"));
                }
                let specs = self.application.topology.task_stores(&[task.sub_topology], &self.config);
                if let Some(view) = thread.queries().task(task) {
                    judge::check_state(&cluster, &specs, task, &view)?;
                }
            }
        }
        for (partition, log) in &cluster.logs {
            if log.stable() < log.end() {
                return Err(format!("a transaction is open for ever in {partition}: {} of {}", log.stable(), log.end()));
            }
        }
        Ok(())
    }
}

impl Cluster {
    /// Appends inputs: outside transactions, or in one that is committed or aborted at once.
    fn feed(&mut self, inputs: &[Input], committed: Option<bool>) {
        use crate::cluster::Fate;
        let txn = committed.map(|committed| {
            self.fates.push(if committed { Fate::Committed } else { Fate::Aborted });
            self.fates.len() - 1
        });
        let mut touched = std::collections::BTreeSet::new();
        for input in inputs {
            let partitions = self.describe(input.topic).map_or(1, |topic| topic.partitions);
            let partition = partition_for_key(input.key.as_bytes(), partitions);
            let place = TopicPartition::new(input.topic, partition);
            let record = comanda_streams::broker::RawRecord {
                timestamp: input.timestamp,
                key: Some(input.key.clone().into_bytes().into()),
                value: input.value.clone().map(|value| value.into_bytes().into()),
                ..Default::default()
            };
            if let Some(log) = self.logs.get_mut(&place) {
                log.append(txn, record);
                touched.insert(place);
            }
        }
        for place in touched {
            if let (Some(txn), Some(log)) = (txn, self.logs.get_mut(&place)) {
                log.mark(txn);
            }
        }
    }
}

fn draw_config(dice: &mut Dice, settings: Settings) -> StreamsConfig {
    let mut config = StreamsConfig::new(APPLICATION_ID, "");
    config.statestore_cache_max_bytes = if settings.caching { dice.pick(&[200, 1 << 20]) } else { 0 };
    config.commit_interval_ms = dice.pick(&[20, 100, 500, 2_000]);
    config.session_timeout_ms = dice.pick(&[1_500, 6_000]);
    config.heartbeat_interval_ms = config.session_timeout_ms / 6;
    config.max_task_idle_ms = dice.pick(&[0, 0, 100]);
    config.input_buffer_max_bytes = dice.pick(&[300, 4 << 20]);
    config.max_uncommitted_bytes = dice.pick(&[400, 32 << 20, 32 << 20]);
    config.apply_bytes = dice.pick(&[1, 500, 5_000, 16 << 20]);
    config.flush_bytes = dice.pick(&[1, 2_000, 64 << 20]);
    config.flush_interval_ms = dice.pick(&[500, 5_000, 30_000]);
    config
}
