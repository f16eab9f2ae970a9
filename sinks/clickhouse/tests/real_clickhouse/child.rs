//! A sink in a process of its own, to be killed: this test binary, started again with one test of its own.

use crate::fixture::World;
use crate::proxy::{self, Moment};
use comanda_clickhouse::start;
use comanda_kafka::{KafkaBroker, KafkaSettings};
use comanda_streams::broker::{
    Admin, Broker, BrokerError, Consumer, ConsumerRole, GroupRequest, GroupResponse, GroupTransport, Producer,
};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const VARIABLE: &str = "COMANDA_SINK_CHILD";

/// Where a child ends, by SIGKILL of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillPoint {
    Never,
    /// The range is written down, and its insert has not begun.
    Promised,
    /// In the middle of an insert's bytes.
    HalfSent,
    /// ClickHouse has inserted and answered, the sink does not know.
    Answered,
    /// The sink knows, and the offset is not committed.
    Inserted,
    /// Not an end: SIGSTOP in the middle of an insert's bytes; the parent wakes it.
    Stopped,
}

const POINTS: [KillPoint; 6] = [
    KillPoint::Never,
    KillPoint::Promised,
    KillPoint::HalfSent,
    KillPoint::Answered,
    KillPoint::Inserted,
    KillPoint::Stopped,
];

/// A running child; killed when dropped.
pub struct SinkProcess(Child);

impl SinkProcess {
    /// Starts one that dies when it passes `point` for the `nth` time.
    pub fn start(world: &World, point: KillPoint, nth: u64) -> Self {
        let World { kafka, registry, clickhouse, database, topic, group } = world;
        let point = format!("{point:?}");
        let nth = nth.to_string();
        let arguments = [kafka, registry, clickhouse, database, topic, group, &point, &nth].map(String::as_str);
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::the_sink_of_another_test", "--ignored", "--nocapture"])
            .env(VARIABLE, arguments.join(" "))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.0.kill(); // it may have ended by itself
        self.0.wait().unwrap();
    }

    /// Whether it is stopped by SIGSTOP.
    pub fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        stat.rsplit(") ").next().unwrap().starts_with('T')
    }

    /// Lets it go on.
    pub fn wake(&self) {
        signal("-CONT", self.0.id());
    }
}

impl Drop for SinkProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn signal(name: &str, process: u32) {
    Command::new("kill").args([name, &process.to_string()]).status().unwrap();
}

fn die() {
    signal("-KILL", std::process::id());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
#[ignore = "runs in child processes only"]
fn the_sink_of_another_test() {
    let Ok(arguments) = std::env::var(VARIABLE) else {
        return;
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    let words: Vec<&str> = arguments.split(' ').collect();
    let [kafka, registry, clickhouse, database, topic, group, point, nth] = words[..] else {
        panic!("{VARIABLE}={arguments}");
    };
    let text = str::to_owned;
    let world = World {
        kafka: text(kafka),
        registry: text(registry),
        clickhouse: text(clickhouse),
        database: text(database),
        topic: text(topic),
        group: text(group),
    };
    let point = *POINTS.iter().find(|known| format!("{known:?}") == point).unwrap();
    let nth = nth.parse().unwrap();
    let clickhouse = match point {
        KillPoint::HalfSent => proxy::start(clickhouse, Moment::HalfSent, nth, die),
        KillPoint::Answered => proxy::start(clickhouse, Moment::Answered, nth, die),
        KillPoint::Stopped => proxy::start(clickhouse, Moment::HalfSent, nth, || signal("-STOP", std::process::id())),
        _ => text(clickhouse),
    };
    let inner = KafkaBroker::new(KafkaSettings::new(kafka)).unwrap();
    let broker = Arc::new(DyingBroker { inner, point, nth });
    let mut parts = world.parts(broker, &clickhouse);
    parts.config.max_batch_rows = 200; // many inserts, so that the end comes among them
    let sink = start(parts).unwrap();
    while !sink.is_finished() {
        std::thread::sleep(Duration::from_millis(50));
    }
    sink.stop().unwrap();
}

/// Kafka, with an end among the commits.
struct DyingBroker {
    inner: KafkaBroker,
    point: KillPoint,
    nth: u64,
}

impl Broker for DyingBroker {
    fn consumer(&self, role: ConsumerRole) -> Result<Box<dyn Consumer>, BrokerError> {
        self.inner.consumer(role)
    }

    fn producer(&self, transactional_id: Option<&str>) -> Result<Box<dyn Producer>, BrokerError> {
        self.inner.producer(transactional_id)
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BrokerError> {
        self.inner.admin()
    }

    fn group(&self, group_id: &str) -> Result<Box<dyn GroupTransport>, BrokerError> {
        let (point, nth) = (self.point, self.nth);
        Ok(Box::new(DyingTransport { inner: self.inner.group(group_id)?, point, nth, promising: false }))
    }
}

struct DyingTransport {
    inner: Box<dyn GroupTransport>,
    point: KillPoint,
    /// Times to pass the point until the end.
    nth: u64,
    promising: bool,
}

impl DyingTransport {
    fn pass(&mut self) {
        self.nth -= 1;
        if self.nth == 0 {
            die();
        }
    }
}

impl GroupTransport for DyingTransport {
    fn send(&mut self, request: GroupRequest) {
        if let GroupRequest::CommitOffsets { offsets, .. } = &request {
            self.promising = offsets.iter().any(|(_, offset)| !offset.metadata.ends_with(" -"));
            let delivered = offsets.iter().any(|(_, offset)| offset.offset > 0);
            if self.point == KillPoint::Inserted && delivered {
                self.pass();
            }
        }
        self.inner.send(request);
    }

    fn poll(&mut self) -> Option<GroupResponse> {
        let response = self.inner.poll()?;
        let promised = self.promising && matches!(response, GroupResponse::Committed { error: 0 });
        if self.point == KillPoint::Promised && promised {
            self.pass();
        }
        Some(response)
    }
}
