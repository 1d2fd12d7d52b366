//! `formic eval`: expressions in, values out, a JSON line each.
//!
//! One line never ends the stream: whatever is wrong with it, also that it is empty, is its answer.

use crate::exit::Exit;
use crate::fault::Fault;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use expr::value::typed::{from_typed_json, to_typed_json};
use expr::{Budget, Dialect, Error, MapScope, Span, Type, TypeEnv};
use serde_json::{Value as Json, json};
use std::io::{self, BufRead, BufReader, Read as _};

/// Longest line of a request, in bytes: sixteen times the longest text that an expression may make, so that contexts
/// fit and a stream without line breaks does not fill the memory.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// What is said where a line is no request.
const REQUEST: &str = r#"write one line like {"expr": "1 + x", "contexts": {"x": 2}}"#;

/// Evaluate expressions: JSON lines in, one JSON line out for each
///
/// Each line of standard input is `{"expr": TEXT, "contexts": {NAME: VALUE}, "check": BOOLEAN}`. A value is plain JSON,
/// or `{"type": …, "value": …}` as in the answers. `"check": false` skips the type checker. Other keys are left alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The language of the expressions
    #[arg(long, value_name = "NAME", default_value = "cel", value_parser = dialect)]
    dialect: Dialect,
}

/// Answers every line until the end of standard input, or until nobody reads the answers.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut line = Vec::new();
    while !ui.is_unread() {
        line.clear();
        let cannot = || Fault::usage("cannot read standard input");
        let length = next_line(&mut input, &mut line).with_context(cannot)?;
        if length == 0 {
            break;
        }
        let answer = if length > MAX_LINE_BYTES {
            let message = format!("the line has {length} bytes; at most {MAX_LINE_BYTES} are read");
            Err(Error::limit(message))
        } else {
            answer(args.dialect, &line)
        };
        ui.data(format!("{}\n", answer.unwrap_or_else(|error| told(&error))));
        // Whoever sends one line at a time waits for its answer now.
        if input.buffer().is_empty() {
            ui.flush();
        }
    }
    Ok(Exit::Success)
}

fn dialect(name: &str) -> Result<Dialect, String> {
    Dialect::from_name(name).ok_or_else(|| "expected `cel`, the only one so far".to_owned())
}

/// Reads one line, keeps its first bytes, and gives its whole length; 0 at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let kept = MAX_LINE_BYTES as u64 + 1;
    let mut length = input.by_ref().take(kept).read_until(b'\n', line)?;
    if length > MAX_LINE_BYTES && line.last() != Some(&b'\n') {
        length += input.skip_until(b'\n')?;
    }
    Ok(length)
}

/// The value of one request.
fn answer(dialect: Dialect, line: &[u8]) -> Result<Json, Error> {
    if line.trim_ascii().is_empty() {
        return Err(malformed("the line is empty").with_help(REQUEST));
    }
    let request: Json = serde_json::from_slice(line)
        .map_err(|error| malformed(format!("the line is not JSON: {error}")).with_help(REQUEST))?;
    let text = request["expr"]
        .as_str()
        .ok_or_else(|| malformed("the line has no text under `expr`"))?;
    let checks = match request.get("check") {
        None | Some(Json::Null) => true,
        Some(Json::Bool(checks)) => *checks,
        Some(other) => {
            return Err(malformed(format!(
                "`check` is true or false, not `{other}`"
            )));
        }
    };
    let scope = scope(request.get("contexts"))?;
    let program = expr::compile(dialect, text)?;
    if checks {
        let mut env = TypeEnv::new();
        for (name, _) in scope.iter() {
            env.declare(name, Type::Dyn);
        }
        expr::check(&program, &env).map_err(|mut errors| errors.swap_remove(0))?;
    }
    let value = program.eval(&scope, &mut Budget::default())?;
    Ok(to_typed_json(&value))
}

fn scope(contexts: Option<&Json>) -> Result<MapScope, Error> {
    match contexts {
        None | Some(Json::Null) => Ok(MapScope::new()),
        Some(Json::Object(members)) => members
            .iter()
            .map(|(name, value)| Ok((name.clone(), from_typed_json(value)?)))
            .collect(),
        Some(other) => Err(malformed(format!(
            "`contexts` maps names to values, and is not `{other}`"
        ))),
    }
}

fn malformed(message: impl Into<String>) -> Error {
    Error::parse(message, Span::default())
}

fn told(error: &Error) -> Json {
    let message = match &error.help {
        Some(help) => format!("{}; {help}", error.message),
        None => error.message.clone(),
    };
    json!({ "error": { "kind": error.kind.name(), "message": message } })
}
