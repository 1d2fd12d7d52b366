//! Scopes: sets of tasks with inputs and outputs of their own. The pipeline is one; so are a
//! reusable pipeline that a task calls, and what a task generated.
//!
//! Names do not leak: a task of a scope sees the scope's inputs and secrets, not the caller's.

use super::data::{Output, ValueType};
use super::late::Text;
use super::{Named, is_false};
use crate::Json;
use crate::ids::DefNo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A set of tasks with inputs and outputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    /// What it is called in messages: the reusable pipeline's name; empty for the root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its definitions, in order of declaration.
    pub tasks: Vec<DefNo>,
    /// The values that a call has to give it, by name. Read as `params.<name>` or `inputs.<name>`, in the root as
    /// `params.<name>` only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Input>,
    /// The values that it gives its caller; each template reads `tasks.<name>.outputs`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Output>,
    /// Environment of every task in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Named<Text>,
    /// Folders that its tasks can share.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub workspaces: BTreeMap<String, Workspace>,
    /// Names of the secrets that it may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
}

/// An input of a scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its type.
    #[serde(rename = "type")]
    pub value_type: ValueType,
    /// Its value when the call gives none. An input without one is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
}

/// A folder that tasks of a scope can share by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Where its content comes from.
    pub kind: WorkspaceKind,
    /// Whether the scope also works without it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
}

/// Where the content of a workspace comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceKind {
    /// An empty folder that lives as long as the run.
    Empty,
    /// Files with fixed content, by relative path (Tekton's configMap and secret sources).
    Files(BTreeMap<String, String>),
    /// The caller binds it to one of its own workspaces, see [`super::Call::workspaces`].
    Caller,
    /// Declared, optional, and bound to nothing.
    Absent,
}
