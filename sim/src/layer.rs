//! A store over a store: everything passes through but for what a layer changes.
//!
//! Two layers exist: the simulated disk, which is slow and dies ([`crate::disk`]), and planted faults
//! ([`crate::faults`]).

use engine::rows::{AttemptRow, EventRow, GroupMember, ReuseKey, Reused, Snapshot, TaskRow};
use model::ids::{RunId, TaskNo};
use model::time::Timestamp;
use std::collections::BTreeMap;
use store::{
    ClaimError, Command, Commit, CommitError, Entered, GroupEntry, Living, NewRun, NumberedCommand,
    Owner, OwnerToken, References, RunFilter, RunSummary, Store, StoreError,
};

/// Whether an owner lives.
pub type Alive<'a> = &'a dyn Fn(&Owner) -> bool;

/// What a layer may change. By default nothing.
pub trait Layer: Send + Sync {
    /// The store below.
    fn below(&self) -> &dyn Store;

    /// Before every command and after every command that writes; an error is answered in its stead.
    ///
    /// # Errors
    /// When the store below must not be asked.
    fn touch(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// As [`Store::run_create`].
    ///
    /// # Errors
    /// As there.
    fn create(&self, new: &NewRun<'_>) -> Result<OwnerToken, StoreError> {
        self.below().run_create(new)
    }

    /// As [`Store::run_load`].
    ///
    /// # Errors
    /// As there.
    fn load(&self, run: RunId) -> Result<Option<Snapshot>, StoreError> {
        self.below().run_load(run)
    }

    /// As [`Store::run_commit`], one at a time.
    ///
    /// # Errors
    /// As there.
    fn commit(&self, commit: &Commit<'_>) -> Result<(), CommitError> {
        let mut answers = self.below().run_commit(std::slice::from_ref(commit));
        answers.pop().expect("one answer for one change")
    }

    /// As [`Store::reuse_find`].
    ///
    /// # Errors
    /// As there.
    fn found(&self, key: ReuseKey) -> Result<Option<Reused>, StoreError> {
        self.below().reuse_find(key)
    }

    /// As [`Store::inbox_append`].
    ///
    /// # Errors
    /// As there.
    fn append(&self, run: RunId, command: &Command) -> Result<u64, StoreError> {
        self.below().inbox_append(run, command)
    }

    /// As [`Store::inbox_after`].
    ///
    /// # Errors
    /// As there.
    fn inbox(&self, run: RunId, after: u64) -> Result<Vec<NumberedCommand>, StoreError> {
        self.below().inbox_after(run, after)
    }

    /// As [`Store::owner_claim`].
    ///
    /// # Errors
    /// As there.
    fn claim(&self, run: RunId, owner: &Owner, alive: Alive<'_>) -> Result<OwnerToken, ClaimError> {
        self.below().owner_claim(run, owner, alive)
    }

    /// As [`Store::group_enter`].
    ///
    /// # Errors
    /// As there.
    fn enter(
        &self,
        entries: &[GroupEntry<'_>],
        alive: Alive<'_>,
    ) -> Result<Vec<Entered>, StoreError> {
        self.below().group_enter(entries, alive)
    }

    /// As [`Store::group_admitted`].
    ///
    /// # Errors
    /// As there.
    fn admitted(
        &self,
        entries: &[GroupEntry<'_>],
        alive: Alive<'_>,
    ) -> Result<Vec<Entered>, StoreError> {
        self.below().group_admitted(entries, alive)
    }

    /// As [`Store::group_leave`].
    ///
    /// # Errors
    /// As there.
    fn leave(
        &self,
        left: &[(&str, GroupMember)],
        next: &[GroupEntry<'_>],
        alive: Alive<'_>,
    ) -> Result<Vec<Entered>, StoreError> {
        self.below().group_leave(left, next, alive)
    }

    /// As [`Store::changed`].
    ///
    /// # Errors
    /// As there.
    fn writes(&self) -> Result<u64, StoreError> {
        self.below().changed()
    }
}

/// A layer as a store.
#[derive(Debug)]
pub struct Over<L>(pub L);

impl<L: Layer> Over<L> {
    fn read<T>(&self, ask: impl FnOnce(&L) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.0.touch()?;
        ask(&self.0)
    }

    fn write<T>(&self, ask: impl FnOnce(&L) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.0.touch()?;
        let answer = ask(&self.0)?;
        self.0.touch()?;
        Ok(answer)
    }
}

impl<L: Layer> Store for Over<L> {
    fn run_create(&self, new: &NewRun<'_>) -> Result<OwnerToken, StoreError> {
        self.write(|layer| layer.create(new))
    }

    fn run_load(&self, run: RunId) -> Result<Option<Snapshot>, StoreError> {
        self.read(|layer| layer.load(run))
    }

    fn run_commit(&self, commits: &[Commit<'_>]) -> Vec<Result<(), CommitError>> {
        // One transaction: it is done as a whole or not at all.
        let refuse = |error: StoreError| {
            let all = commits.iter();
            all.map(|_| Err(CommitError::Store(error.clone())))
                .collect()
        };
        if let Err(error) = self.0.touch() {
            return refuse(error);
        }
        let answers = commits.iter().map(|commit| self.0.commit(commit)).collect();
        match self.0.touch() {
            Ok(()) => answers,
            Err(error) => refuse(error),
        }
    }

    fn run_fetch(&self, run: RunId) -> Result<Option<RunSummary>, StoreError> {
        self.read(|layer| layer.below().run_fetch(run))
    }

    fn run_find(&self, prefix: &str, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.read(|layer| layer.below().run_find(prefix, limit))
    }

    fn run_list(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        self.read(|layer| layer.below().run_list(filter))
    }

    fn run_tasks(&self, run: RunId) -> Result<Vec<TaskRow>, StoreError> {
        self.read(|layer| layer.below().run_tasks(run))
    }

    fn run_attempts(
        &self,
        run: RunId,
        task: Option<TaskNo>,
    ) -> Result<Vec<AttemptRow>, StoreError> {
        self.read(|layer| layer.below().run_attempts(run, task))
    }

    fn run_events(
        &self,
        run: RunId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        self.read(|layer| layer.below().run_events(run, after, limit))
    }

    fn run_references(&self, run: RunId) -> Result<References, StoreError> {
        self.read(|layer| layer.below().run_references(run))
    }

    fn run_remove(&self, runs: &[RunId]) -> Result<(), StoreError> {
        self.write(|layer| layer.below().run_remove(runs))
    }

    fn run_settle_ended(&self) -> Result<(), StoreError> {
        self.write(|layer| layer.below().run_settle_ended())
    }

    fn reuse_find(&self, key: ReuseKey) -> Result<Option<Reused>, StoreError> {
        self.read(|layer| layer.found(key))
    }

    fn inbox_append(&self, run: RunId, command: &Command) -> Result<u64, StoreError> {
        self.write(|layer| layer.append(run, command))
    }

    fn inbox_after(&self, run: RunId, after: u64) -> Result<Vec<NumberedCommand>, StoreError> {
        self.read(|layer| layer.inbox(run, after))
    }

    fn owner_claim(
        &self,
        run: RunId,
        owner: &Owner,
        alive: Alive<'_>,
    ) -> Result<OwnerToken, ClaimError> {
        self.0.touch()?;
        let token = self.0.claim(run, owner, alive)?;
        self.0.touch()?;
        Ok(token)
    }

    fn owner_renew(&self, token: &OwnerToken, until: Timestamp) -> Result<(), StoreError> {
        self.write(|layer| layer.below().owner_renew(token, until))
    }

    fn owner_release(&self, token: &OwnerToken) -> Result<(), StoreError> {
        self.write(|layer| layer.below().owner_release(token))
    }

    fn group_enter(
        &self,
        entries: &[GroupEntry<'_>],
        alive: Alive<'_>,
    ) -> Result<Vec<Entered>, StoreError> {
        self.write(|layer| layer.enter(entries, alive))
    }

    fn group_admitted(
        &self,
        entries: &[GroupEntry<'_>],
        alive: Alive<'_>,
    ) -> Result<Vec<Entered>, StoreError> {
        self.write(|layer| layer.admitted(entries, alive))
    }

    fn group_leave(
        &self,
        left: &[(&str, GroupMember)],
        next: &[GroupEntry<'_>],
        alive: Alive<'_>,
    ) -> Result<Vec<Entered>, StoreError> {
        self.write(|layer| layer.leave(left, next, alive))
    }

    fn group_members(&self, group: &str, alive: Alive<'_>) -> Result<Vec<Living>, StoreError> {
        self.read(|layer| layer.below().group_members(group, alive))
    }

    fn durations(&self, pipeline: &str) -> Result<BTreeMap<String, u64>, StoreError> {
        self.read(|layer| layer.below().durations(pipeline))
    }

    fn durations_record(
        &self,
        pipeline: &str,
        measured_ms: &BTreeMap<String, u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(|layer| layer.below().durations_record(pipeline, measured_ms, now))
    }

    fn durations_forget(&self, before: Timestamp) -> Result<(), StoreError> {
        self.write(|layer| layer.below().durations_forget(before))
    }

    fn changed(&self) -> Result<u64, StoreError> {
        self.0.writes()
    }
}
