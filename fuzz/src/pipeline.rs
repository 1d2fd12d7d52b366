//! Pipeline files: any bytes have an answer, and its places lie in the files; a plan is written and read back.

use std::collections::BTreeMap;

use pipeline::{
    Address, Around, Diagnostic, Request, SourceFile, Sources, Span, check_with, compile_fragment,
    compile_with, to_json,
};
use serde_json::Value as Json;

/// What separates the files in the bytes: a line with the path of the next one.
const NEXT_FILE: &[u8] = b"\n=== ./";

/// Files by name.
type Files<'a> = BTreeMap<String, &'a [u8]>;

/// Checks, compiles and writes the bytes as a pipeline file, with those that it may refer to behind it.
pub fn hold(bytes: &[u8]) {
    let (file, sources, files) = split(bytes);
    let checked = check_with(&file, &sources);
    told_well(&checked.diagnostics, &files);
    let compiled = compile_with(&file, &sources, &Request::default());
    told_well(&compiled.diagnostics, &files);
    let is_refused = compiled.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(compiled.plan.is_none(), is_refused);
    assert!(
        compiled.missing.is_empty() || is_refused,
        "{:?}",
        compiled.missing
    );
    // What is wrong whatever the file is run for keeps it from being run.
    if checked.diagnostics.iter().any(Diagnostic::is_error) {
        assert!(
            is_refused,
            "refused by the check alone: {:?}",
            checked.diagnostics
        );
    }
    if let Some(plan) = &compiled.plan {
        let written = serde_json::to_string(plan).expect("a plan is JSON");
        let read: model::plan::Plan = serde_json::from_str(&written).expect("a plan is read back");
        assert!(read == *plan, "another plan is read back: {written}");
        edges_lead_somewhere(plan);
        let json = serde_json::from_str(&written).expect("it was just written");
        expressions_parse(&json);
        assert!(to_json(&file).is_some(), "a file with a plan is YAML");
    }
    match compile_fragment(&file, &Around::default()) {
        Ok(fragment) => assert!(!fragment.scopes.is_empty()),
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty(), "refused without a word");
            told_well(&diagnostics, &files);
        }
    }
}

fn split(bytes: &[u8]) -> (SourceFile, Sources, Files<'_>) {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = find(rest, NEXT_FILE) {
        parts.push(&rest[..=at]);
        rest = &rest[at + NEXT_FILE.len()..];
    }
    parts.push(rest);
    let mut parts = parts.into_iter();
    let own = parts.next().unwrap_or_default();
    let file = SourceFile::new("f.yaml", own);
    let mut files = Files::from([(file.name.clone(), own)]);
    let mut sources = Sources::new();
    for part in parts {
        let end = part
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(part.len());
        let path = String::from_utf8_lossy(&part[..end]);
        let text = part.get(end + 1..).unwrap_or_default();
        if let Ok(address) = Address::parse_whole(&format!("./{path}")) {
            files.entry(address.name()).or_insert(text);
            sources.insert_file(address, text);
        }
    }
    (file, sources, files)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|found| found == wanted)
}

/// Each thing that is said has a place in its file, the line and column of that place, and words.
fn told_well(diagnostics: &[Diagnostic], files: &Files<'_>) {
    let mut count: BTreeMap<_, usize> = BTreeMap::new();
    for each in diagnostics {
        *count.entry((&each.file, each.severity)).or_default() += 1;
    }
    for (place, count) in count {
        assert!(count <= pipeline::ERRORS_PER_FILE, "{count} of {place:?}");
    }
    for pair in diagnostics.windows(2) {
        let is_ordered = pair[0].file != pair[1].file || pair[0].span.start <= pair[1].span.start;
        assert!(is_ordered, "not by position: {pair:?}");
    }
    for each in diagnostics {
        assert!(!each.message.is_empty(), "{each:?}");
        assert!(
            each.message.len() < 2_000,
            "{} bytes: {each:?}",
            each.message.len()
        );
        stands_in(files, &each.file, each.span, (each.line, each.column));
        for (span, _) in &each.labels {
            let length = files[&each.file].len();
            assert!(span.start <= span.end && span.end <= length, "{each:?}");
        }
        for other in &each.elsewhere {
            stands_in(files, &other.file, other.span, (other.line, other.column));
        }
    }
}

fn stands_in(files: &Files<'_>, file: &str, span: Span, place: (u32, u32)) {
    let bytes = *files
        .get(file)
        .unwrap_or_else(|| panic!("there is no file `{file}`"));
    assert!(
        span.start <= span.end && span.end <= bytes.len(),
        "{span:?} is not in `{file}` of {} bytes",
        bytes.len()
    );
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let before = text.get(..span.start);
    let before = before.unwrap_or_else(|| panic!("{span:?} is inside a character of `{file}`"));
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    assert_eq!(
        (place.0 as usize, place.1 as usize),
        (line, column),
        "{span:?} of `{file}`"
    );
}

fn edges_lead_somewhere(plan: &model::plan::Plan) {
    for task in &plan.tasks {
        for edge in &task.needs {
            assert!(edge.task.index() < plan.tasks.len(), "{edge:?}");
        }
    }
    for scope in &plan.scopes {
        for task in &scope.tasks {
            assert!(task.index() < plan.tasks.len(), "{task:?}");
        }
    }
}

/// Every expression of a plan that was accepted can be evaluated where it is needed: it parses.
fn expressions_parse(json: &Json) {
    match json {
        Json::Object(members) => {
            if let (Some(Json::String(dialect)), Some(Json::String(text))) =
                (members.get("dialect"), members.get("text"))
            {
                let dialect = expr::Dialect::from_name(dialect).expect("a dialect of ours");
                let parses = expr::compile(dialect, text).is_ok()
                    || expr::Template::parse(dialect, text).is_ok();
                assert!(parses, "the plan holds `{text}`");
            }
            members.values().for_each(expressions_parse);
        }
        Json::Array(items) => items.iter().for_each(expressions_parse),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
