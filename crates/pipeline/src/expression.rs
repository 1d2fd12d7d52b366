//! The only place that talks to the expression language: texts in, references and faults out.
//!
//! Native files are written in CEL. What an expression refers to is kept with its place in the text,
//! so that `names` can resolve it once all tasks are known.

use crate::diagnostics::Span;
use expr::check::TypeEnv;
use expr::{Budget, Dialect, ErrorKind, MapScope, Program, Template, Value};
use model::plan::RunFunction;

/// The dialect of native files, as plans name it.
pub(crate) const DIALECT: &str = "cel";

/// A name that an expression uses, with its members, or a function that it calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub path: Vec<String>,
    pub span: Span,
}

impl Reference {
    /// Whether it calls a function that looks at the state of tasks or steps.
    pub(crate) fn calls_status(&self) -> bool {
        RunFunction::from_name(&self.path[0]).is_some_and(RunFunction::is_status)
    }
}

/// What a text refers to.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub references: Vec<Reference>,
    pub calls: Vec<Reference>,
    /// The expressions, for the type checker.
    pub programs: Vec<Program>,
    /// Where the text that the programs refer to begins in the scalar.
    pub start: usize,
}

/// Why a text cannot be read.
#[derive(Debug)]
pub(crate) struct Fault {
    pub message: String,
    pub span: Option<Span>,
    pub help: Option<String>,
}

/// Reads one expression.
pub(crate) fn parse(text: &str) -> Result<Parsed, Fault> {
    let program = expr::compile(Dialect::Cel, text).map_err(fault)?;
    let mut parsed = Parsed::default();
    parsed.add(&program);
    Ok(parsed)
}

/// Reads a text with expressions in it: what is right of it, and what is wrong with the rest.
pub(crate) fn template(text: &str) -> (Parsed, Vec<Fault>) {
    let (template, errors) = Template::parse_leniently(Dialect::Cel, text);
    let mut parsed = Parsed::default();
    for program in template.programs() {
        parsed.add(program);
    }
    (parsed, errors.into_iter().map(fault).collect())
}

/// Steps for a look at an expression without names: it is small, or it is left to the run.
const CONSTANT_STEPS: u64 = 1_000;

/// What is known of the value of an expression before there is a run.
pub(crate) enum Outlook {
    /// It depends on the run, or is as it should be.
    Open,
    /// It cannot be evaluated in any run.
    Fails(Fault),
    /// It is a text, or a list with one, that holds the character U+0000.
    HoldsNul,
}

/// What an expression that reads no name comes to in every run.
pub(crate) fn outlook(program: &Program) -> Outlook {
    let calls = program.calls();
    let mut functions = calls.iter().map(|call| RunFunction::from_name(&call.name));
    if !program.references().is_empty() || functions.any(|function| function.is_some()) {
        return Outlook::Open;
    }
    let value = program.eval(&MapScope::new(), &mut Budget::new(CONSTANT_STEPS));
    let holds_nul = |value: &Value| value.as_str().is_some_and(|text| text.contains('\0'));
    match value {
        Err(error) if error.kind == ErrorKind::Eval => Outlook::Fails(fault(error)),
        Ok(value) if value.as_list().unwrap_or(&[]).iter().any(holds_nul) => Outlook::HoldsNul,
        Ok(value) if holds_nul(&value) => Outlook::HoldsNul,
        Err(_) | Ok(_) => Outlook::Open,
    }
}

/// What is wrong with the types of an expression, and the name of its own type if nothing is.
pub(crate) fn type_of(program: &Program, env: &TypeEnv) -> Result<expr::check::Type, Vec<Fault>> {
    expr::check::check(program, env).map_err(|errors| errors.into_iter().map(fault).collect())
}

/// A name that an expression compares with texts.
pub(crate) struct Comparison {
    pub path: Vec<String>,
    /// The texts, each with its place in the text of the program.
    pub texts: Vec<(String, Span)>,
}

/// What an expression compares with texts.
pub(crate) fn comparisons(program: &Program) -> impl Iterator<Item = Comparison> {
    let comparisons = program.comparisons().into_iter();
    comparisons.map(|comparison| Comparison {
        path: comparison.path,
        texts: comparison
            .texts
            .into_iter()
            .map(|(text, span)| (text, ours(span)))
            .collect(),
    })
}

/// A call of `hash` or `glob`.
pub(crate) struct FileCall {
    pub name: String,
    pub span: Span,
    pub args: usize,
    /// The patterns that stand there as they are, each with its place in the text of the program.
    pub literals: Vec<(String, Span)>,
}

/// The calls that look at files.
pub(crate) fn file_calls(program: &Program) -> impl Iterator<Item = FileCall> {
    let calls = program.calls().into_iter();
    let calls = calls
        .filter(|call| RunFunction::from_name(&call.name).is_some_and(RunFunction::is_of_files));
    calls.map(|call| FileCall {
        span: ours(call.span),
        args: call.args,
        literals: call
            .literals
            .into_iter()
            .map(|(text, span)| (text, ours(span)))
            .collect(),
        name: call.name,
    })
}

/// The patterns of `x.matches('…')` that stand in an expression, each with its place.
pub(crate) fn regexes(program: &Program) -> impl Iterator<Item = (String, Span)> {
    let calls = program.calls().into_iter();
    let calls = calls.filter(|call| call.name == "matches" && call.args == call.literals.len());
    calls.filter_map(|call| {
        let (pattern, span) = call.literals.into_iter().next_back()?;
        Some((pattern, ours(span)))
    })
}

/// What is wrong with a pattern that is no regular expression.
pub(crate) fn regex_fault(pattern: &str) -> Option<String> {
    let program = expr::compile(Dialect::Cel, "''.matches(pattern)").ok()?;
    let scope = MapScope::from_iter([("pattern".to_owned(), Value::string(pattern))]);
    let error = program.eval(&scope, &mut Budget::default()).err()?;
    Some(error.message)
}

/// The paths that an expression reads.
pub(crate) fn paths(program: &Program) -> impl Iterator<Item = Vec<String>> {
    let references = program.references().into_iter();
    references.map(|reference| reference.path)
}

/// Whether functions have the name in front of theirs, so that it is no variable.
pub(crate) fn is_namespace(name: &str) -> bool {
    expr::catalogue::is_namespace(name)
}

/// The whole expression in its text.
pub(crate) fn span(program: &Program) -> Span {
    ours(program.span())
}

/// The path of an expression that is nothing but a name with its members.
pub(crate) fn lone_name(program: &Program) -> Option<Vec<String>> {
    let mut references = program.references();
    let only = references.pop().filter(|_| references.is_empty())?;
    (only.span == program.span()).then_some(only.path)
}

/// Whether an expression without names is false.
pub(crate) fn is_never_true(program: &Program) -> bool {
    let constant = program.references().is_empty() && program.calls().is_empty();
    let nothing = expr::MapScope::default();
    constant
        && program
            .eval(&nothing, &mut expr::Budget::default())
            .is_ok_and(|value| value.as_bool() == Some(false))
}

impl Parsed {
    fn add(&mut self, program: &Program) {
        self.programs.push(program.clone());
        let references = program.references().into_iter();
        self.references
            .extend(references.map(|reference| Reference {
                path: reference.path,
                span: ours(reference.span),
            }));
        let calls = program.calls().into_iter();
        self.calls.extend(calls.map(|call| Reference {
            path: vec![call.name],
            span: ours(call.span),
        }));
    }

    /// Moves every place by `bytes`, for an expression that begins inside a text.
    pub(crate) fn shift(&mut self, bytes: usize) {
        self.start += bytes;
        for reference in self.references.iter_mut().chain(&mut self.calls) {
            reference.span.start += bytes;
            reference.span.end += bytes;
        }
    }
}

impl Fault {
    /// Moves the place by `bytes`.
    pub(crate) fn shift(&mut self, bytes: usize) {
        if let Some(span) = &mut self.span {
            span.start += bytes;
            span.end += bytes;
        }
    }
}

fn fault(error: expr::Error) -> Fault {
    Fault {
        message: error.message,
        span: error.span.map(ours),
        help: error.help,
    }
}

fn ours(span: expr::Span) -> Span {
    Span {
        start: span.start as usize,
        end: span.end as usize,
    }
}
