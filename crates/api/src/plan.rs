//! The document of `formic plan --json`: what would run, and why or why not.

use engine::preview::{Planned, Values};
use model::plan::Plan;
use model::{Json, JsonMap};
use serde::{Deserialize, Serialize};

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
    /// What the file says and this version cannot run; with one of them `formic run` refuses the pipeline.
    pub unsupported: Vec<UnsupportedTask>,
}

/// A task as the run would make it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskPlan {
    /// Its id in the run; that of the whole matrix when `matrix` is `unknown`.
    pub id: String,
    /// The ids of what it needs; a matrix or a call stands for all its tasks.
    pub needs: Vec<String>,
    /// Its values of the matrix, `"unknown"` when they are known only while the run goes on, or null.
    pub matrix: Json,
    /// Its condition as it was written.
    pub when: Option<String>,
    /// `run`, `reuse`, `skip` or `unknown`.
    pub decision: String,
    /// Why: one sentence that names the values.
    pub reason: String,
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
            needs: planned.needs.to_vec(),
            matrix,
            when: planned.when.as_deref().map(str::to_owned),
            decision: planned.decision.as_str().to_owned(),
            reason: planned.reason.to_string(),
        }
    }
}
