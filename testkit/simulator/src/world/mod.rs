//! A run: instances, inputs, faults and time, all drawn from one seed; then quiet, then judgement.

mod deployment;
mod disks;
mod disturbing;
mod feeding;
mod instance;
mod judge;
mod resting;

use crate::client::set_meanwhile;
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::faults::Faults;
use comanda_streams::StreamsError;
use comanda_streams::broker::NewTopic;
use deployment::Deployment;
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
    /// The application, and perhaps one that reads what it puts out.
    deployments: Vec<Deployment>,
    instances: Vec<Instance>,
    depth: Cell<u32>,
    calm: Cell<bool>,
    inputs: Cell<usize>,
    problems: RefCell<Vec<String>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let first = Deployment::draw(&mut dice);
        let second = dice.once_in(4).then(|| Deployment::draw_relay(&mut dice, &first));
        let deployments: Vec<Deployment> = [Some(first), second].into_iter().flatten().collect();
        let mut instances = vec![];
        for (index, deployment) in deployments.iter().enumerate() {
            let most = if index == 0 { 3 } else { 2 };
            for _ in 0..1 + dice.below(most) {
                instances.push(Instance::new(instances.len(), index, deployment.config.num_stream_threads));
            }
        }
        let faults = Faults::draw(&mut dice, deployments[0].settings.promise);
        tracing::info!(seed, application = deployments[0].name, instances = instances.len(), ?faults, "a run begins");
        let mut cluster = Cluster::new(dice, faults);
        let topic = |(name, partitions): (&str, i32)| NewTopic {
            name: name.to_owned(),
            partitions,
            replication: 1,
            configs: vec![],
        };
        let topics = deployments.iter().flat_map(Deployment::topics);
        cluster.create_topics(&topics.map(topic).collect::<Vec<_>>());
        deployments.iter().for_each(|deployment| deployment.introduce(&mut cluster));
        Self {
            cluster: Arc::new(Mutex::new(cluster)),
            deployments,
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
    fn thread_ended(&self, instance: usize, slot: usize, error: &StreamsError) {
        self.problem(format!("thread {slot} of instance {instance} ended: {error}"));
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
        Report { application: self.deployments[0].name, seen: cluster.seen.clone(), digest: cluster.digest(), problems }
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

    /// A little time, and a step of every thread in any order.
    fn moment(&self) {
        let mut order: Vec<(&Instance, usize)> =
            self.instances.iter().flat_map(|instance| instance.slots().map(move |slot| (instance, slot))).collect();
        {
            let mut cluster = self.cluster();
            let moment_ms = 1 + cluster.dice.ms(LONGEST_MOMENT_MS);
            cluster.advance(moment_ms);
            cluster.dice.shuffle(&mut order);
        }
        let now_ms = self.cluster().now_ms;
        self.deployments.iter().for_each(|deployment| deployment.pass(now_ms));
        if !self.calm.get() {
            self.disturb();
            self.feed();
        }
        for (instance, slot) in order {
            self.step(instance, slot);
        }
    }

    /// From here on nothing goes wrong any more.
    fn calm_down(&self) {
        self.calm.set(true);
        {
            let mut cluster = self.cluster();
            cluster.faults = Faults::none();
            cluster.storm_until_ms = 0;
        }
        for instance in &self.instances {
            let mut life = instance.life.borrow_mut();
            (life.frozen_until_ms, life.away_until_ms) = (0, 0);
        }
        tracing::info!(now_ms = self.cluster().now_ms, "faults are over");
    }
}
