//! The JSON Schema and the checker agree: on every good sample, and on every fault of form.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::broken;
use crate::places::Places;
use crate::samples;
use pipeline::{SourceFile, check, json_schema};
use serde_json::Value;
use std::ops::Range;

/// Codes of faults that the schema sees too.
pub(crate) const FORM: [&str; 21] = [
    "E0201", "E0202", "E0203", "E0204", "E0205", "E0206", "E0207", "E0208", "E0209", "E0210",
    "E0211", "E0212", "E0213", "E0214", "E0215", "E0216", "E0217", "E0218", "E0224", "E0406",
    "E0901",
];

/// Faults that have a code of form, and that only the meaning of a text shows.
const BEYOND: [&str; 5] = [
    "a longest pause that is shorter than the first",
    "a time of nothing",
    "a pattern that is empty",
    "a task of ours",
    "a task from a registry",
];

pub(crate) fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&json_schema()).unwrap()
}

/// The file as an editor sees it.
pub(crate) fn json(text: &str) -> Option<Value> {
    pipeline::to_json(&SourceFile::new("f.yaml", text))
}

#[test]
fn the_schema_is_a_schema() {
    jsonschema::draft202012::meta::validate(&json_schema()).unwrap();
}

#[test]
fn good_files_fit_the_schema() {
    let validator = validator();
    for (name, text) in samples::GOOD {
        let errors: Vec<String> = validator
            .iter_errors(&json(text).unwrap())
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
}

#[test]
fn faults_of_form_break_the_schema_and_others_do_not() {
    let validator = validator();
    for case in broken::cases() {
        let Some(json) = json(&case.file) else {
            continue;
        };
        let said = check(&SourceFile::new("f.yaml", case.file.clone()));
        // Faults of YAML leave a tree that no editor would see.
        if said.iter().any(|each| each.code.starts_with("E01"))
            || BEYOND.contains(&case.title.as_str())
        {
            continue;
        }
        let of_form: Vec<_> = said
            .iter()
            .filter(|each| FORM.contains(&each.code))
            .collect();
        let codes: Vec<&str> = said.iter().map(|each| each.code).collect();
        let errors: Vec<_> = validator.iter_errors(&json).collect();
        let by_schema: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            by_schema.is_empty(),
            of_form.is_empty(),
            "{}: {codes:?} {by_schema:#?}",
            case.title
        );
        // Each fault that the schema finds is one that the checker finds there, and the other way round.
        let places = Places::of(&case.file);
        let ranges: Vec<Range<usize>> = errors
            .iter()
            .flat_map(|error| places.of_error(error))
            .collect();
        // That a time is too short is seen only by what it means.
        let areas: Vec<Range<usize>> = of_form
            .iter()
            .filter(|each| !each.message.contains("expected 1ms to"))
            .map(|each| places.from(each.span.start))
            .collect();
        let meet = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
        for range in &ranges {
            let is_said = areas.iter().any(|area| meet(area, range));
            assert!(
                is_said,
                "{}: only the schema finds a fault at {range:?}: {codes:?} {by_schema:#?}",
                case.title
            );
        }
        for area in &areas {
            let is_found = ranges.iter().any(|range| meet(area, range));
            assert!(
                is_found,
                "{}: only the checker finds a fault at {area:?}: {codes:?} {by_schema:#?}",
                case.title
            );
        }
    }
}
