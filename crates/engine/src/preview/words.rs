//! The sentences of a preview: what an expression read, and what is known only later.

use super::names::Names;
use expr::value::TypeName;
use expr::{Program, Value};
use std::collections::BTreeSet;

/// A name that has no value before the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    /// As it was read: `tasks.build.outputs.version`.
    pub path: String,
    pub until: Until,
}

/// When a name gets its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Until {
    /// When this task has ended.
    Ended(String),
    /// When the cells of the matrix are known.
    Matrix,
    /// While the run goes on.
    Running,
}

/// Facts and names of one sentence; more would not be read.
const SHOWN: usize = 4;
/// Letters of a value that are shown.
const LETTERS: usize = 60;

/// `known only when build has ended: reads tasks.build.outputs.x`.
pub(super) fn known_later(missing: &[Missing]) -> String {
    let ended: Vec<&str> = missing
        .iter()
        .filter_map(|missing| match &missing.until {
            Until::Ended(task) => Some(task.as_str()),
            Until::Matrix | Until::Running => None,
        })
        .collect();
    let ended = once(ended);
    let when = match (ended.is_empty(), missing.first().map(|first| &first.until)) {
        (false, _) => format!("when {} ended", have(&ended)),
        (true, Some(Until::Matrix)) => "when its matrix is known".to_owned(),
        (true, _) => "while the run goes on".to_owned(),
    };
    let paths: Vec<&str> = missing
        .iter()
        .map(|missing| missing.path.as_str())
        .collect();
    format!("known only {when}: reads {}", listed(&once(paths)))
}

/// What is said where so much was evaluated before that this is not.
pub(super) fn unasked() -> String {
    "known only while the run goes on: what is evaluated before it is all that a plan evaluates"
        .to_owned()
}

/// What a program read, with the values: `signal.branch is 'dev'`.
pub(super) fn facts(program: &Program, names: &Names<'_>) -> Vec<String> {
    let mut facts: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for reference in program.references() {
        let path = reference.path.join(".");
        if !seen.insert(path.clone()) {
            continue;
        }
        let fact = match names.at(&reference.path) {
            Some(value) => format!("{path} is {}", shown(&value)),
            // A type, as in `type(x) == int`.
            None if TypeName::from_name(&path).is_some() => continue,
            None => format!("{path} is not known"),
        };
        facts.push(fact);
    }
    facts
}

/// `sentence`, then the facts behind it.
pub(super) fn with_facts(sentence: &str, facts: &[String]) -> String {
    // A condition that is nothing but a name says it all.
    let news = facts.iter().map(String::as_str);
    let facts: Vec<&str> = news.filter(|fact| *fact != sentence).collect();
    if facts.is_empty() {
        return sentence.to_owned();
    }
    format!("{sentence}: {}", listed(&facts))
}

/// `build has`, `build and lint have`.
pub(super) fn have(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "has" } else { "have" };
    format!("{} {verb}", listed(names))
}

/// `a`, `a and b`, `a, b and c`, or the first few and how many more.
pub(super) fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if words.len() <= SHOWN => format!("{} and {last}", first.join(", ")),
        _ => format!(
            "{} and {} more",
            words[..SHOWN].join(", "),
            words.len() - SHOWN
        ),
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
    let text = match value.as_str() {
        Some(text) => format!("'{text}'"),
        None => match value.to_json() {
            Ok(json) => json.to_string(),
            Err(_) => format!("{value:?}"),
        },
    };
    if text.chars().count() <= LETTERS {
        return text;
    }
    let cut: String = text.chars().take(LETTERS).collect();
    format!("{cut}…")
}
