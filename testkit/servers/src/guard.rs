//! The process that stops a server after its users are gone.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::script::Script;

/// Holds a pipe to `guard.sh`: when the pipe closes, by dropping this or by the end of this process, the
/// guard goes to work. A group of its own keeps it alive when a terminal interrupts the tests.
pub(crate) struct Guard(Child);

impl Guard {
    /// `users_lock` is held in shared mode by every process that uses the server; it stays up `linger_s`
    /// longer than the last of them.
    pub fn start(script: &Script, users_lock: &Path, linger_s: u32) -> Self {
        let program = script.guard_path();
        let mut command = Command::new(&program);
        script
            .environment(&mut command)
            .arg(linger_s.to_string())
            .args([users_lock, &script.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Guard(child)
    }

    /// Lets the guard stop the server now and waits for it.
    pub fn finish(&mut self) {
        drop(self.0.stdin.take());
        // Its exit code only says whether the server was still in use.
        let _ = self.0.wait();
    }
}
