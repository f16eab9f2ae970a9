//! One set of servers for all tests: given by the environment, or started by the first test that asks.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::sync::OnceLock;

use crate::guard::Guard;
use crate::script::{Kind, Script};

/// The instance that test processes share when no environment variable names servers.
const INSTANCE: &str = "shared-tests";
/// Between two test binaries of one `cargo test` pass a few seconds: the server outlives them.
const LINGER_S: u32 = 20;

/// Addresses of the shared servers. Tests keep apart by [`unique_name`](crate::unique_name) and never stop
/// these: for that see [`OwnServer`](crate::OwnServer).
pub struct Servers;

impl Servers {
    /// Bootstrap address of Kafka, `host:port`: `COMANDA_TEST_KAFKA`, or a broker started now.
    ///
    /// # Panics
    /// If it does not start.
    pub fn kafka() -> &'static str {
        static KAFKA: OnceLock<Shared> = OnceLock::new();
        &KAFKA.get_or_init(|| Shared::find(Kind::Kafka, "COMANDA_TEST_KAFKA")).address
    }

    /// Base URL of the registry's Confluent API: `COMANDA_TEST_REGISTRY`, or a registry started now.
    ///
    /// # Panics
    /// If it does not start.
    pub fn registry() -> &'static str {
        static REGISTRY: OnceLock<Shared> = OnceLock::new();
        &REGISTRY.get_or_init(|| Shared::find(Kind::Registry, "COMANDA_TEST_REGISTRY")).address
    }

    /// Base URL of ClickHouse's HTTP interface: `COMANDA_TEST_CLICKHOUSE`, or a server started now.
    ///
    /// # Panics
    /// If it does not start.
    pub fn clickhouse() -> &'static str {
        static CLICKHOUSE: OnceLock<Shared> = OnceLock::new();
        &CLICKHOUSE.get_or_init(|| Shared::find(Kind::ClickHouse, "COMANDA_TEST_CLICKHOUSE")).address
    }
}

/// An address, and what keeps the server behind it alive as long as this process lives.
struct Shared {
    address: String,
    _kept_alive_by: Option<(File, Guard)>,
}

impl Shared {
    fn find(kind: Kind, variable: &str) -> Self {
        match env::var(variable) {
            Ok(address) if !address.is_empty() => Shared { address, _kept_alive_by: None },
            _ => Self::start_or_join(kind),
        }
    }

    /// Takes part in the running instance, or starts it. The users' lock comes first: from then on no guard
    /// of an earlier process stops the server.
    fn start_or_join(kind: Kind) -> Self {
        let script = Script::new(kind, INSTANCE);
        let instance_dir = script.instance_dir();
        fs::create_dir_all(&instance_dir).unwrap_or_else(|error| panic!("{}: {error}", instance_dir.display()));

        let users_path = instance_dir.join(format!("{}.users", kind.name()));
        let users = open(&users_path);
        users.lock_shared().expect("locks work in a cache directory");
        let guard = Guard::start(&script, &users_path, LINGER_S);

        let starting = open(&instance_dir.join(format!("{}.starting", kind.name())));
        starting.lock().expect("locks work in a cache directory");
        if !script.is_up() {
            script.run(&["start"]);
        }
        Shared { address: script.address(), _kept_alive_by: Some((users, guard)) }
    }
}

fn open(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
