//! An application as it is run: its topology, its settings, what is promised of it.

use crate::applications::{Application, Logs, Part, Promise, Settings};
use crate::cluster::Cluster;
use crate::dice::Dice;
use comanda_streams::broker::TopicPartition;
use comanda_streams::{AsyncClients, ProcessingGuarantee, StreamsConfig, Topology};
use std::cell::{Ref, RefCell, RefMut};

/// One run in so many is without transactions.
const AT_LEAST_ONCE_ONE_IN: u64 = 6;

pub(super) struct Deployment {
    /// Group, and prefix of internal topics.
    pub id: &'static str,
    pub name: &'static str,
    pub topology: Topology,
    pub config: StreamsConfig,
    pub settings: Settings,
    parts: RefCell<Vec<Box<dyn Part>>>,
}

impl Deployment {
    pub fn draw(dice: &mut Dice) -> Self {
        let promise = match dice.once_in(AT_LEAST_ONCE_ONE_IN) {
            true => dice.pick(&[Promise::AtLeastOnce, Promise::AtLeastOnceBesideZombies]),
            false => Promise::ExactlyOnce,
        };
        let settings = draw_settings(dice, promise);
        let application = Application::draw(dice, settings).expect("the applications are sound");
        Self::of(application, dice, settings)
    }

    /// One that reads, exactly once, what `first` puts out.
    pub fn draw_relay(dice: &mut Dice, first: &Self) -> Self {
        let settings = draw_settings(dice, Promise::ExactlyOnce);
        let application = Application::relay(&first.parts(), settings).expect("the applications are sound");
        Self::of(application, dice, settings)
    }

    fn of(application: Application, dice: &mut Dice, settings: Settings) -> Self {
        let Application { id, name, topology, parts } = application;
        let config = draw_config(id, dice, settings);
        tracing::info!(application = name, ?settings, ?config, "is to be run");
        Self { id, name, topology, config, settings, parts: RefCell::new(parts) }
    }

    pub fn parts(&self) -> Ref<'_, Vec<Box<dyn Part>>> {
        self.parts.borrow()
    }

    pub fn parts_mut(&self) -> RefMut<'_, Vec<Box<dyn Part>>> {
        self.parts.borrow_mut()
    }

    /// Topics that must exist before it starts, with their partition counts.
    pub fn topics(&self) -> Vec<(&'static str, i32)> {
        self.parts().iter().flat_map(|part| part.topics()).collect()
    }

    /// Who makes its asynchronous calls.
    pub fn async_clients(&self) -> AsyncClients {
        let clients = self.parts().iter().flat_map(|part| part.async_clients()).collect::<Vec<_>>();
        clients.into_iter().fold(AsyncClients::default(), |all, (name, client)| all.with(name, client))
    }

    /// Time goes on outside of it.
    pub fn pass(&self, now_ms: i64) {
        self.parts_mut().iter_mut().for_each(|part| part.pass(now_ms));
    }

    /// All that it reads, repartition topics too.
    pub fn sources(&self) -> Vec<String> {
        let parts = self.topology.sub_topologies().iter();
        parts.flat_map(|part| &part.source_topics).map(|topic| topic.resolve(self.id)).collect()
    }

    /// Tells the cluster which tasks its inputs are of.
    pub fn introduce(&self, cluster: &mut Cluster) {
        for part in self.topology.sub_topologies() {
            let topics = part.source_topics.iter().map(|topic| topic.resolve(self.id));
            topics.for_each(|topic| cluster.note_sub_topology(self.id, topic, part.id));
        }
    }

    /// Topics that the world feeds: none of one that reads what another puts out.
    fn fed_topics(&self) -> Vec<String> {
        let (fed, mut sources) = (self.topics(), self.sources());
        sources.retain(|source| fed.iter().any(|(topic, _)| topic == source));
        sources
    }

    /// Their partitions.
    pub fn fed_inputs(&self, cluster: &Cluster) -> Vec<TopicPartition> {
        let fed = self.fed_topics();
        cluster.logs.keys().filter(|input| fed.iter().any(|topic| **topic == *input.topic)).cloned().collect()
    }

    /// Whether all that was promised has come about, once all inputs are processed.
    pub fn verify(&self, cluster: &Cluster) -> Result<(), String> {
        let (logs, promise) = (Logs(cluster), self.settings.promise);
        for part in self.parts().iter() {
            match promise {
                Promise::ExactlyOnce => part.verify(&logs, self.settings)?,
                Promise::AtLeastOnce => part.verify_at_least_once(&logs, true)?,
                Promise::AtLeastOnceBesideZombies => part.verify_at_least_once(&logs, false)?,
            }
        }
        let repeated = promise != Promise::ExactlyOnce;
        self.fed_topics().iter().try_for_each(|topic| logs.verify_dead_letters(topic, repeated))
    }

    pub fn is_exactly_once(&self) -> bool {
        self.settings.promise == Promise::ExactlyOnce
    }
}

fn draw_settings(dice: &mut Dice, promise: Promise) -> Settings {
    Settings { caching: dice.once_in(2), in_memory: dice.once_in(3), promise }
}

fn draw_config(id: &str, dice: &mut Dice, settings: Settings) -> StreamsConfig {
    let mut config = StreamsConfig::new(id, "");
    if settings.promise != Promise::ExactlyOnce {
        config.processing_guarantee = ProcessingGuarantee::AtLeastOnce;
    }
    config.num_stream_threads = dice.pick(&[1, 1, 2]);
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
