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

/// One side of an operator that does not take it.
pub(super) struct Operand<'t> {
    pub kind: Type,
    /// As it is written.
    pub text: &'t str,
    /// Its value, when it is a literal text.
    pub literal: Option<&'t str>,
}

impl Operand<'_> {
    /// What help repeats of it; `x` for what is too long for a line.
    fn shown(&self) -> &str {
        const SHOWN: usize = 60;
        if self.text.len() > SHOWN || self.text.contains(['\n', '`']) {
            return "x";
        }
        self.text
    }

    /// The same where a call is written behind it.
    fn as_target(&self) -> String {
        let shown = self.shown();
        let is_enclosed = shown.starts_with('(') && shown.find(')') == Some(shown.len() - 1);
        if self.literal.is_none() && shown.contains(' ') && !is_enclosed {
            return format!("({shown})");
        }
        shown.to_owned()
    }

    fn is_number(&self) -> bool {
        matches!(self.kind, Type::Int | Type::Uint | Type::Double)
    }
}

/// How to mend an operator whose sides do not fit.
pub(super) fn help(symbol: &str, operands: &[Operand<'_>]) -> Option<String> {
    if let [left, right] = operands {
        return of_two(symbol, left, right);
    }
    let operand = operands.first()?;
    match (symbol, &operand.kind) {
        ("!", Type::String) => Some(format!("compare it: `{} == \"\"`", operand.shown())),
        ("!", _) => Some("`!` turns a truth value around".to_owned()),
        _ => None,
    }
}

fn of_two(symbol: &str, left: &Operand<'_>, right: &Operand<'_>) -> Option<String> {
    let kinds = [&left.kind, &right.kind];
    let text_and_other = match kinds {
        [Type::String, _] => Some((left, right)),
        [_, Type::String] => Some((right, left)),
        _ => None,
    };
    if let Some((text, other)) = text_and_other
        && (other.is_number() || symbol == "+" && other.kind == Type::Bool)
    {
        return Some(text_with(symbol, text, other));
    }
    Some(match (symbol, kinds) {
        ("==" | "!=", [Type::Null, other] | [other, Type::Null]) => {
            format!("a `{other}` is never null")
        }
        (_, [Type::Optional(inner), other]) if **inner == *other || **inner == Type::Dyn => {
            format!(
                "give the optional a default: `{}.orValue(…)`",
                left.as_target()
            )
        }
        (_, [other, Type::Optional(inner)]) if **inner == *other || **inner == Type::Dyn => {
            format!(
                "give the optional a default: `{}.orValue(…)`",
                right.as_target()
            )
        }
        ("in", [_, Type::String]) => {
            let (part, whole) = (left.shown(), right.as_target());
            format!("for a part of a text write `{whole}.contains({part})`")
        }
        (_, [a, b]) if left.is_number() && right.is_number() => {
            format!(
                "convert one side: `{a}({})` or `{b}({})`",
                right.shown(),
                left.shown()
            )
        }
        _ => return None,
    })
}

/// How to write a text and a number, or a truth value, on the sides of one operator.
fn text_with(symbol: &str, text: &Operand<'_>, other: &Operand<'_>) -> String {
    let (kind, shown) = (&other.kind, other.shown());
    let as_text = match shown.parse::<f64>() {
        Ok(_) => format!("`'{shown}'`"),
        Err(_) => format!("`string({shown})`"),
    };
    if symbol == "+" {
        return format!("turn the `{kind}` into text: {as_text}");
    }
    match text.literal {
        Some(literal) if literal.parse::<f64>().is_ok_and(f64::is_finite) => {
            format!("write the number without quotes: `{literal}`")
        }
        Some(_) => format!("turn the number into text: {as_text}"),
        None => format!(
            "turn the text into a number, `{kind}({})`, or the number into text, {as_text}",
            text.shown()
        ),
    }
}
