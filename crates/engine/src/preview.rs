//! What a plan would do: for each task whether it would run, be taken over or be skipped, and why.
//!
//! The preview knows what is known before a run exists: the plan with its params and its signal. It supposes that what runs
//! succeeds, and says `unknown` where that is not enough: where an expression reads what only a run gives, or where only a
//! failure would start a task. A rule is evaluated once for each past that is possible; names without a value are errors,
//! which `&&` and `||` absorb where the other half decides, so an expression is known exactly when every run would agree.
//! What cannot be evaluated although all that it reads is known makes the task fail in every run, which is told as a fault.
//!
//! One walk over the definitions in the order of their needs; each task and each need is looked at once.
//! It writes nothing and promises nothing about time: a task that may run may still wait for a worker.

mod asked;
#[cfg(test)]
mod bounds;
mod calls;
mod certain;
mod group;
mod judged;
mod members;
mod names;
mod order;
mod outlook;
mod rule;
mod starts;
#[cfg(test)]
mod tests;
mod turn;
mod waits;
mod walk;
mod words;

pub use group::group_fault;

use model::ids::{DefNo, RunId};
use model::matrix::Cell;
use model::plan::{Place, Plan};
use model::reason::SkipCause;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known beside the plan.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Finished results that the run would take over, by task id, each with the run that has it.
    pub reused: BTreeMap<String, RunId>,
    /// Why nothing starts at all, such as a signal that the pipeline does not wait for.
    pub held: Option<String>,
}

/// A task as the run would make it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Its id: `build`, `test[linux,3]`, `deploy/upload`. Of a matrix whose cells are not known, the id of the matrix.
    pub id: String,
    /// The id of the matrix that it is a member of.
    pub group: Option<Arc<str>>,
    /// Its definition.
    pub def: DefNo,
    /// The ids of what it needs; a matrix or a call stands for all its tasks.
    pub needs: Arc<[String]>,
    /// Its values of the matrix.
    pub matrix: Values,
    /// Its condition as it was written, of a long one the beginning and `…`.
    pub when: Option<Arc<str>>,
    /// What would become of it.
    pub decision: Decision,
    /// Why: one sentence that names the values.
    pub reason: Arc<str>,
    /// Why it is skipped, in the word that the run has for it; `None` when it is not, or when there is no run at all.
    pub cause: Option<SkipCause>,
    /// What makes it fail in every run in which its turn comes.
    pub fault: Option<Arc<Fault>>,
}

/// What makes a task fail although everything that it reads is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What would happen, and what is wrong: fits behind the name of the task.
    pub message: String,
    /// Where it stands.
    pub at: Option<Place>,
    /// Whether the failure counts as success for the run.
    pub allowed: bool,
}

/// The values of a matrix for one task.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// There is no matrix.
    None,
    /// These.
    Cell(Cell),
    /// They are known only while the run goes on.
    Unknown,
}

/// What would become of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// It would run if what it needs succeeds.
    Run,
    /// An earlier result would be taken over.
    Reuse,
    /// It would be skipped.
    Skip,
    /// Known only while the run goes on.
    Unknown,
}

impl Decision {
    /// Every decision, in the order of the documents.
    pub const ALL: [Self; 4] = [Self::Run, Self::Reuse, Self::Skip, Self::Unknown];

    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Reuse => "reuse",
            Self::Skip => "skip",
            Self::Unknown => "unknown",
        }
    }
}

/// What a run of `plan` would do, in an order in which every task stands behind what it needs.
#[must_use]
pub fn preview(plan: &Plan, known: &Known) -> Vec<Planned> {
    walk::walk(plan, known)
}
