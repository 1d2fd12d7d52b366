//! The board in memory, for simulation and tests. Keeps the same promises as the one on disk, but
//! for surviving the process.
//!
//! A handle is cheap to clone; clones share the board, as processes share a file. Faults are not
//! built in: wrap the handle in another [`Store`].

mod groups;
mod run;

use crate::board::{
    Command, Commit, GroupEntry, NewRun, NumberedCommand, References, RunFilter, RunSummary, Store,
    expected_after,
};
use crate::error::{ClaimError, CommitError, StoreError};
use crate::group::{self, Entered, Living, Needed, Standing};
use crate::owner::{Owner, OwnerToken};
use engine::rows::{AttemptRow, EventRow, GroupMember, ReuseKey, Reused, Snapshot, TaskRow};
use groups::Member;
use model::ids::{RunId, TaskNo};
use model::time::Timestamp;
use run::Run;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A board in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// In order of creation.
    order: Vec<RunId>,
    runs: BTreeMap<RunId, Run>,
    groups: BTreeMap<String, Vec<Member>>,
    durations: BTreeMap<String, BTreeMap<String, (u64, Timestamp)>>,
    writes: u64,
}

impl MemoryStore {
    /// An empty board.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn run(&self, run: RunId) -> Result<&Run, StoreError> {
        self.runs.get(&run).ok_or(StoreError::NoRun(run))
    }

    fn run_to_change(&mut self, run: RunId) -> Result<&mut Run, StoreError> {
        self.writes += 1;
        self.runs.get_mut(&run).ok_or(StoreError::NoRun(run))
    }
}

impl Store for MemoryStore {
    fn run_create(&self, new: &NewRun<'_>) -> Result<OwnerToken, StoreError> {
        let mut state = self.state();
        let id = new.head.id;
        if state.runs.contains_key(&id) {
            return Err(StoreError::RunExists(id));
        }
        let run = Run::new(new);
        let fence = run.fence;
        state.runs.insert(id, run);
        state.order.push(id);
        state.writes += 1;
        Ok(OwnerToken { run: id, fence })
    }

    fn run_load(&self, run: RunId) -> Result<Option<Snapshot>, StoreError> {
        let state = self.state();
        Ok(state.runs.get(&run).map(|run| Snapshot {
            head: run.head.clone(),
            run: run.row.clone(),
            tasks: run.tasks.values().cloned().collect(),
            attempts: run.newest_attempts(),
            fragments: run.fragments.values().cloned().collect(),
            leases: run.leases.values().cloned().collect(),
            effects: run.effects.values().cloned().collect(),
        }))
    }

    fn run_commit(&self, commits: &[Commit<'_>]) -> Vec<Result<(), CommitError>> {
        let mut state = self.state();
        let mut write = |commit: &Commit<'_>| {
            let run = state.run_to_change(commit.run)?;
            run.accepts(commit)?;
            run.apply(commit.changes);
            Ok(())
        };
        commits.iter().map(&mut write).collect()
    }

    fn run_fetch(&self, run: RunId) -> Result<Option<RunSummary>, StoreError> {
        Ok(self.state().runs.get(&run).map(Run::summary))
    }

    fn run_find(&self, prefix: &str, limit: usize) -> Result<Vec<RunId>, StoreError> {
        let state = self.state();
        let newest_first = state.order.iter().rev().copied();
        Ok(newest_first
            .filter(|run| run.as_str().starts_with(prefix))
            .take(limit)
            .collect())
    }

    fn run_list(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        let state = self.state();
        let newest_first = state.order.iter().rev().map(|run| &state.runs[run]);
        let passes = |run: &&Run| {
            let pipeline = filter.pipeline.as_ref();
            pipeline.is_none_or(|pipeline| *pipeline == run.head.pipeline)
                && !(filter.living && run.has_ended())
        };
        Ok(newest_first
            .filter(passes)
            .take(filter.limit.unwrap_or(usize::MAX))
            .map(Run::summary)
            .collect())
    }

    fn run_tasks(&self, run: RunId) -> Result<Vec<TaskRow>, StoreError> {
        Ok(self.state().run(run)?.tasks.values().cloned().collect())
    }

    fn run_attempts(
        &self,
        run: RunId,
        task: Option<TaskNo>,
    ) -> Result<Vec<AttemptRow>, StoreError> {
        let state = self.state();
        let rows = state.run(run)?.attempts.values();
        Ok(rows
            .filter(|row| task.is_none_or(|task| task == row.task))
            .cloned()
            .collect())
    }

    fn run_events(
        &self,
        run: RunId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        let state = self.state();
        let rows = state.run(run)?.events.range(after.saturating_add(1)..);
        Ok(rows.take(limit).map(|(_, row)| row.clone()).collect())
    }

    fn run_references(&self, run: RunId) -> Result<References, StoreError> {
        Ok(self.state().run(run)?.references())
    }

    fn run_remove(&self, runs: &[RunId]) -> Result<(), StoreError> {
        let mut state = self.state();
        let living = |run: &&RunId| state.runs.get(run).is_some_and(|run| !run.has_ended());
        if let Some(&run) = runs.iter().find(living) {
            return Err(StoreError::RunLiving(run));
        }
        for run in runs {
            state.runs.remove(run);
            state.order.retain(|each| each != run);
            for members in state.groups.values_mut() {
                members.retain(|of| of.member.run != *run);
            }
        }
        state.writes += 1;
        Ok(())
    }

    fn run_settle_ended(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        let State { runs, groups, .. } = &mut *state;
        let has_ended = |run: &RunId| runs.get(run).is_some_and(Run::has_ended);
        for members in groups.values_mut() {
            members.retain(|of| !has_ended(&of.member.run));
        }
        for run in runs.values_mut().filter(|run| run.has_ended()) {
            run.effects.clear();
        }
        state.writes += 1;
        Ok(())
    }

    fn reuse_find(&self, key: ReuseKey) -> Result<Option<Reused>, StoreError> {
        let state = self.state();
        let mut newest_first = state.order.iter().rev().map(|run| &state.runs[run]);
        Ok(newest_first.find_map(|run| run.result(key)))
    }

    fn inbox_append(&self, run: RunId, command: &Command) -> Result<u64, StoreError> {
        let mut state = self.state();
        let row = state.run_to_change(run)?;
        if row.has_ended() {
            return Err(StoreError::RunEnded(run));
        }
        let last = row.inbox.last_key_value().map_or(0, |(&seq, _)| seq);
        let seq = last.max(row.row.inbox) + 1;
        row.inbox.insert(seq, command.clone());
        Ok(seq)
    }

    fn inbox_after(&self, run: RunId, after: u64) -> Result<Vec<NumberedCommand>, StoreError> {
        let state = self.state();
        let commands = state.run(run)?.inbox.range(after.saturating_add(1)..);
        Ok(commands
            .map(|(&seq, command)| NumberedCommand {
                seq,
                command: command.clone(),
            })
            .collect())
    }

    fn owner_claim(
        &self,
        run: RunId,
        owner: &Owner,
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<OwnerToken, ClaimError> {
        let mut state = self.state();
        let row = state.run_to_change(run)?;
        if row.has_ended() {
            return Err(StoreError::RunEnded(run).into());
        }
        if let Some(present) = row.owner.as_ref().filter(|present| alive(present)) {
            let owner = Box::new(present.clone());
            return Err(ClaimError::Owned { run, owner });
        }
        row.fence += 1;
        row.owner = Some(owner.clone());
        Ok(OwnerToken {
            run,
            fence: row.fence,
        })
    }

    fn owner_renew(&self, token: &OwnerToken, until: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        let row = state.run_to_change(token.run)?;
        match &mut row.owner {
            Some(owner) if row.fence == token.fence => {
                owner.until = until;
                Ok(())
            }
            Some(_) | None => Err(StoreError::NotOwner(token.run)),
        }
    }

    fn owner_release(&self, token: &OwnerToken) -> Result<(), StoreError> {
        let mut state = self.state();
        if let Ok(row) = state.run_to_change(token.run)
            && row.fence == token.fence
        {
            row.fence += 1;
            row.owner = None;
        }
        Ok(())
    }

    fn group_enter(
        &self,
        entries: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Entered>, StoreError> {
        let mut state = self.state();
        for entry in entries {
            state.run(entry.member.run)?;
        }
        let mut seqs = Vec::with_capacity(entries.len());
        for entry in entries {
            let members = state.groups.entry(entry.group.to_owned()).or_default();
            let known = members.iter().find(|of| of.member == entry.member);
            let next = members.last().map_or(0, |last| last.seq) + 1;
            seqs.push(known.map_or(next, |of| of.seq));
            if known.is_none() {
                members.push(Member {
                    seq: next,
                    member: entry.member,
                    standing: Standing::Waiting,
                    supersedes: group::supersedes(entry.mode),
                });
                state.writes += 1;
            }
        }
        let answers = state.decide(entries, alive).into_iter().zip(seqs);
        Ok(answers
            .map(|(entered, seq)| Entered { seq, ..entered })
            .collect())
    }

    fn group_admitted(
        &self,
        entries: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Entered>, StoreError> {
        Ok(self.state().decide(entries, alive))
    }

    fn group_leave(
        &self,
        left: &[(&str, GroupMember)],
        next: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Entered>, StoreError> {
        let mut state = self.state();
        for &(group, member) in left {
            state.writes += 1;
            if let Some(members) = state.groups.get_mut(group) {
                members.retain(|of| of.member != member);
                if members.is_empty() {
                    state.groups.remove(group);
                }
            }
        }
        Ok(state.decide(next, alive))
    }

    fn group_members(
        &self,
        group: &str,
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Living>, StoreError> {
        let places = self.state().places(group, Needed::All, alive);
        Ok(group::living(&places))
    }

    fn durations(&self, pipeline: &str) -> Result<BTreeMap<String, u64>, StoreError> {
        let state = self.state();
        let known = state.durations.get(pipeline).into_iter().flatten();
        Ok(known
            .map(|(path, &(expected_ms, _))| (path.clone(), expected_ms))
            .collect())
    }

    fn durations_record(
        &self,
        pipeline: &str,
        measured_ms: &BTreeMap<String, u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        state.writes += 1;
        let known = state.durations.entry(pipeline.to_owned()).or_default();
        for (path, &measured) in measured_ms {
            let before = known.get(path).map(|&(expected_ms, _)| expected_ms);
            known.insert(path.clone(), (expected_after(before, measured), now));
        }
        Ok(())
    }

    fn durations_forget(&self, before: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        state.writes += 1;
        for known in state.durations.values_mut() {
            known.retain(|_, (_, measured_at)| *measured_at >= before);
        }
        Ok(())
    }

    fn changed(&self) -> Result<u64, StoreError> {
        Ok(self.state().writes)
    }
}
