//! Taint: a value in which text from outside can be read is tainted, and what is called clean in advance is clean.
//!
//! The same expression is evaluated twice, with different characters in the text from outside. Where a clean result
//! of the first evaluation holds the characters of the first text and the second does not, taint was lost. Numbers
//! and truth values that depend on the text are clean by definition.

use expr::{Budget, Dialect, Program, Reference, Value, compile};

use crate::scope;

/// Characters that no function makes out of others: of the private area, a set for each evaluation.
const FIRST: [char; 2] = ['\u{e123}', '\u{e321}'];
const SECOND: [char; 2] = ['\u{f123}', '\u{f321}'];

/// Evaluates the text twice.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(program) = compile(Dialect::Cel, text) else {
        return;
    };
    let first = evaluated(&program, FIRST);
    let second = evaluated(&program, SECOND);
    if let (Some(first), Some(second)) = (&first, &second)
        && !first.is_tainted()
        && !second.is_tainted()
    {
        let lost = shows(first, FIRST) && !shows(second, FIRST);
        assert!(!lost, "text from outside is in the clean value {first:?}");
    }
    let is_outside = |reference: &Reference| scope::OUTSIDE.contains(&reference.path[0].as_str());
    if program.tainted_by(&is_outside).is_none()
        && let Some(value) = first.or(second)
    {
        assert!(!value.is_tainted(), "called clean in advance: {value:?}");
    }
}

fn evaluated(program: &Program, marks: [char; 2]) -> Option<Value> {
    let scope = scope::scope(&String::from_iter(marks));
    program.eval(&scope, &mut Budget::new(scope::STEPS)).ok()
}

/// Whether one of the characters can be read in the value.
fn shows(value: &Value, marks: [char; 2]) -> bool {
    match value {
        Value::String(text) => text.contains(marks),
        Value::Bytes(bytes) => {
            let is_mark = |mark: char| {
                let mut buffer = [0; 4];
                let wanted = mark.encode_utf8(&mut buffer).as_bytes();
                bytes.windows(wanted.len()).any(|found| found == wanted)
            };
            marks.into_iter().any(is_mark)
        }
        Value::List(list) => list.iter().any(|each| shows(each, marks)),
        Value::Map(map) => map
            .iter()
            .any(|(key, each)| shows(&key.to_value(), marks) || shows(each, marks)),
        Value::Optional(inner) => inner.as_ref().is_some_and(|inner| shows(inner, marks)),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Network(_)
        | Value::Type(_) => false,
    }
}
