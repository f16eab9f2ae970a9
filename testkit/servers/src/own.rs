//! A server that belongs to one test, which may stop, kill and restart it.

use std::fs;

use crate::guard::Guard;
use crate::script::{Kind, Script};
use crate::unique::unique_name;

/// A server on ports and in a directory of its own. Dropping it stops it and deletes its data.
pub struct OwnServer {
    script: Script,
    address: String,
    guard: Guard,
}

impl OwnServer {
    /// Starts it and waits until it answers (a broker takes 5–15 s).
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(kind: Kind) -> Self {
        Self::start_with(kind, "")
    }

    /// Starts a broker with `properties` over those it has anyway; `@PORT@` and `@CONTROLLER_PORT@` stand for its ports.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_kafka_with(properties: &str) -> Self {
        Self::start_with(Kind::Kafka, properties)
    }

    fn start_with(kind: Kind, properties: &str) -> Self {
        let script = Script::new(kind, &unique_name("own"));
        let instance_dir = script.instance_dir();
        fs::create_dir_all(&instance_dir).unwrap_or_else(|error| panic!("{}: {error}", instance_dir.display()));
        if !properties.is_empty() {
            let file = instance_dir.join("kafka.properties");
            fs::write(&file, properties).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
        let guard = Guard::start(&script, &instance_dir.join("users.lock"), 0);
        script.run(&["start"]);
        OwnServer { address: script.address(), script, guard }
    }

    /// Where it answers; the same after a restart. See [`Kind`] for the form.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Runs one of Kafka's own command-line tools: its class, then its arguments.
    ///
    /// # Panics
    /// With the tool's own words if it fails.
    pub fn kafka_tool(&self, arguments: &[&str]) {
        self.script.run(&[&["tool"], arguments].concat());
    }

    /// Stops it in order (SIGTERM) and waits until it is gone. Its data stays.
    pub fn stop(&self) {
        self.script.run(&["stop"]);
    }

    /// Kills it (SIGKILL): what it had not written down is lost.
    pub fn kill(&self) {
        self.script.run(&["kill"]);
    }

    /// Starts it again after [`stop`](Self::stop) or [`kill`](Self::kill), on the same ports and data, and
    /// waits until it answers.
    pub fn start_again(&self) {
        self.script.run(&["start"]);
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.guard.finish();
        // Only empty lock files are left; a leftover harms nobody.
        let _ = fs::remove_dir_all(self.script.instance_dir());
    }
}
