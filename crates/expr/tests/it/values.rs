//! Values as JSON, plain and typed.
#![expect(clippy::unwrap_used, reason = "tests")]

use expr::value::typed::{from_typed_json, to_typed_json};
use expr::{Budget, Dialect, MapScope, Value, compile};
use serde_json::{Value as Json, json};

fn value(text: &str) -> Value {
    compile(Dialect::Cel, text)
        .unwrap()
        .eval(&MapScope::new(), &mut Budget::default())
        .unwrap()
}

#[test]
fn plain_json_is_read_and_written_alike() {
    let json =
        json!({"a": [1, -2, 1.5, "x", true, null], "b": {"c": 18_446_744_073_709_551_615u64}});
    assert_eq!(Value::from_json(&json).to_json().unwrap(), json);
}

#[test]
fn what_json_lacks_becomes_text() {
    for (text, wanted) in [
        ("b'ab'", json!("YWI=")),
        (
            "timestamp('2024-05-01T12:30:00+02:00')",
            json!("2024-05-01T10:30:00Z"),
        ),
        ("duration('90m')", json!("5400s")),
        ("{1: 'a', true: 'b'}", json!({"1": "a", "true": "b"})),
        ("optional.none()", Json::Null),
        ("[optional.of(1)]", json!([1])),
        ("type(1)", json!("int")),
    ] {
        assert_eq!(value(text).to_json().unwrap(), wanted, "{text}");
    }
    assert_eq!(
        value("[0.0 / 0.0]").to_json().unwrap_err().message,
        "NaN has no JSON form"
    );
}

#[test]
fn typed_json_keeps_types() {
    for (text, wanted) in [
        ("null", json!({"type": "null", "value": null})),
        (
            "9007199254740993",
            json!({"type": "int", "value": "9007199254740993"}),
        ),
        ("7u", json!({"type": "uint", "value": "7"})),
        ("1.5", json!({"type": "double", "value": 1.5})),
        (
            "-1.0 / 0.0",
            json!({"type": "double", "value": "-Infinity"}),
        ),
        ("b'\\xff'", json!({"type": "bytes", "value": "/w=="})),
        (
            "[true]",
            json!({"type": "list", "value": [{"type": "bool", "value": true}]}),
        ),
        (
            "{2u: 'x'}",
            json!({"type": "map", "value": [[{"type": "uint", "value": "2"}, {"type": "string", "value": "x"}]]}),
        ),
        (
            "timestamp(0)",
            json!({"type": "timestamp", "value": "1970-01-01T00:00:00Z"}),
        ),
        (
            "duration('1.5s')",
            json!({"type": "duration", "value": "1.5s"}),
        ),
        ("type('')", json!({"type": "type", "value": "string"})),
        (
            "optional.none()",
            json!({"type": "optional", "value": null}),
        ),
        (
            "optional.of(1)",
            json!({"type": "optional", "value": {"type": "int", "value": "1"}}),
        ),
    ] {
        let value = value(text);
        assert_eq!(to_typed_json(&value), wanted, "{text}");
        assert_eq!(from_typed_json(&wanted).unwrap(), value, "{text}");
    }
}

#[test]
fn plain_objects_are_not_mistaken_for_typed_ones() {
    let plain = json!({"type": "int", "value": "1", "more": 2});
    assert_eq!(from_typed_json(&plain).unwrap(), Value::from_json(&plain));
    assert_eq!(
        from_typed_json(&json!({"type": "int", "value": "x"}))
            .unwrap_err()
            .message,
        "`\"x\"` is not the value of type `int`"
    );
    assert_eq!(
        from_typed_json(&json!({"type": "what", "value": 1}))
            .unwrap_err()
            .message,
        "unknown type `what`"
    );
}

#[test]
fn taint_survives_a_copy_and_marks_keys() {
    let value = Value::from_json(&json!({"a": {"b": ["x"]}, "n": 1})).tainted();
    assert!(value.is_tainted());
    assert!(value.member("a").unwrap().member("b").unwrap().is_tainted());
    assert!(!value.member("n").unwrap().is_tainted());
    assert_eq!(value, Value::from_json(&json!({"a": {"b": ["x"]}, "n": 1})));
}

#[test]
fn dialects_have_names() {
    assert_eq!(Dialect::from_name("cel"), Some(Dialect::Cel));
    assert_eq!(Dialect::Cel.name(), "cel");
    assert_eq!(Dialect::from_name("basic"), None);
}
