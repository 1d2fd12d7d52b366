//! Faults of the store: what it takes, keeps and reads back.

use super::Fault;
use crate::layer::{Alive, Layer, Over};
use engine::rows::{Changes, GroupMember, ReuseKey, Reused, Snapshot, TaskState};
use model::ids::RunId;
use model::reason::{CancelMode, QueueReason};
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{
    ClaimError, Command, Commit, CommitError, Entered, GroupEntry, MemoryStore, NewRun,
    NumberedCommand, Owner, OwnerToken, Store, StoreError,
};

pub(super) fn faulty(fault: Fault, truth: MemoryStore) -> Arc<dyn Store> {
    Arc::new(Over(Faulty {
        fault,
        truth,
        tokens: Mutex::default(),
        keys: Mutex::default(),
    }))
}

struct Faulty {
    fault: Fault,
    truth: MemoryStore,
    /// The newest token of each run.
    tokens: Mutex<BTreeMap<RunId, OwnerToken>>,
    /// Every key that was asked for.
    keys: Mutex<BTreeSet<ReuseKey>>,
}

impl Faulty {
    fn tokens(&self) -> MutexGuard<'_, BTreeMap<RunId, OwnerToken>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, commit: &Commit<'_>) -> Result<(), CommitError> {
        let mut answers = self.truth.run_commit(std::slice::from_ref(commit));
        answers.pop().expect("one answer for one change")
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn spoil(&self, changes: &mut Changes) {
        if self.has(Fault::EffectsAreNotWritten) {
            changes.effects.clear();
        }
        if self.has(Fault::EffectsAreNeverDone) {
            changes.effects_done.clear();
        }
        if self.has(Fault::LeasesAreNotWritten) {
            changes.leases.clear();
        }
        if self.has(Fault::FindingsAreNotWritten) {
            for row in &mut changes.attempts {
                row.keyed = None;
            }
        }
        if self.has(Fault::StopsAreNotWritten) {
            for row in &mut changes.attempts {
                row.stop = None;
            }
        }
    }

    /// Asks for places with a wrong limit, or with a wrong idea of who lives.
    fn misjudge(
        &self,
        entries: &[GroupEntry<'_>],
        alive: Alive<'_>,
        ask: impl FnOnce(&[GroupEntry<'_>], Alive<'_>) -> Result<Vec<Entered>, StoreError>,
    ) -> Result<Vec<Entered>, StoreError> {
        let mut entries = entries.to_vec();
        if self.has(Fault::GroupsHaveRoom) {
            entries.iter_mut().for_each(|entry| entry.limit = u32::MAX);
        }
        let nobody = |_: &Owner| false;
        let alive: Alive<'_> = if self.has(Fault::PlacesOfTheLivingAreGiven) {
            &nobody
        } else {
            alive
        };
        ask(&entries, alive)
    }

    fn misread(&self, rows: &mut Snapshot) {
        if self.has(Fault::EffectsAreNotOfferedAgain) {
            rows.effects.clear();
        }
        for row in &mut rows.tasks {
            if self.has(Fault::TimersAreForgotten) {
                row.timer_at = None;
            }
            let pauses = row.state == TaskState::Queued(QueueReason::Backoff);
            if self.has(Fault::PausesAreSkipped) && pauses {
                row.timer_at = Some(Timestamp(0));
            }
            if self.has(Fault::CountersAreForgotten) {
                (row.retries, row.free_retries) = (0, 0);
            }
        }
    }
}

impl Layer for Faulty {
    fn below(&self) -> &dyn Store {
        &self.truth
    }

    fn create(&self, new: &NewRun<'_>) -> Result<OwnerToken, StoreError> {
        let mut changes = new.changes.clone();
        self.spoil(&mut changes);
        let token = self.truth.run_create(&NewRun {
            changes: &changes,
            ..*new
        })?;
        self.tokens().insert(token.run, token);
        Ok(token)
    }

    fn load(&self, run: RunId) -> Result<Option<Snapshot>, StoreError> {
        let mut rows = self.truth.run_load(run)?;
        if let Some(rows) = &mut rows {
            self.misread(rows);
        }
        Ok(rows)
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<(), CommitError> {
        let mut changes = commit.changes.clone();
        self.spoil(&mut changes);
        let (mut owner, mut expected_version) = (*commit.owner, commit.expected_version);
        if self.has(Fault::FormerOwnersWrite) {
            owner = self.tokens().get(&commit.run).copied().unwrap_or(owner);
            let board = self.truth.run_fetch(commit.run)?;
            expected_version = board.map_or(expected_version, |board| board.row.version);
        }
        self.write(&Commit {
            owner: &owner,
            expected_version,
            changes: &changes,
            run: commit.run,
        })
    }

    fn found(&self, key: ReuseKey) -> Result<Option<Reused>, StoreError> {
        let found = self.truth.reuse_find(key)?;
        if found.is_some() || !self.has(Fault::OtherResultsAreFound) {
            return Ok(found);
        }
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(key);
        for other in keys.iter() {
            let found = self.truth.reuse_find(*other)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn append(&self, run: RunId, command: &Command) -> Result<u64, StoreError> {
        if self.has(Fault::CommandsAreNotKept) {
            let kept = self.truth.inbox_after(run, 0)?;
            return Ok(kept.last().map_or(1, |last| last.seq + 1));
        }
        self.truth.inbox_append(run, command)
    }

    fn inbox(&self, run: RunId, after: u64) -> Result<Vec<NumberedCommand>, StoreError> {
        let mut commands = self.truth.inbox_after(run, after)?;
        if self.has(Fault::CancelsAreWeakened) {
            for numbered in &mut commands {
                if let Command::Cancel { mode, .. } = &mut numbered.command {
                    *mode = CancelMode::Drain;
                }
            }
        }
        Ok(commands)
    }

    fn claim(&self, run: RunId, owner: &Owner, alive: Alive<'_>) -> Result<OwnerToken, ClaimError> {
        let nobody = |_: &Owner| false;
        let alive: Alive<'_> = if self.has(Fault::LivingOwnersAreReplaced) {
            &nobody
        } else {
            alive
        };
        let token = self.truth.owner_claim(run, owner, alive)?;
        self.tokens().insert(run, token);
        Ok(token)
    }

    fn enter(
        &self,
        entries: &[GroupEntry<'_>],
        alive: Alive<'_>,
    ) -> Result<Vec<Entered>, StoreError> {
        self.misjudge(entries, alive, |entries, alive| {
            self.truth.group_enter(entries, alive)
        })
    }

    fn admitted(
        &self,
        entries: &[GroupEntry<'_>],
        alive: Alive<'_>,
    ) -> Result<Vec<Entered>, StoreError> {
        if self.has(Fault::GroupsStayFull) {
            return Ok(vec![Entered::default(); entries.len()]);
        }
        self.misjudge(entries, alive, |entries, alive| {
            self.truth.group_admitted(entries, alive)
        })
    }

    fn leave(
        &self,
        left: &[(&str, GroupMember)],
        next: &[GroupEntry<'_>],
        alive: Alive<'_>,
    ) -> Result<Vec<Entered>, StoreError> {
        if !self.has(Fault::GroupsAreNotLeft) {
            self.truth.group_leave(left, &[], alive)?;
        }
        self.admitted(next, alive)
    }

    fn writes(&self) -> Result<u64, StoreError> {
        if self.has(Fault::WritesAreNotSeen) {
            return Ok(0);
        }
        self.truth.changed()
    }
}
