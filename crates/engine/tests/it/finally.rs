//! What runs when everything else has ended.

use model::reason::CancelMode;
use serde_json::json;
use testkit::{Driver, plan};

fn with_report() -> Driver {
    Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t.needs(["a"]))
            .finally("report", |t| t)
            .build(),
    )
}

#[test]
fn finally_starts_after_success() {
    let mut run = with_report();
    run.lease();
    run.succeed("a");
    assert_eq!(run.lease(), ["b"]);
    assert_eq!(run.state("report"), "queued (finally)");
    run.succeed("b");
    assert_eq!(run.lease(), ["report"]);
    run.succeed("report");
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn finally_starts_after_failure_and_the_run_still_fails() {
    let mut run = with_report();
    run.lease();
    run.fail("a", 1);
    assert_eq!(run.state("b"), "skipped (need_failed)");
    assert_eq!(run.lease(), ["report"]);
    run.succeed("report");
    assert_eq!(run.result(), "failed");
}

#[test]
fn a_failing_finally_fails_the_run() {
    let mut run = with_report();
    run.lease();
    run.succeed("a");
    run.lease();
    run.succeed("b");
    run.lease();
    run.fail("report", 1);
    assert_eq!(run.result(), "failed");
}

#[test]
fn finally_reads_how_every_task_ended() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .finally("mend", |t| t.when("tasks.a.outcome == 'failed'"))
            .finally("cheer", |t| t.when("tasks.a.outcome == 'succeeded'"))
            .build(),
    );
    run.lease();
    run.fail("a", 1);
    assert_eq!(
        run.states(["mend", "cheer"]),
        ["queued (slots)", "skipped (condition)"]
    );
}

#[test]
fn finally_tasks_may_need_each_other() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .finally("second", |t| t.needs(["first"]))
            .finally("first", |t| t.nothing())
            .finally("third", |t| {
                t.needs(["second"]).matrix([("n", json!([1, 2]))])
            })
            .build(),
    );
    run.lease();
    run.succeed("a");
    assert_eq!(run.lease(), ["second"]);
    run.succeed("second");
    assert_eq!(run.lease(), ["third[1]", "third[2]"]);
}

#[test]
fn a_run_of_nothing_but_finally_runs_it() {
    let mut run = Driver::start(plan("p").finally("report", |t| t).build());
    assert_eq!(run.lease(), ["report"]);
    run.succeed("report");
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn finally_has_a_time_limit_of_its_own() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .finally("hang", |t| t)
            .finally("late", |t| t.needs(["hang"]))
            .finally_timeout_ms(5_000)
            .build(),
    );
    run.lease();
    run.pass_ms(60_000);
    run.succeed("a");
    run.lease();
    run.pass_ms(4_999);
    assert_eq!(run.effects(), Vec::<&str>::new());
    run.pass_ms(1);
    assert_eq!(run.effects(), ["stop/1/1"]);
    assert_eq!(run.state("late"), "canceled (run_timeout)");
    run.stopped("hang");
    assert_eq!(run.result(), "canceled (run_timeout)");
}

#[test]
fn finally_ends_after_ten_minutes_where_no_limit_is_named() {
    let mut run = Driver::start(plan("p").finally("hang", |t| t).build());
    run.lease();
    run.pass_ms(10 * 60_000 - 1);
    assert_eq!(run.effects(), Vec::<&str>::new());
    run.pass_ms(1);
    assert_eq!(run.effects(), ["stop/0/1"]);
}

#[test]
fn the_finally_of_a_called_scope_runs_when_the_scope_has_ended() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []))
            .task("after", |t| t.needs(["call"]))
            .scope("inner", |s| s.task("work", |t| t).finally("clean", |t| t))
            .build(),
    );
    assert_eq!(run.lease(), ["call/work"]);
    run.succeed("call/work");
    assert_eq!(run.state("after"), "queued (needs)");
    assert_eq!(run.lease(), ["call/clean"]);
    run.succeed("call/clean");
    assert_eq!(run.lease(), ["after"]);
}

#[test]
fn a_hanging_finally_of_a_called_scope_is_ended_after_a_cancel() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []))
            .scope("inner", |s| s.task("work", |t| t).finally("clean", |t| t))
            .finally_timeout_ms(5_000)
            .build(),
    );
    run.lease();
    run.cancel(CancelMode::Finally);
    run.stopped("call/work");
    assert_eq!(run.lease(), ["call/clean"]);
    run.pass_ms(5_000);
    assert_eq!(run.effects(), ["stop/2/1"]);
    run.stopped("call/clean");
    assert_eq!(run.result(), "canceled (person)");
}
