//! The checks themselves: they see what is wrong with a change.

use engine::check;
use engine::rows::{Changes, Snapshot, TaskState};
use model::ids::Token;
use testkit::{Driver, plan};

/// The rows before a task ended, and the change that ended it.
fn an_end() -> (Snapshot, Changes) {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t.needs(["a"]))
            .build(),
    );
    run.lease();
    let before = run.rows.clone();
    let changes = run.succeed("a");
    (before, changes)
}

#[test]
fn a_sound_change_is_sound() {
    let (before, changes) = an_end();
    assert!(check::step(&before, &changes).is_empty());
}

#[test]
fn a_missing_event_row_is_seen() {
    let (before, mut changes) = an_end();
    changes.events.remove(0);
    assert_eq!(
        check::step(&before, &changes),
        ["events [4] instead of [3, 4]"]
    );
}

#[test]
fn a_skipped_version_is_seen() {
    let (before, mut changes) = an_end();
    changes.run.version += 1;
    assert_eq!(check::step(&before, &changes), ["version 4 follows 2"]);
}

#[test]
fn an_end_that_changes_is_seen() {
    let (mut before, changes) = an_end();
    before.apply(&changes);
    let mut again = changes.clone();
    again.run.version += 1;
    again.run.events += 2;
    for event in &mut again.events {
        event.seq += 2;
    }
    assert!(check::step(&before, &again).is_empty());
    again.tasks[0].state = TaskState::Running;
    assert_eq!(check::step(&before, &again), ["`a` had ended and changed"]);
}

#[test]
fn a_token_given_twice_is_seen() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    let mut before = run.rows.clone();
    let ask = run.ask("w", 1);
    let changes = run.accept(engine::event::Event::Lease(ask));
    before.run.token = Token(1);
    assert_eq!(check::step(&before, &changes), ["token 1 is given after 1"]);
}
