//! The names that expressions of a task can read before it is leased, and the four status functions.

use crate::machine::Machine;
use crate::rows::{Ended, OutputValue, Outputs, TaskKind, TaskRow};
use expr::value::Key;
use expr::{Error, Scope, Value};
use model::Json;
use model::ids::TaskNo;
use model::plan::RunFunction;

/// What the tasks that a rule looks at have come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) failed: bool,
    pub(crate) canceled: bool,
    pub(crate) skipped: bool,
}

impl Past {
    /// Whether all of them succeeded.
    pub(crate) const fn good(self) -> bool {
        !self.failed && !self.canceled && !self.skipped
    }

    /// Both together.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            failed: self.failed || other.failed,
            canceled: self.canceled || other.canceled,
            skipped: self.skipped || other.skipped,
        }
    }

    /// What one ended task adds.
    pub(crate) const fn of(ended: Ended, tolerated: bool) -> Self {
        Self {
            failed: matches!(ended, Ended::Failed(_)) && !tolerated,
            canceled: matches!(ended, Ended::Canceled(_)),
            skipped: matches!(ended, Ended::Skipped(_)),
        }
    }
}

/// The names of one task, or of the scope that a call has opened.
pub(crate) struct Names<'a> {
    machine: &'a Machine,
    /// The task; for the outputs of a scope the call that opened it.
    task: Option<TaskNo>,
    /// The scope instance whose tasks are visible.
    instance: Option<TaskNo>,
    past: Past,
    failure: Option<Value>,
}

impl<'a> Names<'a> {
    /// The names that `task` sees.
    pub(crate) fn of_task(machine: &'a Machine, task: TaskNo, past: Past) -> Self {
        let instance = machine.instance_of(task);
        Self {
            machine,
            task: Some(task),
            instance,
            past,
            failure: None,
        }
    }

    /// The names that the outputs of the scope opened by `call` see.
    pub(crate) fn of_scope(machine: &'a Machine, call: TaskNo) -> Self {
        Self {
            machine,
            task: None,
            instance: Some(call),
            past: Past::default(),
            failure: None,
        }
    }

    /// The names that the pipeline itself sees.
    pub(crate) fn of_pipeline(machine: &'a Machine) -> Self {
        Self {
            machine,
            task: None,
            instance: None,
            past: Past::default(),
            failure: None,
        }
    }

    /// The same with `failure` and `attempt` for rules about a failed attempt.
    pub(crate) fn with_failure(mut self, kind: &str, exit_code: Option<i32>) -> Self {
        let code = exit_code.map_or(Value::Null, |code| Value::from(i64::from(code)));
        let members = [("kind", Value::from(kind)), ("exit_code", code)];
        self.failure = Some(Value::map(
            members.map(|(name, value)| (Key::from(name), value)),
        ));
        self
    }

    fn tasks(&self) -> Value {
        let needs = self.machine.visible_tasks(self.task, self.instance);
        Value::map(
            needs
                .into_iter()
                .map(|(name, row)| (Key::from(name), of_row(self.machine, row))),
        )
    }
}

impl Scope for Names<'_> {
    fn lookup(&self, name: &str) -> Option<Value> {
        match name {
            "tasks" => Some(self.tasks()),
            "inputs" => self
                .machine
                .giver(self.instance)
                .map(|call| of_outputs(self.machine.row(call).inputs.as_deref())),
            "matrix" => {
                let cell = self
                    .task
                    .and_then(|task| self.machine.row(task).cell.as_deref());
                Some(cell.map_or_else(
                    || Value::map([]),
                    |cell| Value::from_json(&cell.to_object()),
                ))
            }
            "failure" => self.failure.clone(),
            "attempt" => {
                let row = self.task.map(|task| self.machine.row(task))?;
                Some(Value::from(i64::from(row.current_attempt())))
            }
            other => self.machine.plan_name(other, self.instance),
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, Error>> {
        let canceled = self.past.canceled || self.machine.is_canceled();
        status(name, args, self.past.good(), self.past.failed, canceled)
    }
}

/// The answer of a status function; `None` when `name` is none.
pub(crate) fn status(
    name: &str,
    args: &[Value],
    succeeded: bool,
    failed: bool,
    canceled: bool,
) -> Option<Result<Value, Error>> {
    let answer = match RunFunction::from_name(name)? {
        RunFunction::Succeeded => succeeded,
        RunFunction::Failed => failed,
        RunFunction::Canceled => canceled,
        RunFunction::Always => true,
        RunFunction::Hash | RunFunction::Glob => return None,
    };
    if !args.is_empty() {
        return Some(Err(Error::eval(format!("`{name}()` takes no argument"))));
    }
    Some(Ok(Value::from(answer)))
}

/// `json`, tainted as a whole or in the members that `paths` names below `name`.
pub(crate) fn named(name: &str, json: &Json, paths: &[String]) -> Value {
    if paths.iter().any(|path| path == name) {
        return Value::from_json(json).tainted();
    }
    let below: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            path.strip_prefix(name)?
                .strip_prefix('.')
                .map(str::to_owned)
        })
        .collect();
    match json {
        Json::Object(members) if !below.is_empty() => Value::map(
            members
                .iter()
                .map(|(member, json)| (Key::from(member.as_str()), named(member, json, &below))),
        ),
        Json::Object(_)
        | Json::Array(_)
        | Json::String(_)
        | Json::Number(_)
        | Json::Bool(_)
        | Json::Null => Value::from_json(json),
    }
}

/// An output's value with its taint.
pub(crate) fn of_output(output: &OutputValue) -> Value {
    let value = Value::from_json(&output.value);
    if output.tainted {
        value.tainted()
    } else {
        value
    }
}

/// Outputs or inputs by name.
pub(crate) fn of_outputs(outputs: Option<&Outputs>) -> Value {
    let outputs = outputs.into_iter().flatten();
    Value::map(outputs.map(|(name, output)| (Key::from(name.as_str()), of_output(output))))
}

fn of_row(machine: &Machine, row: &TaskRow) -> Value {
    let word = |word: Option<&'static str>| word.map_or(Value::Null, Value::from);
    let outputs = match row.kind {
        TaskKind::Matrix => of_outputs(Some(&machine.matrix_outputs(row.no))),
        TaskKind::Leaf | TaskKind::Call => of_outputs(row.outputs.as_deref()),
    };
    let members = [
        ("outcome", word(row.outcome())),
        ("conclusion", word(row.conclusion())),
        ("outputs", outputs),
    ];
    Value::map(members.map(|(name, value)| (Key::from(name), value)))
}
