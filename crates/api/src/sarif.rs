//! What was found in files as SARIF 2.1.0, the form that code scanners and code hosts exchange.
//!
//! One run with one tool. Rules are the codes that were found, so that a log says everything about itself; results
//! name them by number. Files are relative addresses, as SARIF wants them.

use crate::check::{CheckDocument, CheckedFile, Finding};
use crate::explain::ExplainedCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The version of SARIF.
pub const VERSION: &str = "2.1.0";
/// The address of its schema.
pub const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The log of `document`; `explain` describes a code, `version` is that of the program.
#[must_use]
pub fn log(
    document: &CheckDocument,
    version: &str,
    explain: &dyn Fn(&str) -> Option<ExplainedCode>,
) -> Value {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for file in &document.files {
        for (_, finding) in findings(file) {
            places.insert(&finding.code, 0);
        }
    }
    let mut rules = Vec::new();
    for (code, place) in &mut places {
        *place = rules.len();
        rules.push(rule(code, explain(code)));
    }
    let results: Vec<Value> = document
        .files
        .iter()
        .flat_map(|file| {
            let places = &places;
            findings(file).map(move |(level, finding)| {
                result(level, &file.file, finding, places[finding.code.as_str()])
            })
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [{
            "tool": { "driver": {
                "name": "formic",
                "semanticVersion": version,
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn findings(file: &CheckedFile) -> impl Iterator<Item = (&'static str, &Finding)> {
    let errors = file.errors.iter().map(|finding| ("error", finding));
    errors.chain(file.warnings.iter().map(|finding| ("warning", finding)))
}

fn rule(code: &str, explained: Option<ExplainedCode>) -> Value {
    let Some(explained) = explained else {
        return json!({ "id": code });
    };
    let ExplainedCode {
        meaning,
        wrong,
        right,
        ..
    } = explained;
    json!({
        "id": code,
        "shortDescription": { "text": meaning },
        "help": { "text": format!("wrong:\n{wrong}\n\nright:\n{right}") },
    })
}

fn result(level: &str, file: &str, finding: &Finding, rule: usize) -> Value {
    let Finding {
        code,
        line,
        col,
        message,
        help,
    } = finding;
    let help = help.as_deref().map(|help| format!("\nhelp: {help}"));
    json!({
        "ruleId": code,
        "ruleIndex": rule,
        "level": level,
        "message": { "text": format!("{message}{}", help.unwrap_or_default()) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(file) },
                "region": { "startLine": (*line).max(1), "startColumn": (*col).max(1) },
            },
        }],
    })
}

/// A path as a relative address: what has a meaning in addresses is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(byte.into());
        } else {
            write!(uri, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    if uri.starts_with('/') {
        uri.insert_str(0, "file://");
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_an_address() {
        assert_eq!(uri("a b/é:c.yaml"), "a%20b/%C3%A9%3Ac.yaml");
        assert_eq!(uri("/srv/ci.yaml"), "file:///srv/ci.yaml");
    }
}
