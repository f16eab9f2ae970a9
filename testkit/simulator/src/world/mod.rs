//! A run: instances, inputs, faults and time, all drawn from one seed; then quiet, then judgement.

mod disks;
mod disturbing;
mod feeding;
mod instance;
mod judge;
mod resting;

use crate::applications::{APPLICATION_ID, Application, Part, Settings};
use crate::client::set_meanwhile;
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::faults::Faults;
use comanda_streams::broker::NewTopic;
use comanda_streams::{StreamsConfig, StreamsError};
use instance::Instance;
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
        Report { application: self.application.name, seen: cluster.seen.clone(), digest: cluster.digest(), problems }
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
