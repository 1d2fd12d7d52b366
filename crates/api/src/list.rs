//! The document of `formic ls --json`.

use crate::run::AskDocument;
use engine::rows::{RunHead, RunRow, TaskRow};
use serde::{Deserialize, Serialize};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.runs/v1";

/// Runs of a project, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// The runs.
    pub runs: Vec<ListedRun>,
    /// Whether there are more runs of the project than these.
    pub truncated: bool,
    /// How many runs of other projects are on the same board.
    pub others: usize,
}

/// A run in a list. Counts are of tasks that a worker runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedRun {
    /// The run's id.
    pub run: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// As in the document of a run.
    pub status: String,
    /// The run that it repeats.
    pub parent: Option<String>,
    /// The commit that it ran on.
    pub commit: Option<String>,
    /// The branch that was checked out.
    pub branch: Option<String>,
    /// Who asked for it.
    pub by: String,
    /// When it was created, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// How long it took, once it has ended.
    pub duration_ms: Option<u64>,
    /// All tasks.
    pub tasks: u32,
    /// Tasks that succeeded.
    pub succeeded: u32,
    /// Tasks that failed.
    pub failed: u32,
    /// Tasks that were skipped.
    pub skipped: u32,
    /// Tasks that were canceled.
    pub canceled: u32,
    /// What its tasks ask people.
    pub asks: Vec<ListedAsk>,
}

/// What a task of a run in a list asks a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedAsk {
    /// The task.
    pub task: String,
    /// What it asks, since when, and until when.
    #[serde(flatten)]
    pub ask: AskDocument,
}

impl ListDocument {
    /// The document of these runs.
    #[must_use]
    pub fn new(runs: Vec<ListedRun>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            runs,
            truncated: false,
            others: 0,
        }
    }

    /// The same beside runs that it does not show: whether some are the project's, and how many are of others.
    #[must_use]
    pub fn beside(mut self, truncated: bool, others: usize) -> Self {
        self.truncated = truncated;
        self.others = others;
        self
    }
}

impl ListedRun {
    /// The entry of a run; `status` as [`crate::run::run_status`] says it.
    #[must_use]
    pub fn of(head: &RunHead, row: &RunRow, status: &str) -> Self {
        Self {
            run: head.id.to_string(),
            pipeline: head.pipeline.clone(),
            status: status.to_owned(),
            parent: head.parent.as_ref().map(|parent| parent.run.to_string()),
            commit: head.source.commit.clone(),
            branch: head.source.branch.clone(),
            by: head.by.clone(),
            created_at_ms: head.created_at.0,
            duration_ms: row.ended_at.map(|ended| ended.since_ms(head.created_at)),
            tasks: row.counts.total,
            succeeded: row.counts.succeeded,
            failed: row.counts.failed,
            skipped: row.counts.skipped,
            canceled: row.counts.canceled,
            asks: Vec::new(),
        }
    }

    /// The same, with what its tasks ask people.
    #[must_use]
    pub fn asking(mut self, tasks: &[TaskRow]) -> Self {
        let asks = tasks.iter().filter_map(|task| {
            let ask = AskDocument::of(task)?;
            let task = task.key.to_string();
            Some(ListedAsk { task, ask })
        });
        self.asks = asks.collect();
        self
    }
}
