//! What the checker says, as documents carry it: file by file.

use crate::uses::Files;
use api::check::{CheckedFile, Finding, Unsupported};
use pipeline::Diagnostic;
use std::collections::BTreeMap;

/// The code of what this version cannot run.
const UNSUPPORTED: &str = "E0901";

/// What is said about a pipeline file and those that it refers to, file by file. A file that several refer to
/// is told of once.
pub(crate) fn by_file(files: &Files, said: Vec<Diagnostic>, checked: &mut Vec<CheckedFile>) {
    let is_red = said.iter().any(Diagnostic::is_error);
    let mut grouped: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    for each in said {
        grouped.entry(each.file.clone()).or_default().push(each);
    }
    let own = grouped.remove(&files.source.name).unwrap_or_default();
    let mut first = document(files, &files.source.name, own);
    // It cannot be used without the others.
    first.accepted = !is_red;
    checked.push(first);
    for (name, said) in grouped {
        let other = document(files, &name, said);
        if !checked.contains(&other) {
            checked.push(other);
        }
    }
}

fn document(files: &Files, name: &str, said: Vec<Diagnostic>) -> CheckedFile {
    let unsupported = said
        .iter()
        .filter(|each| each.code == UNSUPPORTED)
        .map(|each| Unsupported {
            key: marked(files, each),
            line: each.line,
        })
        .collect();
    let (errors, warnings): (Vec<_>, Vec<_>) = said.into_iter().partition(Diagnostic::is_error);
    CheckedFile {
        file: name.to_owned(),
        accepted: errors.is_empty(),
        errors: errors.into_iter().map(finding).collect(),
        warnings: warnings.into_iter().map(finding).collect(),
        unsupported,
    }
}

/// The characters that a diagnostic is about.
fn marked(files: &Files, diagnostic: &Diagnostic) -> String {
    let (start, end) = (diagnostic.span.start, diagnostic.span.end);
    let bytes = files.text_of(&diagnostic.file).get(start..end);
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

fn finding(diagnostic: Diagnostic) -> Finding {
    Finding {
        code: diagnostic.code.to_owned(),
        line: diagnostic.line,
        col: diagnostic.column,
        message: diagnostic.message,
        help: diagnostic.help,
    }
}
