//! The functions of the language.
//!
//! One table entry per name holds how it is called, the signatures the checker reads and the code that runs. A
//! function looks at its arguments itself and answers `Fault::NoOverload` when they do not fit; it pays for work
//! that grows with its arguments before doing it.

mod convert;
mod encode;
mod format;
mod list;
mod math;
mod network;
mod optional;
mod regex;
mod set;
mod string;
mod time;

pub(crate) use convert::to_text;
pub(crate) use list::sort_by_key;
pub(crate) use regex::{Pattern, RegexCache};

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::budget::{Budget, MAX_STRING_BYTES};
use crate::error::Error;
use crate::value::Value;

/// A function: its name, how it is called, what it takes and gives.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) style: Style,
    /// Signatures such as `(string, int) -> string`; a target is the first argument.
    pub(crate) signatures: &'static [&'static str],
    pub(crate) run: fn(&mut Context<'_>, &[Value]) -> Outcome,
}

/// Whether a function has a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `f(x)`
    Global,
    /// `x.f()`
    Member,
    /// Either.
    Both,
}

/// What functions may use besides their arguments.
pub(crate) struct Context<'a> {
    pub(crate) budget: &'a mut Budget,
    pub(crate) regexes: &'a RegexCache,
    /// Patterns already paid for in this evaluation.
    pub(crate) patterns: Vec<Arc<Pattern>>,
}

pub(crate) type Outcome = Result<Value, Fault>;

/// Why a function has no result.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It does not take arguments of these types.
    NoOverload,
    /// It does, but these values will not do.
    Error(Box<Error>),
}

impl Context<'_> {
    /// Pays for touching that many bytes of text.
    pub(crate) fn charge_bytes(&mut self, bytes: usize) -> Result<(), Box<Error>> {
        self.budget.charge(bytes as u64 / 32)
    }

    /// Pays for comparing a key with those of a map.
    pub(crate) fn charge_key(&mut self, key: &Value) -> Result<(), Box<Error>> {
        self.charge_bytes(key.as_str().map_or(0, str::len))
    }

    /// Pays for making a string of that many bytes, or refuses it.
    pub(crate) fn charge_string(&mut self, bytes: usize) -> Result<(), Box<Error>> {
        if bytes > MAX_STRING_BYTES {
            return Err(Box::new(Error::limit(format!(
                "string is longer than {MAX_STRING_BYTES} bytes"
            ))));
        }
        self.charge_bytes(bytes)
    }

    /// Pays for that many elements.
    pub(crate) fn charge_items(&mut self, items: usize) -> Result<(), Box<Error>> {
        self.budget.charge(items as u64)
    }
}

impl From<Box<Error>> for Fault {
    fn from(error: Box<Error>) -> Self {
        Self::Error(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Error(Box::new(error))
    }
}

/// An evaluation error with that message.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Error::eval(message).into())
}

/// The function with that name, if it can be called so.
pub(crate) fn find(name: &str, style: Style) -> Option<&'static Function> {
    let function = *INDEX.get(name)?;
    (function.style == style || function.style == Style::Both).then_some(function)
}

/// The function `namespace.name`.
pub(crate) fn find_qualified(namespace: &str, name: &str) -> Option<&'static Function> {
    if !NAMESPACES.contains(&namespace) {
        return None;
    }
    find(&format!("{namespace}.{name}"), Style::Global)
}

/// Whether functions have the name in front of theirs, as in `math.abs`.
pub(crate) fn is_namespace(name: &str) -> bool {
    NAMESPACES.contains(&name)
}

/// All functions, in no promised order.
pub(crate) fn all() -> impl Iterator<Item = &'static Function> {
    TABLES.iter().flat_map(|table| table.iter())
}

const NAMESPACES: &[&str] = &[
    "math", "sets", "lists", "strings", "base64", "optional", "regex", "json", "ip",
];

const TABLES: &[&[Function]] = &[
    convert::TABLE,
    encode::TABLE,
    format::TABLE,
    list::TABLE,
    math::TABLE,
    network::TABLE,
    optional::TABLE,
    regex::TABLE,
    set::TABLE,
    string::TABLE,
    time::TABLE,
];

static INDEX: LazyLock<HashMap<&'static str, &'static Function>> =
    LazyLock::new(|| all().map(|function| (function.name, function)).collect());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_its_own_name() {
        assert_eq!(all().count(), INDEX.len());
    }
}
