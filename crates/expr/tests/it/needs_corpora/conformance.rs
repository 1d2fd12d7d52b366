//! The conformance tests of the CEL specification, converted to JSON.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::fs;

use expr::{Budget, Dialect, ErrorKind, check, compile};
use serde_json::Value as Json;

use super::folder;
use crate::case::{Bindings, environment, kind, same, value};

/// Files whose tests must all pass, and those of which one in twenty may fail.
const FULL: &[&str] = &[
    "basic",
    "comparisons",
    "conversions",
    "fields",
    "fp_math",
    "integer_math",
    "lists",
    "logic",
    "macros",
    "namespace",
    "parse",
    "plumbing",
    "string",
    "timestamps",
];
const MOST: &[&str] = &[
    "string_ext",
    "math_ext",
    "optionals",
    "macros2",
    "bindings_ext",
    "encoders_ext",
    "network_ext",
];
const SCORED: &[&str] = &["block_ext", "type_deduction"];

#[test]
fn conformance_scores_are_reached() {
    let folder = folder("cel-conformance");
    let mut below = Vec::new();
    for (files, required) in [(FULL, 100), (MOST, 95), (SCORED, 0)] {
        for file in files {
            let text = fs::read_to_string(folder.join(format!("{file}.json"))).unwrap();
            let tests: Vec<Json> = serde_json::from_str(&text).unwrap();
            let tests: Vec<&Json> = tests
                .iter()
                .filter(|test| test["needs_protobuf"] != true)
                .collect();
            let mut passed = 0;
            for test in &tests {
                match run(test) {
                    Ok(()) => passed += 1,
                    Err(reason) => println!(
                        "  {file}: {} `{}`: {reason}",
                        test["name"],
                        test["expr"].as_str().unwrap()
                    ),
                }
            }
            println!("{file:16} {passed:4} of {:4}", tests.len());
            if passed * 100 < tests.len() * required {
                below.push(*file);
            }
        }
    }
    assert!(below.is_empty(), "below the required score: {below:?}");
}

fn run(test: &Json) -> Result<(), String> {
    let program = match compile(Dialect::Cel, test["expr"].as_str().unwrap()) {
        Ok(program) => program,
        Err(error) => return Err(format!("parse error: {error}")),
    };
    if test["disable_check"] != true {
        match check(&program, &environment(test)) {
            Ok(deduced) => {
                if let Some(wanted) = test["typed_result"].get("deduced_type").map(kind)
                    && wanted != deduced
                {
                    return Err(format!("has type {deduced}, expected {wanted}"));
                }
            }
            Err(errors) => {
                return Err(format!("check error: {} ({:?})", errors[0], errors[0].help));
            }
        }
    }
    if test["check_only"] == true {
        return Ok(());
    }
    let scope = Bindings::of(test);
    let result = program.eval(&scope, &mut Budget::default());
    if let Some(wanted) = test
        .get("value")
        .or_else(|| test["typed_result"].get("result"))
    {
        let wanted = value(wanted);
        return match result {
            Ok(value) if same(&value, &wanted) => Ok(()),
            Ok(value) => Err(format!("gave {value:?}, expected {wanted:?}")),
            Err(error) => Err(format!("{} error: {error}", error.kind.name())),
        };
    }
    if test.get("eval_error").is_some() {
        return match result {
            Err(error) if error.kind == ErrorKind::Eval => Ok(()),
            other => Err(format!("gave {other:?}, expected an error of evaluation")),
        };
    }
    Ok(())
}
