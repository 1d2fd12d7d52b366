//! `formic check` asks nobody and writes nothing: what is not here is told of at its `uses`, and hides nothing else.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::lock::{SCAN, local, remote};
use crate::world::{Ran, World};
use serde_json::Value;
use std::fs;

/// A reference to a machine where nobody listens: who asks it fails.
const NOWHERE: &str = "git+http://127.0.0.1:1/r//x.yaml@v1";

fn checked(world: &World) -> Value {
    world.formic(&["check", "--json"]).json()
}

/// Code and line of everything that is said about a file.
fn said(document: &Value, file: &str) -> Vec<String> {
    let files = document["files"].as_array().unwrap();
    let file = files.iter().find(|each| each["file"] == file).unwrap();
    let of = |list: &str| {
        let all = file[list].as_array().unwrap().clone();
        all.into_iter()
            .map(|each| format!("{}:{}", each["code"].as_str().unwrap(), each["line"]))
    };
    of("errors").chain(of("warnings")).collect()
}

#[test]
fn what_is_not_pinned_is_a_warning_where_somebody_works_and_nothing_is_written() {
    let world = local();
    let _ran = world
        .formic(&["check"])
        .ok()
        .says("warning[W0111]: `formic.lock` does not pin `ci/scan.yaml` yet")
        .says("--> formic.yaml:2:17")
        .says("`formic lock` pins it, and so does the next `formic run`; commit `formic.lock`");
    assert!(!world.dir().join("formic.lock").exists());
    let _ran = world.formic(&["lock"]).ok();
    assert_eq!(said(&checked(&world), "formic.yaml"), [""; 0]);
}

#[test]
fn in_ci_what_is_not_pinned_is_an_error_beside_all_others() {
    let world = local();
    world.write(".formic/other.yaml", "tasks: {a: {run: x, need: b}}\n");
    let mut command = world.command(&["check", "--json"]);
    let document = Ran::of(command.env("CI", "true")).code(1).json();
    assert_eq!(said(&document, "formic.yaml"), ["E1009:2"]);
    assert_eq!(said(&document, ".formic/other.yaml"), ["E0201:1"]);
}

#[test]
fn nobody_is_asked_and_every_file_is_told_of() {
    let world = World::new(&format!(
        "tasks:\n  a: {{ uses: \"{NOWHERE}\" }}\n  b: {{ run: x, need: a }}\n"
    ));
    world.write(".formic/other.yaml", "tasks: {a: {runs: x}}\n");
    let document = checked(&world);
    assert_eq!(said(&document, "formic.yaml"), ["E0201:3", "W0111:2"]);
    assert_eq!(said(&document, ".formic/other.yaml"), ["E0201:1"]);
    let message = &document["files"][0]["warnings"][0]["message"];
    assert_eq!(
        message,
        "`formic.lock` does not pin `git+http://127.0.0.1:1/r//x.yaml@v1` yet, so it was not looked into"
    );
}

#[test]
fn a_fresh_clone_without_network_is_accepted_with_a_warning() {
    let world = remote("both.yaml@v1");
    let _ran = world.formic(&["lock"]).ok();
    let _ran = world.formic(&["check"]).ok();
    assert_eq!(said(&checked(&world), "formic.yaml"), [""; 0]);
    fs::remove_dir_all(world.outside().join("home/.cache")).unwrap();
    fs::remove_dir_all(world.outside().join("shared")).unwrap();
    let mut command = world.command(&["check"]);
    let _ran = Ran::of(command.env("CI", "true"))
        .ok()
        .says("warning[W0112]: `git+file://")
        .says("was not fetched here, so it was not looked into")
        .says("`formic plan` fetches what is not at hand; `formic check` uses no network")
        .says("formic.yaml: ok, 1 warning\n");
}

#[test]
fn a_file_that_does_not_fit_its_pin_is_looked_into_too() {
    let world = local();
    let _ran = world.formic(&["lock"]).ok();
    world.write("ci/scan.yaml", &format!("{SCAN}more: 1\n"));
    let document = checked(&world);
    assert_eq!(said(&document, "formic.yaml"), ["E1008:2"]);
    assert_eq!(said(&document, "ci/scan.yaml"), ["E0201:8"]);
}

#[test]
fn a_broken_lock_is_told_with_its_line_beside_all_others() {
    let world = local();
    let _ran = world.formic(&["lock"]).ok();
    world.write("formic.lock", "version = 1\n<<<<<<< ours\n");
    world.write(".formic/other.yaml", "tasks: {a: {runs: x}}\n");
    let document = checked(&world);
    assert_eq!(said(&document, "formic.lock"), ["E1010:2"]);
    assert_eq!(said(&document, "formic.yaml"), [""; 0]);
    assert_eq!(said(&document, ".formic/other.yaml"), ["E0201:1"]);
}

#[test]
fn a_file_that_cannot_be_read_hides_nothing_of_the_others() {
    let world = World::empty();
    world.write("wrong.yaml", "tasks: {a: {runs: x}}\n");
    world.write(".github/flows/ci.yml", "on: push\n");
    fs::create_dir(world.dir().join("folder")).unwrap();
    let files = ["none.yaml", "folder", ".github/flows/ci.yml", "wrong.yaml"];
    let args = [&["check", "--json"][..], &files].concat();
    let document = world.formic(&args).code(2).json();
    for file in &files[..3] {
        assert_eq!(said(&document, file), ["E0115:1"]);
    }
    assert_eq!(said(&document, "wrong.yaml"), ["E0201:1"]);
    let args = [&["check"][..], &files].concat();
    let _ran = world
        .formic(&args)
        .code(2)
        .says("error: cannot read `none.yaml`\n")
        .says("error: `folder` is a folder; a pipeline is a file\n")
        .says("error[E0201]: unknown key `runs` in task `a`")
        .says("wrong.yaml: 1 error\n");
}

#[test]
fn a_host_that_does_not_answer_is_asked_once_and_its_pins_are_believed() {
    let world = World::new(
        "tasks:\n  a: { uses: \"git+http://127.0.0.1:1/a//x.yaml@v1\" }\n  \
         b: { uses: \"git+http://127.0.0.1:1/b//x.yaml@v1\" }\n",
    );
    // Both were fetched and pinned when the host did answer.
    let text = "task: { run: 'true' }\n";
    let digest = model::digest::Digest::of(text.as_bytes());
    let files = world.outside().join("home/.cache/formic/files");
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join(digest.to_hex()), text).unwrap();
    let commit = "0".repeat(40);
    let pins = ["a", "b"].map(|name| {
        format!(
            "\n[[file]]\nreference = \"git+http://127.0.0.1:1/{name}//x.yaml@v1\"\ncommit = \"{commit}\"\ndigest = \"{digest}\"\n"
        )
    });
    world.write("formic.lock", &format!("version = 1\n{}", pins.concat()));
    let ran = world.formic(&["run"]).ok();
    assert_eq!(ran.err.matches("cannot ask").count(), 1, "{}", ran.err);
    let _ran = ran
        .says("note: cannot ask `http://127.0.0.1:1/a` for its tags: git says: ")
        .says("; what `formic.lock` pins of `127.0.0.1:1` is believed\n");
}
