//! Steps: the commands of a task, run one after the other by one worker.

use super::data::Output;
use super::late::{Expression, Late, Text};
use super::rules::Tolerance;
use super::worker::Container;
use super::{Named, is_default, is_false};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name in expressions (`steps.<name>`) and results; unique within its list.
    pub name: String,
    /// What people see; the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text>,
    /// True to run. It may call the status functions, over the steps before. `None` is `succeeded()`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    /// What it does.
    pub body: StepBody,
    /// Environment of this step only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Named<Text>,
    /// Folder it runs in, relative to the task's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<Text>,
    /// Time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<Late<u64>>,
    /// Which failures count as success for the steps behind (`conclusion`); `outcome` stays.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tolerance: Tolerance,
    /// Where it runs, when not where the task runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// Values that it gives to later steps and to the task.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Output>,
    /// What runs for it after all steps of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<Box<Post>>,
    /// Keep standard error apart from standard output. Their order is then not recorded.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_streams_apart: bool,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepBody {
    /// Writes the text to a file and gives it to a shell.
    Script {
        /// The text.
        text: Text,
        /// The shell; the task's when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shell: Option<Shell>,
        /// What the script finds in `$1`, `$2`, …; each as a word of a command.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        args: Vec<Text>,
    },
    /// Starts a program without a shell.
    Command {
        /// Program and arguments. A lone expression that gives a list gives a word for each of its values
        /// (Tekton's `$(params.files[*])`).
        argv: Vec<Text>,
    },
    /// Steps of a reusable step (GitHub's composite action, Tekton's StepAction): they see these
    /// inputs and each other, not the steps around them. The step's outputs are computed over them;
    /// a step that declares none gives what they gave.
    Group {
        /// Values for `inputs.<name>`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, Text>,
        /// The steps.
        steps: Vec<Step>,
    },
}

/// A command line with the placeholder `{file}` for the script's path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shell {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Computes a list of program and arguments. `argv` is then empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Expression>,
    /// Ending of the script file, with its dot, for programs that look at it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extension: String,
}

/// What runs for a step after all steps of its task, in reverse order, also after failure and cancel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// True to run; `None` is `always()`. It runs only if its step was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    /// What it does.
    pub body: StepBody,
    /// Environment of it only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Named<Text>,
}

impl Step {
    /// A step that runs `script` in the task's shell.
    #[must_use]
    pub fn script(name: impl Into<String>, script: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            label: None,
            when: None,
            body: StepBody::Script {
                text: script.into(),
                shell: None,
                args: Vec::new(),
            },
            env: Vec::new(),
            working_dir: None,
            timeout_ms: None,
            tolerance: Tolerance::Never,
            container: None,
            outputs: BTreeMap::new(),
            post: None,
            keep_streams_apart: false,
        }
    }
}
