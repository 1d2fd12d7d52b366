//! `formic init`: a first pipeline for a project that has none.

use crate::world::World;

#[test]
fn a_project_gets_a_pipeline_that_runs() {
    let world = World::empty();
    world.write(
        "Makefile",
        "build:\n\techo made > made\ntest:\n\tgrep made made\n",
    );
    let ran = world.formic(&["init"]).ok();
    assert_eq!(
        ran.err,
        "found Make (Makefile)\nwrote .formic/ci.yaml (14 lines) and .formic/schema.json\nnext: `formic run`\n"
    );
    let checked = world.formic(&["check", "--json"]).ok().json();
    assert_eq!(
        checked["files"][0]["warnings"].as_array().map(Vec::len),
        Some(0)
    );
    assert_eq!(
        world.read(".formic/ci.yaml").lines().next(),
        Some("# yaml-language-server: $schema=schema.json")
    );
    assert!(
        world
            .read(".formic/schema.json")
            .contains("json-schema.org")
    );
}

#[test]
fn what_was_found_and_written_is_one_document() {
    let world = World::empty();
    world.write("go.mod", "module shop\n");
    let document = world.formic(&["init", "--json"]).ok().json();
    assert_eq!(document["schema"], "formic.init/v1");
    assert_eq!(document["found"][0]["name"], "Go");
    assert_eq!(document["written"][0], ".formic/ci.yaml");
}

#[test]
fn a_pipeline_that_is_there_is_never_overwritten() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let ran = world.formic(&["init"]).code(2);
    assert!(
        ran.err
            .contains("there is a pipeline already: `formic.yaml`"),
        "{}",
        ran.err
    );
    assert_eq!(world.read("formic.yaml"), "tasks: {a: {run: 'true'}}\n");
    assert!(!world.dir().join(".formic").exists());
}

#[test]
fn when_one_file_cannot_be_written_none_is_left() {
    let world = World::empty();
    world.write(".formic/schema.json", "mine");
    let ran = world.formic(&["init"]).code(2);
    assert!(
        ran.err.contains("cannot write `.formic/schema.json`"),
        "{}",
        ran.err
    );
    assert_eq!(world.read(".formic/schema.json"), "mine");
    assert!(!world.dir().join(".formic/ci.yaml").exists());
}

#[test]
fn a_pipe_that_nobody_writes_into_is_no_manifest() {
    let world = World::empty();
    let pipe = world.fifo("manifest");
    std::os::unix::fs::symlink(pipe, world.dir().join("package.json")).unwrap();
    let ran = world.formic(&["init"]).ok();
    assert!(
        ran.err.starts_with("found Node.js (package.json)\n"),
        "{}",
        ran.err
    );
}
