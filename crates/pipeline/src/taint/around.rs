//! What is around tasks that are generated while a run goes on: which of the params and variables that they read hold
//! text from outside.
//!
//! It is judged by the plan alone, and everything of which the plan does not say that it is clean counts as text from
//! outside: what a task gave as an output, an environment that holds variables declared nowhere before. Values of the
//! run are not looked at, so the same file is refused or accepted in every run of a pipeline.

use super::{is_signal_from_outside, type_holds_text};
use crate::expression::{self, DIALECT};
use expr::Program;
use model::ids::DefNo;
use model::plan::{Body, Call, Matrix, Plan, Scope, TaskDef, Text};
use std::collections::BTreeSet;

/// Names around a generated file that hold text from outside.
///
/// The default is what is around a file of a pipeline without `env` whose params a person gave: nothing is tainted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    params: BTreeSet<String>,
    env: BTreeSet<String>,
    /// Variables that are declared and clean.
    clean: BTreeSet<String>,
}

impl Around {
    /// What is around the tasks that the last of `openers` generates.
    ///
    /// The openers are the tasks in whose scopes the generated ones will be, from the outside in: the first is of the
    /// pipeline itself, each further one of what the one before it uses or generated.
    ///
    /// # Panics
    /// When a number is of another plan.
    #[must_use]
    pub fn of(plan: &Plan, openers: &[DefNo]) -> Self {
        let mut around = Self::default();
        for opener in openers {
            let def = plan.task(*opener);
            around.add_env(plan.scope(def.scope));
            match &def.body {
                // A file that is used sees neither the params nor the variables of the one that uses it.
                Body::Call(call) => around = around.inside(plan, def, call),
                Body::Steps(_) | Body::Nothing => {}
            }
        }
        around
    }

    pub(super) fn is_clean(&self) -> bool {
        self.params.is_empty() && self.env.is_empty()
    }

    /// Whether any variable that every generated task gets holds text from outside.
    pub(super) fn has_tainted_env(&self) -> bool {
        !self.env.is_empty()
    }

    /// Whether a path that begins with `params` or `env` may hold text from outside; without a member it stands for all.
    pub(super) fn taints(&self, path: &[String]) -> bool {
        let tainted = match path[0].as_str() {
            "params" => &self.params,
            "env" => &self.env,
            _ => return false,
        };
        match path.get(1) {
            Some(name) => tainted.contains(name),
            None => !tainted.is_empty(),
        }
    }

    fn add_env(&mut self, scope: &Scope) {
        for (name, value) in &scope.env {
            let is_tainted = !is_known_clean(value, |path| match path[0].as_str() {
                // One that nothing declares before is known to nobody here.
                "env" => path.get(1).is_none_or(|name| !self.clean.contains(name)),
                _ => self.may_taint(path),
            });
            if is_tainted {
                self.clean.remove(name);
                self.env.insert(name.clone());
            } else if !self.env.contains(name) {
                self.clean.insert(name.clone());
            }
        }
    }

    /// What is around the tasks of the file that `caller` uses.
    fn inside(&self, plan: &Plan, caller: &TaskDef, call: &Call) -> Self {
        let inputs = &plan.scope(call.scope).inputs;
        let of_matrix = caller.matrix.as_ref().is_some_and(is_known);
        let is_tainted = |name: &String, value: &Text| {
            let holds_text = inputs
                .get(name)
                .is_none_or(|input| type_holds_text(&input.value_type));
            let is_clean = || {
                is_known_clean(value, |path| match path[0].as_str() {
                    "matrix" => !of_matrix,
                    _ => self.may_taint(path),
                })
            };
            holds_text && !is_clean()
        };
        // Those that are not given have their default, which the file says.
        let given = call.inputs.iter();
        let tainted = given.filter(|(name, value)| is_tainted(name, value));
        Self {
            params: tainted.map(|(name, _)| name.clone()).collect(),
            ..Self::default()
        }
    }

    /// Whether a name that a value of the plan reads may hold text from outside.
    fn may_taint(&self, path: &[String]) -> bool {
        match path[0].as_str() {
            "params" => self.taints(path),
            "signal" => is_signal_from_outside(path),
            "run" | "attempt" | "secrets" => false,
            _ => true,
        }
    }
}

/// Whether `value` is certainly clean, by the verdict on the names that it reads.
fn is_known_clean(value: &Text, is_tainted: impl Fn(&[String]) -> bool) -> bool {
    let template = match value {
        Text::Literal(_) => return true,
        Text::Template(template) if template.dialect == DIALECT => template,
        Text::Template(_) => return false,
    };
    let (parsed, faults) = expression::template(&template.text);
    let is_clean = |program: &Program| {
        let by = program.tainted_by(&|reference| is_tainted(&reference.path));
        by.is_none()
    };
    // Names of files are written by anybody too.
    let lists_files = parsed.calls.iter().any(|call| call.path[0] == "glob");
    faults.is_empty() && !lists_files && parsed.programs.iter().all(is_clean)
}

/// Whether the plan knows every value of a matrix.
fn is_known(matrix: &Matrix) -> bool {
    let axes = matrix.axes.iter().all(|axis| axis.values.known().is_some());
    axes && matrix.whole.is_none() && matrix.include.known().is_some()
}
