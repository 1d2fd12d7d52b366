//! One row per transition, for people and for tools that follow a run. Never read to decide anything.

use super::run::RunResult;
use super::task::{Ended, TaskState};
use model::ids::{AttemptNo, RunId, TaskNo};
use model::reason::CancelMode;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its number within the run, from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Transition,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// The run was created.
    RunCreated,
    /// The run may begin: it was admitted to its concurrency group.
    RunAdmitted,
    /// Somebody asked it to stop.
    CancelAsked {
        /// How.
        mode: CancelMode,
        /// Who.
        by: String,
    },
    /// A process took it over from one that died.
    TakenOver {
        /// Who.
        by: String,
    },
    /// The run ended.
    RunEnded(RunResult),
    /// A task is in another state that is not an end.
    TaskMoved {
        /// The task.
        task: TaskNo,
        /// The state.
        state: TaskState,
    },
    /// A worker got a task.
    Leased {
        /// The task.
        task: TaskNo,
        /// The try.
        attempt: AttemptNo,
    },
    /// The first command of an attempt runs.
    Started {
        /// The task.
        task: TaskNo,
        /// The try.
        attempt: AttemptNo,
    },
    /// An attempt ended, and its task did not: it is tried again.
    AttemptEnded {
        /// The task.
        task: TaskNo,
        /// The try.
        attempt: AttemptNo,
    },
    /// A task ended.
    TaskEnded {
        /// The task.
        task: TaskNo,
        /// How.
        ended: Ended,
    },
    /// An attempt ended with the result of another run instead of running.
    Reused {
        /// The task.
        task: TaskNo,
        /// The run that really ran it.
        from: RunId,
    },
    /// A person consented.
    Approved {
        /// The task.
        task: TaskNo,
        /// Who.
        by: String,
    },
    /// A person refused.
    Rejected {
        /// The task.
        task: TaskNo,
        /// Who.
        by: String,
    },
    /// A task's file was compiled into tasks.
    Generated {
        /// The task that wrote it.
        task: TaskNo,
        /// How many.
        tasks: u32,
    },
}
