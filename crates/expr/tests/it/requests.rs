//! The lines of `formic eval`, without a stream.
#![expect(clippy::unwrap_used, reason = "tests")]

use expr::{Dialect, request};
use serde_json::{Value as Json, json};

fn answer(line: &str) -> Json {
    let answer = request::answer(Dialect::Cel, line.as_bytes());
    serde_json::from_str(&answer).unwrap()
}

/// Kind and message of the error that answers the line.
fn refused(line: &str) -> (String, String) {
    let answer = answer(line);
    let word = |key: &str| answer["error"][key].as_str().unwrap().to_owned();
    (word("kind"), word("message"))
}

#[test]
fn a_double_that_is_handed_back_is_the_same_to_the_last_bit() {
    for text in ["1.797693134862315708", "0.1 + 0.2", "5e-324", "-0.0"] {
        let first = answer(&json!({ "expr": text }).to_string());
        let line = json!({ "expr": "x", "contexts": { "x": first } });
        assert_eq!(answer(&line.to_string()).to_string(), first.to_string());
    }
}

#[test]
fn an_error_quotes_the_beginning_of_a_long_value() {
    let long = "ä".repeat(100_000);
    let wrong = json!({ "type": "int", "value": long });
    for line in [
        json!({ "expr": "x", "contexts": { "x": wrong } }),
        json!({ "expr": "x", "contexts": long }),
        json!({ "expr": "x", "check": long }),
        json!({ "expr": "{}[x]", "contexts": { "x": long } }),
        json!({ "expr": "{x: 1, x: 2}", "contexts": { "x": long } }),
        json!({ "expr": "x", "contexts": { "x": { "type": long, "value": 1 } } }),
    ] {
        let (_, message) = refused(&line.to_string());
        assert!(message.len() < 2_000, "{} bytes", message.len());
        assert!(message.contains("ä…"), "{message}");
    }
}

#[test]
fn a_line_that_is_too_deep_is_a_limit() {
    let line = format!(
        r#"{{"expr": "x", "contexts": {{"x": {}{}}}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    let expected = "the line is nested deeper than 127 levels";
    assert_eq!(refused(&line), ("limit".to_owned(), expected.to_owned()));
}
