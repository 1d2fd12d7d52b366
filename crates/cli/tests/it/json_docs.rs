//! Every document in `docs/json.md` against what the program prints: the same keys, and values of the same types.
//!
//! The page reads as one session. Its first YAML block is the pipeline and its first text block the file
//! `broken.yaml`; a block ```` ```yaml PATH ```` writes that file; `<!-- before: COMMAND -->` prepares, and a block
//! ```` ```json COMMAND # exit N ```` shows what its command prints, which ends with that code, or 0. Every key of an
//! example has to be explained in the section above it.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// One thing that the page does.
enum Part {
    File(String, String),
    Before(String),
    Shown(Example),
}

struct Example {
    line: usize,
    command: String,
    exit: i32,
    text: String,
    /// What the section says around its examples.
    section: String,
}

struct Page {
    pipeline: String,
    broken: String,
    parts: Vec<Part>,
}

fn page() -> Page {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut page = Page {
        pipeline: String::new(),
        broken: String::new(),
        parts: Vec::new(),
    };
    let mut section = String::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        if line.starts_with("## ") {
            section.clear();
        }
        let before = line.strip_prefix("<!-- before: ");
        if let Some(command) = before.and_then(|rest| rest.strip_suffix(" -->")) {
            page.parts.push(Part::Before(command.to_owned()));
        }
        let Some(info) = line.strip_prefix("```") else {
            writeln!(section, "{line}").unwrap();
            continue;
        };
        let inside = lines.by_ref().map(|(_, line)| line);
        let inside: Vec<&str> = inside.take_while(|line| *line != "```").collect();
        let inside = format!("{}\n", inside.join("\n"));
        match info.split_once(' ') {
            None if info == "yaml" && page.pipeline.is_empty() => page.pipeline = inside,
            Some(("yaml", path)) => page.parts.push(Part::File(path.to_owned(), inside)),
            None if info == "text" && page.broken.is_empty() => page.broken = inside,
            Some(("json", command)) => {
                let (command, exit) = command.split_once(" # exit ").unwrap_or((command, "0"));
                page.parts.push(Part::Shown(Example {
                    line: number,
                    command: command.to_owned(),
                    exit: exit.parse().unwrap(),
                    text: inside,
                    section: section.clone(),
                }));
            }
            _ => {}
        }
    }
    page
}

/// A key path with the types of the values that were seen there.
type Shape = BTreeMap<String, Vec<&'static str>>;

fn add(shape: &mut Shape, path: &str, value: &Value, open: &[&str]) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    let kinds = shape.entry(path.to_owned()).or_default();
    if !kinds.contains(&kind) {
        kinds.push(kind);
    }
    match value {
        Value::Array(items) => {
            for item in items {
                add(shape, &format!("{path}[]"), item, open);
            }
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                // Keys that the user chooses are not part of the form.
                let key = if open.iter().any(|open| path.ends_with(open)) {
                    "*"
                } else {
                    key
                };
                add(shape, &format!("{path}.{key}"), value, open);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Objects whose keys are names of the user's, or a table of the reference.
const NAMED_BY_USERS: [&str; 5] = [".outputs", ".artifacts", ".params", ".matrix", ".signal"];

fn shape(document: &Value) -> Shape {
    let mut shape = Shape::new();
    add(&mut shape, "", document, &NAMED_BY_USERS);
    shape
}

/// What is in one and not in the other. A list that is empty in one of them, and a value that is null in one of them,
/// say nothing about what else could stand there.
fn differences(shown: &Shape, printed: &Shape) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |one: &Shape, other: &Shape, what: &str| {
        for (path, kinds) in one {
            let known = |kinds: &Vec<&'static str>| kinds.iter().any(|kind| *kind != "null");
            match other.get(path) {
                Some(others) if known(kinds) && known(others) => {
                    let both = kinds.iter().any(|kind| others.contains(kind));
                    if !both {
                        found.push(format!("{what}: `{path}` is {kinds:?}, not {others:?}"));
                    }
                }
                Some(_) => {}
                None => {
                    let parent = path.rfind(['.', '[']).map_or("", |end| &path[..end]);
                    let absent = other.get(parent).is_none_or(|kinds| !known(kinds));
                    if !path.ends_with("[]") && !path.ends_with(".*") && !absent {
                        found.push(format!("{what}: `{path}` is not in the other"));
                    }
                }
            }
        }
    };
    compare(shown, printed, "the page");
    compare(printed, shown, "the program");
    found
}

fn unexplained(example: &Example, shape: &Shape) -> Vec<String> {
    let keys = shape.keys().filter_map(|path| path.rsplit('.').next());
    keys.map(|key| key.trim_end_matches("[]"))
        .filter(|key| !key.is_empty() && *key != "*")
        .filter(|key| !example.section.contains(&format!("`{key}`")))
        .map(|key| format!("`{key}` is not explained"))
        .collect()
}

/// Lines of events against the lines that were printed: each shown one has to have its like among them.
fn compare_lines(example: &Example, printed: &str, found: &mut Vec<String>) {
    let parse = |text: &str| -> Vec<Value> {
        let lines = text.lines().filter(|line| *line != "…");
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let printed = parse(printed);
    for shown in parse(&example.text) {
        let like =
            |other: &&Value| other["schema"] == shown["schema"] && other["event"] == shown["event"];
        let best = printed
            .iter()
            .filter(like)
            .map(|other| differences(&shape(&shown), &shape(other)))
            .min_by_key(Vec::len);
        match best {
            Some(differences) => found.extend(differences),
            None => found.push(format!("no line is like {shown}")),
        }
        found.extend(unexplained(example, &shape(&shown)));
    }
}

#[test]
fn what_the_page_about_json_shows_is_what_the_program_prints() {
    let page = page();
    let world = World::with_git(&page.pipeline);
    world.write("broken.yaml", &page.broken);
    let run = |command: &str| {
        let mut words = command.split_whitespace();
        assert_eq!(words.next(), Some("formic"), "{command}");
        world.formic(&words.collect::<Vec<_>>())
    };
    let mut failures = Vec::new();
    let mut shown = 0;
    for part in &page.parts {
        let example = match part {
            Part::File(path, text) => {
                world.write(path, text);
                continue;
            }
            Part::Before(command) => {
                let _ran = run(command);
                continue;
            }
            Part::Shown(example) => example,
        };
        shown += 1;
        let ran = run(&example.command).code(example.exit);
        let mut found = Vec::new();
        if example.command.contains("--events") {
            compare_lines(example, &ran.out, &mut found);
        } else {
            let (page, program) = (
                serde_json::from_str(&example.text).unwrap(),
                serde_json::from_str(&ran.out).unwrap(),
            );
            found = differences(&shape(&page), &shape(&program));
            found.extend(unexplained(example, &shape(&page)));
            assert_eq!(
                page["schema"], program["schema"],
                "docs/json.md:{}",
                example.line
            );
        }
        let at = format!("docs/json.md:{} `{}`", example.line, example.command);
        failures.extend(found.iter().map(|what| format!("{at}: {what}")));
        if !found.is_empty() {
            failures.push(format!("printed:\n{}", ran.out));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(shown >= 10, "the page shows only {shown} documents");
}

#[test]
fn a_page_that_has_rotted_is_noticed() {
    let of = |text: &str| shape(&serde_json::from_str(text).unwrap());
    let page = of(r#"{"a":1,"b":null,"l":[],"outputs":{"x":1},"old":2}"#);
    let program = of(r#"{"a":"1","b":{"c":1},"l":[{"d":1}],"outputs":{"y":2},"new":3}"#);
    assert_eq!(
        differences(&page, &program),
        [
            "the page: `.a` is [\"number\"], not [\"string\"]",
            "the page: `.old` is not in the other",
            "the program: `.a` is [\"string\"], not [\"number\"]",
            "the program: `.new` is not in the other",
        ]
    );
}
