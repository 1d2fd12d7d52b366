//! SARIF against its official schema, which lies beside this file (OASIS Open; SARIF 2.1.0, errata 01).
#![expect(clippy::unwrap_used, reason = "tests")]

use api::check::{CheckDocument, CheckedFile, Finding};
use api::explain::ExplainedCode;
use serde_json::Value;

fn finding(code: &str, line: u32) -> Finding {
    Finding {
        code: code.to_owned(),
        line,
        col: 5,
        message: "unknown key `need` in task `test`".to_owned(),
        help: Some("did you mean `needs`?".to_owned()),
    }
}

fn log() -> Value {
    let file = CheckedFile {
        file: ".formic/ci main.yaml".to_owned(),
        accepted: false,
        errors: vec![
            finding("E0201", 4),
            finding("E0105", 9),
            finding("E0201", 0),
        ],
        warnings: vec![finding("W0002", 2)],
        unsupported: Vec::new(),
    };
    let explain = |code: &str| {
        code.starts_with('E').then(|| ExplainedCode {
            code: code.to_owned(),
            meaning: "This key is not known here.".to_owned(),
            wrong: "need: [a]".to_owned(),
            right: "needs: [a]".to_owned(),
        })
    };
    api::sarif::log(&CheckDocument::new(vec![file]), "0.1.0", &explain)
}

fn faults(log: &Value) -> Vec<String> {
    // One of its patterns has a bracket too many, which strict regular expressions refuse.
    let text = include_str!("sarif-2.1.0.schema.json").replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator
        .iter_errors(log)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn a_log_is_valid_by_the_official_schema() {
    assert_eq!(faults(&log()), [""; 0]);
    let nothing = api::sarif::log(&CheckDocument::new(Vec::new()), "0.1.0", &|_| None);
    assert_eq!(faults(&nothing), [""; 0]);
}

#[test]
fn the_schema_notices_a_fault() {
    let mut log = log();
    log["runs"][0]["results"][0]["level"] = "fatal".into();
    log["runs"][0]["tool"]["driver"]["name"].take();
    assert_eq!(faults(&log).len(), 2);
}

#[test]
fn a_result_names_its_rule_by_number_and_its_place() {
    let log = log();
    let run = &log["runs"][0];
    let rules = &run["tool"]["driver"]["rules"];
    for result in run["results"].as_array().unwrap() {
        let place = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[place]["id"], result["ruleId"]);
    }
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], ".formic/ci%20main.yaml");
    assert_eq!(place["region"]["startLine"], 4);
    let levels: Vec<&Value> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["level"])
        .collect();
    assert_eq!(levels, ["error", "error", "error", "warning"]);
}
