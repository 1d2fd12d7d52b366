//! What can be asked of a board: some twenty coarse commands.
//!
//! Every command is one transaction. A command that returns `Ok` is durable. Commands on one run
//! are ordered by the run's version: a writer that read another version is told so and reloads.
//! Nothing here decides what a run does next.

mod references;

use crate::error::{ClaimError, CommitError, StoreError};
use crate::group::{Entered, Living};
use crate::owner::{Owner, OwnerToken};
pub use engine::event::Command;
use engine::rows::{
    AttemptRow, Changes, EventRow, GroupMember, ReuseKey, Reused, RunHead, RunRow, Snapshot,
    TaskRow,
};
use model::digest::Digest;
use model::ids::{RunId, TaskNo, WorkerId};
use model::plan::GroupMode;
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The durable shared record of all runs, used by several threads and processes at once.
pub trait Store: Send + Sync {
    /// Creates a run with its first rows, owned by `new.owner`.
    ///
    /// # Errors
    /// [`StoreError::RunExists`] when the id is taken.
    fn run_create(&self, new: &NewRun<'_>) -> Result<OwnerToken, StoreError>;

    /// Everything true of a run, as the machine needs it: of ended attempts only the newest of each
    /// task. Leases come by worker, effects by key, attempts by task and number.
    ///
    /// # Errors
    /// When the board cannot be read.
    fn run_load(&self, run: RunId) -> Result<Option<Snapshot>, StoreError>;

    /// Writes changes of several runs, or several changes of one, in one durable transaction. Each
    /// stands for itself: one that is refused changes nothing and holds up no other.
    ///
    /// Callers on other threads are combined into the same transaction.
    fn run_commit(&self, commits: &[Commit<'_>]) -> Vec<Result<(), CommitError>>;

    /// The head, row and owner of a run.
    ///
    /// # Errors
    /// When the board cannot be read.
    fn run_fetch(&self, run: RunId) -> Result<Option<RunSummary>, StoreError>;

    /// Runs whose id begins with `prefix` (lower case), newest first, at most `limit`.
    ///
    /// # Errors
    /// When the board cannot be read.
    fn run_find(&self, prefix: &str, limit: usize) -> Result<Vec<RunId>, StoreError>;

    /// Runs that pass `filter`, newest first. New is who was created later, whatever the clock said.
    ///
    /// # Errors
    /// When the board cannot be read.
    fn run_list(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError>;

    /// All tasks of a run, in order of their numbers.
    ///
    /// # Errors
    /// [`StoreError::NoRun`].
    fn run_tasks(&self, run: RunId) -> Result<Vec<TaskRow>, StoreError>;

    /// All attempts of a run, or of one of its tasks, by task and number.
    ///
    /// # Errors
    /// [`StoreError::NoRun`].
    fn run_attempts(&self, run: RunId, task: Option<TaskNo>)
    -> Result<Vec<AttemptRow>, StoreError>;

    /// Events after number `after`, in order, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::NoRun`].
    fn run_events(&self, run: RunId, after: u64, limit: usize)
    -> Result<Vec<EventRow>, StoreError>;

    /// Every blob and log segment that the rows of a run name.
    ///
    /// # Errors
    /// [`StoreError::NoRun`].
    fn run_references(&self, run: RunId) -> Result<References, StoreError>;

    /// Removes every row of runs that have ended; runs that are gone already are passed over.
    ///
    /// # Errors
    /// [`StoreError::RunLiving`] when one of them has not ended; then none is removed.
    fn run_remove(&self, runs: &[RunId]) -> Result<(), StoreError>;

    /// Removes places in groups and effects of runs that have ended. Such a run gets no owner any more, so what
    /// its last one did not come to is done by this; both hold up nobody meanwhile.
    ///
    /// # Errors
    /// When the board cannot be written.
    fn run_settle_ended(&self) -> Result<(), StoreError>;

    /// The result that a task of the newest run has published under a key, by [`engine::rows::KeyRow`].
    ///
    /// # Errors
    /// When the board cannot be read.
    fn reuse_find(&self, key: ReuseKey) -> Result<Option<Reused>, StoreError>;

    /// Puts a command for the owner of a run into its inbox; returns the command's number.
    ///
    /// # Errors
    /// [`StoreError::NoRun`], [`StoreError::RunEnded`].
    fn inbox_append(&self, run: RunId, command: &Command) -> Result<u64, StoreError>;

    /// Commands with a number above `after`, in order. A commit whose [`RunRow::inbox`] covers a
    /// command removes it.
    ///
    /// # Errors
    /// [`StoreError::NoRun`].
    fn inbox_after(&self, run: RunId, after: u64) -> Result<Vec<NumberedCommand>, StoreError>;

    /// Makes `owner` the owner of a living run unless it has one of whom `alive` is true. Every
    /// token given out before is void from then on.
    ///
    /// # Errors
    /// [`ClaimError::Owned`] with the owner; [`StoreError::NoRun`], [`StoreError::RunEnded`].
    fn owner_claim(
        &self,
        run: RunId,
        owner: &Owner,
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<OwnerToken, ClaimError>;

    /// Moves the end of an owner's lease.
    ///
    /// # Errors
    /// [`StoreError::NotOwner`] when somebody else owns the run by now.
    fn owner_renew(&self, token: &OwnerToken, until: Timestamp) -> Result<(), StoreError>;

    /// Gives a run up: it has no owner then, and the token is void. Does nothing when somebody else
    /// owns it by now.
    ///
    /// # Errors
    /// When the board cannot be written.
    fn owner_release(&self, token: &OwnerToken) -> Result<(), StoreError>;

    /// Enters concurrency groups, in this order, and takes places where there is room; may be
    /// repeated, and then tells the same. Members of runs that have ended, or whose owner is not
    /// `alive`, hold no place; one that lost its place waits again. The caller cancels those who are
    /// `superseded`. The answers come in the order of the entries.
    ///
    /// # Errors
    /// [`StoreError::NoRun`] when a member's run is not on the board; then nobody has entered.
    fn group_enter(
        &self,
        entries: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Entered>, StoreError>;

    /// Looks whether there is room by now for members that have entered, and then gives the places to
    /// the first of them. Cheap while there is none, however many wait. The answers come in the order
    /// of the entries.
    ///
    /// # Errors
    /// When the board cannot be used.
    fn group_admitted(
        &self,
        entries: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Entered>, StoreError>;

    /// Leaves groups, and looks in the same transaction whether there is room for `next` then. A member
    /// that is not in its group has left it. The answers come in the order of `next`.
    ///
    /// # Errors
    /// When the board cannot be written.
    fn group_leave(
        &self,
        left: &[(&str, GroupMember)],
        next: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Entered>, StoreError>;

    /// The living members of a group that have a place or wait for one, in order of their entry.
    ///
    /// # Errors
    /// When the board cannot be read.
    fn group_members(
        &self,
        group: &str,
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Living>, StoreError>;

    /// Expected duration in milliseconds of the task definitions of a pipeline, by their path.
    ///
    /// # Errors
    /// When the board cannot be read.
    fn durations(&self, pipeline: &str) -> Result<BTreeMap<String, u64>, StoreError>;

    /// Takes new measurements into the expected durations: a quarter of the difference counts.
    ///
    /// # Errors
    /// When the board cannot be written.
    fn durations_record(
        &self,
        pipeline: &str,
        measured_ms: &BTreeMap<String, u64>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets durations that were not measured since `before`.
    ///
    /// # Errors
    /// When the board cannot be written.
    fn durations_forget(&self, before: Timestamp) -> Result<(), StoreError>;

    /// A number that differs from an earlier one if another process has written since. Cheap enough
    /// to be asked every 100 ms.
    ///
    /// # Errors
    /// When the board cannot be read.
    fn changed(&self) -> Result<u64, StoreError>;
}

/// A run to create.
#[derive(Debug, Clone, Copy)]
pub struct NewRun<'a> {
    /// The part that never changes.
    pub head: &'a RunHead,
    /// Its first rows.
    pub changes: &'a Changes,
    /// The process that creates and owns it.
    pub owner: &'a Owner,
}

/// One change of a run, to be written if nobody else changed the run meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// The run.
    pub run: RunId,
    /// The version that the change was computed from.
    pub expected_version: u64,
    /// Proof that the writer owns the run.
    pub owner: &'a OwnerToken,
    /// The change.
    pub changes: &'a Changes,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The part that never changes.
    pub head: RunHead,
    /// The part that does.
    pub row: RunRow,
    /// Who owns it; a living run without a living owner is interrupted.
    pub owner: Option<Owner>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only runs of this pipeline.
    pub pipeline: Option<String>,
    /// Only runs that have not ended.
    pub living: bool,
    /// At most so many; `None`: all.
    pub limit: Option<usize>,
}

/// A command in an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedCommand {
    /// Its number within the run, growing, from 1.
    pub seq: u64,
    /// The command.
    pub command: Command,
}

/// A wish to be active in a concurrency group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupEntry<'a> {
    /// The group's name, equal for all pipelines of the board.
    pub group: &'a str,
    /// Who enters.
    pub member: GroupMember,
    /// How many may be active.
    pub limit: u32,
    /// What the newcomer does to the others.
    pub mode: GroupMode,
}

/// What the rows of a run name outside of the board's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Blobs: plan, difference, fragments, artifacts, generated files, summaries.
    pub blobs: BTreeSet<Digest>,
    /// Log segments, with the bytes of them that belong to the run.
    pub segments: BTreeMap<String, u64>,
    /// Workers of attempts that never said where their log is: it may be in any segment of theirs.
    pub workers: BTreeSet<WorkerId>,
    /// Runs whose results it took over: the logs of these results are there.
    pub runs: BTreeSet<RunId>,
}

/// What a task that has ended gives to others.
pub(crate) fn result_of(run: RunId, row: &TaskRow) -> Option<Reused> {
    Some(Reused {
        run: row.reused_from.unwrap_or(run),
        ended: row.ended()?,
        tolerated: row.tolerated,
        outputs: row.outputs.as_deref().cloned().unwrap_or_default(),
        artifacts: row.artifacts.clone(),
        generated: None,
    })
}

/// The expected duration after a new measurement: a quarter of the difference counts.
pub(crate) fn expected_after(before: Option<u64>, measured_ms: u64) -> u64 {
    match before {
        Some(before) => before - before / 4 + measured_ms / 4,
        None => measured_ms,
    }
}
