//! The document of `formic plan --json`: what would run, and why or why not.

use engine::preview::{Fault, Planned, Values};
use model::plan::Plan;
use model::{Json, JsonMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.plan/v1";

/// What would run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanDocument {
    /// [`SCHEMA`].
    pub schema: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// Its file, from the project's folder.
    pub file: String,
    /// What happened: every name below `signal` with its value.
    pub signal: JsonMap,
    /// The values of the params.
    pub params: JsonMap,
    /// Whether the signal sets the pipeline going.
    pub starts: bool,
    /// Why or why not.
    pub reason: String,
    /// Its tasks, each behind what it needs.
    pub tasks: Vec<TaskPlan>,
    /// What makes a task fail for certain and is not allowed to; with one of them `formic plan` ends with exit code 2.
    #[serde(default)]
    pub errors: Vec<TaskError>,
    /// What the file says and this version cannot run; with one of them `formic run` refuses the pipeline.
    pub unsupported: Vec<UnsupportedTask>,
}

/// A task as the run would make it. Members of a matrix share their texts: there may be a hundred thousand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskPlan {
    /// Its id in the run; that of the whole matrix when `matrix` is `unknown`.
    pub id: String,
    /// The ids of what it needs; a matrix or a call stands for all its tasks.
    pub needs: Arc<[String]>,
    /// Its values of the matrix, `"unknown"` when they are known only while the run goes on, or null.
    pub matrix: Json,
    /// Its condition as it was written.
    pub when: Option<Arc<str>>,
    /// `run`, `reuse`, `skip` or `unknown`.
    pub decision: String,
    /// Why: one sentence that names the values.
    pub reason: Arc<str>,
    /// Why it is skipped, in the word that the run has for it; null when it is not, or when there is no run at all.
    #[serde(default)]
    pub cause: Option<String>,
}

/// Something that makes a task fail in every run in which its turn comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

impl PlanDocument {
    /// The document of a plan and its preview.
    #[must_use]
    pub fn of(plan: &Plan, starts: Result<String, String>, planned: &[Planned]) -> Self {
        let (starts, reason) = match starts {
            Ok(reason) => (true, reason),
            Err(reason) => (false, reason),
        };
        Self {
            schema: SCHEMA.to_owned(),
            pipeline: plan.name.clone(),
            file: plan.file.clone(),
            signal: plan.signal.clone(),
            params: plan.params.clone(),
            starts,
            reason,
            tasks: planned.iter().map(TaskPlan::of).collect(),
            errors: errors(plan, planned),
            unsupported: Vec::new(),
        }
    }
}

impl TaskPlan {
    fn of(planned: &Planned) -> Self {
        let matrix = match &planned.matrix {
            Values::None => Json::Null,
            Values::Cell(cell) => cell.to_object(),
            Values::Unknown => Json::from("unknown"),
        };
        Self {
            id: planned.id.clone(),
            needs: Arc::clone(&planned.needs),
            matrix,
            when: planned.when.clone(),
            decision: planned.decision.as_str().to_owned(),
            reason: Arc::clone(&planned.reason),
            cause: planned.cause.map(|cause| cause.as_str().to_owned()),
        }
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
