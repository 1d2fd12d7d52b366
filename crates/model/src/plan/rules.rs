//! How a task shares a group with others, when it is tried again, and which of its failures count.

use super::late::{Expression, Text};
use serde::{Deserialize, Serialize};

/// One at a time in a named group, across all runs of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// The group.
    pub group: Text,
    /// How many members may be active at once.
    pub limit: u32,
    /// What a newcomer does to the others.
    pub mode: GroupMode,
}

/// What a newcomer does to the other members of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupMode {
    /// It waits for them, first come, first served.
    Queue,
    /// It cancels those that wait, and waits for those that are active.
    SupersedeWaiting,
    /// It cancels all of them.
    Supersede,
}

/// How often, when and after what pause a task is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts after the first.
    pub max: u32,
    /// Pause before the second attempt; chance takes up to half of it.
    pub backoff_ms: u64,
    /// By how many hundredths the pause grows each time: 200 doubles it.
    pub factor_percent: u32,
    /// Largest pause.
    pub max_backoff_ms: u64,
    /// True to try again; reads `failure.kind`, `failure.exit_code` and `attempt`. `None`: any failure
    /// of kind `user` or `timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max: 0,
            backoff_ms: 1_000,
            factor_percent: 200,
            max_backoff_ms: 5 * 60 * 1000,
            when: None,
        }
    }
}

/// Which failures are tolerated: `outcome` stays `failed`, `conclusion` becomes `succeeded`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// None.
    #[default]
    Never,
    /// All.
    Always,
    /// Those with one of these exit codes.
    ExitCodes(Vec<i32>),
    /// Those for which this is true.
    When(Expression),
}
