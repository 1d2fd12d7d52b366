//! The plan: what a run does, as typed values.
//!
//! A front-end compiles a file against one signal into a [`Plan`]; the engine runs it. The plan
//! knows no file format: what files of GitHub, GitLab and Tekton say is expressed
//! by the same few elements (`docs/plan-model.md` maps each of their keys).
//!
//! - A **scope** is a set of task definitions with inputs and outputs: the pipeline itself, a
//!   reusable pipeline that a task calls, or the tasks that a task generated.
//! - A **task definition** becomes one or several tasks of the run (matrix, calls).
//! - An **expression** is text with its dialect; a **late** value may be one.
//!
//! A plan is stored with its run, so it is versioned: see [`PLAN_VERSION`].

pub mod data;
pub mod edge;
pub mod function;
pub mod late;
pub mod rules;
pub mod scope;
pub mod step;
pub mod table;
pub mod task;
pub mod worker;

pub use data::{
    ArtifactIn, ArtifactOut, ArtifactWhen, Cache, IfMissing, Output, Secret, ValueType,
    WorkspaceUse,
};
pub use edge::{Edge, EdgeKind, SkipSpread, StartRule, StatusOf};
pub use function::RunFunction;
pub use late::{Expression, Late, Place, Text};
pub use rules::{Concurrency, GroupMode, Retry, Tolerance};
pub use scope::{Input, Scope, Workspace, WorkspaceKind};
pub use step::{Post, Shell, Step, StepBody};
pub use table::{Axis, Matrix};
pub use task::{Activation, Approval, Body, Call, IMAGE_ARTIFACT, Phase, Steps, TaskDef};
pub use worker::{Container, EnvPolicy, ImageBuild, Placement, Port, Resources, Service};

use crate::ids::{DefNo, ScopeNo};
use crate::{Json, JsonMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the plan's form that this program writes. A program reads its own version and,
/// from the second on, the one before.
pub const PLAN_VERSION: u32 = 1;

/// What a run does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The form, see [`PLAN_VERSION`].
    pub version: u32,
    /// The pipeline's name.
    pub name: String,
    /// The file it came from, relative to the source folder; empty when it came from no file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Further files that parts of it came from, in the numbers that a [`Place`] names from 1 on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_files: Vec<String>,
    /// Scopes; the first is the pipeline itself.
    pub scopes: Vec<Scope>,
    /// Every task definition of every scope. Definitions of one scope may only need others of it.
    pub tasks: Vec<TaskDef>,
    /// The values of the pipeline's params for this run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: JsonMap,
    /// What happened, as names that expressions can read (`signal.branch`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signal: JsonMap,
    /// Further names that a front-end gives its expressions (`github`, `CI_COMMIT_SHA`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: JsonMap,
    /// Top-level names, or dotted paths below them, whose text came from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tainted: Vec<String>,
    /// One run at a time, and what happens to the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// Time limit of everything but `finally`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Time limit of `finally`; [`crate::limits::FINALLY_TIMEOUT_MS`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finally_timeout_ms: Option<u64>,
    /// Priority of the run among other runs: larger starts first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
}

/// Task definitions made while a run goes on, by a task that generates tasks.
///
/// Scope 0 of the fragment is the scope of the generated tasks; numbers count from 0 within the
/// fragment and are moved when it is taken into the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fragment {
    /// Scopes; the first holds the generated tasks.
    pub scopes: Vec<Scope>,
    /// Their task definitions.
    pub tasks: Vec<TaskDef>,
}

impl Plan {
    /// A plan named `name` with an empty root scope.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            version: PLAN_VERSION,
            name: name.into(),
            file: String::new(),
            more_files: Vec::new(),
            scopes: vec![Scope::default()],
            tasks: Vec::new(),
            params: JsonMap::new(),
            signal: JsonMap::new(),
            names: JsonMap::new(),
            tainted: Vec::new(),
            concurrency: None,
            timeout_ms: None,
            finally_timeout_ms: None,
            priority: 0,
        }
    }

    /// The definition numbered `def`.
    ///
    /// # Panics
    /// When the number is of another plan.
    #[must_use]
    pub fn task(&self, def: DefNo) -> &TaskDef {
        &self.tasks[def.index()]
    }

    /// The scope numbered `scope`.
    ///
    /// # Panics
    /// When the number is of another plan.
    #[must_use]
    pub fn scope(&self, scope: ScopeNo) -> &Scope {
        &self.scopes[scope.index()]
    }

    /// The name of the file that `place` is in; empty when it is not known.
    #[must_use]
    pub fn file_of(&self, place: Place) -> &str {
        let further = usize::try_from(place.file)
            .ok()
            .and_then(|n| n.checked_sub(1));
        match further {
            None => &self.file,
            Some(n) => self.more_files.get(n).map_or("", String::as_str),
        }
    }

    /// Takes in a fragment; returns the number of its first scope in this plan.
    pub fn append(&mut self, fragment: Fragment) -> ScopeNo {
        let scope_base = u32::try_from(self.scopes.len()).expect("scopes are bounded by tasks");
        let task_base = u32::try_from(self.tasks.len()).expect("tasks are bounded");
        for mut scope in fragment.scopes {
            for def in &mut scope.tasks {
                def.0 += task_base;
            }
            self.scopes.push(scope);
        }
        for mut task in fragment.tasks {
            task.scope.0 += scope_base;
            for need in &mut task.needs {
                need.task.0 += task_base;
            }
            if let Body::Call(call) = &mut task.body {
                call.scope.0 += scope_base;
            }
            self.tasks.push(task);
        }
        ScopeNo(scope_base)
    }
}

/// Values by name whose order of declaration matters, such as environments that refer to earlier entries.
pub type Named<T> = Vec<(String, T)>;

pub(crate) fn is_first(number: &u32) -> bool {
    *number == 0
}

pub(crate) fn is_zero(number: &i32) -> bool {
    *number == 0
}

pub(crate) fn is_false(flag: &bool) -> bool {
    !*flag
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `value` as a JSON object, if it is one.
#[must_use]
pub fn object(value: Json) -> Option<JsonMap> {
    let Json::Object(map) = value else {
        return None;
    };
    Some(map.into_iter().collect())
}

#[cfg(test)]
mod tests;
