//! From a tree that passed the checker to drafts of the plan's parts.
//!
//! Readers never report a wrong form: the checker ([`crate::shape`]) has done that, and they pass over
//! what it refused. They report what only shows when a value is understood: bounds, names that stand
//! twice, expressions that cannot be read. Every expression is recorded as a [`Use`], so that its
//! names can be resolved when all tasks are known.

mod artifacts;
mod call;
pub(crate) mod command;
mod container;
mod matrix;
mod params;
mod place;
mod service;
mod shell;
mod step;
mod task;
mod text;
mod triggers;

use crate::codes;
use crate::definitions::{self, Phase};
use crate::diagnostics::{Report, Span};
use crate::expression::Reference;
use crate::scalar;
use crate::signal::On;
use crate::yaml::Node;
use expr::Program;
use model::plan::{Concurrency, GroupMode, Named, Output, Shell, TaskDef, Text};
use model::{Json, limits};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

pub(crate) use call::{CallDraft, Callee, Given};
pub(crate) use params::{
    Param, given, mistaken_help, sample, typed, unknown_param, wanted, wanted_for,
};
pub(crate) use place::refuse_pattern;
pub(crate) use shell::extension;

/// Everything that a file says, with what it includes.
#[derive(Debug)]
pub(crate) struct File {
    pub name: Option<String>,
    /// Which signals it waits for.
    pub on: On,
    pub params: Vec<Param>,
    pub env: Named<Text>,
    /// Where each variable of `env` is named.
    env_spans: Vec<Span>,
    pub secrets: Vec<String>,
    /// The tasks of `tasks`, then those of `finally`, then those of included files.
    pub tasks: Vec<Draft>,
    /// Values that it gives to the task that uses it, and where each is named.
    pub outputs: BTreeMap<String, (Output, Span)>,
    /// Whether it is a reusable task: a file with the key `task`.
    pub is_task: bool,
    /// Files to take in, in order.
    pub includes: Vec<(String, Span)>,
    /// Keys that count only for a run of its own, where they stand.
    pub own_run: Vec<(&'static str, Span)>,
    pub concurrency: Option<Concurrency>,
    pub timeout_ms: Option<u64>,
    pub priority: i32,
    /// Every expression of the file.
    pub uses: Vec<Use>,
    common: Common,
}

/// A task, and what about it is not in the plan.
#[derive(Debug)]
pub(crate) struct Draft {
    pub def: TaskDef,
    pub name_span: Span,
    pub needs: Vec<Need>,
    /// Spans of `from` and `name` of each taken artifact, as in the definition.
    pub taken: Vec<(Span, Span)>,
    /// Where each given artifact is named, as in the definition.
    pub given: Vec<Span>,
    /// Names of the steps and of the outputs that each declares; each has those of the task too.
    pub steps: Vec<(String, BTreeSet<String>)>,
    /// Names of `matrix`, if it has one; `None` inside when they are known only later.
    pub cell: Option<Option<BTreeSet<String>>>,
    /// Tasks that the matrix makes of it, if known; 1 without one.
    pub members: usize,
    /// What it calls.
    pub call: Option<CallDraft>,
    /// Whether its condition is false whatever happens.
    pub never: bool,
    /// Whether its condition looks at the state of its needs itself.
    pub asks_status: bool,
    /// Where each output is named that a step has to write.
    pub written: Vec<(String, Span)>,
}

impl Draft {
    /// Whether every value of an axis of its matrix is a number.
    pub(crate) fn axis_is_number(&self, name: &str) -> bool {
        let Some(matrix) = &self.def.matrix else {
            return false;
        };
        let sure = matrix.include.known().is_some_and(Vec::is_empty);
        let mut axes = matrix.axes.iter();
        let values = axes.find(|axis| axis.name == name);
        let values = values.and_then(|axis| axis.values.known());
        sure && values
            .is_some_and(|values| !values.is_empty() && values.iter().all(Json::is_number))
    }
}

/// An entry of `needs`.
#[derive(Debug)]
pub(crate) struct Need {
    pub task: String,
    pub span: Span,
    pub optional: bool,
}

/// An expression, or all expressions of one text, and where it is evaluated.
#[derive(Debug)]
pub(crate) struct Use {
    /// Index of the task that it belongs to.
    pub task: Option<usize>,
    /// Index of the step that it belongs to.
    pub step: Option<usize>,
    pub phase: Phase,
    pub purpose: Purpose,
    pub slot: Slot,
    pub references: Vec<Reference>,
    pub calls: Vec<Reference>,
    pub programs: Vec<Program>,
    /// The scalar that holds them, to find places of the file again.
    pub node: Node<'static>,
    /// Where their text begins in the scalar's text.
    pub start: usize,
}

/// What an expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It becomes part of a script.
    Script,
    /// It says which program runs.
    Program,
    /// It decides whether a task or step runs.
    Condition,
    /// It decides about a failure.
    Verdict,
    /// It is a value.
    Value,
}

/// Which value a text becomes a part of, as far as others read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Slot {
    /// None that has a name.
    Other,
    /// A variable of the environment.
    Env(String),
    /// The values of one axis of the matrix.
    Axis(String),
    /// The matrix as a whole.
    Matrix,
    /// A param of the file that the task uses.
    With(String),
    /// An output of the file.
    Output(String),
}

/// Reads one file.
pub(crate) struct Reader<'r, 'a> {
    pub report: &'r mut Report<'a>,
    uses: Vec<Use>,
    task: Option<usize>,
    step: Option<usize>,
    slot: Slot,
}

/// What holds for every task of a file.
#[derive(Debug, Clone)]
struct Common {
    shell: Option<Shell>,
    working_dir: Option<Text>,
    inherit: Vec<String>,
}

fn reader<'r, 'a>(report: &'r mut Report<'a>) -> Reader<'r, 'a> {
    Reader {
        report,
        uses: Vec::new(),
        task: None,
        step: None,
        slot: Slot::Other,
    }
}

/// Reads a file or a fragment, without the files that it includes. A reusable task is called `alone`.
pub(crate) fn file(report: &mut Report<'_>, tree: &Node<'_>, alone: &str) -> File {
    reader(report).file(tree, alone)
}

/// Reads which signals a file waits for.
pub(crate) fn on(report: &mut Report<'_>, tree: &Node<'_>) -> On {
    let mut reader = reader(report);
    let params = tree.child("params").map(|params| reader.params(params));
    reader.triggers(tree.child("on"), &params.unwrap_or_default())
}

/// Takes an included file into `file`.
pub(crate) fn include(report: &mut Report<'_>, tree: &Node<'_>, file: &mut File) {
    reader(report).include(tree, file);
}

/// Reports what has the same name in a file and in those that it includes.
pub(crate) fn refuse_doubles(report: &mut Report<'_>, file: &File) {
    let mut reader = reader(report);
    let tasks = file.tasks.iter();
    let params = file.params.iter();
    let env = file.env.iter().zip(&file.env_spans);
    reader.refuse_doubles(
        "task",
        tasks.map(|task| (task.def.name.as_str(), task.name_span)),
    );
    reader.refuse_doubles(
        "param",
        params.map(|param| (param.name.as_str(), param.span)),
    );
    reader.refuse_doubles(
        "variable",
        env.map(|((name, _), span)| (name.as_str(), *span)),
    );
}

impl Reader<'_, '_> {
    fn file(mut self, tree: &Node<'_>, alone: &str) -> File {
        let params = tree
            .child("params")
            .map(|node| self.params(node))
            .unwrap_or_default();
        let (env, inherit) = tree
            .child("env")
            .map(|node| self.env(node))
            .unwrap_or_default();
        let common = Common {
            shell: tree.child("shell").and_then(shell::read),
            working_dir: self.path(tree, "working_dir", Phase::Start),
            inherit,
        };
        let concurrency = tree
            .child("concurrency")
            .and_then(|node| self.concurrency(node, Phase::Plan));
        let timeout_ms = self.time(tree, ("pipeline", "timeout"), 1..=limits::TIMEOUT_MS);
        let mut tasks = self.tasks(tree, &common, 0);
        let single = tree.entry("task");
        if let Some(entry) = single.filter(|_| tasks.is_empty()) {
            tasks.push(self.only_task(entry, alone, &common));
        }
        let own_run = ["timeout", "concurrency", "priority"].into_iter();
        File {
            name: tree
                .child("name")
                .and_then(Node::text)
                .map(|name| name.trim().to_owned()),
            on: self.triggers(tree.child("on"), &params),
            params,
            env_spans: variable_spans(tree.child("env")),
            env,
            secrets: names(tree.child("secrets")),
            outputs: tree
                .child("outputs")
                .map(|outputs| self.given_outputs(outputs))
                .unwrap_or_default(),
            is_task: single.is_some(),
            includes: includes(tree.child("include")),
            own_run: own_run
                .filter_map(|key| Some((key, tree.entry(key)?.key_span)))
                .collect(),
            tasks,
            concurrency,
            timeout_ms,
            priority: priority(tree),
            uses: self.uses,
            common,
        }
    }

    fn include(mut self, tree: &Node<'_>, file: &mut File) {
        if let Some(params) = tree.child("params") {
            file.params.extend(self.params(params));
        }
        if let Some(env) = tree.child("env") {
            let (variables, inherit) = self.env(env);
            file.env.extend(variables);
            file.env_spans.extend(variable_spans(Some(env)));
            for task in &mut file.tasks {
                let inherited = &mut task.def.env_policy.inherit;
                inherited.extend(inherit.iter().cloned());
                inherited.sort_unstable();
                inherited.dedup();
            }
            file.common.inherit.extend(inherit);
        }
        for secret in names(tree.child("secrets")) {
            if !file.secrets.contains(&secret) {
                file.secrets.push(secret);
            }
        }
        let tasks = self.tasks(tree, &file.common, file.tasks.len());
        file.tasks.extend(tasks);
        file.uses.append(&mut self.uses);
    }

    /// `env:`: variables, and names to inherit.
    fn env(&mut self, node: &Node<'_>) -> (Named<Text>, Vec<String>) {
        let mut inherit = Vec::new();
        let mut variables = Vec::new();
        for entry in node.entries().unwrap_or_default() {
            if entry.key == "inherit" && entry.value.items().is_some() {
                inherit = texts(&entry.value);
                continue;
            }
            self.slot = Slot::Env(entry.key.clone().into_owned());
            let text = self.text(&entry.value, Phase::Start, Purpose::Value);
            self.slot = Slot::Other;
            if let Some(text) = text {
                variables.push((entry.key.clone().into_owned(), text));
            }
        }
        (variables, inherit)
    }

    fn concurrency(&mut self, node: &Node<'_>, phase: Phase) -> Option<Concurrency> {
        if node.scalar().is_some() {
            return Some(Concurrency {
                group: self.text(node, phase, Purpose::Value)?,
                limit: 1,
                mode: GroupMode::Queue,
            });
        }
        let limit = integer(node, "limit").and_then(|limit| u32::try_from(limit).ok());
        let mode = match node.child("cancel_superseded").and_then(Node::text) {
            Some("true") => GroupMode::Supersede,
            Some("waiting") => GroupMode::SupersedeWaiting,
            Some(_) | None => GroupMode::Queue,
        };
        Some(Concurrency {
            group: self.field(node, "group", phase)?,
            limit: limit.unwrap_or(1).max(1),
            mode,
        })
    }

    /// A duration under `key` of an object of the definitions, between the bounds; outside them an error.
    fn time(
        &mut self,
        node: &Node<'_>,
        (object, key): (&str, &str),
        bounds_ms: RangeInclusive<u64>,
    ) -> Option<u64> {
        let value = node.child(key)?;
        let ms = scalar::duration_ms(value.text()?)?;
        if bounds_ms.contains(&ms) {
            return Some(ms);
        }
        let code = if ms < *bounds_ms.start() {
            &codes::OUT_OF_RANGE
        } else {
            &codes::LIMIT
        };
        let found = value.text().unwrap_or_default();
        let (least, most) = (in_words(*bounds_ms.start()), in_words(*bounds_ms.end()));
        let message = format!("`{key}` is {found}; expected {least} to {most}");
        let help = match definitions::default_of(object, key) {
            "" => "write a time in that range".to_owned(),
            "none" => format!("write a time in that range, or remove `{key}` for no limit"),
            default => format!(
                "write a time in that range, or remove `{key}`: without it, it is {default}"
            ),
        };
        self.report.error(code, value.span, message).help(help);
        None
    }

    /// Reports names that stand twice in a list.
    fn refuse_doubles<'n>(&mut self, what: &str, named: impl IntoIterator<Item = (&'n str, Span)>) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for (name, span) in named {
            let Some(first) = seen.get(name) else {
                seen.insert(name, span);
                continue;
            };
            self.report
                .error(
                    &codes::DUPLICATE_NAME,
                    span,
                    format!("two {what}s are called `{name}`"),
                )
                .label(*first, "the first is here")
                .help("give one of them another name");
        }
    }
}

/// Where the variables of an `env` are named that have a text.
fn variable_spans(env: Option<&Node<'_>>) -> Vec<Span> {
    let entries = env.and_then(Node::entries).unwrap_or_default().iter();
    let texts = entries.filter(|entry| {
        let inherits = entry.key == "inherit" && entry.value.items().is_some();
        !inherits && entry.value.text().is_some()
    });
    texts.map(|entry| entry.key_span).collect()
}

/// The entries of `include`.
pub(crate) fn includes(node: Option<&Node<'_>>) -> Vec<(String, Span)> {
    let items = node.and_then(Node::items).unwrap_or_default().iter();
    let named = items.filter_map(|item| Some((item.text()?.to_owned(), item.span)));
    named.collect()
}

fn in_words(ms: u64) -> String {
    const UNITS: [(u64, &str); 5] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let mut units = UNITS.iter();
    let unit = units.find(|(unit_ms, _)| ms >= *unit_ms && ms.is_multiple_of(*unit_ms));
    unit.map_or_else(
        || "0s".to_owned(),
        |(unit_ms, name)| format!("{}{name}", ms / unit_ms),
    )
}

fn priority(node: &Node<'_>) -> i32 {
    integer(node, "priority")
        .and_then(|value| i32::try_from(value).ok())
        .unwrap_or(0)
}

fn integer(node: &Node<'_>, key: &str) -> Option<i64> {
    node.child(key)?.scalar().and_then(scalar::integer)
}

fn flag(node: &Node<'_>, key: &str) -> Option<bool> {
    node.child(key)?.scalar().and_then(scalar::boolean)
}

/// The texts of a list.
fn texts(node: &Node<'_>) -> Vec<String> {
    let items = node.items().unwrap_or_default();
    items
        .iter()
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect()
}

/// A list of names, if it is there.
fn names(node: Option<&Node<'_>>) -> Vec<String> {
    node.map(texts).unwrap_or_default()
}
