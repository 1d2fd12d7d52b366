//! What an event costs: it writes the rows that it concerns, however large the run.

use engine::rows::Changes;
use model::reason::CancelMode;
use serde_json::json;
use testkit::{Driver, plan};

fn rows(changes: &Changes) -> usize {
    changes.tasks.len()
        + changes.attempts.len()
        + changes.leases.len()
        + changes.leases_gone.len()
        + changes.effects.len()
        + changes.effects_done.len()
}

fn independent(count: u32) -> Driver {
    let values: Vec<u32> = (0..count).collect();
    Driver::start_unchecked(
        plan("p")
            .task("m", |t| t.matrix([("n", json!(values))]).keep_going())
            .build(),
    )
}

#[test]
fn the_end_of_one_task_among_many_writes_two_rows() {
    let mut run = independent(2_000);
    run.lease_as("w", 8);
    for n in 0..4 {
        let changes = run.succeed(&format!("m[{n}]"));
        assert_eq!((rows(&changes), changes.events.len()), (2, 1));
    }
    let failed = run.fail("m[5]", 1);
    assert_eq!(rows(&failed), 2);
}

#[test]
fn a_lease_writes_two_rows_for_each_task_and_one_for_the_worker() {
    let mut run = independent(2_000);
    let ask = run.ask("w", 3);
    let changes = run.accept(engine::event::Event::Lease(ask));
    assert_eq!((rows(&changes), changes.events.len()), (7, 3));
}

#[test]
fn in_a_chain_the_end_of_a_task_writes_it_and_the_next() {
    let mut builder = plan("p").task("t0", |t| t);
    for n in 1..1_000 {
        let before = format!("t{}", n - 1);
        builder = builder.task(&format!("t{n}"), |t| t.needs([before.as_str()]));
    }
    let mut run = Driver::start_unchecked(builder.build());
    for n in 0..10 {
        run.lease();
        let changes = run.succeed(&format!("t{n}"));
        assert_eq!((rows(&changes), changes.events.len()), (3, 2));
    }
}

#[test]
fn a_full_matrix_wakes_one_member_for_one_that_ends() {
    let values: Vec<u32> = (0..1_000).collect();
    let mut run = Driver::start_unchecked(
        plan("p")
            .task("m", |t| t.matrix([("n", json!(values))]).max_parallel(4))
            .build(),
    );
    assert_eq!(run.lease().len(), 4);
    for n in 0..20 {
        let changes = run.succeed(&format!("m[{n}]"));
        assert_eq!(rows(&changes), 3);
        assert_eq!(run.lease().len(), 1);
    }
}

#[test]
fn a_freed_path_wakes_one_of_many() {
    let values: Vec<u32> = (0..1_000).collect();
    let mut run = Driver::start_unchecked(
        plan("p")
            .task("m", |t| {
                t.matrix([("n", json!(values))]).artifact("x", "out")
            })
            .build(),
    );
    assert_eq!(run.lease(), ["m[0]"]);
    for n in 0..20 {
        let changes = run.succeed(&format!("m[{n}]"));
        assert_eq!(rows(&changes), 3);
        assert_eq!(run.lease().len(), 1);
    }
}

#[test]
fn a_heartbeat_and_a_tick_write_nothing() {
    let mut run = independent(100);
    run.lease_as("w", 8);
    run.now = run.now.plus_ms(1_000);
    let tick = run.accept(engine::event::Event::Tick);
    assert!(tick.is_empty());
}

#[test]
fn a_cancel_writes_every_task_once() {
    let mut run = independent(500);
    run.lease_as("w", 1);
    let changes = run.cancel(CancelMode::Now);
    // 499 members; the one that runs has its attempt and its stop.
    assert_eq!(changes.tasks.len(), 499);
    assert_eq!(rows(&changes), 501);
}
