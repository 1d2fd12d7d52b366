//! The documents of commands that act on a run: `cancel`, `approve` and `reject`.

use serde::{Deserialize, Serialize};

/// The name and version of the form of [`CancelDocument`].
pub const CANCEL_SCHEMA: &str = "formic.cancel/v1";
/// The name and version of the form of [`AnswerDocument`].
pub const ANSWER_SCHEMA: &str = "formic.answer/v1";

/// What `cancel --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelDocument {
    /// [`CANCEL_SCHEMA`].
    pub schema: String,
    /// The run's id.
    pub run: String,
    /// `now`, `finally` or `drain`.
    pub mode: String,
    /// Whether that ended the run at once: nobody worked on it. Else its owner was told.
    pub ended: bool,
}

impl CancelDocument {
    /// The document.
    #[must_use]
    pub fn new(run: String, mode: String, ended: bool) -> Self {
        Self {
            schema: CANCEL_SCHEMA.to_owned(),
            run,
            mode,
            ended,
        }
    }
}

/// What `approve --json` and `reject --json` print.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerDocument {
    /// [`ANSWER_SCHEMA`].
    pub schema: String,
    /// The run's id.
    pub run: String,
    /// The tasks that were answered.
    pub tasks: Vec<String>,
    /// What they were answered.
    pub answer: Answer,
}

/// A person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

impl AnswerDocument {
    /// The document.
    #[must_use]
    pub fn new(run: String, tasks: Vec<String>, answer: Answer) -> Self {
        Self {
            schema: ANSWER_SCHEMA.to_owned(),
            run,
            tasks,
            answer,
        }
    }
}
