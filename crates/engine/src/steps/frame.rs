//! Lists of steps that are being gone through: the task's, and those of groups.

use crate::rows::{Exit, StepStatus};
use expr::Value;
use model::plan::{
    Container, Expression, Late, Named, Output, Post, Step, StepBody, Text, Tolerance,
};
use model::reason::FailureKind;
use std::collections::{BTreeMap, VecDeque};

/// A list of steps, with what became of those before.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    left: VecDeque<Step>,
    /// What opened it; nothing for the task's own steps.
    pub(super) opener: Option<Turn>,
    /// Values for `inputs.<name>`; nothing for the task's own steps.
    pub(super) inputs: Option<BTreeMap<String, Value>>,
    /// Steps by name.
    pub(super) facts: BTreeMap<String, Facts>,
    /// The first failure that was not tolerated.
    pub(super) failure: Option<Failure>,
    pub(super) canceled: bool,
}

/// What is known of a step that has ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) outputs: BTreeMap<String, Value>,
    pub(super) outcome: Option<StepStatus>,
    pub(super) tolerated: bool,
    pub(super) exit: Option<Exit>,
}

/// How a step ended.
#[derive(Debug)]
pub(super) struct StepEnd {
    pub(super) status: StepStatus,
    pub(super) exit: Option<Exit>,
    pub(super) failure: Option<Failure>,
    pub(super) duration_ms: u64,
}

impl StepEnd {
    /// The end of a step that ran no command of its own.
    pub(super) const fn without_command(status: StepStatus, failure: Option<Failure>) -> Self {
        Self {
            status,
            exit: None,
            failure,
            duration_ms: 0,
        }
    }
}

/// Why a step failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    pub(super) exit_code: Option<i32>,
    pub(super) message: String,
}

/// A step whose turn has come, or a post step.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    /// Its name in results.
    pub(super) name: String,
    /// What people see in place of its name; a template stands for itself until it is worked out.
    pub(super) label: Option<Text>,
    /// Its name among its neighbours.
    pub(super) step: String,
    /// Its place in the stack of frames.
    pub(super) depth: usize,
    pub(super) is_post: bool,
    pub(super) when: Option<Expression>,
    pub(super) body: StepBody,
    pub(super) env: Named<Text>,
    pub(super) working_dir: Option<Text>,
    pub(super) timeout_ms: Option<Late<u64>>,
    pub(super) tolerance: Tolerance,
    /// What it declares to give.
    pub(super) outputs: BTreeMap<String, Output>,
    pub(super) keep_streams_apart: bool,
    /// Inputs of the group that a post step belonged to.
    pub(super) inputs: Option<BTreeMap<String, Value>>,
    pub(super) post: Option<Box<Post>>,
    pub(super) container: Option<Container>,
}

impl Frame {
    pub(super) fn root(steps: Vec<Step>) -> Self {
        Self::new(steps, None, None)
    }

    pub(super) fn group(opener: Turn, steps: Vec<Step>, inputs: BTreeMap<String, Value>) -> Self {
        Self::new(steps, Some(opener), Some(inputs))
    }

    fn new(
        steps: Vec<Step>,
        opener: Option<Turn>,
        inputs: Option<BTreeMap<String, Value>>,
    ) -> Self {
        Self {
            left: steps.into(),
            opener,
            inputs,
            facts: BTreeMap::new(),
            failure: None,
            canceled: false,
        }
    }

    pub(super) fn has_more(&self) -> bool {
        !self.left.is_empty()
    }

    /// Takes the next step.
    pub(super) fn take(&mut self, depth: usize) -> Option<Turn> {
        let step = self.left.pop_front()?;
        let outer = self
            .opener
            .as_ref()
            .map(|opener| format!("{}/", opener.name));
        Some(Turn {
            name: format!("{}{}", outer.unwrap_or_default(), step.name),
            label: step.label,
            step: step.name,
            depth,
            is_post: false,
            when: step.when,
            body: step.body,
            env: step.env,
            working_dir: step.working_dir,
            timeout_ms: step.timeout_ms,
            tolerance: step.tolerance,
            outputs: step.outputs,
            keep_streams_apart: step.keep_streams_apart,
            inputs: self.inputs.clone(),
            post: step.post,
            container: step.container,
        })
    }
}

impl Turn {
    /// What people call it: its label, else its name.
    pub(super) fn title(&self) -> &str {
        self.known_label().unwrap_or(&self.name)
    }

    /// Its label, once it is worked out.
    pub(super) fn known_label(&self) -> Option<&str> {
        match &self.label {
            Some(Text::Literal(label)) => Some(label),
            Some(Text::Template(_)) | None => None,
        }
    }

    /// What runs for this step after all others.
    pub(super) fn post_turn(&self, inputs: Option<BTreeMap<String, Value>>) -> Option<Self> {
        let post = self.post.as_ref()?;
        let mut env = self.env.clone();
        env.extend(post.env.iter().cloned());
        Some(Self {
            name: format!("post {}", self.name),
            label: self
                .known_label()
                .map(|label| Text::Literal(format!("post {label}"))),
            step: format!("post {}", self.step),
            depth: 0,
            is_post: true,
            when: post.when.clone(),
            body: post.body.clone(),
            env,
            working_dir: self.working_dir.clone(),
            timeout_ms: None,
            tolerance: Tolerance::Never,
            outputs: BTreeMap::new(),
            keep_streams_apart: self.keep_streams_apart,
            inputs,
            post: None,
            container: self.container.clone(),
        })
    }
}
