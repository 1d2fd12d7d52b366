//! The document of `formic plan --json`: what would run, and why or why not.

use engine::preview::{Fault, Planned, Values};
use model::plan::Plan;
use model::reason::SkipCause;
use model::{Json, JsonMap};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.plan/v1";

/// What would run. Its tasks are taken from the preview when it is written: there may be a hundred thousand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanDocument<'a> {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// Its file, from the project's folder.
    pub file: &'a str,
    /// What happened: every name below `signal` with its value.
    pub signal: &'a JsonMap,
    /// The values of the params.
    pub params: &'a JsonMap,
    /// Whether the signal sets the pipeline going.
    pub starts: bool,
    /// Why or why not.
    pub reason: String,
    /// Its tasks, each behind what it needs; `docs/json.md` describes their fields.
    #[serde(serialize_with = "tasks")]
    pub tasks: &'a [Planned],
    /// What makes a task fail for certain and is not allowed to; with one of them `formic plan` ends with exit code 2.
    pub errors: Vec<TaskError>,
    /// What the file says and this version cannot run; with one of them `formic run` refuses the pipeline.
    pub unsupported: Vec<UnsupportedTask>,
}

/// A task as the run would make it.
#[derive(Debug, Serialize)]
struct TaskPlan<'a> {
    /// Its id in the run; that of the whole matrix when `matrix` is `unknown`.
    id: &'a str,
    /// The ids of what it needs; a matrix or a call stands for all its tasks.
    needs: &'a [String],
    /// Its values of the matrix, `"unknown"` when they are known only while the run goes on, or null.
    #[serde(serialize_with = "matrix")]
    matrix: &'a Values,
    /// Its condition as it was written; of one with more than [`model::limits::CONDITION_LETTERS`] the beginning.
    when: Option<&'a str>,
    /// `run`, `reuse`, `skip` or `unknown`.
    decision: &'static str,
    /// Why: one sentence that names the values.
    reason: &'a str,
    /// Why it is skipped, in the word that the run has for it; null when it is not, or when there is no run at all.
    cause: Option<&'static str>,
}

/// Something that makes a task fail in every run in which its turn comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskError {
    /// What `formic explain` describes.
    pub code: String,
    /// The id of the task; of several members of a matrix the first.
    pub task: String,
    /// The file.
    pub file: String,
    /// The line, from 1, and the column in characters, from 1.
    pub line: Option<u32>,
    /// See `line`.
    pub col: Option<u32>,
    /// What would happen, and what is wrong.
    pub message: String,
}

/// Something that a task asks for and this version cannot run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnsupportedTask {
    /// The key.
    pub key: String,
    /// The task's name.
    pub task: String,
    /// The file that the task is in.
    pub file: String,
    /// The line of the key.
    pub line: Option<u32>,
}

impl<'a> PlanDocument<'a> {
    /// The document of a plan and its preview.
    #[must_use]
    pub fn of(plan: &'a Plan, starts: Result<String, String>, planned: &'a [Planned]) -> Self {
        let (starts, reason) = match starts {
            Ok(reason) => (true, reason),
            Err(reason) => (false, reason),
        };
        Self {
            schema: SCHEMA,
            pipeline: &plan.name,
            file: &plan.file,
            signal: &plan.signal,
            params: &plan.params,
            starts,
            reason,
            tasks: planned,
            errors: errors(plan, planned),
            unsupported: Vec::new(),
        }
    }
}

impl<'a> TaskPlan<'a> {
    fn of(planned: &'a Planned) -> Self {
        Self {
            id: &planned.id,
            needs: &planned.needs,
            matrix: &planned.matrix,
            when: planned.when.as_deref(),
            decision: planned.decision.as_str(),
            reason: &planned.reason,
            cause: planned.cause.map(SkipCause::as_str),
        }
    }
}

fn tasks<S: Serializer>(planned: &&[Planned], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(planned.iter().map(TaskPlan::of))
}

fn matrix<S: Serializer>(values: &&Values, to: S) -> Result<S::Ok, S::Error> {
    match values {
        Values::None => to.serialize_none(),
        Values::Cell(cell) => {
            // Names in the order of all objects, not of the axes.
            let sorted: BTreeMap<&str, &Json> = cell.0.iter().map(|(k, v)| (&**k, &**v)).collect();
            to.collect_map(sorted)
        }
        Values::Unknown => to.serialize_str("unknown"),
    }
}

/// The code of an expression that fails with the values that it reads.
const FAILS: &str = "E0415";
/// Errors of one document; who mends the first has mended most of them.
const ERRORS: usize = 100;

/// What makes tasks fail, each fault of a definition once.
fn errors(plan: &Plan, planned: &[Planned]) -> Vec<TaskError> {
    let mut seen = BTreeSet::new();
    let faulty = planned.iter().filter_map(|each| {
        let fault = each.fault.as_deref().filter(|fault| !fault.allowed)?;
        seen.insert((each.def, fault.message.as_str()))
            .then_some((each, fault))
    });
    let error = |(each, fault): (&Planned, &Fault)| TaskError {
        code: FAILS.to_owned(),
        task: each.id.clone(),
        file: fault
            .at
            .map_or(plan.file.as_str(), |at| plan.file_of(at))
            .to_owned(),
        line: fault.at.map(|at| at.line),
        col: fault.at.map(|at| at.column),
        message: fault.message.clone(),
    };
    faulty.take(ERRORS).map(error).collect()
}
