//! `formic eval`: JSON lines in, JSON lines out.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::world::{Ran, World};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

/// The answers to `lines`.
fn answers(lines: &[u8]) -> Vec<Value> {
    let world = World::empty();
    let mut child = world
        .command(&["eval", "--dialect", "cel"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = lines.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&lines));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let ran = Ran::from(output).ok();
    let parsed = |line: &str| serde_json::from_str(line).unwrap();
    ran.out.lines().map(parsed).collect()
}

fn answer(line: &Value) -> Value {
    let mut all = answers(line.to_string().as_bytes());
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The kinds of the errors among the answers, and the types of the values.
fn kinds(answers: &[Value]) -> Vec<&str> {
    let kind = |answer: &'_ Value| answer["error"]["kind"].as_str().map(str::to_owned);
    answers
        .iter()
        .map(|each| match kind(each) {
            Some(_) => each["error"]["kind"].as_str().unwrap(),
            None => each["type"].as_str().unwrap(),
        })
        .collect()
}

#[test]
fn every_type_of_value_keeps_its_type() {
    let text = "[null, true, 1, 2u, 1.5, 0.0 / 0.0, -1.0 / 0.0, 'x', b'ab', {1: 'a'}, type(1), \
        timestamp('2024-01-01T00:00:00Z'), duration('1500ms'), optional.of(1), optional.none()]";
    let expected = json!([
        {"type": "null", "value": null},
        {"type": "bool", "value": true},
        {"type": "int", "value": "1"},
        {"type": "uint", "value": "2"},
        {"type": "double", "value": 1.5},
        {"type": "double", "value": "NaN"},
        {"type": "double", "value": "-Infinity"},
        {"type": "string", "value": "x"},
        {"type": "bytes", "value": "YWI="},
        {"type": "map", "value": [[{"type": "int", "value": "1"}, {"type": "string", "value": "a"}]]},
        {"type": "type", "value": "int"},
        {"type": "timestamp", "value": "2024-01-01T00:00:00Z"},
        {"type": "duration", "value": "1.5s"},
        {"type": "optional", "value": {"type": "int", "value": "1"}},
        {"type": "optional", "value": null},
    ]);
    let answer = answer(&json!({"expr": text, "check": false}));
    assert_eq!(answer, json!({"type": "list", "value": expected}));
}

#[test]
fn contexts_are_plain_or_typed_and_may_have_dots_in_their_names() {
    let contexts = json!({
        "plain": {"list": [1, 2]},
        "a.b": {"type": "uint", "value": "18446744073709551615"},
        "at": {"type": "timestamp", "value": "2024-02-29T12:00:00Z"},
    });
    let text = "plain.list[1] == 2 && a.b == 18446744073709551615u && at.getMonth() == 1";
    let answer = answer(&json!({"expr": text, "contexts": contexts}));
    assert_eq!(answer, json!({"type": "bool", "value": true}));
}

#[test]
fn what_is_wrong_with_a_line_is_its_answer_and_the_next_is_read() {
    let lines = [
        br#"{"expr": "(("}"#.as_slice(),
        br#"{"expr": "unknown"}"#,
        br#"{"expr": "unknown", "check": false}"#,
        br#"{"expr": "1 / 0"}"#,
        br#"{"expr": 5}"#,
        br#"{"expr": "1", "contexts": []}"#,
        br#"{"expr": "1", "contexts": {"x": {"type": "int", "value": "one"}}}"#,
        br#"{"expr": "1", "check": "no"}"#,
        b"not JSON",
        b"\xff\xfe",
        b"",
        br#"{"expr": "1", "id": 7}"#,
        b"\xef\xbb\xbf{\"expr\": \"1\"}\r",
        br#"{"expr": "x", "contexts": {"x": {"type": "null", "value": 1}}}"#,
        br#"{"expr": "x", "contexts": {"x": {"type": "map", "value": [[1.0, 1]]}}}"#,
    ];
    let answers = answers(&lines.join(&b'\n'));
    let expected = [
        "parse", "check", "eval", "eval", "parse", "parse", "eval", "parse", "parse", "parse",
        "parse", "int", "int", "eval", "eval",
    ];
    assert_eq!(kinds(&answers), expected);
}

#[test]
fn work_without_end_and_a_line_without_end_are_limits() {
    let many: Vec<i32> = (0..200).collect();
    let endless = json!({"expr": "m.map(a, m.map(b, m.map(c, 1)))", "contexts": {"m": many}});
    let mut lines = format!("{endless}\n").into_bytes();
    lines.resize(lines.len() + 17 * 1024 * 1024, b' ');
    lines.extend_from_slice(b"\n{\"expr\": \"1\"}");
    assert_eq!(kinds(&answers(&lines)), ["limit", "limit", "int"]);
}

#[test]
fn an_answer_comes_before_the_next_line_is_sent() {
    let world = World::empty();
    let mut child = world
        .command(&["eval"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for number in ["1", "2"] {
        writeln!(input, "{}", json!({"expr": number})).unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&line).unwrap(),
            json!({"type": "int", "value": number})
        );
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_dialect_that_does_not_exist_is_refused() {
    let ran = World::empty().formic(&["eval", "--dialect", "jq"]).code(2);
    assert!(ran.err.contains("expected `cel`"), "{}", ran.err);
}
