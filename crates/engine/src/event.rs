//! What can happen to a run. Everything random in it was drawn by whoever hands it in.

use crate::rows::{AttemptEnd, ReuseKey, Reused, TaskRow, TaskState};
use model::digest::Digest;
use model::ids::{AttemptNo, TaskNo, Token, WorkerId};
use model::plan::{Fragment, Resources};
use model::reason::{CancelCause, CancelMode, Gate};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A worker asks for tasks.
    Lease(Ask),
    /// A worker says that it is alive, and which attempts have begun to run commands.
    Renew {
        /// The worker.
        worker: WorkerId,
        /// Until when it need not be heard of again.
        until: Timestamp,
        /// Attempts whose first command runs.
        started: Vec<(TaskNo, AttemptNo, Token)>,
    },
    /// A worker has computed the key of an attempt, and somebody has looked for an earlier result under it.
    Keyed(Told),
    /// A worker ends an attempt.
    Report(Report),
    /// A worker is known to be gone: its attempts are lost.
    WorkerGone {
        /// The worker.
        worker: WorkerId,
    },
    /// Time passed; whatever is due happens.
    Tick,
    /// Somebody wants something of the run.
    Command(Command),
    /// There is room in a concurrency group for the run or for one of its tasks.
    Admitted {
        /// The task; none for the run as a whole.
        task: Option<TaskNo>,
    },
    /// What a task generated was compiled.
    Generated {
        /// The task.
        task: TaskNo,
        /// The fragment and its address, or what is wrong with what it wrote.
        fragment: Result<(Digest, Fragment), String>,
    },
    /// An effect was done for good.
    EffectDone {
        /// Its key.
        key: crate::rows::EffectKey,
    },
    /// A process takes the run over: every attempt that was running is lost with the one before, and
    /// its task is tried again, idempotent or not, because a person decided so.
    TakeOver {
        /// Who.
        by: String,
    },
}

/// What somebody wants of a run, for its owner to handle. On the board it waits in the run's inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Stop it.
    Cancel {
        /// How.
        mode: CancelMode,
        /// Why.
        cause: CancelCause,
        /// Who.
        by: String,
    },
    /// Stop one task of it.
    CancelTask {
        /// The task.
        task: TaskNo,
        /// Why.
        cause: CancelCause,
        /// Who or what.
        by: String,
    },
    /// Answer an approval.
    Answer {
        /// The task that waits for it.
        task: TaskNo,
        /// Yes or no.
        answer: Answer,
        /// Who.
        by: String,
    },
    /// Start a manual task.
    StartManual {
        /// The task.
        task: TaskNo,
        /// Who.
        by: String,
    },
}

impl Command {
    /// The command of `by` that gives a task this answer, if it waits for one.
    #[must_use]
    pub fn answering(task: &TaskRow, answer: Answer, by: String) -> Option<Self> {
        let (row, task) = (task, task.no);
        match (row.state, answer) {
            (TaskState::Blocked(Gate::Approval), answer) => Some(Self::Answer { task, answer, by }),
            (TaskState::Blocked(Gate::Manual), Answer::Approve) => {
                Some(Self::StartManual { task, by })
            }
            (TaskState::Blocked(Gate::Manual), Answer::Reject)
            | (
                TaskState::Queued(_) | TaskState::Running | TaskState::Open | TaskState::Ended(_),
                Answer::Approve | Answer::Reject,
            ) => None,
        }
    }
}

/// A worker's wish for work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Who asks.
    pub worker: WorkerId,
    /// How many tasks at most.
    pub max: u32,
    /// Until when it need not be heard of again.
    pub until: Timestamp,
    /// What it has free. `None`: it does not count resources.
    pub free: Option<Resources>,
    /// The roles and labels that it may take; `None`: all.
    pub labels: Option<Vec<String>>,
}

/// The key of an attempt, with what was found under it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The worker.
    pub worker: WorkerId,
    /// The task.
    pub task: TaskNo,
    /// The try.
    pub attempt: AttemptNo,
    /// The token it was leased under.
    pub token: Token,
    /// The key.
    pub key: ReuseKey,
    /// The newest result under it.
    pub found: Option<Found>,
}

/// A result of another run that was found under a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The result, as it was published there.
    pub result: Reused,
    /// Whether the content of its artifacts is still there.
    pub content: Content,
}

/// What has become of the content that a found result names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// It is there, and nobody removes it before the answer to the key is durable.
    Kept,
    /// Something of it is gone.
    Gone,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The worker.
    pub worker: WorkerId,
    /// The task.
    pub task: TaskNo,
    /// The try.
    pub attempt: AttemptNo,
    /// The token it was leased under.
    pub token: Token,
    /// How it ended and what it brought.
    pub end: AttemptEnd,
    /// Random number 0..1000 that spreads the pause before the next attempt.
    pub jitter_permille: u16,
    /// A person stops the process that owns the run: an attempt that comes back unfinished counts for nothing.
    pub by_person: bool,
}

/// A person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Go on.
    Approve,
    /// Do not.
    Reject,
}

/// An event that does not fit the run, which is left as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Rejected {
    /// The run is over.
    #[error("the run has ended")]
    RunEnded,
    /// The attempt is not the current one of its task, or its token is old: its work does not count.
    #[error("attempt {} of task {} is no longer leased under token {}", .attempt.0, .task.0, .token.0)]
    Fenced {
        /// The task.
        task: TaskNo,
        /// The try.
        attempt: AttemptNo,
        /// The token.
        token: Token,
    },
    /// There is no such task.
    #[error("the run has no task number {}", .0.0)]
    UnknownTask(TaskNo),
    /// The task does not wait for this.
    #[error("task `{key}` does not wait for that: it is {state}")]
    NotWaiting {
        /// The task's key.
        key: String,
        /// Its state in words.
        state: String,
    },
}
