//! Types of expressions: what the names of each place hold, and whether the parts fit together.
//!
//! An expression whose names are wrong is not looked at again: one mistake is one message. Values whose
//! type shows only later (the signal, results without a type, numbers that may be whole or not) are
//! `dyn` and fit everywhere.

mod numbers;
mod values;

use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::{Report, Span};
use crate::expression;
use crate::names::{self, Names};
use crate::read::{self, Draft, Purpose, Slot, Use};
use crate::signal::NAMES;
use crate::taint::written;
use crate::yaml::offsets;
use expr::check::{ObjectType, Signature, Type, TypeEnv};
use model::plan::{Late, Phase as Part, RunFunction, ValueType};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When `hash` and `glob` exist.
const WHEN_FILES: &str = "files are looked at when a task starts, as in its `env`, `cache` and `inputs` and in its steps";

/// Checks names and types of every expression of a file.
pub(crate) fn check(report: &mut Report<'_>, names: &Names<'_>) {
    let mut types = Types::new(names);
    for each in &names.file.uses {
        if report.is_full() {
            return;
        }
        let before = report.error_count();
        names::check(report, names, each);
        if report.error_count() == before {
            one(report, &mut types, each);
        }
    }
}

fn one(report: &mut Report<'_>, types: &mut Types<'_>, each: &Use) {
    let env = types.env(each);
    let mut places = None;
    for program in &each.programs {
        if report.is_full() {
            return;
        }
        let checked = expression::type_of(program, &env);
        let checked =
            checked.and_then(
                |found| match numbers::check(types.names, each, program, &env) {
                    Ok(()) => Ok(found),
                    Err(faults) => Err(faults),
                },
            );
        match checked {
            Ok(found) => {
                given(report, types.names, each, &found);
                let before = report.error_count();
                values::axis(report, types.names, each, program, &found);
                values::patterns(report, &mut places, each, program);
                values::regexes(report, &mut places, each, program, &mut types.regexes_left);
                if report.error_count() == before {
                    values::constant(report, &mut places, each, program);
                }
                if report.error_count() > before {
                    continue;
                }
                let condition = matches!(each.purpose, Purpose::Condition | Purpose::Verdict);
                if condition && !Type::Bool.accepts(&found) {
                    report
                        .error(
                            &codes::NOT_A_CONDITION,
                            each.node.span,
                            format!("a condition is true or false; this is `{found}`"),
                        )
                        .help("compare it, as in `signal.branch == 'main'`");
                }
            }
            Err(faults) => {
                for fault in faults {
                    let span = fault.span.map_or(each.node.span, |span| {
                        place(&mut places, report, each, span)
                    });
                    let too_early = || fault.message.ends_with(WHEN_FILES);
                    let help = fault
                        .help
                        .clone()
                        .or_else(|| too_early().then(|| where_files_are(each).to_owned()))
                        .or_else(|| list_of_matrix(types.names, each, &fault.message));
                    report
                        .error(&codes::TYPE, span, fault.message)
                        .help_if(help);
                }
            }
        }
    }
}

/// The place in the file of a part of an expression. `places` are those of `each`, found once for all its faults.
pub(crate) fn place(
    places: &mut Option<offsets::Places>,
    report: &Report<'_>,
    each: &Use,
    span: Span,
) -> Span {
    let within = Span {
        start: span.start + each.start,
        end: span.end + each.start,
    };
    places
        .get_or_insert_with(|| offsets::Places::of(report.text(), &each.node))
        .place(within)
}

/// Where `hash` and `glob` can be asked in place of `each`.
fn where_files_are(each: &Use) -> &'static str {
    if each.purpose == Purpose::Condition {
        "put this `when` at a step of the task; a whole task is decided by `params`, `signal` and the results of \
         other tasks, and by `inputs` when files that did not change are to be skipped"
    } else {
        "put the value into the `env` of the task and read it there"
    }
}

/// What an output of a task with a matrix is, where a message is about a list.
fn list_of_matrix(names: &Names<'_>, each: &Use, message: &str) -> Option<String> {
    let mut references = each.references.iter();
    let reference = references.find(|reference| {
        let [root, task, outputs, _, ..] = reference.path.as_slice() else {
            return false;
        };
        let task = names.task(task);
        root == "tasks"
            && outputs == "outputs"
            && task.is_some_and(|task| task.def.matrix.is_some())
    })?;
    message.contains("list<").then(|| {
        let path = written(&reference.path[..4]);
        format!(
            "`{path}` is the list of what the members of the matrix gave: ask `VALUE in {path}`, or `{path}.all(x, …)`"
        )
    })
}

/// Checks the type of a value for a param of a file that a task uses.
fn given(report: &mut Report<'_>, names: &Names<'_>, each: &Use, found: &Type) {
    let (Slot::With(param), Some(task)) = (&each.slot, each.task) else {
        return;
    };
    let call = names.file.tasks[task].call.as_ref();
    let callee = call.and_then(|call| call.callee.as_ref());
    let Some((call, wanted)) = call.zip(callee.and_then(|callee| callee.params.get(param))) else {
        return;
    };
    // A text around an expression, or several, make a text.
    let text = each.node.text().unwrap_or_default().trim();
    let lone = each.programs.len() == 1 && text.starts_with("${{") && text.ends_with("}}");
    let found = if lone { found } else { &Type::String };
    let fits = match wanted {
        _ if *found == Type::Dyn => true,
        ValueType::Number => matches!(found, Type::Int | Type::Uint | Type::Double),
        // A number or truth value is welcome as text.
        ValueType::String => {
            let simple = matches!(found, Type::Bool | Type::Int | Type::Uint | Type::Double);
            simple || Type::String.accepts(found)
        }
        ValueType::Enum(_) | ValueType::Artifact => Type::String.accepts(found),
        ValueType::Boolean => Type::Bool.accepts(found),
        ValueType::List => matches!(found, Type::List(_)),
        ValueType::Object => matches!(found, Type::Map(..) | Type::Object(_)),
    };
    if !fits {
        let callee = &call.reference;
        report
            .error(
                &codes::WITH_VALUE,
                each.node.span,
                format!(
                    "`{param}` is {}; `{callee}` expects {}",
                    values::in_words(found),
                    read::wanted(wanted)
                ),
            )
            .help(
                match call
                    .callee
                    .as_ref()
                    .and_then(|callee| callee.mistaken.get(param))
                {
                    Some(word) => read::mistaken_help(param, word),
                    None => format!(
                        "write it as in `{param}: {}`, or give an expression of that type",
                        read::sample(wanted)
                    ),
                },
            );
    }
}

/// What each expression of `each` evaluates to, in order; `dyn` where it cannot be said.
pub(crate) fn results(types: &mut Types<'_>, each: &Use) -> Vec<Type> {
    let env = types.env(each);
    let programs = each.programs.iter();
    programs
        .map(|program| expression::type_of(program, &env).unwrap_or(Type::Dyn))
        .collect()
}

/// Types of a file's names; those of a task's names are kept while its expressions are looked at.
pub(crate) struct Types<'f> {
    names: &'f Names<'f>,
    params: Type,
    /// The task last looked at, with the types of `tasks` and `matrix` in it.
    task: Option<(usize, Type, Type)>,
    /// Results of the tasks that others need, made once for all of them: each may have thousands of outputs.
    results: BTreeMap<usize, Type>,
    nothing: Signature,
    signal: Type,
    /// What expressions may use in the task last looked at.
    envs: Vec<(Place, Arc<TypeEnv>)>,
    /// How many regular expressions of the file may still be compiled to look for faults.
    regexes_left: usize,
}

/// Regular expressions of a file that are compiled when it is checked; a large one takes some milliseconds.
const REGEXES: usize = 100;

/// What the names of an expression depend on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    task: Option<usize>,
    phase: Phase,
    is_given: bool,
    is_condition: bool,
}

impl<'f> Types<'f> {
    pub(crate) fn new(names: &'f Names<'f>) -> Self {
        let fields = names
            .file
            .params
            .iter()
            .map(|param| (param.name.clone(), of(&param.value_type)));
        let params = ObjectType {
            name: "params".to_owned(),
            fields: fields.collect(),
            open: names.open,
            ..ObjectType::default()
        };
        Self {
            names,
            params: params.into(),
            task: None,
            results: BTreeMap::new(),
            nothing: Signature {
                params: Vec::new(),
                variadic: false,
                result: Type::Bool,
            },
            signal: signal(),
            envs: Vec::new(),
            regexes_left: REGEXES,
        }
    }

    /// What expressions may use where `each` stands. A task may have thousands in one place.
    fn env(&mut self, each: &Use) -> Arc<TypeEnv> {
        let place = Place {
            task: each.task,
            phase: each.phase,
            is_given: each.is_given(),
            is_condition: each.purpose == Purpose::Condition,
        };
        if let Some((_, env)) = self.envs.iter().find(|(known, _)| *known == place) {
            return Arc::clone(env);
        }
        self.envs.retain(|(known, _)| known.task == place.task);
        let env = Arc::new(self.new_env(each));
        self.envs.push((place, Arc::clone(&env)));
        env
    }

    fn new_env(&mut self, each: &Use) -> TypeEnv {
        let mut env = TypeEnv::new();
        // Without Git there is no commit.
        let run = ObjectType::new("run")
            .with("id", Type::String)
            .with("pipeline", Type::String)
            .with("commit", Type::Dyn)
            .with("created_at_ms", Type::Int);
        env.declare("params", self.params.clone());
        env.declare("signal", self.signal.clone())
            .declare("run", run.into());
        if each.phase >= Phase::Ready
            && let Some(index) = each.task
        {
            let (tasks, matrix) = self.of_task(index);
            env.declare("tasks", tasks).declare("matrix", matrix);
        }
        if each.is_given() {
            env.declare("tasks", self.all());
        }
        if each.phase >= Phase::Start {
            for name in ["env", "steps", "secrets", "workspaces"] {
                env.declare(name, Type::Dyn);
            }
            env.declare("attempt", Type::Int);
        }
        if each.phase == Phase::Start {
            let text = |result| Signature {
                params: vec![Type::String],
                variadic: true,
                result,
            };
            env.declare_signature("hash", text(Type::String));
            env.declare_signature("glob", text(Type::list(Type::String)));
        } else {
            for function in RunFunction::FILES {
                env.declare_function_later(function.as_str(), WHEN_FILES);
            }
        }
        if each.phase >= Phase::End {
            let failure = ObjectType::new("failure")
                .with("kind", Type::String)
                .with("exit_code", Type::Dyn);
            env.declare("failure", failure.into());
        }
        if each.purpose == Purpose::Condition {
            for function in RunFunction::STATUS {
                env.declare_signature(function.as_str(), self.nothing.clone());
            }
        }
        env
    }

    fn of_task(&mut self, index: usize) -> (Type, Type) {
        if let Some((_, tasks, matrix)) = self.task.as_ref().filter(|(known, _, _)| *known == index)
        {
            return (tasks.clone(), matrix.clone());
        }
        let task = &self.names.file.tasks[index];
        let (tasks, matrix) = (self.needed(task), cell(task));
        self.task = Some((index, tasks.clone(), matrix.clone()));
        (tasks, matrix)
    }

    /// The results of all tasks, for what the file gives.
    fn all(&self) -> Type {
        let mut tasks = ObjectType::new("tasks");
        for task in &self.names.file.tasks {
            tasks.fields.insert(task.def.name.clone(), result(task));
        }
        tasks.into()
    }

    /// The results that a task may read.
    fn needed(&mut self, task: &Draft) -> Type {
        let mut tasks = ObjectType::new("tasks");
        if task.def.phase == Part::Finally {
            // Every task of the ordinary part; looked up by name, since there may be thousands.
            tasks.open = true;
            return tasks.into();
        }
        for need in &task.needs {
            if let Some(index) = self.names.index(&need.task) {
                let known = self.results.entry(index);
                let result = known.or_insert_with(|| result(&self.names.file.tasks[index]));
                tasks.fields.insert(need.task.clone(), result.clone());
            }
        }
        tasks.into()
    }
}

/// The names below `signal`.
fn signal() -> Type {
    let fields = NAMES
        .iter()
        .map(|each| (each.name().to_owned(), each.holds.value_type()));
    let signal = ObjectType {
        name: "signal".to_owned(),
        fields: fields.collect(),
        ..ObjectType::default()
    };
    signal.into()
}

/// The result of a task. An output of one with a matrix is a list, with a place for each member.
fn result(task: &Draft) -> Type {
    let unknown = task.call.as_ref().is_some_and(|call| call.callee.is_none());
    if unknown {
        return Type::Dyn;
    }
    let outputs = task.def.outputs.iter().map(|(name, output)| {
        let one = of(&output.value_type);
        let found = match (&task.def.matrix, one) {
            (None, one) => one,
            (Some(_), Type::Dyn) => Type::list(Type::Dyn),
            // A member that wrote nothing has null in its place.
            (Some(_), one) => Type::list(Type::nullable(one)),
        };
        (name.clone(), found)
    });
    let outputs = ObjectType {
        name: "outputs".to_owned(),
        fields: outputs.collect(),
        ..ObjectType::default()
    };
    ObjectType::new("task")
        .with("outputs", outputs.into())
        .with("outcome", Type::String)
        .with("conclusion", Type::String)
        .into()
}

/// The values of `matrix` in a task.
fn cell(task: &Draft) -> Type {
    let mut cell = ObjectType::new("matrix");
    cell.open = true;
    let matrix = task.def.matrix.as_ref();
    let sure = matrix.filter(|matrix| matrix.include.known().is_some_and(Vec::is_empty));
    for axis in sure
        .map(|matrix| matrix.axes.as_slice())
        .unwrap_or_default()
    {
        let text = match &axis.values {
            Late::Known(values) => values.iter().all(serde_json::Value::is_string),
            Late::Computed(_) => false,
        };
        let kind = if text { Type::String } else { Type::Dyn };
        cell.fields.insert(axis.name.clone(), kind);
    }
    cell.into()
}

/// The type of values of a declared type.
fn of(value_type: &ValueType) -> Type {
    match value_type {
        ValueType::String | ValueType::Enum(_) | ValueType::Artifact => Type::String,
        ValueType::Number => Type::Dyn,
        ValueType::Boolean => Type::Bool,
        ValueType::List => Type::list(Type::Dyn),
        ValueType::Object => Type::map(Type::String, Type::Dyn),
    }
}
