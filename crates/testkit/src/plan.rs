//! Plans in a few words.
//!
//! ```
//! use model::plan::ValueType;
//! use serde_json::json;
//!
//! let plan = testkit::plan("shop")
//!     .task("build", |t| t.run("make").output("version", ValueType::String))
//!     .task("test", |t| t.needs(["build"]).matrix([("shard", json!([1, 2]))]).retry(2))
//!     .finally("report", |t| t.run("./report.sh"))
//!     .build();
//! assert_eq!(plan.tasks.len(), 3);
//! ```
//! Tasks and scopes are named, not numbered: names are looked up by [`PlanBuilder::build`], in the scope that
//! uses them, so that the order of declaration does not matter within one scope. A scope that another scope calls
//! has to be declared after it, as in every plan.

use crate::task::TaskBuilder;
use model::ids::{DefNo, ScopeNo};
use model::plan::{
    Body, Concurrency, Fragment, GroupMode, Input, Output, Phase, Plan, Scope, Text, ValueType,
    Workspace, WorkspaceKind,
};
use model::{Json, JsonMap};

/// Begins a plan whose pipeline is called `name`.
pub fn plan(name: &str) -> PlanBuilder {
    PlanBuilder {
        plan: Plan::new(name),
        scopes: vec![ScopeBuilder::default()],
    }
}

/// A plan that is being written.
#[derive(Debug)]
#[must_use]
pub struct PlanBuilder {
    plan: Plan,
    /// The first is the pipeline itself.
    scopes: Vec<ScopeBuilder>,
}

/// A scope that is being written.
#[derive(Debug, Default)]
#[must_use]
pub struct ScopeBuilder {
    scope: Scope,
    tasks: Vec<TaskBuilder>,
}

impl PlanBuilder {
    /// Adds a task. Without a body it runs `true`.
    pub fn task(mut self, name: &str, make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Self {
        self.scopes[0].add(name, Phase::Main, make);
        self
    }

    /// Adds a task that starts when all others have ended, however they did.
    pub fn finally(mut self, name: &str, make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Self {
        self.scopes[0].add(name, Phase::Finally, make);
        self
    }

    /// Adds a scope that tasks can call by its name.
    pub fn scope(mut self, name: &str, make: impl FnOnce(ScopeBuilder) -> ScopeBuilder) -> Self {
        let mut scope = make(ScopeBuilder::default());
        name.clone_into(&mut scope.scope.name);
        self.scopes.push(scope);
        self
    }

    /// Declares a param of the pipeline and its value for the run.
    pub fn param(mut self, name: &str, value: Json) -> Self {
        self.plan.params.insert(name.to_owned(), value);
        self
    }

    /// Sets what happened: the names below `signal`.
    pub fn signal(mut self, signal: Json) -> Self {
        self.plan.signal = object(signal);
        self
    }

    /// Gives expressions one more name, as a front-end does.
    pub fn name(mut self, name: &str, value: Json) -> Self {
        self.plan.names.insert(name.to_owned(), value);
        self
    }

    /// Says that the text of a name, or of a path below it, came from outside.
    pub fn tainted(mut self, path: &str) -> Self {
        self.plan.tainted.push(path.to_owned());
        self
    }

    /// Declares a folder that tasks can share, empty at first.
    pub fn workspace(mut self, name: &str) -> Self {
        self.scopes[0] = std::mem::take(&mut self.scopes[0]).workspace(name, WorkspaceKind::Empty);
        self
    }

    /// Declares a folder that tasks can share, and where its content comes from.
    pub fn workspace_of(mut self, name: &str, kind: WorkspaceKind) -> Self {
        self.scopes[0] = std::mem::take(&mut self.scopes[0]).workspace(name, kind);
        self
    }

    /// Sets a variable of the environment of every task of the pipeline's own scope.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.scopes[0] = std::mem::take(&mut self.scopes[0]).env(name, value);
        self
    }

    /// One run at a time in `group`; later ones wait.
    pub fn concurrency(self, group: &str) -> Self {
        self.concurrency_mode(group, GroupMode::Queue)
    }

    /// One run at a time in `group`.
    pub fn concurrency_mode(mut self, group: &str, mode: GroupMode) -> Self {
        self.plan.concurrency = Some(Concurrency {
            group: text(group),
            limit: 1,
            mode,
        });
        self
    }

    /// Limits the time of everything but `finally`.
    pub fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.plan.timeout_ms = Some(timeout_ms);
        self
    }

    /// Limits the time of `finally`.
    pub fn finally_timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.plan.finally_timeout_ms = Some(timeout_ms);
        self
    }

    /// The plan.
    ///
    /// # Panics
    /// When a task needs or calls something that is not there.
    #[must_use]
    pub fn build(self) -> Plan {
        let Self { mut plan, scopes } = self;
        (plan.scopes, plan.tasks) = number(scopes);
        plan
    }

    /// The same tasks and scopes as a fragment: what a task generated.
    ///
    /// # Panics
    /// When a task needs or calls something that is not there.
    #[must_use]
    pub fn fragment(self) -> Fragment {
        let (scopes, tasks) = number(self.scopes);
        Fragment { scopes, tasks }
    }
}

impl ScopeBuilder {
    /// Adds a task.
    pub fn task(mut self, name: &str, make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Self {
        self.add(name, Phase::Main, make);
        self
    }

    /// Adds a task that starts when all others of the scope have ended.
    pub fn finally(mut self, name: &str, make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Self {
        self.add(name, Phase::Finally, make);
        self
    }

    /// Declares an input that every call has to give.
    pub fn input(mut self, name: &str, value_type: ValueType) -> Self {
        let default = None;
        let input = Input {
            value_type,
            default,
        };
        self.scope.inputs.insert(name.to_owned(), input);
        self
    }

    /// Declares an input with a default.
    pub fn input_default(mut self, name: &str, value_type: ValueType, default: Json) -> Self {
        let default = Some(default);
        let input = Input {
            value_type,
            default,
        };
        self.scope.inputs.insert(name.to_owned(), input);
        self
    }

    /// Declares an output by a template over `tasks`.
    pub fn output(mut self, name: &str, value_type: ValueType, from: &str) -> Self {
        let output = Output {
            value_type,
            from: Some(Text::template(from)),
            default: None,
        };
        self.scope.outputs.insert(name.to_owned(), output);
        self
    }

    /// Declares a folder that its tasks can share.
    pub fn workspace(mut self, name: &str, kind: WorkspaceKind) -> Self {
        let optional = false;
        self.scope
            .workspaces
            .insert(name.to_owned(), Workspace { kind, optional });
        self
    }

    /// Sets a variable of the environment of its tasks.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.scope.env.push((name.to_owned(), text(value)));
        self
    }

    /// Lets it read a secret.
    pub fn secret(mut self, name: &str) -> Self {
        self.scope.secrets.push(name.to_owned());
        self
    }

    fn add(&mut self, name: &str, phase: Phase, make: impl FnOnce(TaskBuilder) -> TaskBuilder) {
        self.tasks.push(make(TaskBuilder::new(name, phase)));
    }
}

/// Turns names into numbers.
fn number(scopes: Vec<ScopeBuilder>) -> (Vec<Scope>, Vec<model::plan::TaskDef>) {
    let names: Vec<String> = scopes
        .iter()
        .map(|scope| scope.scope.name.clone())
        .collect();
    let (mut numbered, mut tasks) = (Vec::new(), Vec::new());
    for (place, builder) in scopes.into_iter().enumerate() {
        let ScopeBuilder {
            mut scope,
            tasks: builders,
        } = builder;
        let first = tasks.len();
        let local: Vec<String> = builders.iter().map(|task| task.def.name.clone()).collect();
        let number_of = |name: &str| {
            let at = local.iter().position(|each| each == name);
            let at = at.unwrap_or_else(|| panic!("no task `{name}` in this scope: {local:?}"));
            DefNo(small(first + at))
        };
        for builder in builders {
            let (mut def, needs, call) = builder.finish();
            def.scope = ScopeNo(small(place));
            def.needs = needs
                .into_iter()
                .map(|need| need.edge_to(number_of(&need.name)))
                .collect();
            if let (Body::Call(body), Some(name)) = (&mut def.body, call) {
                let at = names.iter().skip(1).position(|each| *each == name);
                let at = at.unwrap_or_else(|| panic!("no scope `{name}`: {names:?}"));
                body.scope = ScopeNo(small(at + 1));
            }
            scope.tasks.push(DefNo(small(tasks.len())));
            tasks.push(def);
        }
        numbered.push(scope);
    }
    (numbered, tasks)
}

/// `value` as a template if it holds an expression, else as it is.
pub(crate) fn text(value: &str) -> Text {
    if value.contains("${{") {
        Text::template(value)
    } else {
        Text::from(value)
    }
}

pub(crate) fn object(value: Json) -> JsonMap {
    model::plan::object(value).expect("a JSON object is expected here")
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("plans of tests are small")
}
