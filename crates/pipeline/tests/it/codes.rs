//! Codes: every wrong example has its code, every right one does not.
//!
//! An example is a part of a file; it is tried at every place where a part can stand, and has to show
//! its fault at one of them.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::broken;
use pipeline::{Request, SourceFile, codes, compile_with};
use std::collections::BTreeSet;

/// Codes whose fault is not in the text of a small file.
const NOT_SHOWN: [&str; 13] = [
    "E0101", "E0102", "E0103", "E0113", "E0114", "E0115", "E0502", "E0602", "E1008", "E1009",
    "E1010", "W0111", "W0112",
];

/// Places where an example can stand. `@` is the example.
const PLACES: [&str; 13] = [
    "@",
    "@\ntasks: {t: {run: x}}",
    "params: {profile: debug, publish: true}\ntasks: {t: {@, run: x}}",
    "params: {profile: debug, publish: true}\ntasks: {t: {@}}",
    "tasks: {lint: {run: x}, build: {run: x, outputs: {version: string}, artifacts: {out: {bin: x}}}, @}",
    "tasks: {lint: {run: x}, build: {run: x, outputs: {version: string}, artifacts: {out: {bin: x}}}, t: {needs: build, run: x, @}}",
    "tasks: {lint: {run: x}, t: {run: x, @}}",
    "tasks: {t: {run: x, artifacts: {out: {a: {paths: [x], @}}}}}",
    "tasks: {t: {run: x, resources: {@}}}",
    "tasks: {t: {run: x, retry: {max: 1, @}}}",
    "params: {profile: debug, publish: true}\ntasks:\n  t:\n    @",
    "tasks:\n  lint: {run: x}\n  build: {run: x}\n  @",
    "tasks: {t: {secrets: [TOKEN], steps: [{run: x, @}]}}",
];

/// Files that examples use.
const FILES: [&str; 4] = [
    "f.yaml\nuses itself",
    "ci/scan.yaml\nparams: {level: low, depth: 1}\ntask: {run: x}",
    "ci/deploy.yaml\nparams: {target: {type: string}}\nsecrets: [TOKEN]\ntask: {run: x}",
    "ci/timed.yaml\ntimeout: 5m\ntasks: {t: {run: x}}",
];

fn codes_of(text: &str) -> BTreeSet<&'static str> {
    let sources = broken::sources(&FILES);
    let file = SourceFile::new("f.yaml", text);
    let compiled = compile_with(&file, &sources, &Request::default());
    compiled.diagnostics.iter().map(|each| each.code).collect()
}

fn placed(place: &str, example: &str) -> String {
    let (line, _) = place.split_once('@').unwrap();
    let indent = line.rsplit('\n').next().unwrap();
    let indent = if indent.trim().is_empty() { indent } else { "" };
    place.replace('@', &example.replace('\n', &format!("\n{indent}")))
}

#[test]
fn every_wrong_example_has_its_code_and_every_right_one_is_right() {
    let mut unshown = Vec::new();
    for code in codes::ALL
        .iter()
        .filter(|code| !NOT_SHOWN.contains(&code.code))
    {
        let shown = PLACES.iter().any(|place| {
            let wrong = codes_of(&placed(place, code.wrong));
            let right = codes_of(&placed(place, code.right));
            wrong.contains(code.code)
                && !right.contains(code.code)
                && !right
                    .iter()
                    .any(|each| each.starts_with("E01") || each.starts_with("E02"))
        });
        if !shown {
            unshown.push(format!("{}: {} => {}", code.code, code.wrong, code.right));
        }
    }
    assert!(unshown.is_empty(), "{unshown:#?}");
}

#[test]
fn codes_are_in_order_and_have_one_meaning() {
    let all: Vec<&str> = codes::ALL.iter().map(|code| code.code).collect();
    let mut sorted = all.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(all, sorted);
    assert_eq!(codes::find("e0201").unwrap().code, "E0201");
    assert!(codes::find("E9999").is_none());
}

#[test]
fn every_code_is_in_the_table_of_broken_files() {
    let mut missing: BTreeSet<&str> = codes::ALL.iter().map(|code| code.code).collect();
    for case in broken::cases() {
        for each in case.diagnostics() {
            missing.remove(each.code);
        }
    }
    // Said of bytes, of very large files, of params that were given, and of files that the program looks for; other tests
    // have them.
    let elsewhere = [
        "E0101", "E0102", "E0115", "E0602", "E1008", "E1009", "E1010", "W0111", "W0112",
    ];
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), elsewhere);
}
