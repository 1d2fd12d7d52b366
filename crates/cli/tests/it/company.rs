//! Runs that go on in one folder at the same time: whoever comes later is told.

use crate::world::{World, heard, tell};

/// A world with a run that goes on until `go` is told, and its id.
fn with_a_run_that_goes_on() -> (World, crate::world::Going, String, String) {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n  b: {{ run: 'true' }}\n  c: {{ run: exit 1 }}\n"
        ),
    );
    world.git(&["init", "-q", "-b", "main", "."]);
    world.commit();
    let going = world.start(&["run", "a"]);
    assert_eq!(heard(&begun), "x\n");
    let run = world.run_id();
    (world, going, go, run)
}

#[test]
fn a_run_beside_another_in_the_same_tree_says_so() {
    let (world, going, go, run) = with_a_run_that_goes_on();
    let note = format!(
        "note: run `{}` works in this folder too; each sees what the other writes; `formic run --clean` keeps them apart\n",
        &run[..4]
    );
    let _ran = world.formic(&["run", "b"]).ok().says(&note);
    let _ran = world.formic(&["run", "c"]).code(1).says(&note);
    let _ran = world.formic(&["retry", "@"]).code(1).says(&note);
    let quiet = world.formic(&["run", "b", "--quiet"]).ok();
    let clean = world.formic(&["run", "b", "--clean"]).ok();
    tell(&go);
    let first = going.end().ok();
    let alone = world.formic(&["run", "b"]).ok();
    for ran in [quiet, clean, first, alone] {
        assert!(!ran.err.contains("works in this folder"), "{}", ran.err);
    }
}

#[test]
fn a_run_beside_one_with_worktrees_of_its_own_says_nothing() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n  b: {{ run: 'true' }}\n"),
    );
    world.git(&["init", "-q", "-b", "main", "."]);
    world.commit();
    let going = world.start(&["run", "a", "--clean"]);
    assert_eq!(heard(&begun), "x\n");
    let ran = world.formic(&["run", "b"]).ok();
    assert!(!ran.err.contains("works in this folder"), "{}", ran.err);
    tell(&go);
    let _ran = going.end().ok();
}
