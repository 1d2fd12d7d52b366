//! Which names an expression may use where it stands.
//!
//! A name has a value from a phase on: params and the signal from the beginning, results of needs
//! when the task is ready, steps and secrets on the worker, the failure at the end. An expression that
//! asks too early, or for something that does not exist, is an error at the place of the name.

mod foreign;
mod params;
mod result;
mod words;

use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::{Report, Span};
use crate::expression::{self, Reference};
use crate::nearest::{listed, nearest};
use crate::read::{Draft, File, Param, Purpose, Slot, Use};
use std::collections::BTreeMap;

pub(crate) use crate::signal::TAINTED;
use crate::signal::{NAMES, Name};
pub(crate) use words::type_at;

/// A name at the beginning of a path.
pub(crate) struct Root {
    pub name: &'static str,
    pub from: Phase,
    /// What it holds.
    pub doc: &'static str,
    /// A key whose expression reads it.
    pub example: &'static str,
}

/// The names at the beginning of paths, in the order of their phases.
pub(crate) fn roots() -> impl Iterator<Item = &'static Root> {
    ROOTS.iter()
}

const ROOTS: &[Root] = &[
    Root {
        name: "params",
        from: Phase::Plan,
        doc: "the params of the pipeline by name",
        example: "when: params.publish",
    },
    Root {
        name: "signal",
        from: Phase::Plan,
        doc: "what set the run going; what it holds depends on the signal",
        example: "when: signal.branch == 'main'",
    },
    Root {
        name: "run",
        from: Phase::Plan,
        doc: "the run: `id`, `pipeline`, `commit`, `created_at_ms`",
        example: "label: Test ${{ run.id }}",
    },
    Root {
        name: "tasks",
        from: Phase::Ready,
        doc: "results of the tasks that this one needs: `outputs`, `outcome`, `conclusion`; in `finally` of every task; an output of a task with a matrix is the list of what its members gave",
        example: "env: { VERSION: \"${{ tasks.build.outputs.version }}\" }",
    },
    Root {
        name: "matrix",
        from: Phase::Ready,
        doc: "the values of this member of the matrix",
        example: "env: { OS: \"${{ matrix.os }}\" }",
    },
    Root {
        name: "env",
        from: Phase::Start,
        doc: "the variables that the pipeline declares, the places of services, and what steps have added; not what is inherited",
        example: "env: { FULL: \"${{ env.BASE }}/bin\" }",
    },
    Root {
        name: "steps",
        from: Phase::Start,
        doc: "results of earlier steps: `outputs`, `outcome`, `conclusion`, `exit_code`",
        example: "env: { VERSION: \"${{ steps.compile.outputs.version }}\" }",
    },
    Root {
        name: "secrets",
        from: Phase::Start,
        doc: "the secrets that the task asks for",
        example: "env: { AUTH: \"Bearer ${{ secrets.TOKEN }}\" }",
    },
    Root {
        name: "workspaces",
        from: Phase::Start,
        doc: "folders that tasks share, of imported pipelines",
        example: "",
    },
    Root {
        name: "attempt",
        from: Phase::Start,
        doc: "the number of the attempt, from 1",
        example: "env: { TRY: \"${{ attempt }}\" }",
    },
    Root {
        name: "failure",
        from: Phase::End,
        doc: "how the attempt failed: `kind`, `exit_code`",
        example: "retry: { max: 2, when: failure.exit_code == 75 }",
    },
];

/// What other systems call them.
const FOREIGN_FUNCTIONS: &[(&str, &str)] = &[
    ("success", "succeeded()"),
    ("failure", "failed()"),
    ("cancelled", "canceled()"),
    ("canceled", "canceled()"),
    (
        "fromJSON",
        "a param or an output of type `list` or `object`, which needs no parsing",
    ),
    (
        "fromJson",
        "a param or an output of type `list` or `object`, which needs no parsing",
    ),
    ("hashFiles", "hash('Cargo.lock')"),
    ("startsWith", "text.startsWith('x')"),
    ("endsWith", "text.endsWith('x')"),
    ("contains", "text.contains('x'), or 'x' in list"),
];

/// Whose params the expressions of a file read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParamsOf {
    /// Its own: there are no others.
    ThisFile,
    /// Those of the file that generates it, so that any may exist.
    AnotherFile,
}

/// What expressions of a file can refer to.
pub(crate) struct Names<'f> {
    pub file: &'f File,
    /// Whether the params are those of another file, so that any may exist.
    pub open: bool,
    by_name: BTreeMap<&'f str, usize>,
    params: BTreeMap<&'f str, &'f Param>,
}

impl<'f> Names<'f> {
    pub(crate) fn new(file: &'f File, params_of: ParamsOf) -> Self {
        let tasks = file.tasks.iter().enumerate().rev();
        Self {
            file,
            open: params_of == ParamsOf::AnotherFile,
            params: file
                .params
                .iter()
                .map(|param| (param.name.as_str(), param))
                .collect(),
            by_name: tasks
                .map(|(index, task)| (task.def.name.as_str(), index))
                .collect(),
        }
    }

    /// The task called `name`.
    pub(crate) fn task(&self, name: &str) -> Option<&'f Draft> {
        self.by_name.get(name).map(|index| &self.file.tasks[*index])
    }

    /// The number of the task called `name`.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn task_names(&self) -> impl Iterator<Item = &'f str> {
        self.by_name.keys().copied()
    }
}

impl Use {
    /// Whether it is a value that the whole file gives, which may read every task.
    pub(crate) const fn is_given(&self) -> bool {
        matches!(self.slot, Slot::Output(_))
    }
}

/// Checks every name of one text.
pub(crate) fn check(report: &mut Report<'_>, names: &Names<'_>, each: &Use) {
    for reference in &each.references {
        // What is nearest to a name is looked for among all names of the file.
        if report.is_full() {
            return;
        }
        root(report, names, each, reference);
    }
    for call in &each.calls {
        function(report, each, call);
    }
    words::check(report, names, each);
}

fn root(report: &mut Report<'_>, names: &Names<'_>, each: &Use, reference: &Reference) {
    let name = reference.path[0].as_str();
    let available = || {
        let roots = ROOTS.iter().filter(|root| root.from <= each.phase);
        // Those without an example stand in files of other systems only.
        let own = roots.filter(|root| !root.example.is_empty());
        own.map(|root| root.name)
    };
    let Some(root) = ROOTS.iter().find(|root| root.name == name) else {
        // What is called behind it is looked at with the types.
        if expression::is_namespace(name) && !each.calls.is_empty() {
            return;
        }
        // A type, as in `type(x) == int`.
        if reference.path.len() == 1 && expr::value::TypeName::from_name(name).is_some() {
            return;
        }
        if is_behind_dash(report, names, reference) {
            return;
        }
        let near = nearest(name, available());
        let help = match near {
            Some("params") => params::meant(names, reference),
            Some(near) => format!("did you mean `{near}`?"),
            None if names.params.contains_key(name) => {
                format!("write `params.{name}`")
            }
            None if each.purpose == Purpose::Condition && foreign::status(name).is_some() => {
                let ours = foreign::status(name).unwrap_or_default();
                format!("write `{ours}()`, which is a function")
            }
            None if matches!(each.slot, Slot::Axis(_)) && reference.path.len() == 1 => {
                format!(
                    "for one value write `[{name}]`; the names of expressions here are {}",
                    listed(available())
                )
            }
            None => foreign::help(&reference.path)
                .unwrap_or_else(|| format!("the names here are {}", listed(available()))),
        };
        report
            .error(
                &codes::UNKNOWN_NAME,
                reference.span,
                format!("unknown name `{name}`"),
            )
            .help(help);
        return;
    };
    if name == "secrets" && matches!(each.slot, Slot::With(_)) {
        let secret = reference.path.get(1).map_or("NAME", String::as_str);
        report
            .error(
                &codes::NAME_TOO_EARLY,
                reference.span,
                "a secret cannot be given as a value: values are stored and shown",
            )
            .help(format!(
                "give it by its name: `secrets: [{secret}]` beside `with`"
            ));
        return;
    }
    if root.from > each.phase {
        report
            .error(
                &codes::NAME_TOO_EARLY,
                reference.span,
                format!("`{name}` has no value yet here"),
            )
            .help(
                instead(each, reference)
                    .unwrap_or_else(|| format!("the names here are {}", listed(available()))),
            );
        return;
    }
    match name {
        "params" => params::check(report, names, reference),
        "tasks" => result::task(report, names, each, reference),
        "steps" => result::step(report, names, each, reference),
        "matrix" => matrix(report, names, each, reference),
        "secrets" => secret(report, names, each, reference),
        "failure" => member(report, reference, &["kind", "exit_code"]),
        "run" => {
            let known = ["id", "pipeline", "commit", "created_at_ms"];
            member(report, reference, &known);
        }
        "signal" => {
            let known: Vec<&str> = NAMES.iter().map(Name::name).collect();
            member(report, reference, &known);
        }
        _ => {}
    }
}

/// How to say what was meant by a name that has no value yet.
fn instead(each: &Use, reference: &Reference) -> Option<String> {
    let member = reference.path.get(1).map(String::as_str);
    let in_condition = each.purpose == Purpose::Condition;
    match reference.path[0].as_str() {
        "env" => Some(match member.and_then(foreign::variable) {
            Some(ours) => format!("write `{ours}`"),
            None => {
                let name = member.unwrap_or("name").to_ascii_lowercase();
                format!(
                    "the environment is made when the task starts: declare a param, `params: {{ {name}: \"\" }}`, and \
                     write `params.{name}`"
                )
            }
        }),
        "steps" if in_condition => {
            let step = member.unwrap_or("NAME");
            Some(format!(
                "the task is decided before its steps run: put this `when` at a step behind `{step}`"
            ))
        }
        "failure" if in_condition => Some(
            "it is known in `when` of `retry`, `allow_failure` and `continue_on_error`; to act on a failure here \
             write `failed()`"
                .to_owned(),
        ),
        "failure" => Some(
            "it is known in `when` of `retry`, `allow_failure` and `continue_on_error`".to_owned(),
        ),
        "tasks" if each.task.is_none() => {
            let task = member.unwrap_or("NAME");
            Some(format!(
                "results are known only inside a task that needs `{task}`: write this key there, or use `params` or \
                 `signal` here"
            ))
        }
        "secrets" => {
            let secret = member.unwrap_or("NAME");
            Some(format!(
                "a secret is known on the worker only: ask for it with `secrets: [{secret}]` at the task and read it \
                 in the `env` of the task"
            ))
        }
        _ => None,
    }
}

fn matrix(report: &mut Report<'_>, names: &Names<'_>, each: &Use, reference: &Reference) {
    let Some(task) = each.task.map(|task| &names.file.tasks[task]) else {
        report
            .error(
                &codes::UNKNOWN_NAME,
                reference.span,
                "`matrix` exists only in a task that has one",
            )
            .help("use `params`");
        return;
    };
    let Some(cell) = &task.cell else {
        report
            .error(
                &codes::UNKNOWN_NAME,
                reference.span,
                format!("task `{}` has no matrix", task.def.name),
            )
            .help("add `matrix: { NAME: [value, value] }` to the task");
        return;
    };
    let (Some(known), Some(name)) = (cell, reference.path.get(1)) else {
        return;
    };
    if !known.contains(name) {
        let near = nearest(name, known.iter().map(String::as_str));
        report
            .error(
                &codes::UNKNOWN_NAME,
                reference.span,
                format!("the matrix has no `{name}`"),
            )
            .help(near.map_or_else(
                || format!("it has {}", listed(known.iter().map(String::as_str))),
                |near| format!("did you mean `matrix.{near}`?"),
            ));
    }
}

fn secret(report: &mut Report<'_>, names: &Names<'_>, each: &Use, reference: &Reference) {
    let Some(name) = reference.path.get(1) else {
        return;
    };
    if each.purpose == Purpose::Condition {
        report
            .error(
                &codes::SECRET_IN_CONDITION,
                reference.span,
                "a condition may not look at a secret",
            )
            .help(format!(
                "its result is shown and stored: declare a param, `params: {{ with_{0}: false }}`, and write `when: \
                 params.with_{0}`",
                name.to_ascii_lowercase()
            ));
        return;
    }
    let declared = each
        .task
        .map(|task| names.file.tasks[task].def.secrets.as_slice())
        .unwrap_or_default();
    if declared.iter().any(|secret| secret.name == *name) {
        return;
    }
    report
        .error(
            &codes::UNKNOWN_NAME,
            reference.span,
            format!("the task does not ask for the secret `{name}`"),
        )
        .help(format!("add `secrets: [{name}]` to the task"));
}

/// Checks the second part of a path against a fixed list.
fn member(report: &mut Report<'_>, reference: &Reference, known: &[&str]) {
    let Some(name) = reference.path.get(1) else {
        return;
    };
    if !known.contains(&name.as_str()) {
        let near = nearest(name, known.iter().copied());
        let root = &reference.path[0];
        report
            .error(
                &codes::UNKNOWN_NAME,
                reference.span,
                format!("`{root}` has no `{name}`"),
            )
            .help(match (foreign::member(root, name), near) {
                (Some(help), _) => help.to_owned(),
                (None, Some(near)) => format!("did you mean `{root}.{near}`?"),
                (None, None) => format!("it has {}", listed(known.iter().copied())),
            });
    }
}

fn function(report: &mut Report<'_>, each: &Use, call: &Reference) {
    let name = call.path[0].as_str();
    if call.calls_status() {
        if each.purpose != Purpose::Condition {
            report
                .error(
                    &codes::UNKNOWN_FUNCTION,
                    call.span,
                    format!("`{name}()` can be asked only in `when` of a task or a step"),
                )
                .help(format!(
                    "put `when: {name}()` at the step or the task that depends on it; the word itself is \
                     `steps.NAME.outcome` or `tasks.NAME.outcome`"
                ));
        }
        return;
    }
    if let Some((_, ours)) = FOREIGN_FUNCTIONS.iter().find(|(theirs, _)| *theirs == name)
        && !is_method(report.text(), call.span)
    {
        report
            .error(
                &codes::UNKNOWN_FUNCTION,
                call.span,
                format!("unknown function `{name}`"),
            )
            .help(format!("write `{ours}`"));
    }
}

/// Whether the name is the second half of a task or step with a dash in its name, whose first half is
/// reported already.
fn is_behind_dash(report: &Report<'_>, names: &Names<'_>, reference: &Reference) -> bool {
    let before = report
        .text()
        .get(..reference.span.start)
        .unwrap_or_default();
    let half = format!("-{}", reference.path[0]);
    let steps = names
        .file
        .tasks
        .iter()
        .flat_map(|task| &task.steps)
        .map(|(step, _)| step.as_str());
    before.ends_with('-')
        && names
            .task_names()
            .chain(steps)
            .any(|name| name.contains(&half))
}

/// Whether the function's name stands behind a dot, as in `text.contains('x')`.
fn is_method(source: &str, span: Span) -> bool {
    source
        .get(..span.start)
        .is_some_and(|before| before.trim_end().ends_with('.'))
}
