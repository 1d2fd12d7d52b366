//! What the checker says, as documents carry it: file by file.

use crate::uses::Files;
use api::check::{CheckedFile, Finding, Unsupported};
use pipeline::Diagnostic;
use std::collections::BTreeMap;

/// What is said about a pipeline file and those that it refers to, file by file. A file that several refer to
/// is told of once.
pub(crate) fn by_file(
    files: &Files,
    said: Vec<Diagnostic>,
    unsupported: &[pipeline::Unsupported],
    checked: &mut Vec<CheckedFile>,
) {
    let is_red = said.iter().any(Diagnostic::is_error);
    let mut grouped: BTreeMap<&str, Vec<Diagnostic>> = BTreeMap::new();
    for later in unsupported {
        grouped.entry(&later.file).or_default();
    }
    let names: Vec<String> = said.iter().map(|each| each.file.clone()).collect();
    for (name, each) in names.iter().zip(said) {
        grouped.entry(name).or_default().push(each);
    }
    let own = &*files.source.name;
    let mut first = document(own, grouped.remove(own).unwrap_or_default(), unsupported);
    // It cannot be used without the others.
    first.accepted = !is_red;
    checked.push(first);
    for (name, said) in grouped {
        let other = document(name, said, unsupported);
        if !checked.contains(&other) {
            checked.push(other);
        }
    }
}

fn document(
    name: &str,
    said: Vec<Diagnostic>,
    unsupported: &[pipeline::Unsupported],
) -> CheckedFile {
    let own = unsupported.iter().filter(|later| later.file == name);
    let (errors, warnings): (Vec<_>, Vec<_>) = said.into_iter().partition(Diagnostic::is_error);
    CheckedFile {
        file: name.to_owned(),
        accepted: errors.is_empty(),
        errors: errors.into_iter().map(finding).collect(),
        warnings: warnings.into_iter().map(finding).collect(),
        unsupported: own
            .map(|later| Unsupported {
                key: later.key.clone(),
                line: later.line,
            })
            .collect(),
    }
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
