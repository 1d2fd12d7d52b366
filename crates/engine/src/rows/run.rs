//! Rows of the run itself.

use super::attempt::{ArtifactRef, Outputs};
use super::task::{Ended, TaskKind, TaskRow};
use model::digest::Digest;
use model::ids::{RunId, ScopeNo, TaskNo, Token, WorkerId};
use model::reason::{CancelCause, CancelMode, QueueReason};
use model::source::Source;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The part of a run that never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHead {
    /// Its id.
    pub id: RunId,
    /// The pipeline's name.
    pub pipeline: String,
    /// The address of the plan's JSON.
    pub plan: Digest,
    /// When it was created.
    pub created_at: Timestamp,
    /// What it runs on.
    pub source: Source,
    /// Who asked for it.
    pub by: String,
    /// The run that it continues or repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Whether every task gets a worktree of its own.
    #[serde(default)]
    pub clean: bool,
    /// Expected duration of definitions in milliseconds, from earlier runs, by the names of scope and
    /// definition (`deploy/test`). Decides the order of ready tasks, so it is part of what is true.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expected_ms: BTreeMap<String, u64>,
}

impl RunHead {
    /// Whether the run only repeats one task of another.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        let parent = self.parent.as_ref();
        parent.is_some_and(|parent| parent.kind == ParentKind::Replay)
    }

    /// Whether a row that [tells of itself](super::tells_of_itself) counts in this run. In a replay only what it
    /// repeats does.
    #[must_use]
    pub fn counts(&self, row: &TaskRow) -> bool {
        !self.is_replay() || (row.kind == TaskKind::Leaf && row.reused_from.is_none())
    }
}

/// The run that another one continues or repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parent {
    /// The earlier run.
    pub run: RunId,
    /// What this one is to it.
    pub kind: ParentKind,
    /// Finished results taken over instead of run, by task key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reused: BTreeMap<String, Reused>,
}

/// The finished result of a task in an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reused {
    /// The run that really ran it.
    pub run: RunId,
    /// How it ended there.
    pub ended: Ended,
    /// Whether a failure was tolerated there.
    #[serde(default)]
    pub tolerated: bool,
    /// What it gave to others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: Outputs,
    /// The files it gave to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactRef>,
    /// The file with the tasks that it generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Digest>,
}

/// What a run is to its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParentKind {
    /// It repeats what did not succeed.
    Retry,
    /// It repeats one task and keeps nothing of it for others.
    Replay,
}

/// The part of a run that changes with every event. Small on purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// Number of the last change; a writer that read another one reloads.
    pub version: u64,
    /// Where it is.
    pub state: RunState,
    /// The last fencing token given out.
    pub token: Token,
    /// Number of event rows written.
    pub events: u64,
    /// Tasks by state, for lists.
    pub counts: Counts,
    /// When the first task was leased.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Somebody wants it to stop.
    pub cancel: Option<Cancel>,
    /// When the `finally` tasks of the root scope were let go.
    pub finally_at: Option<Timestamp>,
    /// Number of the last inbox entry that it has handled.
    pub inbox: u64,
}

/// A fragment taken into the plan. A row of its own that never changes, found by its scope: the scopes of later
/// ones have larger numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FragmentRef {
    /// The task that generated it.
    pub task: TaskNo,
    /// The address of the fragment's JSON.
    pub digest: Digest,
    /// The scope in the plan that holds the generated tasks.
    pub scope: ScopeNo,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It waits to begin.
    Queued(QueueReason),
    /// It goes on. Whether it is blocked or interrupted follows from its tasks and its owner.
    Running,
    /// It is over; nothing of it changes any more.
    Ended(RunResult),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Nothing failed that matters.
    Succeeded,
    /// Something failed that matters.
    Failed,
    /// Nothing had to be done.
    Skipped,
    /// It was canceled.
    Canceled(CancelCause),
}

impl fmt::Display for RunState {
    /// The state and its reason: `queued (concurrency_group)`, `running`, `canceled (person)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued(reason) => write!(f, "queued ({reason})"),
            Self::Running => f.write_str("running"),
            Self::Ended(result) => write!(f, "{result}"),
        }
    }
}

impl fmt::Display for RunResult {
    /// The result and, where it has one, its cause: `failed`, `canceled (superseded)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed => f.write_str("failed"),
            Self::Skipped => f.write_str("skipped"),
            Self::Canceled(cause) => write!(f, "canceled ({cause})"),
        }
    }
}

/// The wish that a run stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// How.
    pub mode: CancelMode,
    /// Why.
    pub cause: CancelCause,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Tasks by state. Of matrices and calls their tasks count, unless there are none or the failure is their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All of them.
    pub total: u32,
    /// Leased.
    pub running: u32,
    /// Waiting for a person.
    pub blocked: u32,
    /// Succeeded, tolerated failures included.
    pub succeeded: u32,
    /// Failed.
    pub failed: u32,
    /// Skipped.
    pub skipped: u32,
    /// Canceled.
    pub canceled: u32,
}

/// The lease of one worker on everything that it does for a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRow {
    /// The worker.
    pub worker: WorkerId,
    /// Until when it need not be heard of.
    pub until: Timestamp,
}
