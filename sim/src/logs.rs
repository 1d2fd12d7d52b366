//! The logs of all workers at all processes, in memory.

use model::ids::{AttemptId, WorkerId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{MemoryLogs, Stream};

/// Logs by process and worker. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<BTreeMap<(u64, WorkerId), MemoryLogs>>>);

impl Logs {
    /// The log that a worker has at a process.
    #[must_use]
    pub fn of(&self, process: u64, worker: &WorkerId) -> MemoryLogs {
        let key = (process, worker.clone());
        self.all().entry(key).or_default().clone()
    }

    /// What commands of an attempt printed, as far as it was kept.
    #[must_use]
    pub fn output(&self, process: u64, worker: &WorkerId, attempt: AttemptId) -> Vec<u8> {
        let frames = self.of(process, worker).frames(attempt);
        let output = frames.iter().filter(|frame| frame.stream != Stream::System);
        output.flat_map(|frame| frame.bytes.to_vec()).collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<(u64, WorkerId), MemoryLogs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
