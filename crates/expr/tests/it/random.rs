//! Random expressions: the evaluator agrees with the reference, the checker with the evaluator, nothing panics.
//!
//! `PROPTEST_CASES=100000 cargo test -p expr random` looks longer.

use std::collections::BTreeMap;

use expr::value::Key;
use expr::{Budget, Dialect, MapScope, Template, Type, TypeEnv, Value, check, compile};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::reference::{Plain, Tree};

const VARS: &[&str] = &["a", "b", "x", "y"];
const NAMES: &[&str] = &["a", "b", "k"];

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Bool),
        (-3i64..5).prop_map(Tree::Int),
        Just(Tree::Int(i64::MAX)),
        (0u64..4).prop_map(Tree::Uint),
        prop_oneof![Just(0.0), Just(1.0), Just(1.5), Just(-2.0)].prop_map(Tree::Double),
        "[abä]{0,3}".prop_map(Tree::Text),
        proptest::sample::select(VARS).prop_map(Tree::Var),
    ];
    leaf.prop_recursive(6, 60, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let ops = &["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"][..];
        let macros = &["all", "exists", "exists_one", "map", "filter"][..];
        let name = || proptest::sample::select(NAMES).prop_map(str::to_owned);
        let var = || proptest::sample::select(VARS);
        prop_oneof![
            2 => vec(inner.clone(), 0..4).prop_map(Tree::List),
            2 => vec((name(), inner.clone()), 0..3).prop_map(Tree::Map),
            1 => boxed().prop_map(Tree::Not),
            1 => boxed().prop_map(Tree::Negate),
            6 => (proptest::sample::select(ops), boxed(), boxed()).prop_map(|(op, a, b)| Tree::Binary(op, a, b)),
            2 => (boxed(), boxed(), boxed()).prop_map(|(test, yes, no)| Tree::If(test, yes, no)),
            1 => (boxed(), name()).prop_map(|(inner, name)| Tree::Member(inner, name)),
            1 => (boxed(), name()).prop_map(|(inner, name)| Tree::Has(inner, name)),
            1 => (boxed(), boxed()).prop_map(|(inner, index)| Tree::Index(inner, index)),
            3 => (proptest::sample::select(macros), boxed(), var(), boxed()).prop_map(|(name, range, var, body)| Tree::Macro(name, range, var, body)),
            1 => (var(), boxed(), boxed()).prop_map(|(var, init, body)| Tree::Bind(var, init, body)),
            1 => boxed().prop_map(Tree::Size),
        ]
    })
}

/// What a typed tree gives.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bool,
    Int,
    Text,
    Ints,
    Map,
}

/// Trees that mostly have a value: every part has the type its place wants. `locals` says which variables of macros
/// are in scope; they are all integers.
fn typed(kind: Kind, depth: u32, locals: &'static [&'static str]) -> BoxedStrategy<Tree> {
    let leaf = match kind {
        Kind::Bool => any::<bool>().prop_map(Tree::Bool).boxed(),
        Kind::Int if locals.is_empty() => (-3i64..5).prop_map(Tree::Int).boxed(),
        Kind::Int => prop_oneof![
            (-3i64..5).prop_map(Tree::Int),
            proptest::sample::select(locals).prop_map(Tree::Var)
        ]
        .boxed(),
        Kind::Text => "[abä]{0,3}".prop_map(Tree::Text).boxed(),
        Kind::Ints => vec((-3i64..5).prop_map(Tree::Int), 0..4)
            .prop_map(Tree::List)
            .boxed(),
        Kind::Map => Just(Tree::Var("a")).boxed(),
    };
    let Some(depth) = depth.checked_sub(1) else {
        return leaf;
    };
    let part = |kind| typed(kind, depth, locals).prop_map(Box::new);
    let inside = |kind| {
        typed(
            kind,
            depth,
            if locals.is_empty() {
                &["x"]
            } else {
                &["x", "y"]
            },
        )
        .prop_map(Box::new)
    };
    let var = if locals.is_empty() { "x" } else { "y" };
    let one_of = |ops: &'static [&'static str]| proptest::sample::select(ops);
    let own = match kind {
        Kind::Bool => prop_oneof![
            (one_of(&["&&", "||"]), part(Kind::Bool), part(Kind::Bool))
                .prop_map(|(op, a, b)| Tree::Binary(op, a, b)),
            (
                one_of(&["==", "!=", "<", "<=", ">", ">="]),
                part(Kind::Int),
                part(Kind::Int)
            )
                .prop_map(|(op, a, b)| Tree::Binary(op, a, b)),
            (
                one_of(&["==", "!=", "<"]),
                part(Kind::Text),
                part(Kind::Text)
            )
                .prop_map(|(op, a, b)| Tree::Binary(op, a, b)),
            (one_of(&["==", "!="]), part(Kind::Ints), part(Kind::Ints))
                .prop_map(|(op, a, b)| Tree::Binary(op, a, b)),
            (part(Kind::Int), part(Kind::Ints)).prop_map(|(a, b)| Tree::Binary("in", a, b)),
            part(Kind::Bool).prop_map(Tree::Not),
            (part(Kind::Map), one_of(NAMES))
                .prop_map(|(map, name)| Tree::Has(map, name.to_owned())),
            (
                one_of(&["all", "exists", "exists_one"]),
                part(Kind::Ints),
                inside(Kind::Bool)
            )
                .prop_map(move |(name, range, body)| Tree::Macro(name, range, var, body)),
        ]
        .boxed(),
        Kind::Int => prop_oneof![
            (
                one_of(&["+", "-", "*", "/", "%"]),
                part(Kind::Int),
                part(Kind::Int)
            )
                .prop_map(|(op, a, b)| Tree::Binary(op, a, b)),
            part(Kind::Ints).prop_map(Tree::Size),
            part(Kind::Text).prop_map(Tree::Size),
            part(Kind::Int).prop_map(Tree::Negate),
            (part(Kind::Map), one_of(NAMES))
                .prop_map(|(map, name)| Tree::Member(map, name.to_owned())),
            (part(Kind::Int), inside(Kind::Int))
                .prop_map(move |(init, body)| Tree::Bind(var, init, body)),
        ]
        .boxed(),
        Kind::Text => prop_oneof![
            (part(Kind::Text), part(Kind::Text)).prop_map(|(a, b)| Tree::Binary("+", a, b)),
            (0i64..3).prop_map(|at| Tree::Index(Box::new(Tree::Var("b")), Box::new(Tree::Int(at)))),
        ]
        .boxed(),
        Kind::Ints => prop_oneof![
            (part(Kind::Ints), inside(Kind::Int))
                .prop_map(move |(range, body)| Tree::Macro("map", range, var, body)),
            (part(Kind::Ints), inside(Kind::Bool))
                .prop_map(move |(range, body)| Tree::Macro("filter", range, var, body)),
            (part(Kind::Ints), part(Kind::Ints)).prop_map(|(a, b)| Tree::Binary("+", a, b)),
            vec(typed(Kind::Int, depth, locals), 0..3).prop_map(Tree::List),
        ]
        .boxed(),
        Kind::Map => vec((one_of(NAMES), typed(Kind::Int, depth, locals)), 0..3)
            .prop_map(|entries| {
                Tree::Map(
                    entries
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            })
            .boxed(),
    };
    let choice = (part(Kind::Bool), part(kind), part(kind))
        .prop_map(|(test, yes, no)| Tree::If(test, yes, no));
    prop_oneof![1 => leaf, 5 => own, 1 => choice].boxed()
}

fn any_tree() -> BoxedStrategy<Tree> {
    let kinds = [Kind::Bool, Kind::Int, Kind::Text, Kind::Ints, Kind::Map];
    let typed = proptest::strategy::Union::new(kinds.map(|kind| typed(kind, 3, &[])));
    prop_oneof![1 => tree(), 2 => typed].boxed()
}

fn plain(value: &Value) -> Plain {
    match value {
        Value::Null => Plain::Null,
        Value::Bool(value) => Plain::Bool(*value),
        Value::Int(value) => Plain::Int(*value),
        Value::Uint(value) => Plain::Uint(*value),
        Value::Double(value) => Plain::Double(*value),
        Value::String(text) => Plain::Text(text.to_string()),
        Value::List(list) => Plain::List(list.iter().map(plain).collect()),
        Value::Map(map) => Plain::Map(
            map.iter()
                .map(|(key, value)| (key.to_string(), plain(value)))
                .collect(),
        ),
        Value::Bytes(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Network(_)
        | Value::Type(_)
        | Value::Optional(_) => {
            panic!("the reference has no {}", value.type_name())
        }
    }
}

fn is_same(a: &Plain, b: &Plain) -> bool {
    match (a, b) {
        (Plain::Double(a), Plain::Double(b)) => {
            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
        }
        (Plain::List(a), Plain::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Plain::Map(a), Plain::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.0 == b.0 && is_same(a.1, b.1))
        }
        _ => a == b,
    }
}

/// Whether a value is of a type, down to the elements.
fn fits(kind: &Type, value: &Value) -> bool {
    match (kind, value) {
        (Type::Dyn, _)
        | (Type::Null, Value::Null)
        | (Type::Bool, Value::Bool(_))
        | (Type::Int, Value::Int(_))
        | (Type::Uint, Value::Uint(_))
        | (Type::Double, Value::Double(_))
        | (Type::String, Value::String(_)) => true,
        (Type::List(item), Value::List(list)) => list.iter().all(|value| fits(item, value)),
        (Type::Map(key, item), Value::Map(map)) => map
            .iter()
            .all(|(own, value)| fits(key, &own.to_value()) && fits(item, value)),
        _ => false,
    }
}

fn scope() -> (MapScope, BTreeMap<&'static str, Plain>) {
    let a = Value::map([
        (Key::from("a"), Value::Int(1)),
        (Key::from("k"), Value::Int(2)),
    ]);
    let b = Value::list(vec![Value::from("a"), Value::from("ä"), Value::from("")]);
    let vars = BTreeMap::from([("a", plain(&a)), ("b", plain(&b))]);
    (
        MapScope::from_iter([("a".to_owned(), a), ("b".to_owned(), b)]),
        vars,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn evaluator_and_reference_agree(tree in any_tree()) {
        let text = tree.text();
        let program = compile(Dialect::Cel, &text).unwrap();
        let (scope, vars) = scope();
        let real = program.eval(&scope, &mut Budget::default());
        match (tree.eval(&vars), real) {
            (Ok(wanted), Ok(value)) => prop_assert!(is_same(&plain(&value), &wanted), "{text}: {value:?}, expected {wanted:?}"),
            (Err(_), Err(_)) => {}
            (wanted, real) => prop_assert!(false, "{text}: {real:?}, expected {wanted:?}"),
        }
    }

    #[test]
    fn checked_types_hold_for_the_value(tree in any_tree()) {
        let text = tree.text();
        let program = compile(Dialect::Cel, &text).unwrap();
        let mut env = TypeEnv::new();
        env.declare("a", Type::map(Type::String, Type::Int)).declare("b", Type::list(Type::String));
        if let (Ok(kind), Ok(value)) = (check(&program, &env), program.eval(&scope().0, &mut Budget::default())) {
            prop_assert!(fits(&kind, &value), "{text}: {kind} does not hold for {value:?}");
        }
    }

    #[test]
    fn any_text_ends_in_a_value_or_an_error(text in "\\PC{0,60}") {
        let _template = Template::parse(Dialect::Cel, &text);
        if let Ok(program) = compile(Dialect::Cel, &text) {
            let _value = program.eval(&scope().0, &mut Budget::default());
        }
    }

    #[test]
    fn any_tokens_end_in_a_value_or_an_error(tokens in vec(proptest::sample::select(TOKENS), 0..40), glue in any::<bool>()) {
        let text = tokens.join(if glue { "" } else { " " });
        let _template = Template::parse(Dialect::Cel, &format!("${{{{ {text} }}}} $${{{{"));
        if let Ok(program) = compile(Dialect::Cel, &text) {
            let _checked = check(&program, &TypeEnv::open());
            let _taint = program.tainted_by(&|_| true);
            let _value = program.eval(&scope().0, &mut Budget::default());
        }
    }

    #[test]
    fn any_call_of_a_function_ends(name in proptest::sample::select(CALLS), args in vec(proptest::sample::select(ARGS), 0..4)) {
        let text = match name.strip_prefix('.') {
            Some(_) if !args.is_empty() => format!("({}){name}({})", args[0], args[1..].join(", ")),
            _ => format!("{}({})", name.trim_start_matches('.'), args.join(", ")),
        };
        if let Ok(program) = compile(Dialect::Cel, &text) {
            let checked = check(&program, &TypeEnv::new());
            let value = program.eval(&MapScope::new(), &mut Budget::default());
            // Where two arguments share a type parameter the checker wants more than the evaluator.
            let is_stricter = name.starts_with("sets.") || name.starts_with(".or");
            if let (Err(errors), Ok(value), false) = (checked, value, is_stricter) {
                prop_assert!(false, "{text} gives {value:?}, the checker says {}", errors[0]);
            }
        }
    }
}

const TOKENS: &[&str] = &[
    "a",
    "b",
    "x",
    "1",
    "2u",
    "1.5",
    "'s'",
    "\"",
    "'",
    "b'\\xff'",
    "r'\\'",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ".?",
    "[?",
    "?",
    ":",
    "+",
    "-",
    "*",
    "/",
    "%",
    "!",
    "&&",
    "||",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "true",
    "null",
    "has(a.a)",
    ".map(x,",
    ".all(x,",
    ".filter(x,",
    ".transformMap(k, v,",
    "cel.bind(x,",
    ".size()",
    ".optMap(x,",
    "optional.of(",
    "optional.none()",
    "// c",
    "\n",
    "`a b`",
    "ä",
    "=",
    "type",
    "int",
    "${{",
    "}}",
    "\\",
    "0x1f",
    "1e3",
    ".sortBy(x,",
    ".matches('a')",
    "cel.block([",
    "cel.index(0)",
    "google.protobuf.Timestamp",
];

/// Arguments whose static type says as much as their value, so that the checker may not refuse what works.
const ARGS: &[&str] = &[
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "1u",
    "1.5",
    "'a'",
    "'äb a'",
    "''",
    "b'ab'",
    "b'\\xff'",
    "true",
    "null",
    "[1, 2]",
    "['a', 'ä']",
    "[[1], [2]]",
    "[optional.of(1)]",
    "dyn([])",
    "{'a': 1}",
    "timestamp('2024-05-01T12:30:00Z')",
    "duration('1h')",
    "optional.of(1)",
    "optional.none()",
    "int",
    "'%s %d'",
    "'2024-05-01T12:30:00Z'",
    "'Europe/Berlin'",
    "dyn(1)",
    "dyn('a')",
    "'(a)|b'",
    "'\\\\1'",
];

const CALLS: &[&str] = &[
    "size",
    ".size",
    "type",
    "dyn",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "timestamp",
    "duration",
    ".contains",
    ".startsWith",
    ".endsWith",
    ".charAt",
    ".indexOf",
    ".lastIndexOf",
    ".join",
    ".lowerAscii",
    ".upperAscii",
    ".replace",
    ".split",
    ".substring",
    ".trim",
    ".reverse",
    "strings.quote",
    ".format",
    "math.greatest",
    "math.least",
    "math.ceil",
    "math.abs",
    "math.sign",
    "math.sqrt",
    "math.bitAnd",
    "math.bitNot",
    "math.bitShiftLeft",
    "math.bitShiftRight",
    "math.isNaN",
    "lists.range",
    ".slice",
    ".flatten",
    ".distinct",
    ".sort",
    ".first",
    ".last",
    "sets.contains",
    "sets.equivalent",
    "sets.intersects",
    "base64.encode",
    "base64.decode",
    "json.encode",
    "json.decode",
    "optional.of",
    "optional.ofNonZeroValue",
    "optional.unwrap",
    ".unwrapOpt",
    ".hasValue",
    ".value",
    ".or",
    ".orValue",
    "matches",
    ".matches",
    "regex.extract",
    "regex.extractAll",
    "regex.replace",
    ".getFullYear",
    ".getMonth",
    ".getDate",
    ".getDayOfMonth",
    ".getDayOfWeek",
    ".getDayOfYear",
    ".getHours",
    ".getMinutes",
    ".getSeconds",
    ".getMilliseconds",
];
