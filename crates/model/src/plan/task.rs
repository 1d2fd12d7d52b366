//! Task definitions: what is leased to a worker, under which conditions, with which data.

use super::data::{ArtifactIn, ArtifactOut, Cache, Output, Secret, WorkspaceUse};
use super::edge::{Edge, StartRule};
use super::late::{Late, Place, Text};
use super::rules::{Concurrency, Retry, Tolerance};
use super::step::{Shell, Step};
use super::table::Matrix;
use super::worker::{EnvPolicy, ImageBuild, Placement, Resources, Service};
use super::{Named, is_default, is_false, is_zero};
use crate::ids::ScopeNo;
use crate::limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of the artifact that an image is for other tasks and outputs.
pub const IMAGE_ARTIFACT: &str = "image";

/// One definition. The engine makes one task of it, or one for each cell of its matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDef {
    /// Its name, unique within its scope.
    pub name: String,
    /// What people see; the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text>,
    /// The scope that it belongs to.
    pub scope: ScopeNo,
    /// Whether it is part of `finally`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub phase: Phase,
    /// What has to end first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Edge>,
    /// When it then starts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub start: StartRule,
    /// Who or what sets it going once it may start.
    #[serde(default, skip_serializing_if = "is_default")]
    pub activation: Activation,
    /// A person's consent that it needs to start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// One task for each cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// What it does.
    pub body: Body,
    /// Environment of its steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Named<Text>,
    /// What it sees of the worker's own environment.
    #[serde(default, skip_serializing_if = "is_default")]
    pub env_policy: EnvPolicy,
    /// Time limit of one attempt; of a call: of everything in it but its `finally`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<Late<u64>>,
    /// How often, when and after what pause it is tried again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Retry,
    /// Which failures count as success for the run and for the tasks behind.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tolerance: Tolerance,
    /// `false`: after a failure the tasks behind go on with the outputs' defaults, and the run may succeed.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub critical: bool,
    /// Whether it may run twice without harm, so that it is tried again after trouble of the platform.
    #[serde(default, skip_serializing_if = "is_false")]
    pub idempotent: bool,
    /// Values that it gives to others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Output>,
    /// Files that it takes from others, before its first step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts_in: Vec<ArtifactIn>,
    /// Files that it gives to others, after its last step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts_out: Vec<ArtifactOut>,
    /// Report files by format name (`junit`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reports: BTreeMap<String, Vec<Text>>,
    /// Shared folders that it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspaces: Vec<WorkspaceUse>,
    /// Caches that are restored before and saved after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<Cache>,
    /// Files whose content, with the definition, decides whether an earlier result is reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<Text>>,
    /// Processes that run beside the steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// Secrets that it may read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// An image that it makes after its steps; its digest is the artifact [`IMAGE_ARTIFACT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageBuild>,
    /// What a worker must have free.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resources: Resources,
    /// Which worker may take it, and how it runs it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub placement: Placement,
    /// One task at a time, across runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// Larger starts first, before the length of the path behind it counts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// A file that it writes with further tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generates: Option<Text>,
    /// Where it is defined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// The part of a scope that a task belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The ordinary part.
    #[default]
    Main,
    /// Starts when the ordinary part of its scope has ended, however it ended.
    Finally,
}

/// Who or what sets a task going once its needs and its rule let it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nobody has to.
    #[default]
    Automatic,
    /// A person.
    Manual {
        /// Whether tasks behind it wait for it; otherwise they treat it as succeeded at once.
        blocking: bool,
    },
    /// Time.
    Delayed {
        /// Pause after it could have started.
        delay_ms: Late<u64>,
    },
}

/// A person's consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What is asked.
    pub prompt: Text,
    /// After this time without an answer the task fails with kind `policy`.
    pub deadline_ms: u64,
}

/// What a task does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Its steps are run by a worker.
    Steps(Steps),
    /// Its tasks are those of another scope.
    Call(Call),
    /// Nothing: an approval, or a point that others wait for.
    Nothing,
}

/// The steps of a task and what holds for all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Steps {
    /// The steps.
    pub steps: Vec<Step>,
    /// Shell of scripts that name none; the executor's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Shell>,
    /// Folder that they run in, relative to the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<Text>,
    /// Whether their folders may lie outside of the source. Formic's own language keeps them inside, others do not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anywhere: bool,
    /// How the worker reads what a step wrote, and how it names the files for it: `native` or the name
    /// of a front-end.
    #[serde(default = "native", skip_serializing_if = "is_native")]
    pub contract: String,
}

/// A call of a scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The scope.
    pub scope: ScopeNo,
    /// Values for its inputs, as templates: a lone expression keeps its type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Text>,
    /// Its secrets, by the caller's name for each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Its workspaces, by the caller's name for each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub workspaces: BTreeMap<String, WorkspaceUse>,
}

impl Steps {
    /// Whether they talk with the worker as a file of Formic's own language says.
    #[must_use]
    pub fn is_native(&self) -> bool {
        is_native(&self.contract)
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            shell: None,
            working_dir: None,
            anywhere: false,
            contract: native(),
        }
    }
}

impl Approval {
    /// An approval with the default deadline.
    #[must_use]
    pub fn new(prompt: impl Into<Text>) -> Self {
        Self {
            prompt: prompt.into(),
            deadline_ms: limits::APPROVAL_DEADLINE_MS,
        }
    }
}

impl TaskDef {
    /// A task of the root scope with this body and nothing else.
    #[must_use]
    pub fn new(name: impl Into<String>, body: Body) -> Self {
        Self {
            name: name.into(),
            label: None,
            scope: ScopeNo::ROOT,
            phase: Phase::Main,
            needs: Vec::new(),
            start: StartRule::default(),
            activation: Activation::Automatic,
            approval: None,
            matrix: None,
            body,
            env: Vec::new(),
            env_policy: EnvPolicy::default(),
            timeout_ms: None,
            retry: Retry::default(),
            tolerance: Tolerance::Never,
            critical: true,
            idempotent: false,
            outputs: BTreeMap::new(),
            artifacts_in: Vec::new(),
            artifacts_out: Vec::new(),
            reports: BTreeMap::new(),
            workspaces: Vec::new(),
            caches: Vec::new(),
            inputs: None,
            services: Vec::new(),
            secrets: Vec::new(),
            image: None,
            resources: Resources::default(),
            placement: Placement::default(),
            concurrency: None,
            priority: 0,
            generates: None,
            at: None,
        }
    }

    /// Paths that no two active tasks may share: those of artifacts and reports given out.
    pub fn exclusive_texts(&self) -> impl Iterator<Item = &Text> {
        let artifacts = self
            .artifacts_out
            .iter()
            .flat_map(|artifact| &artifact.paths);
        artifacts.chain(self.reports.values().flatten())
    }

    /// Those of them that the plan knows.
    pub fn exclusive_paths(&self) -> impl Iterator<Item = &str> {
        self.exclusive_texts().filter_map(Text::literal)
    }
}

fn yes() -> bool {
    true
}

fn is_true(flag: &bool) -> bool {
    *flag
}

fn native() -> String {
    "native".to_owned()
}

fn is_native(contract: &String) -> bool {
    contract == "native"
}
