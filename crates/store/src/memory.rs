//! The board in memory, for simulation and tests. Keeps the same promises as the one on disk, but
//! for surviving the process.
//!
//! A handle is cheap to clone; clones share the board, as processes share a file. Faults are not
//! built in: wrap the handle in another [`Store`].

use crate::board::{
    Command, Commit, GroupEntry, NewRun, NumberedCommand, References, RunFilter, RunSummary, Store,
};
use crate::error::{ClaimError, CommitError, StoreError};
use crate::group::{self, Entered, Living, Needed, Place, Standing};
use crate::owner::{Owner, OwnerToken};
use engine::rows::{
    AttemptEnd, AttemptResult, AttemptRow, Changes, Effect, EffectKey, EffectRow, EventRow,
    FragmentRef, GroupMember, LeaseRow, Parent, RunHead, RunRow, RunState, Snapshot, TaskRow,
};
use model::ids::{AttemptNo, RunId, ScopeNo, TaskNo, WorkerId};
use model::source::Difference;
use model::time::Timestamp;
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

/// A member of a group; `seq` grows from one to the next.
#[derive(Debug)]
struct Member {
    seq: u64,
    member: GroupMember,
    standing: Standing,
    supersedes: bool,
}

#[derive(Debug)]
struct Run {
    head: RunHead,
    row: RunRow,
    owner: Option<Owner>,
    fence: u64,
    tasks: BTreeMap<TaskNo, TaskRow>,
    attempts: BTreeMap<(TaskNo, AttemptNo), AttemptRow>,
    fragments: BTreeMap<ScopeNo, FragmentRef>,
    leases: BTreeMap<WorkerId, LeaseRow>,
    events: BTreeMap<u64, EventRow>,
    effects: BTreeMap<EffectKey, EffectRow>,
    inbox: BTreeMap<u64, Command>,
}

/// The expected duration after a new measurement: a quarter of the difference counts.
pub(crate) fn expected_after(before: Option<u64>, measured_ms: u64) -> u64 {
    match before {
        Some(before) => before - before / 4 + measured_ms / 4,
        None => measured_ms,
    }
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

    fn places(&self, group: &str, needed: Needed, alive: &dyn Fn(&Owner) -> bool) -> Vec<Place> {
        let mut lives: BTreeMap<RunId, bool> = BTreeMap::new();
        let mut living = 0;
        let mut places = Vec::new();
        for of in self.groups.get(group).into_iter().flatten() {
            let waits = of.standing == Standing::Waiting && !of.supersedes;
            let Some(run) = self.runs.get(&of.member.run) else {
                continue;
            };
            if waits && needed.is_met(living) {
                continue;
            }
            let look = || !run.has_ended() && run.owner.as_ref().is_some_and(alive);
            let alive = *lives.entry(of.member.run).or_insert_with(look);
            living += u32::from(waits && alive);
            places.push(Place {
                seq: of.seq,
                member: of.member,
                standing: of.standing,
                supersedes: of.supersedes,
                alive,
            });
        }
        places
    }

    fn decide(
        &mut self,
        entries: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Vec<Entered> {
        let mut answers = BTreeMap::new();
        for (name, askers) in group::by_group(entries) {
            let places = self.places(name, Needed::by(&askers), alive);
            let verdict = group::decide(&places, &askers);
            self.writes += verdict.moves.len() as u64;
            let members = self.groups.get_mut(name).into_iter().flatten();
            let mut moves: BTreeMap<GroupMember, Standing> = BTreeMap::new();
            // Of two moves of one member the later counts.
            moves.extend(verdict.moves);
            for of in members {
                of.standing = moves.get(&of.member).copied().unwrap_or(of.standing);
            }
            answers.insert(name, verdict.entered);
        }
        group::in_order(entries, answers)
    }
}

impl Run {
    fn new(new: &NewRun<'_>) -> Self {
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
        };
        run.apply(new.changes);
        run
    }

    fn has_ended(&self) -> bool {
        matches!(self.row.state, RunState::Ended(_))
    }

    fn accepts(&self, commit: &Commit<'_>) -> Result<(), CommitError> {
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

    fn apply(&mut self, changes: &Changes) {
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
        self.inbox = self.inbox.split_off(&(changes.run.inbox + 1));
    }

    fn newest_attempts(&self) -> Vec<AttemptRow> {
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

    fn summary(&self) -> RunSummary {
        RunSummary {
            head: self.head.clone(),
            row: self.row.clone(),
            owner: self.owner.clone(),
        }
    }

    fn references(&self) -> References {
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
            let end = row.end.as_deref();
            end.into_iter().for_each(|end| found.add_attempt_end(end));
            let quiet =
                |end: &AttemptEnd| end.log.is_some() || end.result == AttemptResult::Succeeded;
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

impl References {
    pub(crate) fn add_parent(&mut self, parent: &Parent) {
        for reused in parent.reused.values() {
            self.runs.insert(reused.run);
            self.blobs.extend(reused.generated);
            let artifacts = reused.artifacts.iter().map(|each| each.digest);
            self.blobs.extend(artifacts);
        }
    }

    fn add_attempt_end(&mut self, end: &AttemptEnd) {
        self.blobs.extend(end.generated);
        self.blobs.extend(end.summary);
        self.blobs
            .extend(end.artifacts.iter().map(|each| each.digest));
        if let Some(log) = &end.log {
            *self.segments.entry(log.segment.clone()).or_default() += log.size_bytes;
        }
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
