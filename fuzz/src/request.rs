//! The lines of `formic eval`: each has one answer, of the documented form, and a value that is handed back stays what it was.

use expr::{Dialect, request};
use serde_json::{Map, Value as Json, json};

/// Longest message of an error, in bytes: something is quoted, not everything.
const MESSAGE: usize = 2_000;
/// Longest answer that is looked at, in bytes: what is longer is more of the same.
const LONGEST: usize = 64 * 1024;
/// How deep an answer may be, so that the reader of JSON that `formic eval` uses takes it as a context.
const DEEPEST: usize = 124;

/// Answers each line of the bytes.
pub fn hold(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let written = request::answer(Dialect::Cel, line);
        assert_eq!(request::answer(Dialect::Cel, line), written, "two answers");
        assert!(!written.contains('\n'), "more than a line: {written}");
        if written.len() > LONGEST || nesting(&written) > DEEPEST {
            continue;
        }
        let answer: Json = serde_json::from_str(&written).expect("an answer is JSON");
        assert_eq!(answer.to_string(), written, "not as JSON is written");
        match answer.get("error") {
            Some(error) => told_well(&answer, error),
            None => {
                is_typed(&answer);
                comes_back(&answer);
                needs_no_check(line, &answer);
            }
        }
    }
}

fn told_well(answer: &Json, error: &Json) {
    assert_eq!(keys(answer), ["error"]);
    assert_eq!(keys(error), ["kind", "message"]);
    let kind = error["kind"].as_str().expect("a word");
    assert!(
        matches!(kind, "parse" | "check" | "eval" | "limit"),
        "{kind}"
    );
    let message = error["message"].as_str().expect("a text");
    assert!(
        !message.is_empty() && message.len() < MESSAGE,
        "{} bytes: {message}",
        message.len()
    );
}

fn keys(json: &Json) -> Vec<&str> {
    let members = json.as_object().expect("an object");
    members.keys().map(String::as_str).collect()
}

/// Whether the JSON is a typed value as the documents describe it.
fn is_typed(json: &Json) {
    assert_eq!(keys(json), ["type", "value"], "{json}");
    let value = &json["value"];
    let text = || value.as_str().unwrap_or_else(|| panic!("no text: {json}"));
    match json["type"].as_str().expect("a word") {
        "null" => assert!(value.is_null(), "{json}"),
        "bool" => assert!(value.is_boolean(), "{json}"),
        "int" => assert_eq!(text().parse::<i64>().expect("an int").to_string(), text()),
        "uint" => assert_eq!(text().parse::<u64>().expect("a uint").to_string(), text()),
        "double" => assert!(
            value.is_f64() || matches!(text(), "NaN" | "Infinity" | "-Infinity"),
            "{json}"
        ),
        "string" | "net.IP" | "net.CIDR" => drop(text()),
        "bytes" => {
            let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
            assert!(text().len() % 4 == 0 && text().chars().all(sign), "{json}");
        }
        "list" => value
            .as_array()
            .expect("an array")
            .iter()
            .for_each(is_typed),
        "map" => {
            for pair in value.as_array().expect("an array") {
                let [key, value] = pair.as_array().expect("a pair").as_slice() else {
                    panic!("no pair: {pair}");
                };
                is_typed(key);
                is_typed(value);
            }
        }
        // A year of four digits, and at the end the letter for UTC.
        "timestamp" => assert!(
            text().len() >= 20 && text().as_bytes()[10] == b'T' && text().ends_with('Z'),
            "{json}"
        ),
        "duration" => {
            let seconds = text().strip_suffix('s').expect("seconds");
            assert!(seconds.parse::<f64>().is_ok(), "{json}");
        }
        "type" => assert!(!text().is_empty(), "{json}"),
        "optional" => {
            if !value.is_null() {
                is_typed(value);
            }
        }
        other => panic!("a type that is in no document: {other}"),
    }
}

/// As the context of the next line the answer is the same value.
fn comes_back(answer: &Json) {
    let line = json!({ "expr": "x", "contexts": { "x": answer } }).to_string();
    let again = request::answer(Dialect::Cel, line.as_bytes());
    assert_eq!(again, answer.to_string(), "handed back");
}

/// At least how deep the JSON is; brackets in texts count too.
fn nesting(json: &str) -> usize {
    let mut deepest = 0;
    let mut open = 0_usize;
    for byte in json.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

/// The checker refuses or says nothing; it never changes a value.
fn needs_no_check(line: &[u8], answer: &Json) {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let mut members: Map<String, Json> = serde_json::from_slice(line).expect("it has an answer");
    members.insert("check".to_owned(), json!(false));
    let unchecked = Json::Object(members).to_string();
    let unchecked = request::answer(Dialect::Cel, unchecked.as_bytes());
    assert_eq!(unchecked, answer.to_string(), "without the checker");
}
