//! Requests of `formic eval`: an expression and the values of its names, as JSON; the answer is a typed value or an error.
//!
//! Whatever is wrong with a request is its answer, so that one of many in a stream never ends it. This module reads no
//! stream: it is given the bytes of one request.

use serde_json::{Value as Json, json};

use crate::budget::Budget;
use crate::check::{Type, TypeEnv};
use crate::dialect::Dialect;
use crate::error::Error;
use crate::program::compile;
use crate::scope::MapScope;
use crate::span::Span;
use crate::value::Value;
use crate::value::typed::{from_typed_json, quoted, to_typed_text};

/// What is said where the bytes are no request.
const FORM: &str = r#"write one line like {"expr": "1 + x", "contexts": {"x": 2}}"#;

/// What some programs put in front of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The answer to `{"expr": TEXT, "contexts": {NAME: VALUE}, "check": BOOLEAN}`: a line of JSON without its end. It is the
/// typed value, or what [`refusal`] says. Keys that it does not know are left alone.
pub fn answer(dialect: Dialect, request: &[u8]) -> String {
    match value(dialect, request) {
        Ok(value) => to_typed_text(&value),
        Err(error) => refusal(&error),
    }
}

/// An error as an answer: `{"error": {"kind": …, "message": …}}`.
pub fn refusal(error: &Error) -> String {
    let message = match &error.help {
        Some(help) => format!("{}; {help}", error.message),
        None => error.message.clone(),
    };
    json!({ "error": { "kind": error.kind.name(), "message": message } }).to_string()
}

fn value(dialect: Dialect, request: &[u8]) -> Result<Value, Error> {
    let request = request.strip_prefix(BYTE_ORDER_MARK).unwrap_or(request);
    let request = request.trim_ascii();
    if request.is_empty() {
        return Err(malformed("the line is empty").with_help(FORM));
    }
    let request: Json = serde_json::from_slice(request).map_err(unreadable)?;
    let text = request["expr"]
        .as_str()
        .ok_or_else(|| malformed("the line has no text under `expr`"))?;
    let checks = match request.get("check") {
        None | Some(Json::Null) => true,
        Some(Json::Bool(checks)) => *checks,
        Some(other) => {
            return Err(malformed(format!(
                "`check` is true or false, not `{}`",
                quoted(other)
            )));
        }
    };
    let scope = scope(request.get("contexts"))?;
    let program = compile(dialect, text)?;
    if checks {
        let mut env = TypeEnv::new();
        for (name, _) in scope.iter() {
            env.declare(name, Type::Dyn);
        }
        crate::check::check(&program, &env).map_err(|mut errors| errors.swap_remove(0))?;
    }
    program.eval(&scope, &mut Budget::default())
}

fn scope(contexts: Option<&Json>) -> Result<MapScope, Error> {
    match contexts {
        None | Some(Json::Null) => Ok(MapScope::new()),
        Some(Json::Object(members)) => members
            .iter()
            .map(|(name, value)| Ok((name.clone(), from_typed_json(value)?)))
            .collect(),
        Some(other) => Err(malformed(format!(
            "`contexts` maps names to values, and is not `{}`",
            quoted(other)
        ))),
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    let message = error.to_string();
    // The reader has no other word for its own bound.
    if message.starts_with("recursion limit exceeded") {
        return Error::limit("the line is nested deeper than 127 levels");
    }
    malformed(format!("the line is not JSON: {message}")).with_help(FORM)
}

fn malformed(message: impl Into<String>) -> Error {
    Error::parse(message, Span::default())
}
