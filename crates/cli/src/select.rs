//! Which pipeline a command means, and which of its tasks.
//!
//! The first word is a pipeline, else a task of the only pipeline; `PIPELINE/TASK` decides. One task brings
//! what it needs, and nothing else.

use crate::diagnostics;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::{PipelineFile, Project};
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use model::ids::DefNo;
use model::plan::{Plan, Step, StepBody, TaskDef};
use pipeline::{Compiled, Diagnostic, Request, SourceFile};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A pipeline that was chosen, with the task that is wanted of it.
pub(crate) struct Chosen {
    source: SourceFile,
    task: Option<String>,
}

/// A pipeline that could be chosen.
struct Candidate {
    source: SourceFile,
    name: String,
}

/// Chooses by `target`, among the project's files or in `file` alone.
///
/// # Errors
/// When there is no pipeline, or not exactly one is meant.
pub(crate) fn choose(
    project: &Project,
    file: Option<&Path>,
    target: Option<&str>,
) -> Result<Chosen> {
    let files: Vec<PipelineFile> = match file {
        Some(file) => vec![project.named(file)],
        None => project.must_have_files()?.to_vec(),
    };
    let mut candidates = Vec::new();
    for file in &files {
        let source = file.read()?;
        let name = name_of(&source).unwrap_or_else(|| file.stem());
        candidates.push(Candidate { source, name });
    }
    let Some(target) = target else {
        return only(candidates).map(|only| only.chosen(None));
    };
    let named = |word: &str| candidates.iter().position(|each| each.name == word);
    if let Some((pipeline, task)) = target.split_once('/')
        && let Some(place) = named(pipeline)
    {
        return Ok(candidates.swap_remove(place).chosen(Some(task)));
    }
    let pipeline = named(target);
    let alone = candidates.len() == 1;
    let is_task = alone && task_names(&candidates[0].source).contains(target);
    match (pipeline, alone) {
        (Some(_), _) if is_task => {
            Err(Fault::usage(format!("`{target}` is a pipeline and a task"))
                .help(format!(
                    "say `{target}/{target}` for the task; without a word the pipeline is run"
                ))
                .into())
        }
        (Some(place), _) => Ok(candidates.swap_remove(place).chosen(None)),
        (None, true) => Ok(candidates.swap_remove(0).chosen(Some(target))),
        (None, false) => Err(unknown(target, &candidates).into()),
    }
}

impl Candidate {
    fn chosen(self, task: Option<&str>) -> Chosen {
        Chosen {
            source: self.source,
            task: task.map(str::to_owned),
        }
    }
}

fn only(mut candidates: Vec<Candidate>) -> Result<Candidate> {
    if candidates.len() == 1 {
        return Ok(candidates.swap_remove(0));
    }
    let names: Vec<&str> = candidates.iter().map(|each| each.name.as_str()).collect();
    let names = names.join(", ");
    Err(
        Fault::usage(format!("there are several pipelines: {names}"))
            .help("name one: `formic run PIPELINE`")
            .into(),
    )
}

fn unknown(target: &str, candidates: &[Candidate]) -> Fault {
    let names = || candidates.iter().map(|each| each.name.as_str());
    let fault = Fault::nothing(format!("there is no pipeline `{}`", text::plain(target)));
    match text::nearest(target, names()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!(
            "the pipelines are {}; a task is named `PIPELINE/TASK`",
            names().collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The name that a file gives its pipeline. Found by line, because a file with faults has a name too.
fn name_of(source: &SourceFile) -> Option<String> {
    let text = String::from_utf8_lossy(&source.text);
    let value = text.lines().find_map(|line| line.strip_prefix("name:"))?;
    let value = value.split(" #").next().unwrap_or_default().trim();
    let value = value.trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

/// The tasks of a file that can be compiled as it is; else none.
fn task_names(source: &SourceFile) -> BTreeSet<String> {
    let compiled = pipeline::compile(source, &Request::default());
    let tasks = compiled.plan.into_iter().flat_map(|plan| plan.tasks);
    tasks.map(|task| task.name).collect()
}

impl Chosen {
    /// Makes sure that there will be a plan for these params, and shows what is doubtful.
    ///
    /// # Errors
    /// When the file or the params have a fault, the task is not there, or this version cannot run something.
    pub(crate) fn check(&self, params: &BTreeMap<String, String>, ui: &Ui) -> Result<()> {
        let request = Request {
            params: params.clone(),
            ..Request::default()
        };
        let Compiled { diagnostics, .. } = pipeline::compile(&self.source, &request);
        if !diagnostics.iter().any(Diagnostic::is_error) {
            ui.raw(diagnostics::drawn(
                &self.source,
                &diagnostics,
                ui.has_color(),
            ));
        }
        self.plan(&request, ui).map(drop)
    }

    /// The plan for `request`, with what was chosen of it.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub(crate) fn plan(&self, request: &Request, ui: &Ui) -> Result<Plan> {
        let Compiled { plan, diagnostics } = pipeline::compile(&self.source, request);
        self.refuse_errors(&diagnostics, ui)?;
        let mut plan = plan.expect("a file without errors gives a plan");
        if let Some(task) = &self.task {
            keep_only(&mut plan, task)?;
        }
        refuse_unsupported(&plan)?;
        Ok(plan)
    }

    fn refuse_errors(&self, said: &[Diagnostic], ui: &Ui) -> Result<()> {
        let errors = said.iter().filter(|each| each.is_error());
        let Some(first) = errors.clone().next() else {
            return Ok(());
        };
        ui.raw(diagnostics::drawn(&self.source, said, ui.has_color()));
        let number = text::count(errors.count(), "error");
        let file = &self.source.name;
        Err(
            Fault::usage(format!("`{file}` cannot be run: it has {number}"))
                .help(format!(
                    "`formic explain {}` shows a wrong and a right example",
                    first.code
                ))
                .into(),
        )
    }
}

/// Leaves only the task `name` and what it needs.
fn keep_only(plan: &mut Plan, name: &str) -> Result<()> {
    let root = plan.scopes[0].tasks.clone();
    let Some(wanted) = root
        .iter()
        .copied()
        .find(|def| plan.task(*def).name == name)
    else {
        return Err(no_task(plan, &root, name).into());
    };
    let mut kept = BTreeSet::new();
    let mut open = vec![wanted];
    while let Some(def) = open.pop() {
        if kept.insert(def) {
            open.extend(plan.task(def).needs.iter().map(|edge| edge.task));
        }
    }
    plan.scopes[0].tasks.retain(|def| kept.contains(def));
    Ok(())
}

fn no_task(plan: &Plan, root: &[DefNo], name: &str) -> Fault {
    let names = || root.iter().map(|def| plan.task(*def).name.as_str());
    let fault = Fault::new(
        Exit::Nothing,
        format!(
            "pipeline `{}` has no task `{}`",
            plan.name,
            text::plain(name)
        ),
    );
    match text::nearest(name, names()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!(
            "its tasks are {}",
            names().collect::<Vec<_>>().join(", ")
        )),
    }
}

/// Refuses, by name and line, what the plan carries and this version cannot do. Nothing is passed over in silence.
fn refuse_unsupported(plan: &Plan) -> Result<()> {
    let mut refused = Vec::new();
    for def in plan.scopes.iter().flat_map(|scope| &scope.tasks) {
        let task = plan.task(*def);
        for key in unsupported(task) {
            let line = task
                .at
                .map_or_else(String::new, |at| format!(":{}", at.line));
            refused.push(format!(
                "`{key}` of task `{}` ({}{line})",
                task.name, plan.file
            ));
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let mut fault = Fault::usage(format!(
        "this version of formic cannot run {}",
        refused.join(", ")
    ));
    fault = fault.help("the file is right; leave this out, or wait for a version that has it");
    Err(fault.into())
}

fn unsupported(task: &TaskDef) -> Vec<String> {
    let placement = &task.placement;
    let executor = placement
        .executor
        .as_deref()
        .filter(|name| *name != "process");
    let container = placement.container.is_some() || steps(task).iter().any(has_container);
    let with_image = task
        .services
        .iter()
        .any(|service| service.container.is_some());
    let found = [
        ("cache", !task.caches.is_empty()),
        ("inputs", task.inputs.is_some()),
        ("image of a service", with_image),
        ("secrets", !task.secrets.is_empty()),
        ("reports", !task.reports.is_empty()),
        ("container", container),
    ];
    let keys = found.into_iter().filter(|(_, found)| *found);
    let keys = keys.map(|(key, _)| key.to_owned());
    keys.chain(executor.map(|name| format!("executor: {name}")))
        .collect()
}

fn steps(task: &TaskDef) -> &[Step] {
    match &task.body {
        model::plan::Body::Steps(steps) => &steps.steps,
        model::plan::Body::Call(_) | model::plan::Body::Nothing => &[],
    }
}

fn has_container(step: &Step) -> bool {
    let inside = match &step.body {
        StepBody::Group { steps, .. } => steps.iter().any(has_container),
        StepBody::Script { .. } | StepBody::Command { .. } => false,
    };
    inside || step.container.is_some()
}

/// Reads `--param NAME=VALUE`.
///
/// # Errors
/// When there is no `=`, or a name stands twice.
pub(crate) fn params(given: &[String]) -> Result<BTreeMap<String, String>> {
    let mut params = BTreeMap::new();
    for each in given {
        let Some((name, value)) = each.split_once('=') else {
            let shown = text::plain(each);
            return Err(Fault::usage(format!("`--param {shown}` has no value"))
                .help(format!("write `--param {shown}=VALUE`"))
                .into());
        };
        if params.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Fault::usage(format!("`--param {name}` is given twice")).into());
        }
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        let compiled = pipeline::compile(&SourceFile::new("ci.yaml", text), &Request::default());
        assert_eq!(compiled.diagnostics, []);
        compiled.plan.unwrap()
    }

    fn names(plan: &Plan) -> Vec<&str> {
        let root = &plan.scopes[0].tasks;
        root.iter()
            .map(|def| plan.task(*def).name.as_str())
            .collect()
    }

    #[test]
    fn a_task_brings_what_it_needs_and_nothing_else() {
        let mut plan = plan(
            "tasks:\n  a: {run: x}\n  b: {needs: [a], run: x}\n  c: {needs: [b], run: x}\n  d: {run: x}\n\
             finally:\n  e: {run: x}\n",
        );
        keep_only(&mut plan, "b").unwrap();
        assert_eq!(names(&plan), ["a", "b"]);
    }

    #[test]
    fn a_name_is_found_also_in_a_file_with_faults() {
        let name = |text: &str| name_of(&SourceFile::new("x.yaml", text));
        assert_eq!(
            name("# ci\nname: \"shop\" # ours\ntasks: 5\n"),
            Some("shop".to_owned())
        );
        assert_eq!(name("tasks:\n  name: {run: x}\n"), None);
    }

    #[test]
    fn params_have_a_name_and_a_value() {
        let params = params(&["a=b=c".to_owned()]).unwrap();
        assert_eq!(params.get("a").map(String::as_str), Some("b=c"));
    }
}
