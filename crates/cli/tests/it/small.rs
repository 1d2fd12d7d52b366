//! `version`, `schema`, `explain`, `doctor`, and what holds for every command.

use crate::world::{Ran, World};
use std::process::Stdio;

#[test]
fn version_is_one_line_or_one_document() {
    let world = World::empty();
    let version = env!("CARGO_PKG_VERSION");
    let ran = world.formic(&["version"]).ok();
    assert_eq!(ran.out, format!("formic {version}\n"));
    let document = world.formic(&["version", "--json"]).ok().json();
    assert_eq!(document["schema"], "formic.version/v1");
    assert_eq!(document["version"], version);
}

#[test]
fn explain_shows_wrong_and_right() {
    let world = World::empty();
    let ran = world.formic(&["explain", "e0301"]).ok();
    let expected = "E0301: No task has this name.\n\n\
        wrong:\n    tasks: {lint: {run: make lint}, test: {needs: [lnt], run: make}}\n\n\
        right:\n    tasks: {lint: {run: make lint}, test: {needs: [lint], run: make}}\n";
    assert_eq!(ran.out, expected);
}

#[test]
fn explain_of_an_unknown_code_names_the_nearest() {
    let ran = World::empty().formic(&["explain", "E0331"]).code(6);
    assert_eq!(
        ran.err,
        "error: there is no code `E0331`\nhelp: did you mean `E0301`?\n"
    );
}

#[test]
fn schema_is_a_json_schema() {
    let schema = World::empty().formic(&["schema", "--json"]).ok().json();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

#[test]
fn doctor_names_every_part() {
    let document = World::with_git("tasks: {a: {run: 'true'}}\n")
        .formic(&["doctor", "--json"])
        .ok()
        .json();
    let checks = document["checks"].as_array().map(Vec::as_slice);
    let names: Vec<_> = checks
        .unwrap_or_default()
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    // What tasks are not held to is no part: CPU and processes are not bounded.
    assert_eq!(names, ["state", "git", "shell", "kill", "memory"]);
}

#[test]
fn a_flag_that_does_not_exist_is_a_usage_error() {
    let ran = World::empty().formic(&["run", "--nope"]).code(2);
    assert!(
        ran.err.contains("unexpected argument '--nope'"),
        "{}",
        ran.err
    );
}

#[test]
fn a_usage_error_is_a_document_too_when_one_was_asked_for() {
    let world = World::empty();
    for line in [
        "run --json --nope",
        "run --nope --events",
        "check --format json --nope",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        let ran = world.formic(&arguments).code(2);
        let document = ran.json();
        assert_eq!(document["schema"], "formic.error/v1", "{line}");
        assert_eq!(document["error"]["exit_code"], 2);
        assert_eq!(
            document["error"]["message"],
            "unexpected argument '--nope' found"
        );
        assert!(ran.err.contains("unexpected argument '--nope'"));
    }
    let ran = world.formic(&["replay", "--json"]).code(2);
    assert_eq!(
        ran.json()["error"]["message"],
        "the following required arguments were not provided: <RUN> <TASK>"
    );
    let ran = world.formic(&["--json"]).code(2);
    assert_eq!(ran.json()["error"]["message"], "no command was given");
}

#[test]
fn a_usage_error_prints_no_document_that_nobody_asked_for() {
    let ran = World::empty()
        .formic(&["run", "--nope", "--", "--json"])
        .code(2);
    assert_eq!(ran.out, "");
}

#[test]
fn help_and_version_are_not_errors() {
    let world = World::empty();
    let ran = world.formic(&["run", "--help", "--json"]).ok();
    assert!(ran.out.contains("Usage: formic run"), "{}", ran.out);
    let _ran = world.formic(&["--version"]).ok();
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let ran = World::empty().formic(&["-C", "nowhere", "ls"]).code(2);
    assert!(
        ran.err
            .starts_with("error: cannot go to the folder `nowhere`\n"),
        "{}",
        ran.err
    );
}

#[test]
fn a_fault_is_a_document_too_when_one_was_asked_for() {
    let ran = World::empty().formic(&["show", "--json"]).code(6);
    let document = ran.json();
    assert_eq!(document["schema"], "formic.error/v1");
    assert_eq!(document["error"]["exit_code"], 6);
    assert_eq!(
        document["error"]["help"][0],
        "`formic run` starts one; `-C DIR` goes to another project"
    );
}

#[test]
fn a_reader_that_goes_away_silences_the_output_and_nothing_else() {
    let world = World::empty();
    let (reader, writer) = std::io::pipe().expect("pipes can be had");
    drop(reader);
    let mut command = world.command(&["schema"]);
    let child = command.stdout(writer).stderr(Stdio::piped()).spawn();
    let output = child
        .expect("the program can be started")
        .wait_with_output();
    let ran = Ran::from(output.expect("it ends")).ok();
    assert_eq!(ran.err, "");
}

#[test]
fn a_run_whose_readers_are_gone_goes_on_to_its_end() {
    let world =
        World::new("name: p\ntasks: {a: {run: echo a}, b: {needs: [a], run: echo b > made}}\n");
    let (reader, writer) = std::io::pipe().expect("pipes can be had");
    let other = writer.try_clone().expect("descriptors can be had");
    drop(reader);
    let mut command = world.command(&["run", "--events"]);
    command.stdout(writer).stderr(other);
    let status = command.status().expect("the program can be started");
    assert_eq!(status.code(), Some(0));
    assert_eq!(world.read("made"), "b\n");
}
