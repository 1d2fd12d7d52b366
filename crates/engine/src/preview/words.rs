//! The sentences of a preview: what an expression read, and what is known only later.

use super::asked::{Asked, Path};
use super::names::Names;
use crate::texts::cut;
use expr::Value;
use expr::value::{Bytes, Key};
use model::limits;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// A name that has no value before the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Missing<'a> {
    /// What is read.
    pub path: &'a Path,
    pub until: Until<'a>,
}

/// When a name gets its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until<'a> {
    /// When this task has ended.
    Ended(&'a str),
    /// When the cells of the matrix are known.
    Matrix,
    /// While the run goes on.
    Running,
}

/// Facts and names of one sentence; more would not be read.
const SHOWN: usize = 4;
/// Letters of a value and of a name that are shown.
const LETTERS: usize = 60;
/// Letters of one of several words: a fact has a name and a value.
const WORD: usize = 200;
/// Letters of a condition that are shown.
const QUOTED: usize = 200;
/// Letters of a whole sentence, which no sentence of parts that are cut comes to but one with a list in a list.
const SENTENCE: usize = 2_000;

/// A condition in a sentence.
pub(super) fn quoted(condition: &str) -> String {
    cut(condition, QUOTED).into_owned()
}

/// A condition as a plan lists it.
pub(super) fn listed_condition(condition: &str) -> Arc<str> {
    cut(condition, limits::CONDITION_LETTERS).into()
}

/// What a person is asked.
pub(super) fn prompt(text: &str) -> String {
    cut(text, QUOTED).into_owned()
}

/// What is said of a matrix whose members would make the plan too long.
pub(super) fn unlisted_members(members: usize) -> String {
    format!("not listed: {}", too_long(members, "members"))
}

/// What is said of a call whose tasks would make the plan too long.
pub(super) fn unlisted_tasks(tasks: usize) -> String {
    let too_long = too_long(tasks, "tasks");
    format!("known only while the run goes on: {too_long}")
}

fn too_long(count: usize, things: &str) -> String {
    let (tasks, bytes) = (limits::TASKS_PER_RUN, limits::PREVIEW_BYTES);
    format!("its {count} {things} do not fit into a plan of {tasks} tasks and {bytes} bytes")
}

/// A sentence that may repeat what somebody wrote.
pub(super) fn sentence(text: String) -> String {
    // A letter has a byte at least.
    if text.len() <= SENTENCE {
        return text;
    }
    cut(&text, SENTENCE).into_owned()
}

/// `known only when build has ended: reads tasks.build.outputs.x`.
pub(super) fn known_later(missing: &[Missing<'_>]) -> String {
    let ended: Vec<&str> = missing
        .iter()
        .filter_map(|missing| match missing.until {
            Until::Ended(task) => Some(task),
            Until::Matrix | Until::Running => None,
        })
        .collect();
    let ended = once(ended);
    let when = match (ended.is_empty(), missing.first().map(|first| first.until)) {
        (false, _) => format!("when {} ended", have(&ended)),
        (true, Some(Until::Matrix)) => "when its matrix is known".to_owned(),
        (true, _) => "while the run goes on".to_owned(),
    };
    let paths = missing.iter().take(SHOWN).map(|each| each.path.shown());
    let paths: Vec<String> = paths.collect();
    let reads = counted(&paths, missing.len());
    format!("known only {when}: reads {reads}")
}

/// What is said where so much was evaluated before that this is not.
pub(super) fn unasked() -> String {
    "known only while the run goes on: what is evaluated before it is all that a plan evaluates"
        .to_owned()
}

/// `sentence`, then what the expression read, with the values: `signal.branch is 'dev'`.
pub(super) fn with_facts(sentence: &str, asked: &Asked, names: &Names<'_>) -> String {
    let fact = |path: &Path| {
        let shown = path.shown();
        let shown = cut(&shown, LETTERS);
        match names.at(&path.names) {
            Some(value) => format!("{shown} is {}", self::shown(&value)),
            None => format!("{shown} is not known"),
        }
    };
    // A type that is not hidden by a name is none of the facts.
    let told = |path: &&Path| !path.is_type || names.at(&path.names).is_some();
    let told = || asked.paths.iter().filter(told);
    let facts: Vec<String> = told().take(SHOWN).map(fact).collect();
    // A condition that is nothing but a name says it all.
    if facts.is_empty() || facts == [sentence] {
        return sentence.to_owned();
    }
    format!("{sentence}: {}", counted(&facts, told().count()))
}

/// `build has`, `build and lint have`.
pub(super) fn have(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "has" } else { "have" };
    format!("{} {verb}", listed(names))
}

/// `a`, `a and b`, `a, b and c`, or the first few and how many more.
pub(super) fn listed(words: &[&str]) -> String {
    counted(&words[..words.len().min(SHOWN)], words.len())
}

/// The same of the `first` few of so many, all of them where they are no more than are shown.
fn counted<W: AsRef<str>>(first: &[W], of: usize) -> String {
    let words: Vec<_> = first.iter().map(|word| cut(word.as_ref(), WORD)).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] if of == 1 => one.to_string(),
        [first @ .., last] if of == words.len() => format!("{} and {last}", first.join(", ")),
        first => format!("{} and {} more", first.join(", "), of - first.len()),
    }
}

/// Each word once, in order of appearance.
fn once(mut words: Vec<&str>) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    words.retain(|word| seen.insert(*word));
    words
}

/// A value as an expression would write it, cut where it is long.
fn shown(value: &Value) -> String {
    let mut out = Cut {
        text: String::new(),
        left: LETTERS,
    };
    let written = match value.as_str() {
        Some(text) => write!(out, "'{text}'"),
        None => write_json(value, &mut out),
    };
    match written {
        Ok(()) => out.text,
        Err(fmt::Error) => format!("{}…", out.text),
    }
}

/// A text that takes so many letters, and then fails: what is too long is not written to its end.
struct Cut {
    text: String,
    left: usize,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for letter in more.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(letter);
        }
        Ok(())
    }
}

/// Each level writes a letter, so the depth is bounded by what `out` takes.
fn write_json(value: &Value, out: &mut Cut) -> fmt::Result {
    match value {
        Value::List(list) => {
            out.write_char('[')?;
            for (place, item) in list.iter().enumerate() {
                comma(place, out)?;
                write_json(item, out)?;
            }
            out.write_char(']')
        }
        Value::Map(map) => {
            out.write_char('{')?;
            for (place, (key, value)) in map.iter().enumerate() {
                comma(place, out)?;
                write_text(&in_text(key), out)?;
                out.write_char(':')?;
                write_json(value, out)?;
            }
            out.write_char('}')
        }
        Value::Optional(Some(inner)) => write_json(inner, out),
        Value::String(text) => write_text(text, out),
        Value::Bytes(bytes) => {
            let first = Bytes::new(&bytes[..bytes.len().min(LETTERS)], false);
            write_scalar(&Value::Bytes(first), out)
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Network(_)
        | Value::Type(_)
        | Value::Optional(None) => write_scalar(value, out),
    }
}

fn write_scalar(value: &Value, out: &mut Cut) -> fmt::Result {
    match value.to_json() {
        Ok(json) => write!(out, "{json}"),
        Err(_) => write!(out, "{value:?}"),
    }
}

/// More letters than fit are not looked at.
fn write_text(text: &str, out: &mut Cut) -> fmt::Result {
    let end = text
        .char_indices()
        .nth(LETTERS)
        .map_or(text.len(), |(end, _)| end);
    write!(out, "{}", model::Json::from(&text[..end]))
}

fn in_text(key: &Key) -> String {
    cut(&key.to_string(), LETTERS).into_owned()
}

fn comma(place: usize, out: &mut Cut) -> fmt::Result {
    match place {
        0 => Ok(()),
        _ => out.write_char(','),
    }
}
