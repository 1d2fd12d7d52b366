//! One run on the board in memory: its rows, what it accepts, and what it refers to.

use crate::board::{Command, Commit, NewRun, References, RunSummary, result_of};
use crate::error::CommitError;
use crate::owner::Owner;
use engine::rows::{
    AttemptEnd, AttemptResult, AttemptRow, Changes, Effect, EffectKey, EffectRow, EventRow,
    FragmentRef, KeyRow, LeaseRow, ReuseKey, Reused, RunHead, RunRow, RunState, TaskRow,
};
use model::ids::{AttemptNo, ScopeNo, TaskNo, WorkerId};
use model::source::Difference;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub(super) struct Run {
    pub(super) head: RunHead,
    pub(super) row: RunRow,
    pub(super) owner: Option<Owner>,
    pub(super) fence: u64,
    pub(super) tasks: BTreeMap<TaskNo, TaskRow>,
    pub(super) attempts: BTreeMap<(TaskNo, AttemptNo), AttemptRow>,
    pub(super) fragments: BTreeMap<ScopeNo, FragmentRef>,
    pub(super) leases: BTreeMap<WorkerId, LeaseRow>,
    pub(super) events: BTreeMap<u64, EventRow>,
    pub(super) effects: BTreeMap<EffectKey, EffectRow>,
    pub(super) inbox: BTreeMap<u64, Command>,
    keys: BTreeSet<KeyRow>,
}

impl Run {
    pub(super) fn new(new: &NewRun<'_>) -> Self {
        let mut run = Self {
            head: new.head.clone(),
            row: new.changes.run.clone(),
            owner: Some(new.owner.clone()),
            fence: 1,
            tasks: BTreeMap::new(),
            attempts: BTreeMap::new(),
            fragments: BTreeMap::new(),
            leases: BTreeMap::new(),
            events: BTreeMap::new(),
            effects: BTreeMap::new(),
            inbox: BTreeMap::new(),
            keys: BTreeSet::new(),
        };
        run.apply(new.changes);
        run
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.row.state, RunState::Ended(_))
    }

    pub(super) fn accepts(&self, commit: &Commit<'_>) -> Result<(), CommitError> {
        let run = commit.run;
        if self.has_ended() && !commit.changes.only_acknowledges() {
            Err(CommitError::Ended(run))
        } else if self.fence != commit.owner.fence {
            Err(CommitError::NotOwner(run))
        } else if self.row.version == commit.expected_version {
            Ok(())
        } else {
            Err(CommitError::Conflict {
                run,
                expected_version: commit.expected_version,
                found_version: self.row.version,
            })
        }
    }

    pub(super) fn apply(&mut self, changes: &Changes) {
        self.row = changes.run.clone();
        for row in &changes.tasks {
            self.tasks.insert(row.no, row.clone());
        }
        for row in &changes.attempts {
            self.attempts.insert((row.task, row.attempt), row.clone());
        }
        for row in &changes.fragments {
            self.fragments.insert(row.scope, row.clone());
        }
        for row in &changes.leases {
            self.leases.insert(row.worker.clone(), row.clone());
        }
        for worker in &changes.leases_gone {
            self.leases.remove(worker);
        }
        for row in &changes.events {
            self.events.insert(row.seq, row.clone());
        }
        for row in &changes.effects {
            self.effects.insert(row.key.clone(), row.clone());
        }
        for key in &changes.effects_done {
            self.effects.remove(key);
        }
        self.keys.extend(&changes.keys);
        self.inbox = self.inbox.split_off(&(changes.run.inbox + 1));
    }

    /// The result that was published under a key, of the last task if there are several.
    pub(super) fn result(&self, key: ReuseKey) -> Option<Reused> {
        let published = self.keys.iter().rev().find(|row| row.key == key)?;
        let row = self.tasks.get(&published.task)?;
        result_of(self.head.id, row)
    }

    pub(super) fn newest_attempts(&self) -> Vec<AttemptRow> {
        let is_newest = |row: &AttemptRow| {
            let next = (row.task, AttemptNo(row.attempt.0.saturating_add(1)));
            let mut later = self.attempts.range(next..).map(|((task, _), _)| *task);
            later.next() != Some(row.task)
        };
        let rows = self.attempts.values();
        rows.filter(|row| row.end.is_none() || is_newest(row))
            .cloned()
            .collect()
    }

    pub(super) fn summary(&self) -> RunSummary {
        RunSummary {
            head: self.head.clone(),
            row: self.row.clone(),
            owner: self.owner.clone(),
        }
    }

    pub(super) fn references(&self) -> References {
        let mut found = References::default();
        found.blobs.insert(self.head.plan);
        if let Difference::Kept { digest, .. } = self.head.source.difference {
            found.blobs.insert(digest);
        }
        if let Some(parent) = &self.head.parent {
            found.add_parent(parent);
        }
        found
            .blobs
            .extend(self.fragments.values().map(|each| each.digest));
        for row in self.tasks.values() {
            found
                .blobs
                .extend(row.artifacts.iter().map(|each| each.digest));
            found.runs.extend(row.reused_from);
        }
        for row in self.attempts.values() {
            let keyed = row.keyed.as_deref();
            if let Some(reused) = keyed.and_then(|keyed| keyed.found.as_ref()) {
                found.add_reused(reused);
            }
            let end = row.end.as_deref();
            end.into_iter().for_each(|end| found.add_attempt_end(end));
            let quiet = |end: &AttemptEnd| {
                let by_itself = [AttemptResult::Succeeded, AttemptResult::Reused];
                end.log.is_some() || by_itself.contains(&end.result)
            };
            if !end.is_some_and(quiet) {
                found.workers.insert(row.worker.clone());
            }
        }
        for row in self.effects.values() {
            if let Effect::Compile { content, .. } = row.effect {
                found.blobs.insert(content);
            }
        }
        found
    }
}
