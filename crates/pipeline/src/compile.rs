//! Text to plan: the checker, the readers, the graph, the names, then the parts put together.

use crate::codes;
use crate::definitions::{FRAGMENT, Object, PIPELINE};
use crate::diagnostics::{Diagnostic, Report, Span};
use crate::names::{self, Names};
use crate::nearest::{listed, nearest};
use crate::read::{self, File};
use crate::source::SourceFile;
use crate::{graph, shape, types, yaml};
use model::ids::{DefNo, ScopeNo};
use model::plan::{Activation, Edge, Fragment, Input, Plan, Scope, TaskDef};
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
    /// The plan; `None` exactly when there is an error among the diagnostics.
    pub plan: Option<Plan>,
    /// Errors and warnings by position.
    pub diagnostics: Vec<Diagnostic>,
}

/// Makes the plan of `file` for one request.
#[must_use]
pub fn compile(file: &SourceFile, request: &Request) -> Compiled {
    let (plan, diagnostics) = with_report(file, |report| {
        let (read, edges) = checked(report, &PIPELINE)?;
        let params = params(report, &read, request);
        Some(plan(file, read, edges, params, request))
    });
    let plan = plan
        .flatten()
        .filter(|_| !diagnostics.iter().any(Diagnostic::is_error));
    Compiled { plan, diagnostics }
}

/// Everything that is wrong with `file` whatever it is run for.
#[must_use]
pub fn check(file: &SourceFile) -> Vec<Diagnostic> {
    with_report(file, |report| checked(report, &PIPELINE)).1
}

/// Makes the tasks that a generating task wrote.
///
/// # Errors
/// When the text has an error, or more tasks than [`limits::GENERATED_TASKS`].
pub fn compile_fragment(file: &SourceFile) -> Result<Fragment, Vec<Diagnostic>> {
    let (fragment, diagnostics) = with_report(file, |report| {
        let (read, edges) = checked(report, &FRAGMENT)?;
        let members: usize = read.tasks.iter().map(|task| task.members).sum();
        if members > limits::GENERATED_TASKS {
            let message = format!(
                "the file makes {members} tasks; a task may generate at most {}",
                limits::GENERATED_TASKS
            );
            report.error(&codes::LIMIT, Span::default(), message);
        }
        let (scope, tasks) = scope(read, edges);
        Some(Fragment {
            scopes: vec![scope],
            tasks,
        })
    });
    match fragment.flatten() {
        Some(fragment) if !diagnostics.iter().any(Diagnostic::is_error) => Ok(fragment),
        Some(_) | None => Err(diagnostics),
    }
}

/// Decodes the file and collects what `work` reports; no value when it cannot be decoded.
fn with_report<T>(
    file: &SourceFile,
    work: impl FnOnce(&mut Report<'_>) -> T,
) -> (Option<T>, Vec<Diagnostic>) {
    match file.decode() {
        Ok((text, skipped)) => {
            let mut report = Report::new(&file.name, text, skipped);
            let value = work(&mut report);
            (Some(value), report.finish())
        }
        Err(diagnostic) => (None, vec![*diagnostic]),
    }
}

/// All checks that need no request.
fn checked(report: &mut Report<'_>, object: &'static Object) -> Option<(File, Vec<Vec<Edge>>)> {
    let tree = yaml::parse(report)?;
    shape::check(report, object, &tree);
    let file = read::file(report, &tree);
    let names = Names::new(&file, std::ptr::eq(object, &FRAGMENT));
    let edges = graph::check(report, &names);
    types::check(report, &names);
    let members: usize = file.tasks.iter().map(|task| task.members).sum();
    if members > limits::TASKS_PER_RUN {
        let message = format!(
            "the pipeline makes {members} tasks; at most {} are allowed",
            limits::TASKS_PER_RUN
        );
        report
            .error(&codes::LIMIT, Span::default(), message)
            .help("make the matrices smaller");
    }
    Some((file, edges))
}

/// The values of the params, given or by default.
fn params(report: &mut Report<'_>, file: &File, request: &Request) -> JsonMap {
    let declared = || file.params.iter().map(|param| param.name.as_str());
    for name in request
        .params
        .keys()
        .filter(|name| !declared().any(|each| each == *name))
    {
        report
            .error(
                &codes::PARAM_UNKNOWN,
                Span::default(),
                format!("the pipeline has no param `{name}`"),
            )
            .help(match nearest(name, declared()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its params are {}", listed(declared())),
            });
    }
    let mut values = JsonMap::new();
    for param in &file.params {
        let value = match (request.params.get(&param.name), &param.default) {
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
                    .help(format!("give it: `--param {}=VALUE`", param.name));
                continue;
            }
        };
        values.insert(param.name.clone(), value);
    }
    values
}

fn plan(
    source: &SourceFile,
    mut file: File,
    edges: Vec<Vec<Edge>>,
    params: JsonMap,
    request: &Request,
) -> Plan {
    let name = file
        .name
        .take()
        .unwrap_or_else(|| stem(&source.name).to_owned());
    let mut plan = Plan::new(name);
    plan.file.clone_from(&source.name);
    plan.params = params;
    plan.signal.clone_from(&request.signal);
    plan.tainted = names::TAINTED
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    plan.concurrency = file.concurrency.take();
    plan.timeout_ms = file.timeout_ms;
    plan.priority = file.priority;
    let (scope, tasks) = scope(file, edges);
    plan.scopes = vec![scope];
    plan.tasks = tasks;
    plan
}

/// The scope of a file and its tasks.
fn scope(file: File, edges: Vec<Vec<Edge>>) -> (Scope, Vec<TaskDef>) {
    let inputs = file.params.into_iter().map(|param| {
        let input = Input {
            value_type: param.value_type,
            default: param.default,
        };
        (param.name, input)
    });
    let needed: BTreeSet<DefNo> = edges.iter().flatten().map(|edge| edge.task).collect();
    let mut tasks: Vec<TaskDef> = file
        .tasks
        .into_iter()
        .zip(edges)
        .map(|(draft, edges)| TaskDef {
            needs: edges,
            scope: ScopeNo::ROOT,
            ..draft.def
        })
        .collect();
    for (place, task) in tasks.iter_mut().enumerate() {
        if let Activation::Manual { blocking } = &mut task.activation {
            // A manual task with nothing behind it holds up nothing: it is skipped when all else is over.
            *blocking &= needed.iter().any(|def| def.index() == place);
        }
    }
    let numbers = 0..u32::try_from(tasks.len()).unwrap_or(u32::MAX);
    let scope = Scope {
        tasks: numbers.map(DefNo).collect(),
        inputs: inputs.collect(),
        env: file.env,
        secrets: file.secrets,
        ..Scope::default()
    };
    (scope, tasks)
}

/// The file's name without folders and ending.
fn stem(name: &str) -> &str {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.strip_suffix(".yaml")
        .or_else(|| base.strip_suffix(".yml"))
        .unwrap_or(base)
}

/// The file as JSON, by the rules that an editor with the schema follows; `None` when it is not YAML.
#[must_use]
pub fn to_json(file: &SourceFile) -> Option<model::Json> {
    with_report(file, |report| {
        yaml::parse(report).map(|tree| tree.to_json())
    })
    .0?
}
