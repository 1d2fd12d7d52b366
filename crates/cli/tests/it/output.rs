//! Output that cannot be written: what a reader does not get whole is no success.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::world::{Ran, World};
use std::fs::File;
use std::process::Stdio;

const UNWRITTEN: &str =
    "error: standard output cannot be written, so what was printed is not whole\n";

/// Runs the program with standard output on a device that is always full.
fn full(world: &World, args: &[&str]) -> Ran {
    let device = File::options().write(true).open("/dev/full").unwrap();
    let mut command = world.command(args);
    let child = command.stdout(device).stderr(Stdio::piped()).spawn();
    Ran::from(child.unwrap().wait_with_output().unwrap())
}

#[test]
fn a_document_that_cannot_be_written_is_no_success_and_the_run_goes_on_to_its_end() {
    let world =
        World::new("tasks:\n  a: { run: echo said }\n  b: { needs: [a], run: touch made }\n");
    for args in [&["run", "--json"][..], &["run", "--events"]] {
        let _ran = full(&world, args).code(7).says(UNWRITTEN);
        assert_eq!(world.statuses(), ["a succeeded -", "b succeeded -"]);
    }
    for args in [
        &["logs"][..],
        &["logs", "--json"],
        &["show"],
        &["show", "--json"],
        &["ls"],
        &["check", "--json"],
        &["plan"],
        &["version"],
        &["--help"],
    ] {
        let _ran = full(&world, args).code(7).says(UNWRITTEN);
    }
}

#[test]
fn a_red_run_stays_red_when_its_document_cannot_be_written() {
    let world = World::new("tasks: { a: { run: exit 3 } }\n");
    let _ran = full(&world, &["run", "--json"]).code(1).says(UNWRITTEN);
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let world = World::new("tasks: { a: { run: 'head -c 3000000 /dev/zero | tr \"\\0\" x' } }\n");
    let _ran = world.formic(&["run"]).ok();
    let mut child = world
        .command(&["logs"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
