//! What tasks give, take and enter is of the source and of nobody else: not Git's, not Formic's, not from outside.

use crate::world::{Ran, World};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// A task that gives `pattern`, and one that takes that into a folder and lists it.
fn giving(pattern: &str) -> String {
    format!(
        "tasks:\n  make: {{ run: 'mkdir -p dist; echo 1 > dist/a', artifacts: {{ out: {{ all: '{pattern}' }} }} }}\n  use: {{ needs: [make], artifacts: {{ in: [{{ from: make, name: all, to: got }}, {{ from: make, name: all }}] }}, run: find got -type f | sort > seen }}\n"
    )
}

#[test]
fn an_artifact_of_everything_leaves_repository_and_board_alone() {
    for pattern in [".", "**"] {
        let world = World::with_git(&giving(pattern));
        let before = world.git(&["rev-parse", "HEAD"]);
        let _ran = world.formic(&["run", "--clean"]).ok();
        let ran = world.formic(&["run"]).ok();
        assert!(!ran.err.contains("replaced"), "{}", ran.err);
        assert_eq!(world.read("seen"), "got/dist/a\ngot/formic.yaml\n");
        assert_eq!(world.git(&["rev-parse", "HEAD"]), before);
        assert_eq!(world.statuses(), ["make succeeded -", "use succeeded -"]);
    }
}

#[test]
fn a_board_inside_of_the_source_is_no_part_of_an_artifact() {
    let world = World::new(&giving("**"));
    let ran = Ran::of(world.command(&["run"]).env("FORMIC_STATE", "ci/board"));
    let _ran = ran.ok();
    assert_eq!(world.read("seen"), "got/dist/a\ngot/formic.yaml\n");
}

#[test]
fn an_artifact_of_the_repository_is_refused_before_anything_runs() {
    let world = World::with_git(&giving(".git/config"));
    let ran = world.formic(&["run"]).code(2);
    let ran = ran.says("error[E0704]: `.git/config` is Git's own, and never part of an artifact");
    drop(ran.says("name a path of your own"));
}

#[test]
fn a_computed_name_of_the_repository_is_the_tasks_failure() {
    let world = World::with_git(
        "params: { what: .git }\ntasks: { a: { run: 'true', artifacts: { out: { all: '${{ params.what }}' } } } }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let _ran = ran.says("artifact `all`: `.git` is Git's own, and never part of an artifact");
}

#[test]
fn a_pipe_in_an_artifact_is_named_and_is_the_users() {
    let world = World::new(
        "tasks: { a: { run: 'mkdir dist; mkfifo dist/p', artifacts: { out: { all: dist } } } }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let _ran = ran.says(
        "artifact `all`: `dist/p` is a named pipe, which has no content to keep; leave it out with `exclude`, or remove it",
    );
    assert_eq!(world.statuses(), ["a failed user"]);
}

#[test]
fn a_folder_that_leads_out_is_refused_where_it_is_written_and_where_it_is_computed() {
    let world = World::new("tasks: { a: { working_dir: ../.., run: pwd } }\n");
    let _ran = world
        .formic(&["run"])
        .code(2)
        .says("error[E0221]: `../..` leads out of the source");
    let world = World::new(
        "params: { up: ../.. }\ntasks:\n  a: { working_dir: '${{ params.up }}', run: pwd }\n  b: { steps: [{ run: ln -s / out; mkdir in }, { run: pwd, working_dir: in }, { run: pwd, working_dir: out/tmp }] }\n",
    );
    let dir = world.dir();
    let said = |step: &str, written: &str| {
        let source = dir.display();
        format!(
            "step `{step}`: `working_dir: {written}` leads out of the source `{source}`; name a folder below it"
        )
    };
    let ran = world.formic(&["run"]).code(1);
    let ran = ran
        .says(&said("run", "../.."))
        .says(&said("step3", "out/tmp"));
    assert!(
        ran.err.contains(&format!("{}/in", dir.display())),
        "{}",
        ran.err
    );
}

#[test]
fn a_folder_whose_name_is_no_text_is_refused_at_the_start() {
    let world = World::new("tasks: { a: { run: 'true' } }\n");
    let odd = |parent: &Path| parent.join(OsStr::from_bytes(b"n\xffn"));
    let project = odd(&world.outside());
    fs::create_dir(&project).unwrap();
    fs::copy(world.dir().join("formic.yaml"), project.join("formic.yaml")).unwrap();
    let expected = |parent: &Path| {
        format!(
            "error: the path of the folder `{}/n\\xFFn` is not UTF-8\nhelp: give the folder another name, or go to a copy elsewhere with `-C DIR`\n",
            parent.display()
        )
    };
    let ran = Ran::of(world.command(&["run"]).current_dir(&project)).code(2);
    assert_eq!(ran.err, expected(&world.outside()));
    let state = odd(&world.dir());
    let ran = Ran::of(world.command(&["run"]).env("FORMIC_STATE", &state)).code(2);
    assert!(ran.err.ends_with(&expected(&world.dir())), "{}", ran.err);
}
