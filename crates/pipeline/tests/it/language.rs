//! The reference of the language and the page for newcomers from other systems: they say what the tables say, and every
//! example on them is right.

use expr::{Budget, Dialect, MapScope, Value};
use pipeline::{SourceFile, check, function_samples, reference_markdown};
use serde_json::json;
use std::collections::BTreeSet;

const LANGUAGE: &str = include_str!("../../../../docs/language.md");
const COMING_FROM: &str = include_str!("../../../../docs/coming-from.md");

/// The smallest pipelines in which an example can stand. `@` is the example; `BASE` is the top of a file with tasks to refer to.
const PLACES: &[(&str, &[&str])] = &[
    (
        "pipeline",
        &[
            "@\n",
            "@\ntasks: {t: {run: x}}",
            "@\nparams: {target: x}\ntasks: {t: {run: x}}",
            "@\ntasks: {build: {run: x, outputs: {version: string}}}",
        ],
    ),
    ("task", TASK),
    ("generated tasks", &["@\ntasks: {t: {run: x}}", "@\n"]),
    ("included file", &["@\ntasks: {t: {run: x}}", "@\n"]),
    ("on", &["on: { @ }\ntasks: {t: {run: x}}"]),
    ("on.push", &["on: { push: { @ } }\ntasks: {t: {run: x}}"]),
    ("on.tag", &["on: { tag: { @ } }\ntasks: {t: {run: x}}"]),
    (
        "on.schedule",
        &[
            "on: { schedule: [{ @ }] }\nparams: {full: false}\ntasks: {t: {run: x}}",
            "on: { schedule: [{ cron: \"0 3 * * *\", @ }] }\nparams: {full: false}\ntasks: {t: {run: x}}",
        ],
    ),
    ("param", &["params: { p: { @ } }\ntasks: {t: {run: x}}"]),
    (
        "given output",
        &[
            "outputs: { o: { @ } }\ntasks: {build: {run: x, outputs: {version: string}}}",
            "outputs: { o: { value: x, @ } }\ntasks: {build: {run: x}}",
            "outputs: { o: { value: \"1\", type: number, @ } }\ntasks: {build: {run: x}}",
            "outputs: { o: { value: small, @ } }\ntasks: {build: {run: x}}",
        ],
    ),
    ("env", &["env: { @ }\ntasks: {t: {run: x}}"]),
    (
        "concurrency",
        &[
            "concurrency: { @ }\ntasks: {t: {run: x}}",
            "concurrency: { group: x, @ }\ntasks: {t: {run: x}}",
        ],
    ),
    (
        "step",
        &[
            "tasks: {t: {steps: [{ run: x, @ }]}}",
            "tasks: {t: {steps: [{name: compile, run: x, outputs: {version: string}}, { run: x, @ }]}}",
            "tasks: {t: {steps: [{name: compile, run: x, outputs: {version: string}}, { @ }]}}",
            "tasks: {t: {secrets: [T, TOKEN], steps: [{name: compile, run: x, outputs: {version: string}}, { run: x, @ }]}}",
        ],
    ),
    (
        "post",
        &[
            "tasks: {t: {steps: [{run: x, post: { @ }}]}}",
            "tasks: {t: {steps: [{run: x, post: { run: x, @ }}]}}",
        ],
    ),
    ("step env", &["tasks: {t: {steps: [{run: x, env: { @ }}]}}"]),
    (
        "container",
        &[
            "tasks: {t: {run: x, container: { @ }}}",
            "tasks: {t: {run: x, container: { image: rust, @ }}}",
        ],
    ),
    (
        "image",
        &[
            "params: {version: '1'}\ntasks: {t: {image: { @ }}}",
            "tasks: {t: {image: { tags: [shop], @ }}}",
        ],
    ),
    (
        "need",
        &[
            "tasks: {docs: {run: x}, t: {run: x, needs: [{ @ }]}}",
            "tasks: {docs: {run: x}, t: {run: x, needs: [{ task: docs, @ }]}}",
        ],
    ),
    (
        "matrix",
        &["tasks: {t: {run: x, matrix: { os: [mac, linux], shard: [1, 2], @ }}}"],
    ),
    (
        "retry",
        &[
            "tasks: {t: {run: x, retry: { @ }}}",
            "tasks: {t: {run: x, retry: { max: 2, @ }}}",
        ],
    ),
    (
        "approval",
        &[
            "tasks: {t: {run: x, approval: { @ }}}",
            "tasks: {t: {run: x, approval: { prompt: x, @ }}}",
        ],
    ),
    (
        "start",
        &[
            "tasks: {t: {run: x, start: { @ }}}",
            "tasks: {t: {run: x, start: { manual: true, @ }}}",
        ],
    ),
    ("resources", &["tasks: {t: {run: x, resources: { @ }}}"]),
    ("tolerance", &["tasks: {t: {run: x, allow_failure: { @ }}}"]),
    (
        "output",
        &[
            "tasks: {t: {run: x, outputs: { o: { @ } }}}",
            "tasks: {t: {run: x, outputs: { o: { type: number, @ } }}}",
            "tasks: {t: {steps: [{name: compile, run: x, outputs: {version: string}}], outputs: { o: { @ } }}}",
            "tasks: {t: {run: x, artifacts: {out: {image: x}}, outputs: { o: { @ } }}}",
        ],
    ),
    (
        "artifacts",
        &[
            "tasks: {build: {run: x, artifacts: {out: {binary: x}}}, t: {run: x, needs: [build], artifacts: { @ }}}",
        ],
    ),
    (
        "artifact",
        &[
            "tasks: {t: {run: x, artifacts: {out: {a: { @ }}}}}",
            "tasks: {t: {run: x, artifacts: {out: {a: { paths: [x], @ }}}}}",
        ],
    ),
    (
        "taken artifact",
        &[
            "tasks: {build: {run: x, artifacts: {out: {binary: x}}}, t: {run: x, needs: [build], artifacts: { in: [{ name: binary, @ }]}}}",
            "tasks: {build: {run: x, artifacts: {out: {binary: x}}}, t: {run: x, needs: [build], artifacts: { in: [{ from: build, @ }]}}}",
            "tasks: {build: {run: x, artifacts: {out: {binary: x}}}, t: {run: x, needs: [build], artifacts: { in: [{ from: build, name: binary, @ }]}}}",
        ],
    ),
    ("reports", &["tasks: {t: {run: x, reports: { @ }}}"]),
    (
        "cache",
        &[
            "tasks: {t: {run: x, cache: [{ paths: [x], @ }]}}",
            "tasks: {t: {run: x, cache: [{ key: x, @ }]}}",
            "tasks: {t: {run: x, cache: [{ key: x, paths: [x], @ }]}}",
        ],
    ),
    (
        "service",
        &[
            "tasks: {t: {run: x, services: {db: { @ }}}}",
            "tasks: {t: {run: x, services: {db: { run: x, @ }}}}",
            "tasks: {t: {run: x, services: {db: { run: x, ready: x, @ }}}}",
        ],
    ),
];

/// Places of the keys of a task.
const TASK: &[&str] = &[
    "tasks:\n  t:\n    @",
    "tasks:\n  t:\n    run: x\n    @",
    "tasks:\n  lint: {run: x}\n  docs: {run: x}\n  build: {run: x}\n  t:\n    run: x\n    @",
    BASE,
    "params: {profile: debug, publish: true}\ntasks:\n  build: {run: x, outputs: {version: string}}\n  t:\n    run: x\n    needs: [build]\n    @",
    "tasks:\n  t:\n    run: x\n    secrets: [T, TOKEN]\n    @",
    "secrets: [REGISTRY_TOKEN]\ntasks:\n  t:\n    run: x\n    @",
    "tasks:\n  t:\n    run: x\n    matrix: {os: [a, b]}\n    @",
    "tasks:\n  t:\n    steps: [{name: compile, run: x, outputs: {version: string}}]\n    outputs: {v: {from: \"${{ steps.compile.outputs.version }}\"}}\n    @",
    "tasks:\n  t:\n    steps:\n      - {name: compile, run: x, outputs: {version: string}}\n      - run: x\n        @",
    "tasks:\n  t:\n    uses: ./ci/scan.yaml\n    @",
];

const BASE: &str = "params: {profile: debug, publish: true}\ntasks:\n  build: {run: x, outputs: {version: string, shards: list}, artifacts: {out: {binary: x}}}\n  t:\n    run: x\n    needs: [build]\n    @";

/// What is wrong with `example` at the place where it does best; `None` if it can stand at one of them.
fn fault(places: &[&str], example: &str) -> Option<String> {
    let mut best: Option<Vec<String>> = None;
    for place in places {
        let text = place.replace('@', example);
        let errors: Vec<String> = check(&SourceFile::new("formic.yaml", text.clone()))
            .iter()
            .filter(|each| each.is_error() && !is_about_another_file(each.code))
            .map(|each| format!("{} {} in {text:?}", each.code, each.message))
            .collect();
        if errors.is_empty() {
            return None;
        }
        if best.as_ref().is_none_or(|best| errors.len() < best.len()) {
            best = Some(errors);
        }
    }
    Some(best.unwrap_or_default().join("\n"))
}

/// Whether an error says only that a file which the example names was not handed in.
fn is_about_another_file(code: &str) -> bool {
    code == "E1002"
}

/// The cells of a row of a table; `None` for other lines.
fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let inner = inner.replace("\\|", "\u{0}");
    let cells = inner.split(" | ");
    Some(
        cells
            .map(|cell| cell.trim().replace('\u{0}', "|"))
            .collect(),
    )
}

/// The text of a cell that is code; CommonMark takes one space away at each end.
fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

#[test]
fn the_reference_is_what_the_definitions_say() {
    let made = reference_markdown();
    let first = made.lines().zip(LANGUAGE.lines()).find(|(a, b)| a != b);
    assert!(
        made == LANGUAGE,
        "docs/language.md differs from the definitions, first in {first:#?}\nhelp: `cargo xtask docs --write` writes it again"
    );
}

#[test]
fn every_example_of_a_key_can_stand_in_a_pipeline() {
    let (mut section, mut faults, mut tried) = ("", Vec::new(), 0);
    for line in LANGUAGE
        .lines()
        .take_while(|line| *line != "## How values are written")
    {
        if let Some(name) = line.strip_prefix("### ") {
            section = name;
        }
        let Some(cells) = cells(line).filter(|cells| cells.len() == 7) else {
            continue;
        };
        let Some(example) = code(&cells[6]).filter(|_| !cells[4].contains("refused")) else {
            continue;
        };
        let places = PLACES.iter().find(|(name, _)| *name == section);
        let Some((_, places)) = places else {
            faults.push(format!("PLACES has none for `{section}`"));
            continue;
        };
        tried += 1;
        faults.extend(fault(places, example).map(|fault| format!("{section}: {example}: {fault}")));
    }
    assert!(tried > 100, "only {tried} examples were found");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_name_and_function_of_a_run_has_an_example_that_is_right() {
    let tables = ["| Name | From |", "| Function | Where |"];
    let (mut in_table, mut tried, mut faults) = (false, 0, Vec::new());
    for line in LANGUAGE.lines() {
        let Some(cells) = cells(line) else {
            in_table = in_table && line.starts_with('|');
            continue;
        };
        if tables.iter().any(|head| line.starts_with(head)) {
            in_table = true;
        } else if in_table && let Some(example) = code(&cells[3]) {
            tried += 1;
            faults.extend(fault(TASK, example));
        }
    }
    assert!(tried >= 16, "only {tried} examples were found");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_function_has_an_example_and_every_example_its_value() {
    let value = |text: &str| -> Value {
        let program = expr::compile(Dialect::Cel, text).unwrap_or_else(|e| panic!("{text}: {e}"));
        program
            .eval(&MapScope::default(), &mut Budget::default())
            .unwrap_or_else(|e| panic!("{text}: {e}"))
    };
    let mut shown = BTreeSet::new();
    for (name, example, gives) in function_samples() {
        shown.insert(*name);
        assert_eq!(value(example), value(gives), "{example}");
        let file =
            json!({ "tasks": { "t": { "run": "x", "when": format!("[{example}] != []") } } });
        let said = check(&SourceFile::new("f.yaml", file.to_string()));
        assert!(
            said.iter().all(|each| !each.is_error()),
            "{example}: {said:?}"
        );
        let last = name.rsplit('.').next().unwrap();
        let is_word = last.chars().all(char::is_alphabetic);
        assert!(!is_word || example.contains(last), "{name}: {example}");
    }
    let missing: Vec<&str> = expr::catalogue::functions()
        .map(|(name, _)| name)
        .filter(|name| !shown.contains(name))
        .collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}

#[test]
fn every_after_of_coming_from_can_stand_in_a_pipeline() {
    let places: Vec<&str> = PLACES[0].1.iter().chain(TASK).copied().collect();
    let (mut section, mut faults) = ("", Vec::new());
    let mut rows: Vec<(&str, usize)> = Vec::new();
    for line in COMING_FROM.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            section = name;
            rows.push((name, 0));
        }
        let Some(cells) = cells(line).filter(|_| !line.starts_with("| There")) else {
            continue;
        };
        rows.last_mut().unwrap().1 += 1;
        // The last cell is empty where there is nothing to write.
        let Some(example) = cells.get(3).and_then(|cell| code(cell)) else {
            continue;
        };
        faults
            .extend(fault(&places, example).map(|fault| format!("{section}: {example}: {fault}")));
    }
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|(_, count)| *count >= 25), "{rows:?}");
    assert!(faults.is_empty(), "{faults:#?}");
}
