//! What is true of a run, as rows. The board stores exactly these; nothing else is remembered.
//!
//! A run is one [`RunHead`] that never changes, one small [`RunRow`] that changes with every event,
//! one [`TaskRow`] per task, one [`AttemptRow`] per try, one [`LeaseRow`] per worker that works for
//! it, one [`EventRow`] per transition and one [`EffectRow`] per effect that is not yet done.

pub mod attempt;
pub mod effect;
pub mod history;
pub mod run;
pub mod task;

pub use attempt::{
    ArtifactRef, AttemptEnd, AttemptResult, AttemptRow, Exit, LogRef, OutputValue, Outputs,
    StepResult, StepStatus, StopCause, Usage,
};
pub use effect::{Effect, EffectKey, EffectRow, GroupMember};
pub use history::{EventRow, Transition};
pub use run::{
    Cancel, Counts, FragmentRef, LeaseRow, Parent, ParentKind, Reused, RunHead, RunResult, RunRow,
    RunState,
};
pub use task::{Ended, TaskKind, TaskRow, TaskState};

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
    /// Leases of workers.
    pub leases: Vec<LeaseRow>,
    /// Effects that are not done.
    pub effects: Vec<EffectRow>,
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
