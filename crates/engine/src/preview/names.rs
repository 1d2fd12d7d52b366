//! The names that have a value before the run, and those that have none yet.

use super::Values;
use super::asked::{Asked, Path};
use super::outlook::{Fate, Fates};
use super::walk::Inputs;
use super::words::{Missing, Until};
use crate::names::{self, Past};
use expr::value::Key;
use expr::{Error, Scope, Value};
use model::Json;
use model::plan::Plan;
use std::cell::{Cell as Cellular, OnceCell};
use std::collections::BTreeMap;

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

/// The names that have a value before the run.
pub(super) struct Names<'a> {
    roots: &'a BTreeMap<String, Value>,
    inputs: Option<&'a Inputs>,
    matrix: Option<&'a Values>,
    /// The cell as one value, once it was asked for.
    cell: OnceCell<Option<Value>>,
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
        matrix: Option<&'a Values>,
    ) -> Self {
        Self {
            roots,
            inputs,
            matrix,
            cell: OnceCell::new(),
            tasks: None,
            hides_inputs: false,
            past: Cellular::default(),
        }
    }

    /// Whether the values of the matrix are known only later.
    fn lacks_matrix(&self) -> bool {
        matches!(self.matrix, Some(Values::Unknown))
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
            "matrix" => self.cell.get_or_init(|| of_cell(self.matrix)).clone(),
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

/// The values of a matrix as one; `None` while they are unknown.
fn of_cell(matrix: Option<&Values>) -> Option<Value> {
    match matrix {
        None | Some(Values::None) => Some(Value::map([])),
        Some(Values::Cell(cell)) => {
            let pairs = cell.0.iter();
            let pairs = pairs.map(|(name, value)| (Key::from(&**name), Value::from_json(value)));
            Some(Value::map(pairs))
        }
        Some(Values::Unknown) => None,
    }
}

/// What an expression reads that has no value before the run.
pub(super) fn missing<'a>(
    asked: &'a Asked,
    names: &Names<'_>,
    fates: &Fates<'_>,
) -> Vec<Missing<'a>> {
    let is_missing = |path: &'a Path| {
        let second = path.names.get(1).map(String::as_str);
        let until = match path.root() {
            "tasks" if names.tasks.is_some() => return None,
            "tasks" => match second {
                Some(task) if fates.named(task) != Some(Fate::Skip) => Until::Ended(task),
                Some(_) => return None,
                None => Until::Running,
            },
            "matrix" if names.lacks_matrix() => Until::Matrix,
            "inputs" | "params" => match (names.inputs, second) {
                (Some(inputs), Some(name)) if inputs.unknown.contains(name) => Until::Running,
                (Some(inputs), None) if !inputs.unknown.is_empty() => Until::Running,
                (Some(_) | None, _) => return None,
            },
            "run" | "attempt" | "failure" => Until::Running,
            _ => return None,
        };
        Some(Missing { path, until })
    };
    asked.paths.iter().filter_map(is_missing).collect()
}
