//! Texts with expressions in them: `deploy ${{ signal.branch }} to ${{ params.env }}`.
//!
//! `$${{` stands for a literal `${{`. A template that is nothing but one expression keeps the value's type; anything
//! else is text, in which lists and maps are JSON, null and absent optionals are empty.

use std::sync::Arc;

use crate::budget::{Budget, MAX_SOURCE_BYTES, MAX_STRING_BYTES};
use crate::check::MAX_ERRORS;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::functions::to_text;
use crate::parser;
use crate::program::Program;
use crate::scope::Scope;
use crate::span::Span;
use crate::value::{Text, Value};

/// A parsed template; cloning shares its expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it will appear, escapes undone.
    Text(String),
    /// An expression; `span` includes `${{` and `}}`, the program's own spans refer to the whole template.
    Expr {
        /// What stands between the braces.
        program: Program,
        /// Where it stands.
        span: Span,
    },
}

const OPEN: &str = "${{";
const CLOSE: &str = "}}";

impl Template {
    /// Parses a template; spans in errors and programs refer to `text`.
    pub fn parse(dialect: Dialect, text: &str) -> Result<Self, Error> {
        let (template, mut errors) = Self::parse_parts(dialect, text, 1);
        match errors.pop() {
            None => Ok(template),
            Some(error) => Err(error),
        }
    }

    /// Parses as much of a template as can be read: what is right, in order, and every error of its other
    /// expressions, at most [`MAX_ERRORS`]. Without an error it is what [`Self::parse`] gives.
    pub fn parse_leniently(dialect: Dialect, text: &str) -> (Self, Vec<Error>) {
        Self::parse_parts(dialect, text, MAX_ERRORS)
    }

    fn parse_parts(dialect: Dialect, text: &str, most_errors: usize) -> (Self, Vec<Error>) {
        let mut parts = Vec::new();
        let mut errors = Vec::new();
        if !text.contains(OPEN) {
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            return (Self { parts }, errors);
        }
        if text.len() > MAX_SOURCE_BYTES {
            let message = format!(
                "text of {} bytes is longer than the {MAX_SOURCE_BYTES} bytes that one with expressions may have",
                text.len()
            );
            let help = "keep its long parts in a file of the project, and give it the values through `env`";
            return (Self { parts }, vec![Error::limit(message).with_help(help)]);
        }
        let shared: Arc<str> = text.into();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find(OPEN) {
            let open = at + found;
            if text[at..open].ends_with('$') {
                plain.push_str(&text[at..open - 1]);
                plain.push_str(OPEN);
                at = open + OPEN.len();
                continue;
            }
            plain.push_str(&text[at..open]);
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            let start = open + OPEN.len();
            let parsed = match dialect {
                Dialect::Cel => parser::parse_embedded(&shared, start),
            };
            match parsed {
                Ok((ast, end)) => {
                    parts.push(Part::Expr {
                        program: Program::new(dialect, ast),
                        span: Span::new(open, end),
                    });
                    at = end;
                }
                Err(error) => {
                    errors.push(*embedded(text, open, error));
                    // The next expression begins behind the end of this one.
                    let end = text[open..].find(CLOSE);
                    let Some(end) = end.filter(|_| errors.len() < most_errors) else {
                        return (Self { parts }, errors);
                    };
                    at = open + end + CLOSE.len();
                }
            }
        }
        plain.push_str(&text[at..]);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        (Self { parts }, errors)
    }

    /// Its pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The expressions in it, in order.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expr { program, .. } => Some(program),
            Part::Text(_) => None,
        })
    }

    /// Whether there is no expression in it.
    pub fn is_literal(&self) -> bool {
        self.programs().next().is_none()
    }

    /// The text, when there is no expression in it.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The expression, when there is nothing else; its value then keeps its type.
    pub fn as_program(&self) -> Option<&Program> {
        match self.parts.as_slice() {
            [Part::Expr { program, .. }] => Some(program),
            _ => None,
        }
    }

    /// Evaluates every expression and puts the text together; taint of any part taints the text.
    pub fn eval(&self, scope: &dyn Scope, budget: &mut Budget) -> Result<Value, Error> {
        if let Some(program) = self.as_program() {
            return program.eval(scope, budget);
        }
        let mut text = String::new();
        let mut tainted = false;
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Expr { program, span } => {
                    let value = program.eval(scope, budget)?;
                    budget
                        .charge(u64::from(value.weight()))
                        .map_err(|error| error.at(*span))?;
                    text.push_str(&in_text(&value).map_err(|error| error.at(*span))?);
                    tainted |= value.is_tainted();
                }
            }
            if text.len() > MAX_STRING_BYTES {
                return Err(Error::limit(format!(
                    "text is longer than {MAX_STRING_BYTES} bytes"
                )));
            }
        }
        Ok(Value::String(Text::new(text, tainted)))
    }
}

/// What is wrong with a text that no script, argument, variable or path can hold: the character ends every text of a
/// program.
pub const NUL_IN_TEXT: &str = "the text holds the character U+0000, which no program can be given";

/// How a value stands in text.
pub fn in_text(value: &Value) -> Result<Text, Error> {
    match to_text(value) {
        Some(text) => text,
        None => match value {
            Value::Null | Value::Optional(None) => Ok(Text::from("")),
            Value::Optional(Some(inner)) => in_text(inner),
            Value::Type(kind) => Ok(Text::from(kind.name())),
            _ => Ok(Text::new(value.to_json()?.to_string(), value.is_tainted())),
        },
    }
}

/// An error of an expression, with help when the expression has no end.
fn embedded(text: &str, open: usize, mut error: Box<Error>) -> Box<Error> {
    if !text[open..].contains(CLOSE) {
        return Box::new(
            Error::parse("`${{` has no end", Span::new(open, open + OPEN.len()))
                .with_help("close it with `}}`, or write `$${{` for the text itself"),
        );
    }
    if error.span.is_none() {
        error.span = Some(Span::new(open, open + OPEN.len()));
    }
    error
}
