//! Names with a value of every type, and which of them come from outside.

use expr::value::{Bytes, Key};
use expr::{Budget, Dialect, MapScope, Type, TypeEnv, Value, compile};

/// Steps of one evaluation: few, so that libFuzzer tries many expressions.
pub(crate) const STEPS: u64 = 20_000;

/// Names whose text comes from outside.
pub(crate) const OUTSIDE: [&str; 4] = ["branch", "files", "labels", "raw"];

/// Every name; `foreign` is the text of those from outside.
pub(crate) fn values(foreign: &str) -> Vec<(&'static str, Value)> {
    let text = |end: &str| Value::string(format!("{foreign}{end}"));
    let outside = [
        ("branch", text("/x")),
        (
            "files",
            Value::list(vec![text("a"), text("b"), Value::from("c")]),
        ),
        (
            "labels",
            Value::map([
                (Key::from("a"), text("1")),
                (
                    Key::from(format!("{foreign}k").as_str()),
                    Value::from("plain"),
                ),
            ]),
        ),
        (
            "raw",
            Value::Bytes(Bytes::from(foreign.as_bytes().to_vec())),
        ),
    ];
    let outside = outside.map(|(name, value)| (name, value.tainted()));
    let inside = [
        ("none", Value::Null),
        ("yes", Value::Bool(true)),
        ("n", Value::Int(-7)),
        ("u", Value::Uint(7)),
        ("d", Value::Double(1.5)),
        ("s", Value::from("main")),
        ("b", Value::Bytes(Bytes::from(b"\xff\x00a".to_vec()))),
        (
            "l",
            Value::list(vec![Value::Int(3), Value::Int(1), Value::Int(2)]),
        ),
        (
            "mixed",
            Value::list(vec![Value::Int(3), Value::from("a"), Value::Null]),
        ),
        (
            "m",
            Value::map([
                (Key::from("a"), Value::Int(1)),
                (Key::from("b c"), Value::Int(2)),
            ]),
        ),
        ("t", evaluated("timestamp('2024-05-01T12:30:00Z')")),
        ("p", evaluated("duration('90m')")),
        ("kind", evaluated("type(1)")),
        ("some", Value::some(Value::from("x"))),
        ("absent", Value::Optional(None)),
    ];
    outside.into_iter().chain(inside).collect()
}

fn evaluated(text: &str) -> Value {
    let program = compile(Dialect::Cel, text).expect("the text is a constant");
    program
        .eval(&MapScope::new(), &mut Budget::default())
        .expect("the text is a constant")
}

/// The values as a scope.
pub(crate) fn scope(foreign: &str) -> MapScope {
    let named = |(name, value): (&str, Value)| (name.to_owned(), value);
    values(foreign).into_iter().map(named).collect()
}

/// The types of the values, and nothing else.
pub(crate) fn environment() -> TypeEnv {
    let mut env = TypeEnv::new();
    for (name, value) in values("main") {
        env.declare(name, Type::of(&value));
    }
    env.declare_later("later", "known only on the worker");
    env
}
