//! The disk under one process: it can die at any command, before or after the command was done, and it keeps a
//! journal of what was written, so that every single change is looked at.

use crate::layer::{Alive, Layer};
use engine::rows::Snapshot;
use model::ids::RunId;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{
    ClaimError, Commit, CommitError, MemoryStore, NewRun, Owner, OwnerToken, Store, StoreError,
};

/// One change that the board has taken.
#[derive(Debug, Clone)]
pub struct Written {
    /// The run.
    pub run: RunId,
    /// Which owner wrote it.
    pub fence: u64,
    /// Who began to own the run with it; else nothing but rows changed.
    pub owner: Option<u64>,
    /// The rows after it.
    pub rows: Snapshot,
    /// The events that it wrote.
    pub events: Vec<engine::rows::EventRow>,
}

/// What all disks have written, in order.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<Written>>>);

impl Journal {
    /// Takes out what was written since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<Written> {
        std::mem::take(&mut self.entries())
    }

    /// Runs that were written to since then.
    #[must_use]
    pub fn runs(&self) -> Vec<RunId> {
        let mut runs: Vec<RunId> = self.entries().iter().map(|entry| entry.run).collect();
        runs.dedup();
        runs
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Written>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See the module.
#[derive(Clone)]
pub struct Disk {
    below: Arc<dyn Store>,
    /// What is really there.
    truth: MemoryStore,
    journal: Journal,
    dies_after: Arc<Mutex<Option<u64>>>,
}

impl Disk {
    /// A disk that lives.
    #[must_use]
    pub fn new(below: Arc<dyn Store>, truth: MemoryStore, journal: Journal) -> Self {
        Self {
            below,
            truth,
            journal,
            dies_after: Arc::default(),
        }
    }

    /// Lets it die after so many more looks at it; each command that writes is looked at twice.
    pub fn die_after(&self, touches: u64) {
        *self.countdown() = Some(touches);
    }

    fn countdown(&self) -> MutexGuard<'_, Option<u64>> {
        self.dies_after
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, run: RunId, fence: u64, owner: Option<u64>, events: &[engine::rows::EventRow]) {
        let rows = self.truth.run_load(run).expect("memory does not fail");
        if let Some(mut rows) = rows {
            let attempts = self.truth.run_attempts(run, None);
            rows.attempts = attempts.expect("memory does not fail");
            self.journal.entries().push(Written {
                run,
                fence,
                owner,
                rows,
                events: events.to_vec(),
            });
        }
    }
}

impl Layer for Disk {
    fn below(&self) -> &dyn Store {
        &*self.below
    }

    fn touch(&self) -> Result<(), StoreError> {
        let mut countdown = self.countdown();
        match &mut *countdown {
            Some(0) => Err(StoreError::Io {
                board: PathBuf::from("memory"),
                source: Arc::new(io::Error::other("the process dies here")),
            }),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn create(&self, new: &NewRun<'_>) -> Result<OwnerToken, StoreError> {
        let token = self.below.run_create(new)?;
        let owner = Some(new.owner.nonce);
        self.note(token.run, token.fence, owner, &new.changes.events);
        Ok(token)
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<(), CommitError> {
        let mut answers = self.below.run_commit(std::slice::from_ref(commit));
        answers.pop().expect("one answer for one change")?;
        let fence = commit.owner.fence;
        self.note(commit.run, fence, None, &commit.changes.events);
        Ok(())
    }

    fn claim(&self, run: RunId, owner: &Owner, alive: Alive<'_>) -> Result<OwnerToken, ClaimError> {
        let token = self.below.owner_claim(run, owner, alive)?;
        self.note(run, token.fence, Some(owner.nonce), &[]);
        Ok(token)
    }
}
