//! What is true of a run, as rows. The board stores exactly these; nothing else is remembered.
//!
//! A run is one [`RunHead`] that never changes, one small [`RunRow`] that changes with every event,
//! one [`TaskRow`] per task, one [`AttemptRow`] per try, one [`FragmentRef`] per file of generated tasks,
//! one [`LeaseRow`] per worker that works for it, one [`EventRow`] per transition and one [`EffectRow`] per
//! effect that is not yet done.

pub mod attempt;
pub mod effect;
pub mod history;
pub mod reuse;
pub mod run;
pub mod task;

pub use attempt::{
    ArtifactRef, AttemptEnd, AttemptResult, AttemptRow, Exit, LogRef, OutputValue, Outputs,
    StepResult, StepStatus, StopCause, Usage,
};
pub use effect::{Effect, EffectKey, EffectRow, GroupMember};
pub use history::{EventRow, Transition};
pub use reuse::{KeyRow, Keyed, ReuseKey};
pub use run::{
    Cancel, Counts, FragmentRef, LeaseRow, Parent, ParentKind, Reused, RunHead, RunResult, RunRow,
    RunState,
};
pub use task::{Ended, TaskKind, TaskRow, TaskState, Wants, leaves, tells_of_itself};

use model::ids::TaskNo;

/// Everything that is true of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The part that never changes.
    pub head: RunHead,
    /// The part that changes with every event.
    pub run: RunRow,
    /// Task rows; the row of task `n` is at index `n`.
    pub tasks: Vec<TaskRow>,
    /// Attempts by task and number. Ended ones may be left out but for the newest of each task.
    pub attempts: Vec<AttemptRow>,
    /// What was generated, in order: it is appended to the plan in this order.
    pub fragments: Vec<FragmentRef>,
    /// Leases of workers.
    pub leases: Vec<LeaseRow>,
    /// Effects that are not done.
    pub effects: Vec<EffectRow>,
}

impl Snapshot {
    /// The rows of a run that was just created, as its first change wrote them.
    #[must_use]
    pub fn created(head: RunHead, changes: &Changes) -> Self {
        let mut rows = Self {
            head,
            run: changes.run.clone(),
            tasks: Vec::new(),
            attempts: Vec::new(),
            fragments: Vec::new(),
            leases: Vec::new(),
            effects: Vec::new(),
        };
        rows.apply(changes);
        rows
    }

    /// Writes `changes` over what was true before, as a board does. Attempts, leases and effects stay
    /// in the order of their keys.
    ///
    /// # Panics
    /// When a new task's number leaves a gap: changes are applied in the order in which they were made.
    pub fn apply(&mut self, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        self.run = changes.run.clone();
        for row in &changes.tasks {
            match self.tasks.get_mut(row.no.index()) {
                Some(known) => known.clone_from(row),
                None => self.tasks.push(row.clone()),
            }
            assert!(row.no.index() < self.tasks.len(), "tasks have no gaps");
        }
        for row in &changes.attempts {
            write(&mut self.attempts, row, |row| (row.task, row.attempt));
        }
        for row in &changes.fragments {
            write(&mut self.fragments, row, |row| row.scope);
        }
        self.leases
            .retain(|row| !changes.leases_gone.contains(&row.worker));
        for row in &changes.leases {
            write(&mut self.leases, row, |row| row.worker.clone());
        }
        self.effects
            .retain(|row| !changes.effects_done.contains(&row.key));
        for row in &changes.effects {
            write(&mut self.effects, row, |row| row.key.clone());
        }
    }
}

/// Puts `row` at its place among `rows`, which are in the order of their keys.
fn write<T: Clone, K: Ord>(rows: &mut Vec<T>, row: &T, key: impl Fn(&T) -> K) {
    match rows.binary_search_by_key(&key(row), &key) {
        Ok(place) => rows[place] = row.clone(),
        Err(place) => rows.insert(place, row.clone()),
    }
}

/// The difference that one event, or several in a row, makes. Written in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// The run's row, always written: its version is the number of the change.
    pub run: RunRow,
    /// New and changed tasks; at most one per task.
    pub tasks: Vec<TaskRow>,
    /// New and changed attempts; at most one per attempt.
    pub attempts: Vec<AttemptRow>,
    /// New fragments, in order.
    pub fragments: Vec<FragmentRef>,
    /// New and changed leases.
    pub leases: Vec<LeaseRow>,
    /// Workers whose lease is over.
    pub leases_gone: Vec<model::ids::WorkerId>,
    /// What happened, in order.
    pub events: Vec<EventRow>,
    /// New effects.
    pub effects: Vec<EffectRow>,
    /// Effects that are done or no longer wanted.
    pub effects_done: Vec<EffectKey>,
    /// Results that can be found again from now on.
    pub keys: Vec<KeyRow>,
    /// Attempts that were leased by this change, to answer the worker that asked.
    pub granted: Vec<Granted>,
}

/// A lease that a change gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The worker.
    pub worker: model::ids::WorkerId,
    /// The task.
    pub task: TaskNo,
    /// Which try.
    pub attempt: model::ids::AttemptNo,
    /// The fencing token to report under.
    pub token: model::ids::Token,
}
