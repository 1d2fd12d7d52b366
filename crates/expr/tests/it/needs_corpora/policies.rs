//! Policies of Kyverno and Gatekeeper: their expressions parse and check in an open environment.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

use std::fs;
use std::path::Path;

use expr::{Dialect, TypeEnv, check, compile};
use granit_parser::{Event, Parser};

use super::folder;

#[test]
fn policies_parse_and_check() {
    for corpus in ["kyverno-cel", "gatekeeper-cel"] {
        let folder = folder(corpus);
        let mut expressions = Vec::new();
        collect(&folder, &mut expressions);
        expressions.sort();
        expressions.dedup();
        let env = TypeEnv::open();
        let mut passed = 0;
        for text in &expressions {
            let checked = compile(Dialect::Cel, text)
                .map_err(|error| vec![error])
                .and_then(|program| check(&program, &env));
            match checked {
                Ok(_) => passed += 1,
                Err(errors) => println!("  {corpus}: {}: {text}", errors[0]),
            }
        }
        let total = expressions.len();
        println!(
            "{corpus:16} {passed:4} of {total:4}, {:.1} %",
            100.0 * f64::from(passed) / total as f64
        );
        assert!(total > 20, "{corpus} has expressions");
        assert!(
            passed as usize * 100 >= total * 98,
            "{corpus} is below 98 %"
        );
    }
}

fn collect(folder: &Path, expressions: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, expressions);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            expressions.extend(expressions_of(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Scalars under the keys that hold expressions.
fn expressions_of(yaml: &str) -> Vec<String> {
    let mut found = Vec::new();
    // For each open collection: a mapping's current key, if a value is to come.
    let mut open: Vec<Option<Option<String>>> = Vec::new();
    for event in Parser::new_from_str(yaml) {
        let Ok((event, _)) = event else { break };
        match event {
            Event::Scalar(text, ..) => {
                let Some(Some(key)) = open.last_mut() else {
                    continue;
                };
                match key.take() {
                    None => *key = Some(text.into_owned()),
                    Some(name) if name == "expression" || name == "messageExpression" => {
                        found.push(text.into_owned())
                    }
                    Some(_) => {}
                }
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if let Some(Some(key)) = open.last_mut() {
                    *key = None;
                }
                open.push(matches!(event, Event::MappingStart(..)).then_some(None));
            }
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
            }
            _ => {}
        }
    }
    found
}
