//! Text to plan: the checker, the readers, the graph, the names, then the parts put together.

use crate::address::Address;
use crate::codes;
use crate::definitions::{FRAGMENT, Object, PIPELINE};
use crate::diagnostics::{Diagnostic, Report, Span, Unsupported};
use crate::names;
use crate::read::{self, Draft, File};
use crate::signal::{self, On};
use crate::source::SourceFile;
use crate::sources::Sources;
use crate::taint::{self, Around};
use crate::units::{self, Texts, Unit, Units};
use crate::yaml;
use model::ids::{DefNo, ScopeNo};
use model::plan::{Activation, Body, Edge, Fragment, Input, Output, Plan, Scope, TaskDef, Text};
use model::{JsonMap, limits};
use std::collections::{BTreeMap, BTreeSet};

/// What a plan is made for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// What happened: the names below `signal`.
    pub signal: JsonMap,
    /// Params as text, as `--param NAME=VALUE` gives them; read by their declared types.
    pub params: BTreeMap<String, String>,
}

/// A plan, or why there is none.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The plan; `None` when there is an error among the diagnostics, or a file that a task uses was not fetched.
    pub plan: Option<Plan>,
    /// Which signals the pipeline waits for.
    pub on: On,
    /// Errors and warnings by position.
    pub diagnostics: Vec<Diagnostic>,
    /// Files that are needed and were not handed in; each is also an error. Load them and try again.
    pub missing: Vec<Address>,
    /// As [`Checked::unsupported`].
    pub unsupported: Vec<Unsupported>,
}

/// What is said about a file.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Errors and warnings by position.
    pub diagnostics: Vec<Diagnostic>,
    /// As [`Compiled::missing`].
    pub missing: Vec<Address>,
    /// Files that tasks use, directly and indirectly, as far as those that were handed in say.
    pub used: Vec<Address>,
    /// What this version cannot run, by place.
    pub unsupported: Vec<Unsupported>,
}

/// Makes the plan of a file that refers to no others, for one request.
#[must_use]
pub fn compile(file: &SourceFile, request: &Request) -> Compiled {
    compile_with(file, &Sources::new(), request)
}

/// Makes the plan of `file` for one request.
#[must_use]
pub fn compile_with(file: &SourceFile, sources: &Sources, request: &Request) -> Compiled {
    let ((plan, on, missing, unsupported), diagnostics) =
        with_report(file, sources, |report, texts| {
            let units = pipeline(report, file, texts, sources);
            let unsupported = unsupported(report);
            let Some(mut units) = units else {
                return (None, On::default(), Vec::new(), unsupported);
            };
            let missing = std::mem::take(&mut units.missing).into_iter().collect();
            let root = units.all.last().expect("the pipeline itself is one");
            let on = root.file.on.clone();
            let params = params(report, &root.file, request);
            let files = texts.parts.iter().skip(1).map(|part| part.name.clone());
            let tasks = units.all.iter().flat_map(|unit| &unit.file.tasks);
            let mut calls = tasks.filter_map(|task| task.call.as_ref());
            // A file that was not looked into may be right, but nothing can be run of it.
            let is_whole = calls.all(|call| call.callee.is_some());
            // Nobody gets the plan of a file with errors, which may be as large as that of a right one.
            let is_right = report.error_count() == 0;
            let plan =
                (is_whole && is_right).then(|| plan(file, units, params, request, files.collect()));
            (plan, on, missing, unsupported)
        });
    let plan = plan.filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
    Compiled {
        plan,
        on,
        diagnostics,
        missing,
        unsupported,
    }
}

/// Everything that is wrong with a file that refers to no others, whatever it is run for.
#[must_use]
pub fn check(file: &SourceFile) -> Vec<Diagnostic> {
    check_with(file, &Sources::new()).diagnostics
}

/// Everything that is wrong with `file` and those that it refers to, whatever it is run for.
#[must_use]
pub fn check_with(file: &SourceFile, sources: &Sources) -> Checked {
    let ((units, unsupported), diagnostics) = with_report(file, sources, |report, texts| {
        let units = pipeline(report, file, texts, sources);
        (units, unsupported(report))
    });
    let (missing, used) = units.map_or_else(Default::default, |units| (units.missing, units.used));
    Checked {
        diagnostics,
        missing: missing.into_iter().collect(),
        used: used.into_iter().collect(),
        unsupported,
    }
}

fn unsupported(report: &mut Report<'_>) -> Vec<Unsupported> {
    let found = report.take_unsupported().into_iter();
    found.map(|(_, unsupported)| unsupported).collect()
}

/// Makes the tasks that a generating task wrote. Text from outside that is `around` them is followed through them too.
///
/// # Errors
/// When the text has an error, or more tasks than [`limits::GENERATED_TASKS`].
pub fn compile_fragment(file: &SourceFile, around: &Around) -> Result<Fragment, Vec<Diagnostic>> {
    let sources = Sources::new();
    let (fragment, diagnostics) = with_report(file, &sources, |report, texts| {
        let units = checked(report, (&FRAGMENT, around), &file.name, texts, &sources);
        // Nobody reads a list of them when the run goes on.
        for (span, later) in report.take_unsupported() {
            if later.task.is_some() {
                let message = format!("this version of Formic cannot run `{}`", later.key);
                report.error(&codes::NOT_YET, span, message);
            }
        }
        let units = units?;
        let members = units.all.last().map_or(0, |unit| unit.total);
        if members > limits::GENERATED_TASKS {
            let message = format!(
                "the file makes {members} tasks; a task may generate at most {}",
                limits::GENERATED_TASKS
            );
            report
                .error(&codes::LIMIT, Span::default(), message)
                .help("make fewer, or let several tasks generate them");
        }
        let (scopes, tasks) = scopes(units.all);
        Some(Fragment { scopes, tasks })
    });
    match fragment {
        Some(fragment) if !diagnostics.iter().any(Diagnostic::is_error) => Ok(fragment),
        Some(_) | None => Err(diagnostics),
    }
}

/// Decodes the files and collects what `work` reports; nothing when the first cannot be decoded.
fn with_report<T: Default>(
    file: &SourceFile,
    sources: &Sources,
    work: impl FnOnce(&mut Report<'_>, &Texts) -> T,
) -> (T, Vec<Diagnostic>) {
    match Texts::of(file, sources) {
        Ok(mut texts) => {
            let undecoded = std::mem::take(&mut texts.undecoded);
            let mut report = Report::of(&texts.text, texts.parts.clone());
            for said in undecoded {
                report.take_in(said);
            }
            let value = work(&mut report, &texts);
            (value, report.finish())
        }
        Err(diagnostic) => (T::default(), vec![*diagnostic]),
    }
}

/// The pipeline itself, with nothing around it, and what it refers to.
fn pipeline(
    report: &mut Report<'_>,
    file: &SourceFile,
    texts: &Texts,
    sources: &Sources,
) -> Option<Units> {
    let alone = Around::default();
    checked(report, (&PIPELINE, &alone), &file.name, texts, sources)
}

/// All checks that need no request.
fn checked(
    report: &mut Report<'_>,
    (object, around): (&'static Object, &Around),
    name: &str,
    texts: &Texts,
    sources: &Sources,
) -> Option<Units> {
    let units = units::read(report, object, name, texts, sources)?;
    taint::check(report, &units.all, around);
    let members = units.all.last().map_or(0, |unit| unit.total);
    if members > limits::TASKS_PER_RUN {
        let message = format!(
            "the pipeline makes {members} tasks; at most {} are allowed",
            limits::TASKS_PER_RUN
        );
        report
            .error(&codes::LIMIT, Span::default(), message)
            .help("make the matrices smaller");
    }
    Some(units)
}

/// The values of the params, given or by default.
fn params(report: &mut Report<'_>, file: &File, request: &Request) -> JsonMap {
    let is_declared = |name: &str| file.params.iter().any(|param| param.name == name);
    for name in request.params.keys().filter(|name| !is_declared(name)) {
        read::unknown_param(report, Span::default(), name, &file.params);
    }
    let of_time = file.on.schedule_of(&request.signal);
    let mut values = JsonMap::new();
    for param in &file.params {
        let of_time = of_time.and_then(|time| time.params.get(&param.name));
        let default = of_time.or(param.default.as_ref());
        let value = match (request.params.get(&param.name), default) {
            (Some(text), _) => match read::given(text, &param.value_type) {
                Ok(value) => value,
                Err(wanted) => {
                    let message =
                        format!("param `{}`: expected {wanted}, found `{text}`", param.name);
                    report
                        .error(&codes::PARAM_VALUE, param.span, message)
                        .help(format!(
                            "give another value: `--param {}=VALUE`",
                            param.name
                        ));
                    continue;
                }
            },
            (None, Some(default)) => default.clone(),
            (None, None) if param.faulty => continue,
            (None, None) => {
                let message = format!("param `{}` has no default and was not given", param.name);
                report
                    .error(&codes::PARAM_MISSING, param.span, message)
                    .help(format!(
                        "give it, `--param {}=VALUE`, or write a `default` here",
                        param.name
                    ));
                continue;
            }
        };
        values.insert(param.name.clone(), value);
    }
    values
}

fn plan(
    source: &SourceFile,
    mut units: Units,
    params: JsonMap,
    request: &Request,
    more_files: Vec<String>,
) -> Plan {
    let root = units.all.last_mut().expect("the pipeline itself is one");
    let file = &mut root.file;
    let mut plan = Plan::new(root.name.clone());
    plan.file.clone_from(&source.name);
    plan.more_files = more_files;
    plan.params = params;
    plan.signal = signal::complete(request.signal.clone());
    plan.tainted = names::TAINTED
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    plan.concurrency = file.concurrency.take();
    plan.timeout_ms = file.timeout_ms;
    plan.priority = file.priority;
    (plan.scopes, plan.tasks) = scopes(units.all);
    plan
}

/// The scopes of all units and their tasks; the first scope is that of the last unit.
fn scopes(mut units: Vec<Unit>) -> (Vec<Scope>, Vec<TaskDef>) {
    let (mut scopes, mut tasks) = (Vec::new(), Vec::new());
    let root = units.pop();
    for unit in root.into_iter().chain(units) {
        add_scope(unit, &mut scopes, &mut tasks);
    }
    // The first is not called by anything.
    scopes
        .iter_mut()
        .take(1)
        .for_each(|scope| scope.name.clear());
    (scopes, tasks)
}

/// The scope of one unit.
fn add_scope(unit: Unit, scopes: &mut Vec<Scope>, all: &mut Vec<TaskDef>) {
    let Unit {
        name, file, edges, ..
    } = unit;
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let (scope, first) = (ScopeNo(number(scopes.len())), number(all.len()));
    let outputs = outputs(&file);
    let inputs = file.params.into_iter().map(|param| {
        let input = Input {
            value_type: param.value_type,
            default: param.default,
        };
        (param.name, input)
    });
    let needed: BTreeSet<DefNo> = edges.iter().flatten().map(|edge| edge.task).collect();
    let count = number(file.tasks.len());
    let defined = |(place, (draft, edges)): (usize, (Draft, Vec<Edge>))| {
        let moved = |edge: Edge| Edge {
            task: DefNo(edge.task.0 + first),
            ..edge
        };
        let mut task = TaskDef {
            needs: edges.into_iter().map(moved).collect(),
            scope,
            ..draft.def
        };
        if let Activation::Manual { blocking } = &mut task.activation {
            // A manual task with nothing behind it holds up nothing: it is skipped when all else is over.
            *blocking &= needed.contains(&DefNo(number(place)));
        }
        if let Body::Call(call) = &mut task.body {
            // Units are numbered without the pipeline, whose scope is the first.
            call.scope.0 += 1;
        }
        task
    };
    // Each takes the place of its draft: both together would take twice the memory.
    let drafts = file.tasks.into_iter().zip(edges).enumerate();
    let defined: Vec<TaskDef> = drafts.map(defined).collect();
    match all.is_empty() {
        true => *all = defined,
        false => all.extend(defined),
    }
    scopes.push(Scope {
        name,
        tasks: (first..first + count).map(DefNo).collect(),
        inputs: inputs.collect(),
        outputs,
        env: file.env,
        secrets: file.secrets,
        ..Scope::default()
    });
}

/// What a file gives to the task that uses it.
fn outputs(file: &File) -> BTreeMap<String, Output> {
    let declared = file.outputs.iter();
    let declared = declared.map(|(name, (output, _))| (name.clone(), output.clone()));
    let only = file.tasks.first().filter(|_| file.is_task);
    let of_task = only.into_iter().flat_map(|task| {
        task.def.outputs.iter().map(|(name, output)| {
            let from = format!(
                "${{{{ tasks[\"{}\"].outputs[\"{name}\"] }}}}",
                task.def.name
            );
            let output = Output {
                value_type: output.value_type.clone(),
                from: Some(Text::template(from)),
                default: output.default.clone(),
            };
            (name.clone(), output)
        })
    });
    declared.chain(of_task).collect()
}

/// The file as JSON, by the rules that an editor with the schema follows; `None` when it is not YAML.
#[must_use]
pub fn to_json(file: &SourceFile) -> Option<model::Json> {
    with_report(file, &Sources::new(), |report, _| {
        yaml::parse(report).map(|tree| tree.to_json())
    })
    .0
}
