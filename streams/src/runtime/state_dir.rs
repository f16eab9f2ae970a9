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
        Ok(Self { path, process_id, offset_sums, lock: Some(lock) })
    }

    /// None at all, for a simulated instance with this identity.
    pub fn in_memory(process_id: ProcessId, offset_sums: BTreeMap<TaskId, i64>) -> Self {
        Self { path: PathBuf::new(), process_id, offset_sums: Mutex::new(offset_sums), lock: None }
    }

    /// The identity of this directory, kept over restarts.
    pub fn process_id(&self) -> ProcessId {
        self.process_id
    }

    /// Where a task's RocksDB lives.
    pub fn task_directory(&self, task: TaskId) -> PathBuf {
        self.path.join(task.to_string())
    }

    /// What the disk holds of each task.
    pub fn offset_sums(&self) -> BTreeMap<TaskId, i64> {
        self.sums().clone()
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
}
