//! Regular expressions in linear time.
//!
//! Patterns are bounded in length, nesting and size; compiling and matching are paid for by the number of states of
//! the pattern and the length of the text, which is the worst case of a linear-time search. As in RE2, `\\w`, `\\d`,
//! `\\s` and `\\b` are ASCII. Compiled patterns are kept with the program, which changes how long a second evaluation takes
//! and never what it costs.

mod pattern;

use std::sync::{Arc, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

use super::{Context, Fault, Function, Outcome, Style, fail};
use crate::error::Error;
use crate::value::{Text, Value};

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "matches",
        style: Style::Both,
        signatures: &["(string, string) -> bool"],
        run: matches,
    },
    Function {
        name: "regex.extract",
        style: Style::Global,
        signatures: &["(string, string) -> optional<string>"],
        run: extract,
    },
    Function {
        name: "regex.extractAll",
        style: Style::Global,
        signatures: &["(string, string) -> list<string>"],
        run: extract_all,
    },
    Function {
        name: "regex.replace",
        style: Style::Global,
        signatures: &[
            "(string, string, string) -> string",
            "(string, string, string, int) -> string",
        ],
        run: replace,
    },
];

const MAX_PATTERN_BYTES: usize = 2000;
const MAX_STATES: u64 = 20_000;
const MAX_PROGRAM_BYTES: usize = 2 * 1024 * 1024;
const MAX_CACHED: usize = 16;

/// Compiled patterns of one program, the most recently added last.
#[derive(Debug, Default)]
pub(crate) struct RegexCache(Mutex<Vec<Arc<Pattern>>>);

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    text: Text,
    regex: Regex,
    /// How many states a search may be in at once.
    states: u64,
}

impl RegexCache {
    fn get(&self, pattern: &Text) -> Option<Arc<Pattern>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.iter().find(|own| own.text == *pattern).cloned()
    }

    fn put(&self, pattern: &Arc<Pattern>) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.len() >= MAX_CACHED {
            cached.remove(0);
        }
        cached.push(Arc::clone(pattern));
    }
}

/// Pays for compiling `pattern` and searching `text` with it, and gives the compiled pattern.
///
/// What is paid depends on the patterns of this evaluation only, not on what the program's cache holds.
fn compile(cx: &mut Context<'_>, pattern: &Text, text: &str) -> Result<Arc<Pattern>, Fault> {
    let known = cx.patterns.iter().find(|own| own.text == *pattern).cloned();
    let compiled = match known {
        Some(compiled) => compiled,
        None => {
            let compiled = load(cx, pattern)?;
            if cx.patterns.len() < MAX_CACHED {
                cx.patterns.push(Arc::clone(&compiled));
            }
            compiled
        }
    };
    cx.budget
        .charge(1 + text.len() as u64 * compiled.states / 32)?;
    Ok(compiled)
}

/// A pattern that this evaluation meets for the first time.
fn load(cx: &mut Context<'_>, pattern: &Text) -> Result<Arc<Pattern>, Fault> {
    if pattern.len() > MAX_PATTERN_BYTES {
        let message = format!(
            "pattern of {} bytes is longer than {MAX_PATTERN_BYTES} bytes",
            pattern.len()
        );
        return Err(Error::limit(message).into());
    }
    cx.budget.charge(100 + 10 * pattern.len() as u64)?;
    let building = |states: u64| 100 + 8 * states;
    if let Some(compiled) = cx.regexes.get(pattern) {
        cx.budget.charge(building(compiled.states))?;
        return Ok(compiled);
    }
    let readable = pattern::translate(pattern)
        .and_then(|translated| pattern::states(&translated).map(|states| (translated, states)));
    let (translated, states) = match readable {
        Ok(readable) => readable,
        Err(reason) => return fail(format!("not a regular expression: {reason}")),
    };
    if states > MAX_STATES {
        return Err(Error::limit("pattern is too large").into());
    }
    cx.budget.charge(building(states))?;
    let regex = RegexBuilder::new(&translated)
        .size_limit(MAX_PROGRAM_BYTES)
        .dfa_size_limit(MAX_PROGRAM_BYTES / 4)
        .nest_limit(pattern::MAX_NESTING)
        .build();
    let Ok(regex) = regex else {
        return Err(Error::limit("pattern is too large").into());
    };
    let compiled = Arc::new(Pattern {
        text: pattern.clone(),
        regex,
        states,
    });
    cx.regexes.put(&compiled);
    Ok(compiled)
}

fn matches(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text), Value::String(pattern)] = args else {
        return Err(Fault::NoOverload);
    };
    Ok(Value::Bool(
        compile(cx, pattern, text)?.regex.is_match(text),
    ))
}

/// The only group of a match, or the whole match.
fn only_group<'a>(captures: &regex::Captures<'a>) -> Option<&'a str> {
    captures
        .get(1)
        .or_else(|| captures.get(0).filter(|_| captures.len() == 1))
        .map(|found| found.as_str())
}

fn at_most_one_group(regex: &Regex) -> Result<(), Fault> {
    if regex.captures_len() > 2 {
        return fail(format!(
            "pattern has {} groups, at most one can be extracted",
            regex.captures_len() - 1
        ));
    }
    Ok(())
}

fn extract(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text), Value::String(pattern)] = args else {
        return Err(Fault::NoOverload);
    };
    let compiled = compile(cx, pattern, text)?;
    let regex = &compiled.regex;
    at_most_one_group(regex)?;
    let found = regex
        .captures(text)
        .and_then(|captures| only_group(&captures).map(str::to_owned));
    Ok(match found {
        Some(found) => Value::some(Value::String(Text::new(found, text.is_tainted()))),
        None => Value::Optional(None),
    })
}

fn extract_all(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let [Value::String(text), Value::String(pattern)] = args else {
        return Err(Fault::NoOverload);
    };
    let compiled = compile(cx, pattern, text)?;
    let regex = &compiled.regex;
    at_most_one_group(regex)?;
    let mut found = Vec::new();
    for captures in regex.captures_iter(text) {
        cx.budget.charge(4 + compiled.states)?;
        if let Some(part) = only_group(&captures) {
            found.push(Value::String(Text::new(part, text.is_tainted())));
        }
    }
    Ok(Value::list(found))
}

fn replace(cx: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (text, pattern, replacement, limit) = match args {
        [
            Value::String(text),
            Value::String(pattern),
            Value::String(new),
        ] => (text, pattern, new, -1),
        [
            Value::String(text),
            Value::String(pattern),
            Value::String(new),
            Value::Int(limit),
        ] => (text, pattern, new, *limit),
        _ => return Err(Fault::NoOverload),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let compiled = compile(cx, pattern, text)?;
    let regex = &compiled.regex;
    let mut out = String::new();
    let mut copied = 0;
    for captures in regex.captures_iter(text).take(limit) {
        let Some(whole) = captures.get(0) else { break };
        cx.budget.charge(4 + compiled.states)?;
        out.push_str(&text[copied..whole.start()]);
        expand(&mut out, replacement, &captures)?;
        copied = whole.end();
        cx.charge_string(out.len() / 64)?;
        if out.len() > crate::budget::MAX_STRING_BYTES {
            cx.charge_string(out.len())?;
        }
    }
    out.push_str(&text[copied..]);
    cx.charge_string(out.len())?;
    Ok(Value::String(Text::new(
        out,
        text.is_tainted() || replacement.is_tainted(),
    )))
}

/// Writes a replacement in which `\1` is the first group and `\\` a backslash.
fn expand(
    out: &mut String,
    replacement: &str,
    captures: &regex::Captures<'_>,
) -> Result<(), Fault> {
    let mut rest = replacement;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        match rest[at + 1..].chars().next() {
            Some('\\') => out.push('\\'),
            Some(digit @ '0'..='9') => {
                let group = digit as usize - '0' as usize;
                if group >= captures.len() {
                    return fail(format!(
                        "replacement uses group {group}, the pattern has {}",
                        captures.len() - 1
                    ));
                }
                out.push_str(captures.get(group).map_or("", |found| found.as_str()));
            }
            Some(_) | None => return fail("replacement may use `\\0` to `\\9` and `\\\\`"),
        }
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
    Ok(())
}
