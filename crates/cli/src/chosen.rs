//! A pipeline that was chosen: what is wrong with it, what this version cannot do of it, and the plan of the tasks that are
//! wanted. One task brings what it needs, and nothing else.

use crate::diagnostics;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::findings;
use crate::lock;
use crate::text;
use crate::ui::Ui;
use crate::uses::{Files, Loader};
use anyhow::Result;
use api::check::CheckedFile;
use api::plan::{TaskError, UnsupportedTask};
use engine::preview;
use expr::check::nearest;
use model::ids::{DefNo, ScopeNo};
use model::plan::{Body, Place, Plan, TaskDef, Text};
use pipeline::signal::On;
use pipeline::{Address, Compiled, Diagnostic, Request, Severity, Span, Unsupported, codes};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A pipeline that was chosen, with the task that is wanted of it.
pub(crate) struct Chosen {
    files: Files,
    /// Pins what is new once the files are known to be right.
    loader: RefCell<Loader>,
    task: Option<String>,
}

impl Chosen {
    /// The pipeline of `files`, and `task` of it; `loader` read them.
    pub(crate) const fn new(files: Files, loader: Loader, task: Option<String>) -> Self {
        Self {
            files,
            loader: RefCell::new(loader),
            task,
        }
    }

    /// The same pipeline, limited to the task that the plan of an earlier run was made for.
    pub(crate) fn limited_to(mut self, earlier: &Plan) -> Self {
        self.task = target_of(earlier).map(str::to_owned);
        self
    }

    /// The plan for `request` as far as it can be made, with everything that is doubtful shown.
    ///
    /// # Errors
    /// When the file or the params have a fault, or the task is not there.
    pub(crate) fn look(&self, request: &Request, ui: &Ui) -> Result<Looked> {
        let compiled = self.compiled(request);
        if !compiled.diagnostics.iter().any(Diagnostic::is_error) {
            let drawn = diagnostics::drawn(&self.files, &compiled.diagnostics, ui.has_color());
            ui.raw(drawn);
        }
        self.looked(compiled, ui)
    }

    /// The plan for `request`, with what was chosen of it.
    ///
    /// # Errors
    /// As [`Self::look`], when this version cannot run something, and when its `concurrency` cannot be computed.
    pub(crate) fn plan(&self, request: &Request, ui: &Ui) -> Result<Plan> {
        let looked = self.looked(self.compiled(request), ui)?;
        looked.refuse_unsupported()?;
        looked.refuse_group()?;
        Ok(looked.plan)
    }

    /// Which files of the project it was read from, by their paths from its folder; the lock file is one where it pins
    /// another.
    pub(crate) fn own_files(&self) -> Vec<String> {
        let others = || self.files.sources.files().map(|(address, _)| address);
        let local = others().filter(|address| matches!(address, Address::Local(_)));
        let lock = others().any(|address| matches!(address, Address::Git { .. }));
        std::iter::once(self.files.source.name.clone())
            .chain(local.map(Address::name))
            .chain(lock.then(|| lock::NAME.to_owned()))
            .collect()
    }

    /// Shows what makes tasks fail, each at its place; the exit that it means.
    pub(crate) fn draw_errors(&self, errors: &[TaskError], ui: &Ui) -> Exit {
        let said: Vec<Diagnostic> = errors.iter().map(|error| self.placed(error)).collect();
        if said.is_empty() {
            return Exit::Success;
        }
        ui.raw(diagnostics::drawn(&self.files, &said, ui.has_color()));
        Exit::Usage
    }

    fn placed(&self, error: &TaskError) -> Diagnostic {
        let text = String::from_utf8_lossy(self.files.text_of(&error.file));
        let (line, column) = (error.line.unwrap_or(1), error.col.unwrap_or(1));
        let mut lines = text.split_inclusive('\n');
        let before = usize::try_from(line).unwrap_or(1).saturating_sub(1);
        let start: usize = lines.by_ref().take(before).map(str::len).sum();
        let shown = lines.next().unwrap_or_default().trim_end();
        let column_at = usize::try_from(column).unwrap_or(1).saturating_sub(1);
        let within = shown.char_indices().nth(column_at);
        let within = within.map_or(shown.len(), |(at, _)| at);
        Diagnostic {
            code: codes::FAILS.code,
            severity: Severity::Error,
            file: error.file.clone(),
            span: Span {
                start: start + within,
                end: start + shown.len(),
            },
            line,
            column,
            message: format!("task `{}` {}", error.task, error.message),
            labels: Vec::new(),
            elsewhere: Vec::new(),
            help: None,
            notes: Vec::new(),
        }
    }

    fn compiled(&self, request: &Request) -> Compiled {
        self.files.compile(request)
    }

    fn looked(&self, compiled: Compiled, ui: &Ui) -> Result<Looked> {
        self.refuse_errors(&compiled, ui)?;
        let Compiled {
            plan,
            on,
            unsupported,
            ..
        } = compiled;
        self.loader.borrow_mut().write_lock(ui)?;
        let mut plan = plan.expect("a file without errors gives a plan");
        if let Some(task) = &self.task {
            keep_only(&mut plan, task)?;
        }
        Ok(Looked {
            plan,
            on,
            unsupported,
        })
    }

    fn refuse_errors(&self, compiled: &Compiled, ui: &Ui) -> Result<()> {
        let said = &compiled.diagnostics;
        let errors = said.iter().filter(|each| each.is_error());
        let Some(first) = errors.clone().next() else {
            return Ok(());
        };
        let faulty = || {
            self.files
                .check()
                .diagnostics
                .iter()
                .any(Diagnostic::is_error)
        };
        if errors.clone().all(is_about_given) && !faulty() {
            return Err(given_faults(errors).into());
        }
        ui.raw(diagnostics::drawn(&self.files, said, ui.has_color()));
        let file = &self.files.source.name;
        let mut files = Vec::new();
        findings::by_file(&self.files, said.clone(), &compiled.unsupported, &mut files);
        Err(
            Fault::usage(format!("`{file}` cannot be run: {}", counted(file, &files)))
                .help(format!(
                    "`formic explain {}` shows a wrong and a right example",
                    first.code
                ))
                .files(files)
                .into(),
        )
    }
}

/// How many errors there are, and in which files when not only in the pipeline's own.
fn counted(own: &str, files: &[CheckedFile]) -> String {
    let faulty = files.iter().filter(|file| !file.errors.is_empty());
    let parts = faulty.map(|file| {
        let name = if file.file == own {
            "it".to_owned()
        } else {
            format!("`{}`", file.file)
        };
        format!("{name} has {}", text::count(file.errors.len(), "error"))
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Whether it is about the value of a param, which the file gives or the command line.
fn is_about_given(diagnostic: &Diagnostic) -> bool {
    let about = [
        &codes::PARAM_MISSING,
        &codes::PARAM_UNKNOWN,
        &codes::PARAM_VALUE,
    ];
    about.iter().any(|code| code.code == diagnostic.code)
}

/// Every fault of what was given, and where the param is declared.
fn given_faults<'a>(faults: impl Iterator<Item = &'a Diagnostic>) -> Fault {
    let (mut messages, mut helps) = (Vec::new(), Vec::new());
    for each in faults {
        let place = if each.code == codes::PARAM_UNKNOWN.code {
            String::new()
        } else {
            format!(" ({}:{}:{})", each.file, each.line, each.column)
        };
        messages.push(format!("{}{place}", text::plain(&each.message)));
        helps.extend(each.help.iter().map(|help| text::plain(help)));
    }
    let fault = Fault::usage(messages.join("; "));
    helps.into_iter().fold(fault, Fault::help)
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

/// The task that a plan was made for, when it has not all tasks of its pipeline: no other task that it has needs it.
fn target_of(plan: &Plan) -> Option<&str> {
    let kept = &plan.scope(ScopeNo::ROOT).tasks;
    let root = plan.tasks.iter().filter(|def| def.scope == ScopeNo::ROOT);
    if kept.len() == root.count() {
        return None;
    }
    let needs = kept.iter().flat_map(|def| &plan.task(*def).needs);
    let needed: BTreeSet<DefNo> = needs.map(|edge| edge.task).collect();
    let target = kept.iter().find(|def| !needed.contains(def));
    target.map(|def| plan.task(*def).name.as_str())
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
    match nearest(name, names()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!(
            "its tasks are {}",
            names().collect::<Vec<_>>().join(", ")
        )),
    }
}

/// A plan before anybody has decided to run it.
pub(crate) struct Looked {
    /// The plan, with what was chosen of it.
    pub plan: Plan,
    /// Which signals the pipeline waits for.
    pub on: On,
    /// What this version cannot run, wherever it stands.
    unsupported: Vec<Unsupported>,
}

impl Looked {
    /// What the chosen tasks say and this version cannot do, by key and task.
    pub(crate) fn unsupported(&self) -> Vec<UnsupportedTask> {
        let mut by_task: BTreeMap<Place, Vec<&Unsupported>> = BTreeMap::new();
        for later in &self.unsupported {
            if let Some(at) = later.task {
                by_task.entry(at).or_default().push(later);
            }
        }
        let of = |task: &TaskDef| {
            let own = task.at.and_then(|at| by_task.get(&at));
            own.into_iter().flatten()
        };
        let reached = reached(&self.plan).into_iter();
        let found = reached.flat_map(|task| {
            of(task).map(|later| UnsupportedTask {
                key: later.key.clone(),
                task: task.name.clone(),
                file: later.file.clone(),
                line: Some(later.line),
            })
        });
        found.collect()
    }

    /// Refuses a run whose `concurrency` cannot be computed: it would share its turns with others of no relation.
    ///
    /// # Errors
    /// When the expression fails with the params and the signal; one that reads `run` is left to the run.
    pub(crate) fn refuse_group(&self) -> Result<()> {
        let plan = &self.plan;
        let group = plan.concurrency.as_ref().map(|each| &each.group);
        let Some(Text::Template(expression)) = group else {
            return Ok(());
        };
        let Some(error) = preview::group_fault(plan) else {
            return Ok(());
        };
        let (file, text) = (&plan.file, text::plain(&expression.text));
        let line = expression
            .at
            .map_or_else(String::new, |at| format!(":{}", at.line));
        Err(Fault::usage(format!(
            "`concurrency` of the pipeline: `{text}` ({file}{line}): {error}"
        ))
        .help("give other values, or write a group that every run can have")
        .into())
    }

    /// Refuses what this version cannot do, by name and line. Nothing is passed over in silence.
    ///
    /// # Errors
    /// When there is something.
    pub(crate) fn refuse_unsupported(&self) -> Result<()> {
        let refused = self.unsupported();
        if refused.is_empty() {
            return Ok(());
        }
        let places: Vec<String> = refused.iter().map(place_of).collect();
        Err(Fault::usage(format!(
            "this version of Formic cannot run {}",
            places.join(", ")
        ))
        .help("the file is right; leave this out, or wait for a version that has it")
        .into())
    }
}

/// The tasks of a plan, with those of the files that they use.
pub(crate) fn reached(plan: &Plan) -> Vec<&TaskDef> {
    let mut scopes = vec![ScopeNo::ROOT];
    let mut seen = BTreeSet::from([ScopeNo::ROOT]);
    let mut tasks = Vec::new();
    let mut next = 0;
    while let Some(scope) = scopes.get(next).copied() {
        next += 1;
        for def in &plan.scope(scope).tasks {
            let task = plan.task(*def);
            if let Body::Call(call) = &task.body
                && seen.insert(call.scope)
            {
                scopes.push(call.scope);
            }
            tasks.push(task);
        }
    }
    tasks
}

/// "`cache` of task `a` (formic.yaml:3)".
pub(crate) fn place_of(each: &UnsupportedTask) -> String {
    let line = each
        .line
        .map_or_else(String::new, |line| format!(":{line}"));
    let UnsupportedTask {
        key, task, file, ..
    } = each;
    format!("`{key}` of task `{task}` ({file}{line})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::SourceFile;

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
        assert_eq!(target_of(&plan), None);
        keep_only(&mut plan, "b").unwrap();
        assert_eq!(names(&plan), ["a", "b"]);
        assert_eq!(target_of(&plan), Some("b"));
    }
}
