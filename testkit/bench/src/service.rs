//! An engine that serves in a process of its own: started, watched from outside, closed or killed.

use crate::error::BenchError;
use crate::job::Job;
use crate::peer::{Engine, Peer};
use crate::usage::{Usage, peak_rss_mb};
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// A running engine; killed when dropped.
pub struct Service {
    engine: &'static str,
    process: Child,
    /// Its end tells the engine to close, also if this process dies.
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What a start took, from the engine's `start` until all its tasks ran.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// Change-log records read.
    pub restored: u64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// CPU seconds.
    pub cpu_s: f64,
}

impl Service {
    /// Starts one and waits until it runs.
    ///
    /// # Errors
    /// If it ends before.
    pub fn start(peer: &Peer, engine: Engine, job: &Job) -> Result<(Self, Started), BenchError> {
        let mut command = peer.command(engine, "serve", job)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(BenchError::io(format!("start {}", engine.name())))?;
        let input = process.stdin.take();
        let output = process.stdout.take().expect("it was asked for");
        let mut service = Self { engine: engine.name(), process, input, lines: BufReader::new(output).lines() };
        service.wait_for("starting")?;
        let starting = service.usage()?;
        let restored = service.wait_for("running ")?;
        let running = service.usage()?;
        let restored =
            restored.parse().map_err(|_| BenchError::Unreadable { what: "restored records", text: restored })?;
        let (seconds, cpu_s) = (running.seconds_since(&starting), running.cpu_since(&starting));
        Ok((service, Started { restored, seconds, cpu_s }))
    }

    /// The rest of the next line that begins so.
    fn wait_for(&mut self, beginning: &str) -> Result<String, BenchError> {
        for line in self.lines.by_ref() {
            let line = line.map_err(BenchError::io(format!("read from {}", self.engine)))?;
            if let Some(rest) = line.strip_prefix(beginning) {
                return Ok(rest.to_owned());
            }
        }
        Err(BenchError::Stopped(format!("{} ended before it said `{beginning}`", self.engine)))
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// If it is gone.
    pub fn usage(&self) -> Result<Usage, BenchError> {
        Usage::of(&self.process.id().to_string())
    }

    /// Its largest resident size so far, in MB.
    ///
    /// # Errors
    /// If it is gone.
    pub fn peak_rss_mb(&self) -> Result<f64, BenchError> {
        peak_rss_mb(&self.process.id().to_string())
    }

    /// Has it close in good order.
    ///
    /// # Errors
    /// If it ends with an error.
    pub fn close(mut self) -> Result<(), BenchError> {
        drop(self.input.take());
        let status = self.process.wait().map_err(BenchError::io(format!("wait for {}", self.engine)))?;
        if status.success() { Ok(()) } else { Err(BenchError::RunFailed { engine: self.engine, status }) }
    }

    /// `kill -9`.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Neither can fail for a child that has not been waited for; one that has been is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
