//! Signatures of the operators.

use std::sync::LazyLock;

use super::signature::Signature;
use super::types::Type;
use crate::ast::{Binary, Unary};

type Table = LazyLock<Vec<Signature>>;

static NOT: Table = LazyLock::new(|| parse(&["(bool) -> bool"]));
static NEGATE: Table = LazyLock::new(|| {
    parse(&[
        "(int) -> int",
        "(double) -> double",
        "(duration) -> duration",
    ])
});
static EQUAL: Table = LazyLock::new(|| parse(&["(A, A) -> bool"]));
static IN: Table = LazyLock::new(|| parse(&["(A, list<A>) -> bool", "(A, map<A, B>) -> bool"]));
static ADD: Table = LazyLock::new(|| {
    parse(&[
        "(int, int) -> int",
        "(uint, uint) -> uint",
        "(double, double) -> double",
        "(string, string) -> string",
        "(bytes, bytes) -> bytes",
        "(list<A>, list<A>) -> list<A>",
        "(timestamp, duration) -> timestamp",
        "(duration, timestamp) -> timestamp",
        "(duration, duration) -> duration",
    ])
});
static SUBTRACT: Table = LazyLock::new(|| {
    parse(&[
        "(int, int) -> int",
        "(uint, uint) -> uint",
        "(double, double) -> double",
        "(timestamp, duration) -> timestamp",
        "(timestamp, timestamp) -> duration",
        "(duration, duration) -> duration",
    ])
});
static MULTIPLY: Table = LazyLock::new(|| {
    parse(&[
        "(int, int) -> int",
        "(uint, uint) -> uint",
        "(double, double) -> double",
    ])
});
static REMAINDER: Table = LazyLock::new(|| parse(&["(int, int) -> int", "(uint, uint) -> uint"]));
static ORDER: Table = LazyLock::new(|| {
    let same = [
        "int",
        "uint",
        "double",
        "string",
        "bool",
        "bytes",
        "timestamp",
        "duration",
    ];
    let mixed = [
        ("int", "uint"),
        ("uint", "int"),
        ("int", "double"),
        ("double", "int"),
        ("uint", "double"),
        ("double", "uint"),
    ];
    let pairs = same.iter().map(|kind| (*kind, *kind)).chain(mixed);
    pairs
        .filter_map(|(a, b)| Signature::parse(&format!("({a}, {b}) -> bool")).ok())
        .collect()
});

fn parse(texts: &[&str]) -> Vec<Signature> {
    texts
        .iter()
        .filter_map(|text| Signature::parse(text).ok())
        .collect()
}

pub(super) fn unary(op: Unary) -> &'static [Signature] {
    match op {
        Unary::Not => &NOT,
        Unary::Negate => &NEGATE,
    }
}

pub(super) fn binary(op: Binary) -> &'static [Signature] {
    match op {
        Binary::And | Binary::Or => &[],
        Binary::Equal | Binary::NotEqual => &EQUAL,
        Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => &ORDER,
        Binary::In => &IN,
        Binary::Add => &ADD,
        Binary::Subtract => &SUBTRACT,
        Binary::Multiply | Binary::Divide => &MULTIPLY,
        Binary::Remainder => &REMAINDER,
    }
}

/// How to mend an operator whose sides do not fit.
pub(super) fn help(symbol: &str, args: &[Type]) -> Option<String> {
    let number = |kind: &Type| matches!(kind, Type::Int | Type::Uint | Type::Double);
    Some(match (symbol, args) {
        ("!", [Type::String]) => "compare it: `x == \"\"`".to_owned(),
        ("!", [_]) => "`!` turns a truth value around".to_owned(),
        ("+", [Type::String, other] | [other, Type::String])
            if number(other) || *other == Type::Bool =>
        {
            format!("turn the `{other}` into text: `string(x)`")
        }
        ("==" | "!=", [Type::Null, other] | [other, Type::Null]) => {
            format!("a `{other}` is never null")
        }
        (_, [Type::Optional(inner), other] | [other, Type::Optional(inner)])
            if **inner == *other || **inner == Type::Dyn =>
        {
            "give the optional a default: `x.orValue(…)`".to_owned()
        }
        ("in", [_, Type::String]) => "for a part of a text write `text.contains(part)`".to_owned(),
        (_, [Type::String, other] | [other, Type::String]) if number(other) => {
            format!(
                "turn the text into a number, `{other}(x)`, or the number into text, `string(x)`"
            )
        }
        (_, [a, b]) if number(a) && number(b) => format!("convert one side: `{a}(x)` or `{b}(x)`"),
        _ => return None,
    })
}
