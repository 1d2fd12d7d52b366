//! The names that have a value before the run, and those that have none yet.

use super::Values;
use super::outlook::{Fate, Fates};
use super::walk::Inputs;
use super::words::{Missing, Until};
use crate::names::{self, Past};
use crate::texts::Texts;
use expr::{Error, Program, Scope, Value};
use model::Json;
use model::plan::{Plan, TaskDef};
use std::cell::Cell as Cellular;
use std::collections::{BTreeMap, BTreeSet};

/// The names that the plan gives to every expression. `run` has no value before there is a run.
pub(super) fn roots(plan: &Plan) -> BTreeMap<String, Value> {
    let object = |map: &model::JsonMap| Json::Object(map.clone().into_iter().collect());
    let own = [
        ("params", object(&plan.params)),
        ("signal", object(&plan.signal)),
    ];
    let own = own.into_iter().map(|(name, json)| (name.to_owned(), json));
    let given = plan.names.clone().into_iter();
    own.chain(given)
        .map(|(name, json)| {
            let value = names::named(&name, &json, &plan.tainted);
            (name, value)
        })
        .collect()
}

/// Whether the condition of `task` reads the name `root`.
pub(super) fn reads(texts: &mut Texts, task: &TaskDef, root: &str) -> bool {
    let condition = task.start.condition.as_ref();
    let program = condition.and_then(|condition| texts.program(condition).ok());
    program.is_some_and(|program| {
        let mut references = program.references().into_iter();
        references.any(|reference| reference.path.first().is_some_and(|name| name == root))
    })
}

/// The names that have a value before the run.
pub(super) struct Names<'a> {
    roots: &'a BTreeMap<String, Value>,
    inputs: Option<&'a Inputs>,
    /// The cell as one value; `None` while it is unknown.
    matrix: Option<Value>,
    /// `tasks`, when all that is read of it is known.
    pub tasks: Option<Value>,
    /// Whether an input that is read is not known, so that none may be seen.
    pub hides_inputs: bool,
    pub past: Cellular<Past>,
}

impl<'a> Names<'a> {
    pub(super) fn new(
        roots: &'a BTreeMap<String, Value>,
        inputs: Option<&'a Inputs>,
        matrix: Option<&Values>,
    ) -> Self {
        let matrix = match matrix {
            None | Some(Values::None) => Some(Value::map([])),
            Some(Values::Cell(cell)) => Some(Value::from_json(&cell.to_object())),
            Some(Values::Unknown) => None,
        };
        Self {
            roots,
            inputs,
            matrix,
            tasks: None,
            hides_inputs: false,
            past: Cellular::default(),
        }
    }

    /// Whether a name has a value before the run.
    pub(super) fn has(&self, root: &str) -> bool {
        match root {
            "matrix" | "inputs" => true,
            // Which of them can be read is for `missing` to say.
            "tasks" => false,
            other => self.roots.contains_key(other),
        }
    }

    /// The value at a path, as far as it exists.
    pub(super) fn at(&self, path: &[String]) -> Option<Value> {
        let mut value = self.lookup(path.first()?)?;
        for name in &path[1..] {
            value = value.member(name)?.clone();
        }
        Some(value)
    }
}

impl Scope for Names<'_> {
    fn lookup(&self, name: &str) -> Option<Value> {
        match name {
            "tasks" => self.tasks.clone(),
            "matrix" => self.matrix.clone(),
            // What a scope was called with, under both its names.
            "inputs" | "params" if self.inputs.is_some() => self
                .inputs
                .filter(|_| !self.hides_inputs)
                .map(|inputs| inputs.known.clone()),
            other => self.roots.get(other).cloned(),
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, Error>> {
        let past = self.past.get();
        names::status(name, args, past.good(), past.failed, past.canceled)
    }
}

/// What a program reads that has no value before the run.
pub(super) fn missing(program: &Program, names: &Names<'_>, fates: &Fates<'_>) -> Vec<Missing> {
    let mut found: Vec<Missing> = Vec::new();
    let mut seen = BTreeSet::new();
    for reference in program.references() {
        let path = reference.path;
        let root = path.first().map_or("", String::as_str);
        let until = match root {
            "tasks" if names.tasks.is_some() => continue,
            "tasks" => match path.get(1) {
                Some(task) if fates.named(task) != Some(Fate::Skip) => Until::Ended(task.clone()),
                Some(_) => continue,
                None => Until::Running,
            },
            "matrix" if names.matrix.is_none() => Until::Matrix,
            "inputs" | "params" => match (names.inputs, path.get(1)) {
                (Some(inputs), Some(name)) if inputs.unknown.contains(name) => Until::Running,
                (Some(inputs), None) if !inputs.unknown.is_empty() => Until::Running,
                (Some(_) | None, _) => continue,
            },
            "run" | "attempt" | "failure" => Until::Running,
            _ => continue,
        };
        let path = path.join(".");
        if seen.insert(path.clone()) {
            found.push(Missing { path, until });
        }
    }
    found
}
