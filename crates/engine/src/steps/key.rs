//! The key under which the result of an attempt is found again: the digest of everything that decides what a success of
//! it gives.
//!
//! Made before the first step, of
//! - the definition, without what decides only whether, when, where and how often it is tried, what people see of it,
//!   and where it stands in its file. A field that is not named here is part of the key.
//! - the values that its expressions read, as far as they are fixed in their texts: of a signal, the member that is
//!   read and not the whole signal. What is made of these on the way (`env`, `steps`) follows from them. `run.id` is a
//!   value like any other: a task that reads it is never reused.
//! - whether text from outside is in these values, so that nothing becomes trusted by being found again;
//! - what it takes of other tasks, by digest;
//! - the files that its `inputs` match, and those that its expressions ask for;
//! - what of the worker's place decides what commands do, as the worker says.
//!
//! The task's name within its run is part of it, because steps can read it (`FORMIC_TASK`); so is what is in its matrix
//! cell. The run's id, the attempt's number and the paths of folders are readable too: they name this try and no other,
//! and a task whose `inputs` are named must not depend on them.
//!
//! Values are hashed with everything else and appear in no readable form. Tasks with secrets have no key.

use super::names::StepNames;
use super::{StepMachine, files};
use crate::rows::ReuseKey;
use crate::texts;
use expr::{Call, Dialect, Program, Reference, Scope, Template, Value};
use model::Json;
use model::digest::Digest;
use model::ids::ScopeNo;
use model::plan::{
    Activation, Body, Retry, RunFunction, StartRule, Step, StepBody, TaskDef, Tolerance,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The version of what is hashed. Another one makes other keys, so that old results are not found.
const VERSION: u32 = 1;

/// Names whose values follow from what is hashed anyway.
const DERIVED: [&str; 4] = ["env", "steps", "failure", "workspaces"];

/// What is hashed, as JSON with sorted members.
#[derive(Serialize)]
struct Parts {
    version: u32,
    task: Json,
    name: String,
    scope_env: Json,
    /// Values that are read and whether text from outside is in them, by their paths.
    reads: Vec<(Vec<String>, Json, bool)>,
    /// What expressions come to that ask for files, by function and patterns.
    looks: Vec<(Vec<String>, Json)>,
    /// Artifacts that are taken, by their giver and name.
    takes: Vec<(String, String, Vec<Digest>)>,
    inputs: String,
    around: BTreeMap<String, String>,
}

/// What the expressions of a task ask for.
#[derive(Default)]
struct Asked {
    references: BTreeSet<Vec<String>>,
    looks: BTreeSet<Vec<String>>,
    /// Something that cannot be told before it is evaluated.
    open: bool,
}

/// How an expression of a definition is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// Bare.
    Expression,
    /// As parts of a text.
    Template,
}

impl Form {
    /// That of an expression under the key `name` of the plan.
    fn under(name: &str) -> Self {
        if name == "template" {
            Self::Template
        } else {
            Self::Expression
        }
    }
}

impl StepMachine {
    /// The key of the attempt; none when what decides its result cannot be told before it runs: an expression that is
    /// open until then, a file that cannot be read, or inputs that match no file, which are more likely misspelt than
    /// meant. `around` is what of the worker's place decides what commands do, by name.
    ///
    /// # Errors
    /// When the task's `inputs` cannot be computed, or the files that they match cannot be named or are too large.
    pub fn reuse_key(
        &mut self,
        around: BTreeMap<String, String>,
    ) -> Result<Option<ReuseKey>, String> {
        let work = Arc::clone(&self.work);
        let Some(inputs) = self.hashed_inputs()? else {
            return Ok(None);
        };
        let mut asked = Asked::default();
        let (mut task, mut scope_env) = (json(&deciding(&work.task)), json(&work.scope_env));
        asked.gather(&mut task, Form::Expression);
        asked.gather(&mut scope_env, Form::Expression);
        let read = asked.references.iter().map(|path| self.read(path));
        let (Some(looks), Some(reads)) = (self.looked_at(&asked), read.collect()) else {
            return Ok(None);
        };
        let parts = Parts {
            version: VERSION,
            task,
            name: work.key.clone(),
            scope_env,
            reads,
            looks,
            takes: self.taken(),
            inputs,
            around,
        };
        Ok(Some(ReuseKey(Digest::of(
            json(&parts).to_string().as_bytes(),
        ))))
    }

    /// What the files of the inputs come to. None when there are none, although patterns ask for some, or when one of them
    /// cannot be read: in a tree that others write it may be gone by now.
    fn hashed_inputs(&mut self) -> Result<Option<String>, String> {
        let work = Arc::clone(&self.work);
        let patterns = work.task.inputs.iter().flatten();
        let patterns = patterns.map(|text| self.task_text("inputs", text));
        let wrong = |message| format!("`inputs`: {message}");
        let patterns = patterns.collect::<Result<Vec<_>, _>>()?;
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        if patterns.is_empty() {
            return Ok(Some(String::new()));
        }
        let listing = self.listing.as_deref();
        let listing = listing.ok_or_else(|| wrong("there are no files here".to_owned()))?;
        let files = files::bounded(listing, &patterns).map_err(wrong)?;
        if files.is_empty() {
            return Ok(None);
        }
        Ok(files::digest_of(listing, &files).ok())
    }

    /// The value at a path, as the expressions of the task see it before its first step. None when it is no JSON.
    fn read(&self, path: &[String]) -> Option<(Vec<String>, Json, bool)> {
        let (root, members) = path.split_first()?;
        let mut value = StepNames::of_task(self, &[])
            .lookup(root)
            .unwrap_or(Value::Null);
        for name in members {
            // What is not a member may be a place in a list: then the whole list is what is read.
            let Some(member) = value.member(name).cloned() else {
                if value.as_map().is_some() {
                    value = Value::Null;
                }
                break;
            };
            value = member;
        }
        let json = texts::json(&value).ok()?;
        Some((path.to_vec(), json, value.is_tainted()))
    }

    /// What the calls of `hash` and `glob` come to. None when a pattern is not in the text, or files cannot be read.
    fn looked_at(&self, asked: &Asked) -> Option<Vec<(Vec<String>, Json)>> {
        if asked.open {
            return None;
        }
        let mut looks = Vec::new();
        for look in &asked.looks {
            let (function, patterns) = look.split_first()?;
            let patterns: Vec<Value> = patterns
                .iter()
                .map(|pattern| Value::from(pattern.as_str()))
                .collect();
            let value = files::call(self.listing.as_deref(), function, &patterns)?.ok()?;
            looks.push((look.clone(), texts::json(&value).ok()?));
        }
        Some(looks)
    }

    fn taken(&self) -> Vec<(String, String, Vec<Digest>)> {
        let wanted = self.work.task.artifacts_in.iter();
        let taken = wanted.map(|wanted| {
            let need = self.work.needs.get(&wanted.from);
            let all = need.into_iter().flat_map(|need| &need.artifacts);
            let all = all.filter(|artifact| artifact.name == wanted.name);
            let digests = all.map(|artifact| artifact.digest).collect();
            (wanted.from.clone(), wanted.name.clone(), digests)
        });
        taken.collect()
    }
}

/// The definition without what decides nothing of a success.
fn deciding(task: &TaskDef) -> TaskDef {
    let body = match &task.body {
        Body::Steps(steps) => {
            let mut steps = steps.clone();
            steps.steps.iter_mut().for_each(without_label);
            Body::Steps(steps)
        }
        Body::Call(_) | Body::Nothing => Body::Nothing,
    };
    TaskDef {
        body,
        label: None,
        scope: ScopeNo::ROOT,
        needs: Vec::new(),
        start: StartRule::default(),
        activation: Activation::Automatic,
        approval: None,
        matrix: None,
        timeout_ms: None,
        retry: Retry::default(),
        tolerance: Tolerance::Never,
        critical: true,
        idempotent: false,
        inputs: None,
        concurrency: None,
        priority: 0,
        at: None,
        ..task.clone()
    }
}

fn without_label(step: &mut Step) {
    step.label = None;
    if let StepBody::Group { steps, .. } = &mut step.body {
        steps.iter_mut().for_each(without_label);
    }
}

impl Asked {
    /// Takes in what the expressions in a part of a definition ask for, and forgets where they stand. An expression is
    /// known by its form, so that one in a new field is not missed.
    fn gather(&mut self, part: &mut Json, form: Form) {
        match part {
            Json::Array(items) => items
                .iter_mut()
                .for_each(|item| self.gather(item, Form::Expression)),
            Json::Object(members) => {
                let word = |name: &str| members.get(name).and_then(Json::as_str);
                let found = word("dialect").zip(word("text"));
                let found = found.map(|(dialect, text)| (dialect.to_owned(), text.to_owned()));
                if let Some((dialect, text)) = found {
                    members.remove("at");
                    return self.expression(&dialect, &text, form);
                }
                // What stands in an output for a value that was not written is a value, whatever it looks like.
                let is_output = members.get("type").is_some_and(is_type);
                for (name, member) in members.iter_mut() {
                    if !(is_output && name == "default") {
                        self.gather(member, Form::under(name));
                    }
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }

    fn expression(&mut self, dialect: &str, text: &str, form: Form) {
        let programs = Dialect::from_name(dialect).and_then(|dialect| match form {
            Form::Template => {
                let template = Template::parse(dialect, text).ok()?;
                Some(template.programs().cloned().collect::<Vec<Program>>())
            }
            Form::Expression => Some(vec![expr::compile(dialect, text).ok()?]),
        });
        let Some(programs) = programs else {
            self.open = true;
            return;
        };
        for program in &programs {
            program
                .references()
                .into_iter()
                .for_each(|reference| self.reference(reference));
            program.calls().into_iter().for_each(|call| self.call(call));
        }
    }

    fn reference(&mut self, Reference { path, .. }: Reference) {
        let Some(root) = path.first() else { return };
        self.open |= root == "secrets";
        if !DERIVED.contains(&root.as_str()) {
            self.references.insert(path);
        }
    }

    fn call(&mut self, call: Call) {
        if !RunFunction::from_name(&call.name).is_some_and(RunFunction::is_of_files) {
            return;
        }
        self.open |= call.literals.len() != call.args;
        let patterns = call.literals.into_iter().map(|(pattern, _)| pattern);
        self.looks
            .insert(std::iter::once(call.name).chain(patterns).collect());
    }
}

/// Whether the member `type` is that of an output: a word, or the words of an enum.
fn is_type(found: &Json) -> bool {
    found.is_string() || found.get("enum").is_some_and(Json::is_array)
}

fn json(value: &impl Serialize) -> Json {
    serde_json::to_value(value).expect("definitions have string keys and no failing parts")
}
