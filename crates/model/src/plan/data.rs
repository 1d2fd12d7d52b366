//! What a task takes and gives: values, files, shared folders, caches, secrets.

use super::late::Text;
use super::{is_default, is_false};
use crate::Json;
use serde::{Deserialize, Serialize};

/// A value that a step, task or scope gives to others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Its type; what was written is read as this.
    #[serde(rename = "type")]
    pub value_type: ValueType,
    /// Where it comes from: a template over `steps` (task) or `tasks` (scope). `None`: a step writes
    /// it by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Text>,
    /// Its value when nothing was written, or when the task failed and is not critical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
}

/// The type of a param, input or output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Text.
    #[default]
    String,
    /// An integer or a decimal number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of these texts.
    Enum(Vec<String>),
    /// A JSON array.
    List,
    /// A JSON object.
    Object,
    /// The name of one of the task's artifacts; its value is the digest.
    Artifact,
}

/// Files taken from another task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactIn {
    /// The name of the definition in the same scope that gives it; one of the needs.
    pub from: String,
    /// The artifact.
    pub name: String,
    /// Folder to put it in, relative to the source; where it was taken from when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Text>,
    /// Whether the task goes on without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
}

/// Files given to others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactOut {
    /// Its name, unique within the task.
    pub name: String,
    /// Glob patterns, relative to the source.
    pub paths: Vec<Text>,
    /// Glob patterns to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Text>,
    /// After which ends of the steps it is taken.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: ArtifactWhen,
    /// What it means that no file matches.
    #[serde(default, skip_serializing_if = "is_default")]
    pub if_missing: IfMissing,
}

/// After which ends of the steps an artifact is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactWhen {
    /// After success.
    #[default]
    Success,
    /// After failure.
    Failure,
    /// After both.
    Always,
}

/// What it means that no file matches an artifact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfMissing {
    /// The task fails.
    #[default]
    Fail,
    /// The log says so.
    Warn,
    /// Nothing.
    Ignore,
}

/// The use of a shared folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceUse {
    /// Its name in the task: `workspaces.<name>`.
    pub name: String,
    /// Its name in the scope.
    pub source: String,
    /// A folder in it to use as if it were the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<Text>,
    /// Whether the task may only read it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Whether the task also works when the scope has it not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
}

/// A cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// Its key.
    pub key: Text,
    /// Beginnings of keys to fall back on, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restore_keys: Vec<Text>,
    /// What it holds.
    pub paths: Vec<Text>,
    /// Whether it is only restored.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Whether it is only saved (GitLab's `policy: push`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub write_only: bool,
    /// After which ends of the steps it is saved.
    #[serde(default, skip_serializing_if = "is_default")]
    pub when: ArtifactWhen,
}

/// A secret that a task may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its name in the scope.
    pub name: String,
    /// The variable that holds it; none when only expressions read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
}
