//! The port's clients of one instance: each call may be the instance's last, fail, or take so long that the world goes
//! on without it.

mod admin;
mod consumer;
mod producer;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod transport;

use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::faults::Faults;
use admin::SimulatedAdmin;
use comanda_streams::broker::{
    Admin, Broker, BrokerError, Consumer, ConsumerRole, ErrorKind, GroupTransport, Producer,
};
use consumer::SimulatedConsumer;
use producer::SimulatedProducer;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use transport::SimulatedTransport;

/// What the world does while a call of an instance is under way: told for how long.
type Meanwhile = Rc<dyn Fn(i64)>;

thread_local! {
    /// A run is a matter of one OS thread; the port's types must be sendable, and what the world holds is not.
    static MEANWHILE: RefCell<Option<Meanwhile>> = const { RefCell::new(None) };
}

/// Sets what happens during calls that last, for runs on this OS thread; `None` when a run is over.
pub(crate) fn set_meanwhile(meanwhile: Option<Meanwhile>) {
    MEANWHILE.with(|place| *place.borrow_mut() = meanwhile);
}

/// The cluster as one instance reaches it. Dies with the instance: a dead one changes nothing any more.
#[derive(Clone)]
pub struct SimulatedBroker {
    cluster: Arc<Mutex<Cluster>>,
    instance: usize,
    dead: Arc<AtomicBool>,
    on_death: Arc<dyn Fn(&mut Cluster) + Send + Sync>,
}

/// Where in a call something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

enum Interruption {
    None,
    Death,
    Stall(i64),
}

impl SimulatedBroker {
    /// A cluster of its own, without faults, for tests of whatever speaks through the port. Its time stands until
    /// [`SimulatedBroker::advance`].
    pub fn alone(seed: u64) -> Self {
        let cluster = Cluster::new(Dice::new(seed), Faults::none());
        Self::new(Arc::new(Mutex::new(cluster)), 0, |_| {})
    }

    /// The same cluster with these faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.cluster().faults = faults;
    }

    /// Lets `by_ms` pass on the cluster: markers land, sessions and transactions run out, group messages arrive.
    pub fn advance(&self, by_ms: i64) {
        self.cluster().advance(by_ms);
    }

    /// `on_death` is told at the very moment: what is not on the disk by then is lost.
    pub(crate) fn new(
        cluster: Arc<Mutex<Cluster>>,
        instance: usize,
        on_death: impl Fn(&mut Cluster) + Send + Sync + 'static,
    ) -> Self {
        Self { cluster, instance, dead: Arc::default(), on_death: Arc::new(on_death) }
    }

    pub(crate) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// The instance dies here.
    pub(crate) fn die(&self) {
        if !self.dead.swap(true, Ordering::Relaxed) {
            tracing::info!(instance = self.instance, now_ms = self.cluster().now_ms, "dies");
            (self.on_death)(&mut self.cluster());
        }
    }

    fn alive(&self, call: &str) -> Result<(), BrokerError> {
        if self.is_dead() {
            return Err(BrokerError::new(ErrorKind::Fatal, call, "the instance is dead"));
        }
        Ok(())
    }

    /// A call that blocks until answered. `rarity` makes its faults rarer for calls that are made all the time.
    fn call<T>(
        &self,
        call: &'static str,
        rarity: u64,
        act: impl FnOnce(&mut Cluster) -> Result<T, BrokerError>,
    ) -> Result<T, BrokerError> {
        self.pass(call, Moment::Before, rarity)?;
        let result = act(&mut self.cluster());
        if let Err(error) = &result {
            tracing::debug!(instance = self.instance, call, %error, "fails");
        }
        self.pass(call, Moment::After, rarity)?;
        result
    }

    /// A point at which the instance may die or be held up.
    fn pass(&self, call: &'static str, moment: Moment, rarity: u64) -> Result<(), BrokerError> {
        self.alive(call)?;
        let interruption = {
            let mut cluster = self.cluster();
            tracing::trace!(instance = self.instance, call, ?moment, now_ms = cluster.now_ms);
            let cluster = &mut *cluster;
            if cluster.dice.once_in(cluster.faults.crash_one_in * rarity) {
                cluster.note(death_at(call, moment));
                Interruption::Death
            } else if cluster.dice.once_in(cluster.faults.stall_one_in * rarity) {
                cluster.note("call stalled");
                Interruption::Stall(cluster.dice.ms(cluster.faults.longest_stall_ms))
            } else {
                Interruption::None
            }
        };
        match interruption {
            Interruption::None => {}
            Interruption::Death => self.die(),
            Interruption::Stall(for_ms) => {
                tracing::debug!(instance = self.instance, call, ?moment, for_ms, "is held up");
                self.meanwhile(for_ms);
            }
        }
        self.alive(call)
    }

    /// Lets the others go on for a while.
    fn meanwhile(&self, for_ms: i64) {
        let meanwhile = MEANWHILE.with(|place| place.borrow().clone());
        if let Some(meanwhile) = meanwhile {
            meanwhile(for_ms);
        }
    }

    /// Whether a call is to fail.
    fn fails(&self, rarity: u64) -> bool {
        let mut cluster = self.cluster();
        let one_in = cluster.faults.fail_one_in * rarity;
        cluster.dice.once_in(one_in)
    }

    fn toss(&self) -> bool {
        self.cluster().dice.once_in(2)
    }
}

/// A call that got no answer: what it asked for may be done or not.
fn unanswered(kind: ErrorKind, call: &str) -> BrokerError {
    BrokerError::new(kind, call, "no answer in time")
}

/// The name under which a death is noted, for the calls of a commit.
fn death_at(call: &str, moment: Moment) -> &'static str {
    match (call, moment) {
        ("init_transactions", Moment::Before) => "death before init_transactions",
        ("init_transactions", Moment::After) => "death after init_transactions",
        ("send", _) => "death around send",
        ("flush", Moment::Before) => "death before flush",
        ("flush", Moment::After) => "death after flush",
        ("send_offsets", Moment::Before) => "death before send_offsets",
        ("send_offsets", Moment::After) => "death after send_offsets",
        ("commit_transaction", Moment::Before) => "death before commit_transaction",
        ("commit_transaction", Moment::After) => "death after commit_transaction",
        ("abort_transaction", Moment::Before) => "death before abort_transaction",
        ("abort_transaction", Moment::After) => "death after abort_transaction",
        ("committed_offsets", _) => "death around committed_offsets",
        ("list_offsets", _) => "death around list_offsets",
        _ => "death elsewhere",
    }
}

impl Broker for SimulatedBroker {
    fn consumer(&self, role: ConsumerRole) -> Result<Box<dyn Consumer>, BrokerError> {
        self.alive("make a consumer")?;
        Ok(Box::new(SimulatedConsumer::new(self.clone(), role)))
    }

    fn producer(&self, transactional_id: Option<&str>) -> Result<Box<dyn Producer>, BrokerError> {
        self.alive("make a producer")?;
        Ok(Box::new(SimulatedProducer::new(self.clone(), transactional_id)))
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        self.alive("make an admin client")?;
        Ok(Box::new(SimulatedAdmin::new(self.clone())))
    }

    fn group(&self, group_id: &str) -> Result<Box<dyn GroupTransport>, BrokerError> {
        self.alive("connect to the group's coordinator")?;
        let connection = self.cluster().connect(group_id);
        Ok(Box::new(SimulatedTransport::new(self.clone(), connection)))
    }
}
