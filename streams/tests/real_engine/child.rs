//! The counting application in a process of its own, to be killed: this test binary, started again with one test of its
//! own. It tells on its standard output what it restores, and closes in good order on SIGTERM.

use crate::applications::{counting, windowing};
use crate::fixture::{PATIENCE, cluster, config};
use comanda_servers::Servers;
use comanda_streams::{KafkaStreams, KafkaStreamsState, ProcessingGuarantee, StreamsConfig, Topology};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const VARIABLE: &str = "COMANDA_TEST_APPLICATION";

/// Where a child's application runs.
#[derive(Clone, Debug)]
pub struct Home {
    pub kafka: String,
    pub application_id: String,
    pub input: String,
    pub output: String,
    pub state_dir: PathBuf,
    pub threads: usize,
    pub session_timeout_ms: i32,
    pub guarantee: ProcessingGuarantee,
    pub application: Application,
    pub instance_id: Option<String>,
}

/// Which of the applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    Counting,
    Windowing,
}

/// Bytes per task after which the child flushes; its uncommitted and its applied layer are bounded as tightly.
pub const FLUSH_BYTES: usize = 64 << 10;

impl Home {
    /// Counting exactly once in one thread, with a session as short as brokers allow.
    pub fn new(application_id: &str, input: &str, output: &str, state_dir: &Path) -> Self {
        Self {
            kafka: Servers::kafka().to_owned(),
            application_id: application_id.to_owned(),
            input: input.to_owned(),
            output: output.to_owned(),
            state_dir: state_dir.to_owned(),
            threads: 1,
            session_timeout_ms: 6_000,
            guarantee: ProcessingGuarantee::ExactlyOnceV2,
            application: Application::Counting,
            instance_id: None,
        }
    }

    pub fn topology(&self) -> Topology {
        match self.application {
            Application::Counting => counting(&self.input, &self.output),
            Application::Windowing => windowing(&self.input, &self.output),
        }
    }

    pub fn config(&self) -> StreamsConfig {
        StreamsConfig {
            num_stream_threads: self.threads,
            processing_guarantee: self.guarantee,
            session_timeout_ms: self.session_timeout_ms,
            group_instance_id: self.instance_id.clone(),
            max_uncommitted_bytes: 2 * FLUSH_BYTES,
            apply_bytes: FLUSH_BYTES / 2,
            flush_bytes: FLUSH_BYTES,
            ..config(&self.application_id, &self.state_dir)
        }
    }

    fn encode(&self) -> String {
        let Self { kafka, application_id, input, output, threads, session_timeout_ms, .. } = self;
        let at_least_once = self.guarantee == ProcessingGuarantee::AtLeastOnce;
        let windowing = self.application == Application::Windowing;
        let directory = self.state_dir.display();
        let instance_id = self.instance_id.as_deref().unwrap_or("-");
        format!(
            "{kafka}\n{application_id}\n{input}\n{output}\n{directory}\n{threads}\n{session_timeout_ms}\n\
             {at_least_once}\n{windowing}\n{instance_id}"
        )
    }

    fn decode(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let [kafka, application_id, input, output, directory, threads, session, at_least_once, windowing, instance_id] =
            lines.try_into().unwrap();
        let mut home = Self::new(application_id, input, output, Path::new(directory));
        home.kafka = kafka.to_owned();
        (home.threads, home.session_timeout_ms) = (threads.parse().unwrap(), session.parse().unwrap());
        if at_least_once == "true" {
            home.guarantee = ProcessingGuarantee::AtLeastOnce;
        }
        if windowing == "true" {
            home.application = Application::Windowing;
        }
        home.instance_id = (instance_id != "-").then(|| instance_id.to_owned());
        home
    }
}

/// A task that the child restored: records read, of how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredTask {
    pub records: u64,
    pub log_records: u64,
    pub at: Instant,
}

/// A running child; killed when dropped.
pub struct Process {
    child: Child,
    /// Ends with this process, however that ends.
    _input: ChildStdin,
    restored: Arc<Mutex<BTreeMap<String, RestoredTask>>>,
    states: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts one that dies when it passes `kill_point` (see `comanda_state_stores::kill_points`).
    pub fn start(home: &Home, kill_point: &str) -> Self {
        // A disk that refuses is a limit on the size of files here: the signal that comes with it is for other programs.
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "child::the_application_of_another_test", "--ignored", "--nocapture"])
            .env(VARIABLE, home.encode())
            .env("COMANDA_KILL_POINT", kill_point)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        // Not straight to ours: that may be a file, and a child's files may be limited.
        let mut errors = child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::stderr()));
        let restored: Arc<Mutex<BTreeMap<String, RestoredTask>>> = Arc::default();
        let states: Arc<Mutex<Vec<String>>> = Arc::default();
        let (told, told_states) = (restored.clone(), states.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, state)) = line.split_once("state ") {
                    told_states.lock().unwrap().push(state.to_owned());
                }
                let Some((_, words)) = line.split_once("restored ") else { continue };
                let words: Vec<&str> = words.split(' ').collect();
                let (records, log_records) = (words[1].parse().unwrap(), words[2].parse().unwrap());
                let task = RestoredTask { records, log_records, at: Instant::now() };
                told.lock().unwrap().insert(words[0].to_owned(), task);
            }
        });
        Self { child, _input: input, restored, states }
    }

    /// The tasks that it has opened so far.
    pub fn restored(&self) -> BTreeMap<String, RestoredTask> {
        self.restored.lock().unwrap().clone()
    }

    /// The states that its application has been in so far.
    pub fn states(&self) -> Vec<String> {
        self.states.lock().unwrap().clone()
    }

    /// Waits until it runs at least so many tasks.
    pub fn wait_for_tasks(&self, tasks: usize) {
        crate::fixture::wait_until("tasks run", || self.restored().len() >= tasks);
    }

    /// Waits until it dies of itself.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the process still lives after {PATIENCE:?}");
    }

    /// Waits until it dies at its kill point.
    pub fn wait_for_kill(&mut self) {
        let status = self.wait();
        assert_eq!(status.signal(), Some(9), "{status}");
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        self.child.wait().unwrap();
    }

    /// Bytes that a file of its may have from now on: to a disk that is full no more can be written either.
    pub fn limit_files(&self, bytes: &str) {
        let (pid, limit) = (format!("--pid={}", self.child.id()), format!("--fsize={bytes}:unlimited"));
        assert!(Command::new("prlimit").args([pid, limit]).status().unwrap().success());
    }

    /// Has it close in good order, as whoever runs services does it.
    pub fn terminate(mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
#[ignore = "runs in child processes only"]
fn the_application_of_another_test() {
    let Ok(home) = std::env::var(VARIABLE) else { return };
    let home = Home::decode(&home);
    let mut signals = Signals::new([SIGTERM]).unwrap();
    std::thread::spawn(|| {
        std::io::stdin().read_line(&mut String::new()).unwrap();
        std::process::exit(2); // the test is gone
    });
    let mut streams = KafkaStreams::new(home.topology(), home.config(), cluster(&home.kafka)).unwrap();
    streams.set_restore_listener(|restored| {
        println!("\nrestored {} {} {}", restored.task, restored.records, restored.log_records);
        std::io::stdout().flush().unwrap();
    });
    streams.set_state_listener(|new, _| {
        println!("\nstate {new:?}");
        std::io::stdout().flush().unwrap();
    });
    streams.start().unwrap();
    assert_eq!(signals.forever().next(), Some(SIGTERM));
    assert_eq!(streams.error(), None);
    assert_eq!(streams.close(), KafkaStreamsState::NotRunning);
}
