//! Task definitions in a few words.

mod data;
mod failure;
mod start;

use crate::plan::text;
use crate::step::StepBuilder;
use model::ids::{DefNo, ScopeNo};
use model::plan::{
    Body, Call, Container, Edge, EdgeKind, Phase, SkipSpread, Step, Steps, TaskDef, WorkspaceUse,
};
use std::collections::BTreeMap;

/// A task definition that is being written.
#[derive(Debug)]
#[must_use]
pub struct TaskBuilder {
    pub(crate) def: TaskDef,
    steps: Steps,
    needs: Vec<Need>,
    /// The name of the scope that it calls.
    calls: Option<String>,
}

/// A need by name.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) name: String,
    kind: EdgeKind,
    on_skip: SkipSpread,
}

impl Need {
    pub(crate) const fn edge_to(&self, task: DefNo) -> Edge {
        Edge {
            task,
            kind: self.kind,
            on_skip: self.on_skip,
        }
    }
}

impl TaskBuilder {
    pub(crate) fn new(name: &str, phase: Phase) -> Self {
        let mut def = TaskDef::new(name, Body::Steps(Steps::default()));
        def.phase = phase;
        Self {
            def,
            steps: Steps::default(),
            needs: Vec::new(),
            calls: None,
        }
    }

    pub(crate) fn finish(mut self) -> (TaskDef, Vec<Need>, Option<String>) {
        if let Body::Steps(steps) = &mut self.def.body {
            if self.steps.steps.is_empty() {
                self.steps.steps.push(Step::script("run", "true"));
            }
            *steps = self.steps;
        }
        (self.def, self.needs, self.calls)
    }

    // What it does.

    /// Runs a script, as one more step.
    pub fn run(mut self, script: &str) -> Self {
        let name = match self.steps.steps.len() {
            0 => "run".to_owned(),
            before => format!("run{}", before + 1),
        };
        self.steps.steps.push(Step::script(name, text(script)));
        self
    }

    /// Adds a step.
    pub fn step(mut self, name: &str, make: impl FnOnce(StepBuilder) -> StepBuilder) -> Self {
        self.steps.steps.push(make(StepBuilder::new(name)).finish());
        self
    }

    /// Does nothing: an approval, or a point that others wait for.
    pub fn nothing(mut self) -> Self {
        self.def.body = Body::Nothing;
        self
    }

    /// Calls a scope with these inputs, each a text or a template.
    pub fn call<const N: usize>(mut self, scope: &str, inputs: [(&str, &str); N]) -> Self {
        let inputs = inputs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), text(value)))
            .collect();
        self.def.body = Body::Call(Call {
            scope: ScopeNo::ROOT,
            inputs,
            secrets: BTreeMap::new(),
            workspaces: BTreeMap::new(),
        });
        self.calls = Some(scope.to_owned());
        self
    }

    /// Gives a called scope one of the caller's workspaces under the same name.
    ///
    /// # Panics
    /// When the task calls nothing.
    pub fn call_workspace(mut self, inner: &str, outer: &str) -> Self {
        let Body::Call(call) = &mut self.def.body else {
            panic!("`{}` calls nothing", self.def.name);
        };
        call.workspaces
            .insert(inner.to_owned(), workspace_use(inner, outer));
        self
    }

    /// Gives a called scope one of the caller's secrets.
    ///
    /// # Panics
    /// When the task calls nothing.
    pub fn call_secret(mut self, inner: &str, outer: &str) -> Self {
        let Body::Call(call) = &mut self.def.body else {
            panic!("`{}` calls nothing", self.def.name);
        };
        call.secrets.insert(inner.to_owned(), outer.to_owned());
        self
    }

    /// Writes further tasks to this file.
    pub fn generates(mut self, file: &str) -> Self {
        self.def.generates = Some(text(file));
        self
    }

    /// Lets steps run in folders outside of the source.
    pub fn anywhere(mut self) -> Self {
        self.steps.anywhere = true;
        self
    }

    /// Reads what steps write in the way of a front-end.
    pub fn contract(mut self, contract: &str) -> Self {
        contract.clone_into(&mut self.steps.contract);
        self
    }

    // Where and how it runs.

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.def.env.push((name.to_owned(), text(value)));
        self
    }

    /// Passes a variable of the worker's own environment.
    pub fn inherit(mut self, name: &str) -> Self {
        self.def.env_policy.inherit.push(name.to_owned());
        self
    }

    /// Runs in a folder below the source.
    pub fn working_dir(mut self, folder: &str) -> Self {
        self.steps.working_dir = Some(text(folder));
        self
    }

    /// Runs scripts that name no shell with this program; `{file}` stands for the script.
    pub fn shell<const N: usize>(mut self, argv: [&str; N]) -> Self {
        self.steps.shell = Some(model::plan::Shell {
            argv: argv.into_iter().map(str::to_owned).collect(),
            computed: None,
            extension: String::new(),
        });
        self
    }

    /// Runs in a container of this image.
    pub fn container(mut self, image: &str) -> Self {
        self.def.placement.container = Some(Container {
            image: Some(text(image)),
            ..Container::default()
        });
        self
    }

    /// Needs a worker with this label.
    pub fn label(mut self, label: &str) -> Self {
        self.def.placement.labels.push(text(label));
        self
    }

    /// Needs so many thousandths of a CPU.
    pub fn cpu_milli(mut self, cpu_milli: u32) -> Self {
        self.def.resources.cpu_milli = cpu_milli;
        self
    }

    /// Needs so many of something that is counted.
    pub fn resource(mut self, name: &str, count: u32) -> Self {
        let counted = &mut self.def.resources.counted;
        counted.insert(name.to_owned(), count);
        self
    }

    /// Starts before ready tasks of smaller priority.
    pub fn priority(mut self, priority: i32) -> Self {
        self.def.priority = priority;
        self
    }

    /// Changes what holds for all steps in a way that no other method has.
    pub fn edit_steps(mut self, change: impl FnOnce(&mut Steps)) -> Self {
        change(&mut self.steps);
        self
    }

    /// Changes the definition in a way that no other method has.
    pub fn edit(mut self, change: impl FnOnce(&mut TaskDef)) -> Self {
        change(&mut self.def);
        self
    }
}

fn workspace_use(name: &str, source: &str) -> WorkspaceUse {
    WorkspaceUse {
        name: name.to_owned(),
        source: source.to_owned(),
        sub_path: None,
        read_only: false,
        optional: false,
    }
}
