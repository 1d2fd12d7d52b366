//! What a task waits for, and the rule by which it then starts or is skipped.
//!
//! Systems differ in how a skip spreads. Here it is data of the edge and of the start rule:
//! GitHub skips everything behind a skipped task unless the condition says `always()`; Tekton skips
//! only tasks that need a *result* of it; GitLab's optional needs ignore it.

use super::late::Expression;
use crate::ids::DefNo;
use serde::{Deserialize, Serialize};

/// One need of a task: another definition of the same scope. A need of a matrix or a call is a
/// need of all its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// What has to end first.
    pub task: DefNo,
    /// What is needed of it.
    pub kind: EdgeKind,
    /// What its skip does to the task that has this edge.
    pub on_skip: SkipSpread,
}

/// What a task needs of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// Its end.
    Order,
    /// Its outputs or artifacts.
    Data,
    /// Its end, if it takes part in the run at all: a skip counts as success whatever the rule says.
    Optional,
}

/// What the skip of a needed task means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipSpread {
    /// It counts as "not succeeded": `succeeded()` is false.
    Spread,
    /// It counts as success.
    Ignore,
}

/// When a task whose needs have all ended starts; otherwise it is skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartRule {
    /// An expression that is true to start. It may call `succeeded()`, `failed()`, `canceled()` and
    /// `always()`. `None` stands for `succeeded()`.
    ///
    /// The front-end has already written an implied status check into it: the native language puts
    /// `succeeded() &&` before a condition that calls none of the four.
    pub condition: Option<Expression>,
    /// Which tasks the four functions look at.
    pub status_of: StatusOf,
}

impl Default for StartRule {
    fn default() -> Self {
        Self {
            condition: None,
            status_of: StatusOf::Needs,
        }
    }
}

/// Which tasks a status function looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusOf {
    /// The tasks in `needs`.
    #[default]
    Needs,
    /// The tasks in `needs`, those that they need, and so on (GitHub).
    Ancestors,
    /// Every task of the scope that has ended (`finally`, GitLab's `on_failure`).
    Scope,
}

impl Edge {
    /// The native edge: waits, and a skip spreads.
    #[must_use]
    pub const fn data(task: DefNo) -> Self {
        Self {
            task,
            kind: EdgeKind::Data,
            on_skip: SkipSpread::Spread,
        }
    }

    /// Waits only; a skip does not spread (Tekton's `runAfter`).
    #[must_use]
    pub const fn order(task: DefNo) -> Self {
        Self {
            task,
            kind: EdgeKind::Order,
            on_skip: SkipSpread::Ignore,
        }
    }

    /// Waits if the task takes part.
    #[must_use]
    pub const fn optional(task: DefNo) -> Self {
        Self {
            task,
            kind: EdgeKind::Optional,
            on_skip: SkipSpread::Ignore,
        }
    }
}
