//! Servers, and processes of the program on them.

use comanda_servers::{Kind, OwnServer, Servers, free_port, unique_name};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Long enough for anything that is going to happen at all.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A cluster of its own: the contract's topics have fixed names. ClickHouse is shared, the database is not.
pub struct Cluster {
    pub kafka: OwnServer,
    pub registry: OwnServer,
    database: String,
}

impl Cluster {
    pub fn start() -> Self {
        let [kafka, registry] = [Kind::Kafka, Kind::Registry].map(OwnServer::start);
        Self { kafka, registry, database: unique_name("program") }
    }

    /// The program with these arguments.
    pub fn comanda(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_comanda"));
        command
            .args(["--kafka", self.kafka.address(), "--registry", self.registry.address()])
            .args(["--clickhouse", Servers::clickhouse(), "--database", &self.database])
            .args(arguments)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.comanda(arguments).output().unwrap()
    }

    /// An instance of some roles with an edge.
    pub fn instance(&self, roles: &[&str]) -> Instance {
        let (state, port) = (tempfile::tempdir().unwrap(), free_port());
        let path = state.path().to_str().unwrap().to_owned();
        let port_text = port.to_string();
        let arguments = [&["run"], roles, &["--state-dir", &path, "--edge-port", &port_text]].concat();
        Instance { process: self.comanda(&arguments).spawn().unwrap(), port, _state: state }
    }
}

/// A running `comanda run`; killed if it is not stopped.
pub struct Instance {
    process: Child,
    port: u16,
    _state: tempfile::TempDir,
}

impl Instance {
    /// `host:port` of its edge.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Status and body of a GET; `None` if nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, serde_json::Value)> {
        let mut response = agent().get(format!("http://{}{path}", self.address())).call().ok()?;
        let body = response.body_mut().read_to_string().ok()?;
        Some((response.status().as_u16(), serde_json::from_str(&body).unwrap_or_default()))
    }

    /// Status and body of an order posted.
    pub fn post_order(&self, order: &serde_json::Value) -> (u16, serde_json::Value) {
        let mut response = agent().post(format!("http://{}/api/v1/orders", self.address())).send_json(order).unwrap();
        let body = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&body).unwrap())
    }

    pub fn is_ready(&self) -> bool {
        self.get("/health/ready").is_some_and(|(status, _)| status == 200)
    }

    pub fn wait_until_ready(&mut self) {
        wait_until("the instance is ready", || self.is_ready());
    }

    /// SIGTERM; how it ends.
    pub fn stop(mut self) -> ExitStatus {
        let kill = Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        assert!(kill.success());
        self.process.wait().unwrap()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // After a stop it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into()
}

pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
