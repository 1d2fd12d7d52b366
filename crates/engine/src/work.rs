//! What a worker has to know to run a task: the definition and every value that it may read, by value,
//! so that a worker needs nothing of the board.

use crate::rows::{ArtifactRef, Outputs};
use model::ids::{AttemptId, Token};
use model::plan::{Named, TaskDef, Text, WorkspaceKind, WorkspaceUse};
use model::source::Source;
use model::time::Timestamp;
use model::{Json, JsonMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A leased task with its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Which attempt this is.
    pub id: AttemptId,
    /// The token to report under.
    pub token: Token,
    /// The task's id as people write it.
    pub key: String,
    /// The definition.
    pub task: Arc<TaskDef>,
    /// The plan's further files: those that places in the definition name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Environment of the scopes around it, outermost first.
    pub scope_env: Vec<Named<Text>>,
    /// Names for its expressions, except `tasks`.
    pub names: JsonMap,
    /// Top-level names, or dotted paths below them, whose text came from outside.
    pub tainted: Vec<String>,
    /// What the tasks that it needs gave, by name of their definition.
    pub needs: BTreeMap<String, Need>,
    /// The shared folders that it uses, resolved through the calls around it.
    pub workspaces: Vec<WorkspaceBinding>,
    /// When it has to be over.
    pub deadline_at: Option<Timestamp>,
    /// What it runs on.
    pub source: Source,
    /// Whether it gets a worktree of its own.
    pub clean: bool,
    /// Whether what it brings back is kept (false for a replay).
    pub publish: bool,
    /// Whether its key has to be told before its first step: an earlier result may stand for running it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyed: bool,
}

/// What one needed definition gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Need {
    /// `succeeded`, `failed`, `skipped`, `canceled`.
    pub outcome: String,
    /// The same, with a tolerated failure as success.
    pub conclusion: String,
    /// Its values; of a matrix, lists with one place for each member.
    pub outputs: Outputs,
    /// Its files; of a matrix, those of all members.
    pub artifacts: Vec<ArtifactRef>,
}

/// A shared folder that a task uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceBinding {
    /// Its name in the task.
    pub name: String,
    /// The folder of the run that holds it, as a relative path; `None` when it is not there.
    pub folder: Option<String>,
    /// What it holds when it is made.
    pub kind: WorkspaceKind,
    /// Folders to go down, outermost first; computed, so all are literal.
    pub sub_paths: Vec<Text>,
    /// Whether the task may only read it.
    pub read_only: bool,
}

impl WorkspaceBinding {
    /// The binding of something that is not there.
    #[must_use]
    pub fn absent(wanted: &WorkspaceUse) -> Self {
        Self {
            name: wanted.name.clone(),
            folder: None,
            kind: WorkspaceKind::Absent,
            sub_paths: Vec::new(),
            read_only: wanted.read_only,
        }
    }
}

/// `outputs` as a JSON object of plain values.
#[must_use]
pub fn plain(outputs: &Outputs) -> Json {
    Json::Object(
        outputs
            .iter()
            .map(|(name, output)| (name.clone(), output.value.clone()))
            .collect(),
    )
}
