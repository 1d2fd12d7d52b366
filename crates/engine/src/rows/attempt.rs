//! Rows of attempts, and what an attempt brings back.

use super::reuse::Keyed;
use model::Json;
use model::digest::Digest;
use model::ids::{AttemptNo, TaskNo, Token, WorkerId};
use model::reason::{CancelCause, FailureKind};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One try of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// The task.
    pub task: TaskNo,
    /// The try, from 1.
    pub attempt: AttemptNo,
    /// The token that its report must carry.
    pub token: Token,
    /// The worker that has it.
    pub worker: WorkerId,
    /// When it was leased.
    pub leased_at: Timestamp,
    /// Whether the worker said that its first command runs.
    pub started: bool,
    /// Somebody wants it to stop.
    pub stop: Option<StopCause>,
    /// What its worker has told of its key, and what was found under it; gone when it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyed: Option<Box<Keyed>>,
    /// When it has to be over; then it is stopped.
    pub deadline_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended, with what it brought back but for what its task's row has.
    pub end: Option<Box<AttemptEnd>>,
}

impl AttemptRow {
    /// How long it may take, from its lease to its deadline; in milliseconds.
    #[must_use]
    pub fn limit_ms(&self) -> Option<u64> {
        self.deadline_at.map(|at| at.since_ms(self.leased_at))
    }
}

/// Why an attempt, or everything in a call, is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// The task is canceled.
    Cancel(CancelCause),
    /// It took longer than the task may.
    Timeout,
}

/// What the worker reports at the end of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptEnd {
    /// How it ended.
    pub result: AttemptResult,
    /// What became of each step, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepResult>,
    /// Values for others; becomes the task's when it succeeds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: Outputs,
    /// Files for others; becomes the task's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactRef>,
    /// The file with generated tasks, as a blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Digest>,
    /// Files of its inputs changed while it ran, so that its key does not say what it read. Counts for whether its result
    /// is found again, and is not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
    /// What it used.
    #[serde(default)]
    pub usage: Usage,
    /// Where its log is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogRef>,
    /// What it wrote for people, as a blob of Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Digest>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptResult {
    /// All steps concluded well.
    Succeeded,
    /// Nothing was run: the result that was found under its key is in place and stands for it.
    Reused,
    /// It failed.
    Failed {
        /// What kind of trouble.
        kind: FailureKind,
        /// Exit code of the step that failed.
        exit_code: Option<i32>,
        /// One sentence: the thing, the place, the next step.
        message: String,
    },
    /// It was stopped because somebody wanted so.
    Stopped,
    /// Its worker was told to go; the task may be tried again.
    Interrupted,
}

/// What became of a step, or of a service that ran beside the steps. Services come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// Its name; in a group `outer/inner`; for a post step `post outer`, for a service `service name`.
    pub name: String,
    /// What people see in place of its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What happened.
    pub status: StepStatus,
    /// Whether a failure of it was tolerated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tolerated: bool,
    /// How its command ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// How long it took.
    #[serde(default)]
    pub duration_ms: u64,
}

/// What happened to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Its command exited with 0.
    Succeeded,
    /// It did not, or could not be started.
    Failed,
    /// Its condition was false.
    Skipped,
    /// It was stopped.
    Canceled,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// The values that a task gives to others, by name.
pub type Outputs = BTreeMap<String, OutputValue>;

/// One value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputValue {
    /// The value.
    pub value: Json,
    /// Whether text from outside may be in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tainted: bool,
}

/// Files given to others: one blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// Its name in the task.
    pub name: String,
    /// The address of the archive.
    pub digest: Digest,
    /// Size of the archive.
    pub size_bytes: u64,
    /// Number of files in it.
    pub files: u32,
}

/// Where the log of an attempt is: frames between two offsets of a segment, among frames of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRef {
    /// The segment's name.
    pub segment: String,
    /// Offset of its first frame.
    pub from: u64,
    /// Offset behind its last frame.
    pub to: u64,
    /// Bytes of output in those frames.
    pub size_bytes: u64,
    /// Bytes that were given out but are not in the log.
    #[serde(default)]
    pub missing_bytes: u64,
}

/// What an attempt used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time, user and system, in microseconds.
    pub cpu_us: u64,
    /// Largest memory.
    pub memory_peak_bytes: u64,
}

impl AttemptEnd {
    /// An end with nothing but its result.
    #[must_use]
    pub fn bare(result: AttemptResult) -> Self {
        Self {
            result,
            steps: Vec::new(),
            outputs: Outputs::new(),
            artifacts: Vec::new(),
            generated: None,
            moved: false,
            usage: Usage::default(),
            log: None,
            summary: None,
        }
    }
}
