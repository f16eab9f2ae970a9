//! One server of one instance, as its script in `deploy/local` runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::ports::free_port;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Apache Kafka; its address is `host:port`.
    Kafka,
    /// The schema registry; its address is the base URL of Confluent's API.
    Registry,
    /// ClickHouse; its address is the base URL of the HTTP interface.
    ClickHouse,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Kafka => "kafka",
            Kind::Registry => "registry",
            Kind::ClickHouse => "clickhouse",
        }
    }

    /// The variables that tell the script its ports.
    fn port_variables(self) -> [&'static str; 2] {
        match self {
            Kind::Kafka => ["COMANDA_KAFKA_PORT", "COMANDA_KAFKA_CONTROLLER_PORT"],
            Kind::Registry => ["COMANDA_REGISTRY_PORT", "COMANDA_REGISTRY_MANAGEMENT_PORT"],
            Kind::ClickHouse => ["COMANDA_CLICKHOUSE_HTTP_PORT", "COMANDA_CLICKHOUSE_TCP_PORT"],
        }
    }
}

/// A server's script, with the instance and the ports it is to use.
pub(crate) struct Script {
    repository: PathBuf,
    kind: Kind,
    instance: String,
    ports: [u16; 2],
}

impl Script {
    /// For an instance that does not run yet: takes free ports.
    ///
    /// # Panics
    /// If the tests run outside a checkout, before anything is made.
    pub fn new(kind: Kind, instance: &str) -> Self {
        Script { repository: repository(), kind, instance: instance.to_owned(), ports: [free_port(), free_port()] }
    }

    /// Runs one verb of the script, with its arguments.
    ///
    /// # Panics
    /// With the script's own words if it fails.
    pub fn run(&self, verb: &[&str]) {
        let output =
            self.command(verb).output().unwrap_or_else(|error| panic!("{} {verb:?}: {error}", self.path().display()));
        assert!(
            output.status.success(),
            "{} {verb:?}: {}",
            self.kind.name(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }

    /// Whether the server runs, on whatever ports.
    pub fn is_up(&self) -> bool {
        self.command(&["status"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Where the running server answers, as it wrote down itself.
    pub fn address(&self) -> String {
        let file = self.instance_dir().join(self.kind.name()).join("address");
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())).trim().to_owned()
    }

    /// Holds the instance's data, log and lock files.
    pub fn instance_dir(&self) -> PathBuf {
        comanda_home().join("run").join(&self.instance)
    }

    /// `program` with the environment that makes it mean this instance and these ports.
    pub fn environment<'c>(&self, program: &'c mut Command) -> &'c mut Command {
        let variables = self.kind.port_variables();
        program
            .env("COMANDA_HOME", comanda_home())
            .env("COMANDA_INSTANCE", &self.instance)
            .envs(variables.iter().zip(self.ports.map(|port| port.to_string())))
            .stdin(Stdio::null())
    }

    pub fn path(&self) -> PathBuf {
        self.repository.join("deploy/local").join(format!("{}.sh", self.kind.name()))
    }

    /// The guard that stops this server after its users.
    pub fn guard_path(&self) -> PathBuf {
        self.repository.join("testkit/servers/guard.sh")
    }

    fn command(&self, verb: &[&str]) -> Command {
        let mut command = Command::new(self.path());
        self.environment(&mut command).args(verb);
        command
    }
}

fn comanda_home() -> PathBuf {
    env::var_os("COMANDA_HOME").map_or_else(
        || {
            let home = env::var_os("HOME").expect("HOME or COMANDA_HOME is set where tests run");
            Path::new(&home).join(".cache/comanda")
        },
        PathBuf::from,
    )
}

/// The checkout in which the tests run, found from where cargo starts them. The path compiled in would not
/// do: several checkouts share one target directory.
///
/// # Panics
/// If no parent of the working directory has `deploy/local`.
fn repository() -> PathBuf {
    let working_dir = env::current_dir().expect("cargo starts tests in their package's folder");
    working_dir
        .ancestors()
        .find(|folder| folder.join("deploy/local/servers.sh").is_file())
        .unwrap_or_else(|| panic!("no checkout of Comanda around {}: run tests from within one", working_dir.display()))
        .to_owned()
}
