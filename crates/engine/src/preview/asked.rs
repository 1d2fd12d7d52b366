//! What an expression reads and calls, found out once however many tasks and members have it.

use crate::texts::{Texts, Twofold};
use expr::Program;
use expr::value::TypeName;
use model::plan::{Expression, RunFunction};
use std::collections::BTreeSet;
use std::sync::Arc;

/// An expression with what it reads and calls.
#[derive(Debug)]
pub(super) struct Asked {
    pub program: Program,
    /// The names that it reads, each once, in the order of the text.
    pub paths: Vec<Path>,
    /// Whether it asks what has become of other tasks.
    pub asks_status: bool,
    /// Whether it calls what has no answer before the run.
    pub asks_run: bool,
}

/// A name and its members: `tasks.build.outputs.x`.
#[derive(Debug)]
pub(super) struct Path {
    pub names: Vec<String>,
    /// Whether it is a type, as in `type(x) == int`.
    pub is_type: bool,
}

impl Path {
    /// The first of the names.
    pub(super) fn root(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// As it is written in sentences.
    pub(super) fn shown(&self) -> String {
        self.names.join(".")
    }
}

impl Asked {
    fn of(program: Program) -> Self {
        let mut seen = BTreeSet::new();
        let mut paths = Vec::new();
        for reference in program.references() {
            let names = reference.path;
            if seen.insert(names.clone()) {
                let is_type = TypeName::from_name(&names.join(".")).is_some();
                paths.push(Path { names, is_type });
            }
        }
        let calls = program.calls();
        let functions = || {
            let names = calls.iter().map(|call| call.name.as_str());
            names.filter_map(RunFunction::from_name)
        };
        Self {
            paths,
            // `always()` is true whatever has become of them.
            asks_status: functions()
                .any(|function| function.is_status() && function != RunFunction::Always),
            asks_run: functions().next().is_some(),
            program,
        }
    }

    /// Whether it reads the name `root`.
    pub(super) fn reads(&self, root: &str) -> bool {
        self.paths.iter().any(|path| path.root() == root)
    }
}

/// The expressions that were looked at before, by dialect and text.
#[derive(Debug, Default)]
pub(super) struct Questions {
    conditions: Twofold<Result<Arc<Asked>, String>>,
    templates: Twofold<Result<Arc<[Asked]>, String>>,
}

impl Questions {
    /// What `expression` asks, or what is wrong with it.
    pub(super) fn of(
        &mut self,
        texts: &mut Texts,
        expression: &Expression,
    ) -> Result<Arc<Asked>, String> {
        self.conditions.of(expression, || {
            let program = texts.program(expression)?;
            Ok(Arc::new(Asked::of(program)))
        })
    }

    /// What each of the expressions in a text asks, or what is wrong with the first that cannot be read.
    pub(super) fn of_text(
        &mut self,
        texts: &mut Texts,
        text: &Expression,
    ) -> Result<Arc<[Asked]>, String> {
        self.templates.of(text, || {
            let template = texts.template(text)?;
            Ok(template.programs().cloned().map(Asked::of).collect())
        })
    }
}
