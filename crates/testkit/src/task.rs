//! Task definitions in a few words.

use crate::plan::{object, text};
use crate::step::StepBuilder;
use model::Json;
use model::ids::{DefNo, ScopeNo};
use model::plan::{
    Activation, Approval, ArtifactIn, ArtifactOut, ArtifactWhen, Axis, Body, Cache, Call,
    Concurrency, Container, Edge, EdgeKind, Expression, GroupMode, IfMissing, Late, Matrix, Output,
    Phase, Retry, Secret, Service, SkipSpread, StatusOf, Step, Steps, TaskDef, Text, Tolerance,
    ValueType, WorkspaceUse,
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

    // What it waits for.

    /// Needs the results of these tasks; their skip skips it too.
    pub fn needs<const N: usize>(self, names: [&str; N]) -> Self {
        self.edges(names, EdgeKind::Data, SkipSpread::Spread)
    }

    /// Starts after these tasks; their skip does not concern it.
    pub fn after<const N: usize>(self, names: [&str; N]) -> Self {
        self.edges(names, EdgeKind::Order, SkipSpread::Ignore)
    }

    /// Needs these tasks if they take part in the run.
    pub fn optional<const N: usize>(self, names: [&str; N]) -> Self {
        self.edges(names, EdgeKind::Optional, SkipSpread::Ignore)
    }

    /// Needs these tasks in a way that no other method names.
    pub fn edges<const N: usize>(
        mut self,
        names: [&str; N],
        kind: EdgeKind,
        on_skip: SkipSpread,
    ) -> Self {
        self.needs.extend(names.map(|name| Need {
            name: name.to_owned(),
            kind,
            on_skip,
        }));
        self
    }

    /// Starts only if this CEL expression is true. Nothing is added to it: without a status function it
    /// also starts after failures.
    pub fn when(mut self, condition: &str) -> Self {
        self.def.start.condition = Some(Expression::cel(condition));
        self
    }

    /// Says which tasks `succeeded()`, `failed()` and `canceled()` look at.
    pub fn status_of(mut self, status_of: StatusOf) -> Self {
        self.def.start.status_of = status_of;
        self
    }

    /// A person has to start it, and the tasks behind wait.
    pub fn manual(mut self) -> Self {
        self.def.activation = Activation::Manual { blocking: true };
        self
    }

    /// A person may start it; the tasks behind do not wait.
    pub fn manual_optional(mut self) -> Self {
        self.def.activation = Activation::Manual { blocking: false };
        self
    }

    /// Starts after a pause.
    pub fn delayed_ms(mut self, delay_ms: u64) -> Self {
        let delay_ms = Late::Known(delay_ms);
        self.def.activation = Activation::Delayed { delay_ms };
        self
    }

    /// Starts after a pause that this CEL expression computes.
    pub fn delayed_by(mut self, expression: &str) -> Self {
        let delay_ms = Late::Computed(Expression::cel(expression));
        self.def.activation = Activation::Delayed { delay_ms };
        self
    }

    /// Needs a person's consent, within the default time.
    pub fn approval(mut self, prompt: &str) -> Self {
        self.def.approval = Some(Approval::new(text(prompt)));
        self
    }

    /// Needs a person's consent within this time.
    pub fn approval_within_ms(mut self, prompt: &str, deadline_ms: u64) -> Self {
        self.def.approval = Some(Approval {
            prompt: text(prompt),
            deadline_ms,
        });
        self
    }

    /// Enters a concurrency group of one, after those that came before.
    pub fn concurrency(self, group: &str) -> Self {
        self.concurrency_mode(group, GroupMode::Queue)
    }

    /// Enters a concurrency group of one.
    pub fn concurrency_mode(mut self, group: &str, mode: GroupMode) -> Self {
        self.def.concurrency = Some(Concurrency {
            group: text(group),
            limit: 1,
            mode,
        });
        self
    }

    /// Enters a concurrency group of so many, after those that came before.
    pub fn concurrency_of(mut self, group: &str, limit: u32) -> Self {
        self.def.concurrency = Some(Concurrency {
            group: text(group),
            limit,
            mode: GroupMode::Queue,
        });
        self
    }

    // Matrices.

    /// One task for each cell of the product of these axes.
    ///
    /// # Panics
    /// When an axis is not a list.
    pub fn matrix<const N: usize>(mut self, axes: [(&'static str, Json); N]) -> Self {
        self.def.matrix = Some(Matrix::of(axes.map(|(name, values)| {
            let Json::Array(values) = values else {
                panic!("the values of axis `{name}` are a list");
            };
            (name, values)
        })));
        self
    }

    /// One task for each value that this CEL expression gives for the axis.
    pub fn matrix_from(mut self, axis: &'static str, expression: &str) -> Self {
        let mut matrix = Matrix::of([]);
        matrix.axes.push(Axis {
            name: axis.to_owned(),
            values: Late::Computed(Expression::cel(expression)),
        });
        self.def.matrix = Some(matrix);
        self
    }

    /// One task for each cell of the matrix that this CEL expression gives.
    pub fn matrix_whole(mut self, expression: &str) -> Self {
        let mut matrix = Matrix::of([]);
        matrix.whole = Some(Expression::cel(expression));
        self.def.matrix = Some(matrix);
        self
    }

    /// Adds an entry to `include`.
    pub fn include(mut self, entry: Json) -> Self {
        let Late::Known(entries) = &mut self.matrix_mut().include else {
            panic!("the entries are computed");
        };
        entries.push(object(entry));
        self
    }

    /// Adds an entry to `exclude`.
    pub fn exclude(mut self, entry: Json) -> Self {
        let Late::Known(entries) = &mut self.matrix_mut().exclude else {
            panic!("the entries are computed");
        };
        entries.push(object(entry));
        self
    }

    /// The failure of one member does not cancel the others.
    pub fn keep_going(mut self) -> Self {
        self.matrix_mut().fail_fast = false;
        self
    }

    /// At most so many members are active at once.
    pub fn max_parallel(mut self, members: u32) -> Self {
        self.matrix_mut().max_parallel = Some(members);
        self
    }

    fn matrix_mut(&mut self) -> &mut Matrix {
        let name = &self.def.name;
        let matrix = self.def.matrix.as_mut();
        matrix.unwrap_or_else(|| panic!("`{name}` has no matrix"))
    }

    // What its failure means.

    /// Is tried again up to `max` times, after pauses that begin with a second and double.
    pub fn retry(mut self, max: u32) -> Self {
        self.def.retry.max = max;
        self
    }

    /// Is tried again by this rule.
    pub fn retry_with(mut self, retry: Retry) -> Self {
        self.def.retry = retry;
        self
    }

    /// Is tried again only if this CEL expression over `failure` is true.
    pub fn retry_when(mut self, condition: &str) -> Self {
        self.def.retry.when = Some(Expression::cel(condition));
        self
    }

    /// Limits the time of an attempt.
    pub fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.def.timeout_ms = Some(Late::Known(timeout_ms));
        self
    }

    /// Limits the time of an attempt by a CEL expression.
    pub fn timeout_by(mut self, expression: &str) -> Self {
        self.def.timeout_ms = Some(Late::Computed(Expression::cel(expression)));
        self
    }

    /// Its failure counts as success.
    pub fn tolerate(mut self) -> Self {
        self.def.tolerance = Tolerance::Always;
        self
    }

    /// Its failure with one of these exit codes counts as success.
    pub fn tolerate_codes<const N: usize>(mut self, codes: [i32; N]) -> Self {
        self.def.tolerance = Tolerance::ExitCodes(codes.to_vec());
        self
    }

    /// Its failure counts as success if this CEL expression over `failure` is true.
    pub fn tolerate_when(mut self, condition: &str) -> Self {
        self.def.tolerance = Tolerance::When(Expression::cel(condition));
        self
    }

    /// After its failure others go on with the defaults of its outputs.
    pub fn not_critical(mut self) -> Self {
        self.def.critical = false;
        self
    }

    /// May run twice without harm.
    pub fn idempotent(mut self) -> Self {
        self.def.idempotent = true;
        self
    }

    // What it takes and gives.

    /// Declares a value that a step writes by name.
    pub fn output(self, name: &str, value_type: ValueType) -> Self {
        self.output_with(name, value_type, None, None)
    }

    /// Declares a value with a default.
    pub fn output_default(self, name: &str, value_type: ValueType, default: Json) -> Self {
        self.output_with(name, value_type, None, Some(default))
    }

    /// Declares a value by a template over `steps`.
    pub fn output_from(self, name: &str, value_type: ValueType, from: &str) -> Self {
        self.output_with(name, value_type, Some(text(from)), None)
    }

    fn output_with(
        mut self,
        name: &str,
        value_type: ValueType,
        from: Option<Text>,
        default: Option<Json>,
    ) -> Self {
        let output = Output {
            value_type,
            from,
            default,
        };
        self.def.outputs.insert(name.to_owned(), output);
        self
    }

    /// Gives files to others; no two active tasks share the path.
    pub fn artifact(self, name: &str, path: &str) -> Self {
        self.artifact_with(name, path, ArtifactWhen::Success, IfMissing::Fail)
    }

    /// Gives files to others.
    pub fn artifact_with(
        mut self,
        name: &str,
        path: &str,
        when: ArtifactWhen,
        if_missing: IfMissing,
    ) -> Self {
        self.def.artifacts_out.push(ArtifactOut {
            name: name.to_owned(),
            paths: vec![text(path)],
            exclude: Vec::new(),
            when,
            if_missing,
        });
        self
    }

    /// Takes files of a task that it needs.
    pub fn takes(mut self, from: &str, artifact: &str) -> Self {
        self.def.artifacts_in.push(ArtifactIn {
            from: from.to_owned(),
            name: artifact.to_owned(),
            to: None,
            optional: false,
        });
        self
    }

    /// Writes a report.
    pub fn report(mut self, format: &str, path: &str) -> Self {
        let paths = self.def.reports.entry(format.to_owned()).or_default();
        paths.push(text(path));
        self
    }

    /// Uses a shared folder of its scope under the same name.
    pub fn workspace(self, name: &str) -> Self {
        self.workspace_with(workspace_use(name, name))
    }

    /// Uses a shared folder.
    pub fn workspace_with(mut self, wanted: WorkspaceUse) -> Self {
        self.def.workspaces.push(wanted);
        self
    }

    /// Restores and saves a cache.
    pub fn cache(mut self, key: &str, path: &str) -> Self {
        self.def.caches.push(Cache {
            key: text(key),
            restore_keys: Vec::new(),
            paths: vec![text(path)],
            read_only: false,
            write_only: false,
            when: ArtifactWhen::Success,
        });
        self
    }

    /// Reads a secret as a variable of the same name.
    pub fn secret(mut self, name: &str) -> Self {
        let env = Some(name.to_owned());
        self.def.secrets.push(Secret {
            name: name.to_owned(),
            env,
        });
        self
    }

    /// Starts a process beside the steps.
    pub fn service(mut self, name: &str, run: &str, ready: &str) -> Self {
        self.def.services.push(Service {
            name: name.to_owned(),
            run: Some(text(run)),
            container: None,
            ready: Some(text(ready)),
            port: None,
            timeout_ms: None,
            env: Vec::new(),
        });
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
