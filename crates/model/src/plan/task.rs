//! Task definitions: what is leased to a worker, under which conditions, with which data.

use super::edge::{Edge, StartRule};
use super::late::{Expression, Late, Place, Text};
use super::step::{Shell, Step};
use super::{Named, is_default, is_false, is_zero};
use crate::ids::ScopeNo;
use crate::{Json, JsonMap, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// One task for each cell of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// The axes; their product makes the cells.
    pub axes: Vec<Axis>,
    /// Cells to add, or values to add to the cells that they agree with.
    pub include: Late<Vec<JsonMap>>,
    /// Cells to leave out: those that agree with all values of an entry.
    pub exclude: Late<Vec<JsonMap>>,
    /// An object with all of the above, computed. The other three are then empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<Expression>,
    /// Whether the failure of one member cancels the others.
    pub fail_fast: bool,
    /// How many members may be active at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<u32>,
}

/// One axis of a matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name in expressions: `matrix.<name>`.
    pub name: String,
    /// Its values.
    pub values: Late<Vec<Json>>,
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

/// A process that runs beside the steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its name; also the prefix of its port's variable.
    pub name: String,
    /// The command that starts it, without a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Text>,
    /// The container it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// A command that succeeds once it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Text>,
    /// The port that it listens on. Without a `ready`, steps wait until it takes connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// How long it may take until it is ready; [`limits::SERVICE_START_MS`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Environment of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Named<Text>,
}

/// Which port a service listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Port {
    /// One that is free on the worker.
    Free,
    /// This one.
    Fixed(u16),
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

/// Where something runs, when not directly on the worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The image.
    pub image: Option<Text>,
    /// Environment in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Named<Text>,
    /// Further options, as the source names them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Json>,
}

/// What a task sees of the worker's own environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvPolicy {
    /// Variables to pass besides the documented list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherit: Vec<String>,
}

/// What a worker must have free to take a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Thousandths of a CPU.
    #[serde(default)]
    pub cpu_milli: u32,
    /// Memory; also the limit where the executor can set one.
    #[serde(default)]
    pub memory_bytes: u64,
    /// Anything else that is counted, by name (`gpu`, `licence`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<String, u32>,
}

/// Which worker may take a task, and how it runs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The role that the worker must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Text>,
    /// Labels that it must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Text>,
    /// The executor by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// The container that the steps run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
}

/// One at a time in a named group, across all runs of the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// The group.
    pub group: Text,
    /// How many members may be active at once.
    pub limit: u32,
    /// What a newcomer does to the others.
    pub mode: GroupMode,
}

/// What a newcomer does to the other members of its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupMode {
    /// It waits for them, first come, first served.
    Queue,
    /// It cancels those that wait, and waits for those that are active.
    SupersedeWaiting,
    /// It cancels all of them.
    Supersede,
}

/// How often, when and after what pause a task is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts after the first.
    pub max: u32,
    /// Pause before the second attempt.
    pub backoff_ms: u64,
    /// By how many hundredths the pause grows each time: 200 doubles it.
    pub factor_percent: u32,
    /// Largest pause.
    pub max_backoff_ms: u64,
    /// True to try again; reads `failure.kind`, `failure.exit_code` and `attempt`. `None`: any failure
    /// of kind `user` or `timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max: 0,
            backoff_ms: 1_000,
            factor_percent: 200,
            max_backoff_ms: 5 * 60 * 1000,
            when: None,
        }
    }
}

/// Which failures are tolerated: `outcome` stays `failed`, `conclusion` becomes `succeeded`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tolerance {
    /// None.
    #[default]
    Never,
    /// All.
    Always,
    /// Those with one of these exit codes.
    ExitCodes(Vec<i32>),
    /// Those for which this is true.
    When(Expression),
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            shell: None,
            working_dir: None,
            contract: native(),
        }
    }
}

impl Resources {
    /// Whether the task asks for nothing in particular.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        is_default(self)
    }

    /// Whether as much is here as a task asks for.
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        let counted = &mut wanted.counted.iter();
        self.cpu_milli >= wanted.cpu_milli
            && self.memory_bytes >= wanted.memory_bytes
            && counted.all(|(name, count)| self.counted.get(name).unwrap_or(&0) >= count)
    }

    /// Takes away what a task asks for, as far as it is here.
    pub fn take(&mut self, wanted: &Self) {
        self.cpu_milli = self.cpu_milli.saturating_sub(wanted.cpu_milli);
        self.memory_bytes = self.memory_bytes.saturating_sub(wanted.memory_bytes);
        for (name, count) in &wanted.counted {
            if let Some(have) = self.counted.get_mut(name) {
                *have = have.saturating_sub(*count);
            }
        }
    }
}

impl Service {
    /// The beginning of the variables that tell where `name` listens: `db-1` gives `DB_1`.
    #[must_use]
    pub fn variable(name: &str) -> String {
        let upper = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        };
        name.chars().map(upper).collect()
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

impl Matrix {
    /// A matrix of axes whose values the plan knows.
    #[must_use]
    pub fn of(axes: impl IntoIterator<Item = (&'static str, Vec<Json>)>) -> Self {
        let axes = axes
            .into_iter()
            .map(|(name, values)| Axis {
                name: name.to_owned(),
                values: Late::Known(values),
            })
            .collect();
        Self {
            axes,
            include: Late::Known(Vec::new()),
            exclude: Late::Known(Vec::new()),
            whole: None,
            fail_fast: true,
            max_parallel: None,
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
            resources: Resources::default(),
            placement: Placement::default(),
            concurrency: None,
            priority: 0,
            generates: None,
            at: None,
        }
    }

    /// Paths that no two active tasks may share: those of artifacts and reports given out.
    /// Only literal ones count; a computed path is checked when it is known.
    pub fn exclusive_paths(&self) -> impl Iterator<Item = &str> {
        let artifacts = self
            .artifacts_out
            .iter()
            .flat_map(|artifact| &artifact.paths);
        let reports = self.reports.values().flatten();
        artifacts.chain(reports).filter_map(Text::literal)
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
