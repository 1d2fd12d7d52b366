//! Rows of tasks.

use super::attempt::{ArtifactRef, Outputs, StopCause};
use crate::work::WorkspaceBinding;
use model::ids::{DefNo, RunId, TaskNo};
use model::matrix::Cell;
use model::plan::Text;
use model::reason::{CancelCause, FailureKind, Gate, QueueReason, SkipCause};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One task of a run, or one node that stands for several (a matrix, a call).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRow {
    /// Its number.
    pub no: TaskNo,
    /// Its definition.
    pub def: DefNo,
    /// What it is.
    pub kind: TaskKind,
    /// The matrix that it is a member of, or the call or generating task that its scope belongs to.
    pub parent: Option<TaskNo>,
    /// Its id within the run, as people write it: `test[linux,3]`, `deploy/migrate`.
    pub key: Box<str>,
    /// Its values, if it is a member of a matrix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<Box<Cell>>,
    /// Where it is.
    pub state: TaskState,
    /// Whether its failure is tolerated: the run and the tasks behind treat it as success.
    #[serde(default)]
    pub tolerated: bool,
    /// Whether the tasks behind it need not wait for it any more (a manual task that blocks nothing).
    #[serde(default)]
    pub released: bool,
    /// Attempts begun.
    #[serde(default)]
    pub attempts: u32,
    /// Attempts after failures that its `retry` paid for.
    #[serde(default)]
    pub retries: u32,
    /// Attempts after trouble of the platform before the start, which are free.
    #[serde(default)]
    pub free_retries: u32,
    /// When its needs were met and it could have started but for slots, or for the person that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
    /// Earliest start (backoff, delay), latest answer (approval), or the end of the time that an open call has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer_at: Option<Timestamp>,
    /// Start of the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why what is open in it is being stopped, or was. With a timer its `finally` still runs, without one nothing
    /// does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopCause>,
    /// The values of its scope's inputs, if it is a call that has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Box<Outputs>>,
    /// The concurrency group that it entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Box<str>>,
    /// What it gives to others; published by the change that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Box<Outputs>>,
    /// The files that it gives to others; published by the change that ended it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactRef>,
    /// What it asks of its worker and its tree, if its definition left something of that open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<Box<Wants>>,
    /// The run whose finished result this is, when it was taken over instead of run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused_from: Option<RunId>,
    /// One sentence for people beside the reason: what is asked, the error of an expression, who rejected, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Box<str>>,
}

/// Whether a row is told and counted as a task: one that a worker runs always is. A matrix or call is told by the
/// rows in it, unless it ended without any, or failed although nothing in it did.
#[must_use]
pub fn tells_of_itself(row: &TaskRow, tasks: &[TaskRow]) -> bool {
    if row.kind == TaskKind::Leaf {
        return true;
    }
    let Some(ended) = row.ended() else {
        return false;
    };
    let mut inside = tasks.iter().filter(|each| each.parent == Some(row.no));
    // What is tolerated of its members is tolerated of a matrix, which then has failed too.
    let failed = |each: &TaskRow| {
        let counts = row.kind == TaskKind::Matrix || !each.tolerated;
        counts && matches!(each.ended(), Some(Ended::Failed(_)))
    };
    match ended {
        Ended::Failed(_) => !inside.any(failed),
        Ended::Succeeded | Ended::Skipped(_) | Ended::Canceled(_) => inside.next().is_none(),
    }
}

/// The leaves that `task` stands for: itself, the members of a matrix, the tasks of a call. `tasks` are all of the run.
#[must_use]
pub fn leaves(tasks: &[TaskRow], task: TaskNo) -> Vec<&TaskRow> {
    // Parents have smaller numbers than their children.
    let mut inside = vec![false; tasks.len()];
    inside[task.index()] = true;
    for row in tasks {
        if row.parent.is_some_and(|parent| inside[parent.index()]) {
            inside[row.no.index()] = true;
        }
    }
    tasks
        .iter()
        .filter(|row| inside[row.no.index()] && row.kind == TaskKind::Leaf)
        .collect()
}

/// What a task row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A task that a worker runs, or that only waits for a person.
    Leaf,
    /// All members of a matrix.
    Matrix,
    /// All tasks of a called scope.
    Call,
}

/// What was computed of a task when it became ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wants {
    /// The role and labels of its worker.
    pub labels: Vec<String>,
    /// The paths that no other active task may write into.
    pub paths: Vec<String>,
    /// The folders that its artifacts go to, in the order of its definition.
    pub destinations: Vec<Option<Text>>,
    /// Its shared folders.
    pub workspaces: Vec<WorkspaceBinding>,
}

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It waits for something that comes by itself.
    Queued(QueueReason),
    /// It waits for somebody.
    Blocked(Gate),
    /// A worker has it.
    Running,
    /// Its members, its scope's tasks, or the tasks it generated go on.
    Open,
    /// It is over; nothing of it changes any more.
    Ended(Ended),
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It did what it should.
    Succeeded,
    /// It did not. [`TaskRow::tolerated`] says whether that matters.
    Failed(FailureKind),
    /// It was not run.
    Skipped(SkipCause),
    /// It was stopped.
    Canceled(CancelCause),
}

impl fmt::Display for TaskState {
    /// The state and its reason: `queued (needs)`, `failed (user)`. A task whose tasks go on is `running`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued(reason) => write!(f, "queued ({reason})"),
            Self::Blocked(gate) => write!(f, "blocked ({gate})"),
            Self::Running | Self::Open => f.write_str("running"),
            Self::Ended(ended) => write!(f, "{ended}"),
        }
    }
}

impl fmt::Display for Ended {
    /// The end and its reason: `succeeded`, `skipped (condition)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed(kind) => write!(f, "failed ({kind})"),
            Self::Skipped(cause) => write!(f, "skipped ({cause})"),
            Self::Canceled(cause) => write!(f, "canceled ({cause})"),
        }
    }
}

impl TaskRow {
    /// A row in its first state.
    #[must_use]
    pub fn new(no: TaskNo, def: DefNo, kind: TaskKind, key: impl Into<Box<str>>) -> Self {
        Self {
            no,
            def,
            kind,
            parent: None,
            key: key.into(),
            cell: None,
            state: TaskState::Queued(QueueReason::Needs),
            tolerated: false,
            released: false,
            attempts: 0,
            retries: 0,
            free_retries: 0,
            ready_at: None,
            timer_at: None,
            started_at: None,
            ended_at: None,
            stop: None,
            inputs: None,
            group: None,
            outputs: None,
            artifacts: Vec::new(),
            reused_from: None,
            wants: None,
            note: None,
        }
    }

    /// The number of the attempt that runs or ran last; before it is leased, of the one to come.
    #[must_use]
    pub const fn current_attempt(&self) -> u32 {
        match self.state {
            TaskState::Running
            | TaskState::Open
            | TaskState::Ended(_)
            | TaskState::Queued(QueueReason::Generating) => self.attempts,
            TaskState::Queued(_) | TaskState::Blocked(_) => self.attempts + 1,
        }
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        match self.state {
            TaskState::Ended(ended) => Some(ended),
            TaskState::Queued(_) | TaskState::Blocked(_) | TaskState::Running | TaskState::Open => {
                None
            }
        }
    }

    /// `outcome` in expressions: what really happened. `None` while it goes on.
    #[must_use]
    pub fn outcome(&self) -> Option<&'static str> {
        match self.ended() {
            Some(Ended::Succeeded) => Some("succeeded"),
            Some(Ended::Failed(_)) => Some("failed"),
            Some(Ended::Skipped(_)) => Some("skipped"),
            Some(Ended::Canceled(_)) => Some("canceled"),
            None => None,
        }
    }

    /// `conclusion` in expressions: the outcome, with a tolerated failure as success.
    #[must_use]
    pub fn conclusion(&self) -> Option<&'static str> {
        match self.outcome() {
            Some("failed") if self.tolerated => Some("succeeded"),
            other => other,
        }
    }
}
