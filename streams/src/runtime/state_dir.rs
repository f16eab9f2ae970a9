//! The instance's state directory: its identity, one directory per task, nobody else in it.

use crate::error::StreamsError;
use crate::membership::{CAUGHT_UP, ProcessId};
use crate::task_id::TaskId;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// `<state.dir>/<application.id>/` with `process-id`, `lock` and a directory per task.
pub(super) struct StateDirectory {
    path: PathBuf,
    process_id: ProcessId,
    /// What the disk holds of each task, in records of its change logs; told to the group's leader.
    offset_sums: Mutex<BTreeMap<TaskId, i64>>,
    /// Since when each task that is on the disk has been neither open nor being opened here, as far as that was noticed.
    idle_since_ms: Mutex<BTreeMap<TaskId, i64>>,
    /// Tasks that are open, or being opened, and how often: for a moment two threads may have to do with one. Locked while a
    /// directory is deleted.
    in_use: Mutex<BTreeMap<TaskId, u32>>,
    /// Held while the instance lives; a simulated instance has no directory.
    lock: Option<File>,
}

const SUM_FILE: &str = "offset-sum";

impl StateDirectory {
    /// Opens (or makes) it. An error if another process has it.
    pub fn open(state_dir: &Path, application_id: &str) -> Result<Self, StreamsError> {
        let path = state_dir.join(application_id);
        fs::create_dir_all(&path).map_err(|e| failed("make", &path, e))?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path).map_err(|e| failed("open", &lock_path, e))?;
        if lock.try_lock().is_err() {
            let text = format!("state directory {} is in use by another process", path.display());
            return Err(StreamsError::Fatal(text));
        }
        let process_id = read_or_make_process_id(&path.join("process-id"))?;
        let offset_sums = Mutex::new(read_sums(&path)?);
        Ok(Self {
            path,
            process_id,
            offset_sums,
            idle_since_ms: Mutex::default(),
            in_use: Mutex::default(),
            lock: Some(lock),
        })
    }

    /// None at all, for a simulated instance with this identity.
    pub fn in_memory(process_id: ProcessId, offset_sums: BTreeMap<TaskId, i64>) -> Self {
        let offset_sums = Mutex::new(offset_sums);
        let (idle_since_ms, in_use) = (Mutex::default(), Mutex::default());
        Self { path: PathBuf::new(), process_id, offset_sums, idle_since_ms, in_use, lock: None }
    }

    /// The identity of this directory, kept over restarts.
    pub fn process_id(&self) -> ProcessId {
        self.process_id
    }

    /// Where a task's RocksDB lives.
    pub fn task_directory(&self, task: TaskId) -> PathBuf {
        self.path.join(task.to_string())
    }

    /// Where the global tables' RocksDB lives.
    pub fn global_directory(&self) -> PathBuf {
        self.path.join("global")
    }

    /// What the disk holds of each task.
    pub fn offset_sums(&self) -> BTreeMap<TaskId, i64> {
        self.sums().clone()
    }

    /// A task is about to be opened: its directory is not deleted until [`Self::task_let_go`].
    pub fn task_opens(&self, task: TaskId) {
        *self.in_use().entry(task).or_insert(0) += 1;
    }

    /// A task is open here no longer, or could not be opened: once for each [`Self::task_opens`].
    pub fn task_let_go(&self, task: TaskId) {
        let mut in_use = self.in_use();
        if let Some(times) = in_use.get_mut(&task) {
            *times -= 1;
        }
        in_use.retain(|_, times| *times > 0);
    }

    /// Deletes the state of tasks that have not been open here for `delay_ms` (`state.cleanup.delay.ms`): they moved away,
    /// and what is on this disk only grows older. What cannot be deleted is tried again the next time.
    pub fn clean(&self, now_ms: i64, delay_ms: i64) {
        if self.lock.is_none() {
            return;
        }
        let in_use = self.in_use();
        let mut idle = self.idle_since_ms.lock().expect("nothing panics while it holds the lock");
        let kept: Vec<TaskId> = self.sums().keys().copied().collect();
        idle.retain(|task, _| kept.contains(task) && !in_use.contains_key(task));
        for task in kept.into_iter().filter(|task| !in_use.contains_key(task)) {
            let since_ms = *idle.entry(task).or_insert(now_ms);
            if now_ms - since_ms < delay_ms {
                continue;
            }
            let directory = self.task_directory(task);
            match fs::remove_dir_all(&directory) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(%task, path = %directory.display(), %error, "cannot delete the state of a task that moved");
                }
                _ => {
                    tracing::info!(%task, path = %directory.display(), "deleted the state of a task that moved away");
                    self.sums().remove(&task);
                    idle.remove(&task);
                }
            }
        }
    }

    fn in_use(&self) -> std::sync::MutexGuard<'_, BTreeMap<TaskId, u32>> {
        self.in_use.lock().expect("nothing panics while it holds the lock")
    }

    /// A task runs here: its state is as new as can be.
    pub fn task_runs(&self, task: TaskId) {
        self.sums().insert(task, CAUGHT_UP);
    }

    /// A task was closed with its state on the disk. The sum is a hint for placing it again: not being able to keep it
    /// costs no correctness, so a failure to write it is only reported.
    pub fn task_closed(&self, task: TaskId, sum: i64) {
        self.sums().insert(task, sum);
        if self.lock.is_none() {
            return;
        }
        let directory = self.task_directory(task);
        if !directory.exists() {
            return; // nothing of it is on the disk
        }
        let path = directory.join(SUM_FILE);
        if let Err(error) = fs::write(&path, sum.to_string()) {
            tracing::warn!(path = %path.display(), %error, "cannot note how far the task's state reaches");
        }
    }

    fn sums(&self) -> std::sync::MutexGuard<'_, BTreeMap<TaskId, i64>> {
        self.offset_sums.lock().expect("nothing panics while it holds the lock")
    }
}

fn read_or_make_process_id(path: &Path) -> Result<ProcessId, StreamsError> {
    if let Ok(bytes) = fs::read(path)
        && let Ok(id) = bytes.try_into()
    {
        return Ok(ProcessId(id));
    }
    let id = random_id().map_err(|e| failed("read", Path::new("/dev/urandom"), e))?;
    fs::write(path, id).map_err(|e| failed("write", path, e))?;
    Ok(ProcessId(id))
}

fn random_id() -> std::io::Result<[u8; 16]> {
    use std::io::Read;
    let mut id = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut id)?;
    Ok(id)
}

fn read_sums(path: &Path) -> Result<BTreeMap<TaskId, i64>, StreamsError> {
    let mut sums = BTreeMap::new();
    for entry in fs::read_dir(path).map_err(|e| failed("list", path, e))? {
        let entry = entry.map_err(|e| failed("list", path, e))?;
        let Some(task) = entry.file_name().to_str().and_then(|name| name.parse::<TaskId>().ok()) else { continue };
        let sum = fs::read_to_string(entry.path().join(SUM_FILE)).ok().and_then(|text| text.parse().ok());
        sums.insert(task, sum.unwrap_or(0));
    }
    Ok(sums)
}

fn failed(attempt: &str, path: &Path, error: std::io::Error) -> StreamsError {
    StreamsError::Fatal(format!("cannot {attempt} {}: {error}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn its_identity_and_sums_survive_a_restart_and_it_admits_one_process() {
        let scratch = std::env::temp_dir().join(format!("comanda-state-dir-{}", std::process::id()));
        let task = TaskId { sub_topology: 1, partition: 2 };
        let first = StateDirectory::open(&scratch, "app").unwrap();
        let id = first.process_id();
        fs::create_dir_all(first.task_directory(task)).unwrap();
        first.task_closed(task, 42);
        assert!(StateDirectory::open(&scratch, "app").is_err());
        drop(first);
        let second = StateDirectory::open(&scratch, "app").unwrap();
        assert_eq!((second.process_id(), second.offset_sums()), (id, BTreeMap::from([(task, 42)])));
        fs::remove_dir_all(scratch).unwrap();
    }

    #[test]
    fn the_state_of_a_task_is_deleted_once_it_has_been_away_for_the_delay() {
        let scratch = tempfile::tempdir().unwrap();
        let [moved, runs] = [0, 1].map(|partition| TaskId { sub_topology: 0, partition });
        let directory = StateDirectory::open(scratch.path(), "app").unwrap();
        for task in [moved, runs] {
            directory.task_opens(task);
            fs::create_dir_all(directory.task_directory(task)).unwrap();
            directory.task_runs(task);
        }
        directory.clean(0, 100);
        directory.task_closed(moved, 42);
        directory.task_let_go(moved);
        let there = |task| directory.task_directory(task).exists();
        // Opened again meanwhile: the delay counts from when it is away for good.
        directory.clean(50, 100);
        directory.task_opens(moved);
        directory.clean(149, 100);
        directory.task_let_go(moved);
        directory.clean(160, 100);
        directory.clean(259, 100);
        assert!(there(moved));
        directory.clean(260, 100);
        assert_eq!((there(moved), there(runs)), (false, true));
        assert_eq!(
            directory.offset_sums(),
            BTreeMap::from([(runs, CAUGHT_UP)]),
            "the leader is not told of it any more"
        );
    }
}
