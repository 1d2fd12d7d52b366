//! Time limits of calls: of everything in them but `finally`, which has one of its own.

use engine::rows::{StopCause, TaskState};
use model::limits;
use model::reason::CancelMode;
use model::time::Timestamp;
use serde_json::json;
use testkit::{Driver, TaskBuilder, plan};

/// A run of one call with a limit of ten seconds and a second for `finally`, and a task behind it.
fn limited(make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Driver {
    Driver::start(
        plan("p")
            .finally_timeout_ms(1_000)
            .task("call", |t| make(t.call("inner", []).timeout_ms(10_000)))
            .task("after", |t| t.needs(["call"]))
            .scope("inner", |s| {
                s.task("x", |t| t)
                    .task("y", |t| t.needs(["x"]))
                    .finally("clean", |t| t)
            })
            .build(),
    )
}

#[test]
fn a_call_over_its_time_stops_what_is_in_it_and_fails_as_timeout_after_its_finally() {
    let mut run = limited(|t| t);
    assert_eq!(run.lease(), ["call/x"]);
    run.pass_ms(9_999);
    assert!(run.effects().is_empty());
    run.pass_ms(1);
    assert_eq!(run.state("call/y"), "canceled (parent)");
    assert_eq!(run.effects(), ["stop/2/1"]);
    run.stopped("call/x");
    assert_eq!(run.state("call"), "running");
    assert_eq!(run.lease(), ["call/clean"]);
    run.succeed("call/clean");
    assert_eq!(
        run.states(["call/x", "call", "after"]),
        [
            "canceled (parent)",
            "failed (timeout)",
            "skipped (need_failed)"
        ]
    );
    assert_eq!(
        run.note("call"),
        "it took longer than its `timeout` of 10 s"
    );
    assert_eq!(run.result(), "failed");
    // Nothing in it failed, so its own failure is counted beside its tasks.
    let counts = run.machine.run().counts;
    assert_eq!((counts.failed, counts.total), (1, 5));
}

#[test]
fn the_finally_of_a_call_that_timed_out_has_a_time_limit_of_its_own() {
    let mut run = limited(|t| t);
    run.lease();
    run.pass_ms(10_000);
    run.pass_ms(900);
    run.stopped("call/x");
    // It counts from when `finally` begins.
    assert_eq!(run.lease(), ["call/clean"]);
    run.pass_ms(999);
    assert!(run.effects().is_empty());
    run.pass_ms(1);
    assert_eq!(run.effects(), ["stop/4/1"]);
    run.stopped("call/clean");
    assert_eq!(run.state("call"), "failed (timeout)");
}

#[test]
fn what_does_not_stop_in_time_costs_the_call_its_finally() {
    let mut run = limited(|t| t);
    run.lease();
    run.pass_ms(10_000);
    run.pass_ms(1_000);
    assert_eq!(run.state("call/clean"), "canceled (parent)");
    run.stopped("call/x");
    assert_eq!(run.state("call"), "failed (timeout)");
}

#[test]
fn the_time_limit_of_a_call_ends_with_its_ordinary_part() {
    let mut run = limited(|t| t);
    run.lease();
    run.succeed("call/x");
    run.lease();
    run.pass_ms(9_900);
    run.succeed("call/y");
    run.lease();
    run.pass_ms(900);
    run.succeed("call/clean");
    assert_eq!(run.state("call"), "succeeded");
}

#[test]
fn a_finally_that_takes_too_long_fails_a_call_that_has_a_time_limit() {
    let mut run = limited(|t| t);
    run.lease();
    run.succeed("call/x");
    run.lease();
    run.succeed("call/y");
    run.lease();
    run.pass_ms(1_000);
    run.stopped("call/clean");
    assert_eq!(run.state("call"), "failed (timeout)");
}

#[test]
fn a_call_whose_last_task_succeeds_in_the_last_moment_succeeds() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []).timeout_ms(1_000))
            .scope("inner", |s| s.task("x", |t| t))
            .build(),
    );
    run.lease();
    run.pass_ms(1_000);
    run.succeed("call/x");
    assert_eq!(run.states(["call/x", "call"]), ["succeeded"; 2]);
}

#[test]
fn nothing_in_a_call_that_timed_out_is_tried_again() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []).timeout_ms(2_000))
            .scope("inner", |s| {
                s.task("slow", |t| t.timeout_ms(1_500).retry(5))
                    .task("pauses", |t| t.retry_with(pause_ms(60_000)))
                    .task("makes", |t| t.generates("f"))
            })
            .build(),
    );
    run.lease();
    run.fail("call/pauses", 1);
    assert_eq!(run.state("call/pauses"), "queued (backoff)");
    run.pass_ms(1_500);
    run.pass_ms(500);
    assert_eq!(run.state("call/pauses"), "canceled (parent)");
    run.stopped("call/slow");
    assert_eq!(run.state("call/slow"), "failed (timeout)");
    // What it made would begin after the end of the time.
    run.succeed_generating("call/makes");
    assert_eq!(
        run.states(["call/makes", "call"]),
        ["canceled (parent)", "failed (timeout)"]
    );
}

fn pause_ms(backoff_ms: u64) -> model::plan::Retry {
    model::plan::Retry {
        max: 1,
        backoff_ms,
        ..model::plan::Retry::default()
    }
}

#[test]
fn calls_in_a_call_that_timed_out_run_their_finally_too() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("outer", []).timeout_ms(1_000))
            .scope("outer", |s| {
                s.task("again", |t| t.call("inner", []))
                    .finally("last", |t| t)
            })
            .scope("inner", |s| s.task("x", |t| t).finally("clean", |t| t))
            .build(),
    );
    run.lease();
    run.pass_ms(1_000);
    run.stopped("call/again/x");
    assert_eq!(run.lease(), ["call/again/clean"]);
    run.succeed("call/again/clean");
    assert_eq!(run.state("call/again"), "canceled (parent)");
    assert_eq!(run.lease(), ["call/last"]);
    run.succeed("call/last");
    assert_eq!(run.state("call"), "failed (timeout)");
}

#[test]
fn when_the_time_for_finally_is_over_it_is_over_for_calls_within_too() {
    let mut run = Driver::start(
        plan("p")
            .finally_timeout_ms(500)
            .task("call", |t| t.call("outer", []).timeout_ms(1_000))
            .scope("outer", |s| {
                s.task("again", |t| t.call("inner", []))
                    .finally("last", |t| t)
            })
            .scope("inner", |s| s.task("x", |t| t).finally("clean", |t| t))
            .build(),
    );
    run.lease();
    run.pass_ms(1_000);
    run.pass_ms(400);
    run.stopped("call/again/x");
    assert_eq!(run.lease(), ["call/again/clean"]);
    run.pass_ms(100);
    assert_eq!(run.state("call/last"), "canceled (parent)");
    run.stopped("call/again/clean");
    assert_eq!(
        run.states(["call/again", "call"]),
        ["canceled (parent)", "failed (timeout)"]
    );
}

#[test]
fn members_of_a_matrix_of_calls_have_their_time_each() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| {
                t.call("inner", [])
                    .matrix([("n", json!([1, 2]))])
                    .max_parallel(1)
                    .keep_going()
                    .timeout_ms(1_000)
            })
            .scope("inner", |s| s.task("x", |t| t))
            .build(),
    );
    assert_eq!(run.lease(), ["call[1]/x"]);
    run.pass_ms(1_000);
    run.stopped("call[1]/x");
    // The second begins when the first has given its place back.
    assert_eq!(run.lease(), ["call[2]/x"]);
    run.pass_ms(999);
    run.succeed("call[2]/x");
    assert_eq!(
        run.states(["call[1]", "call[2]", "call"]),
        ["failed (timeout)", "succeeded", "failed (timeout)"]
    );
}

#[test]
fn a_timeout_of_a_call_is_tolerated_like_any_failure() {
    let mut run = limited(|t| t.tolerate_when("failure.kind == 'timeout'"));
    run.lease();
    run.pass_ms(10_000);
    run.stopped("call/x");
    run.lease();
    run.succeed("call/clean");
    assert_eq!(run.state("call"), "failed (timeout)");
    assert_eq!(run.lease(), ["after"]);
}

#[test]
fn a_cancel_of_the_run_comes_before_the_time_limit_of_a_call() {
    let mut run = limited(|t| t);
    run.lease();
    run.cancel(CancelMode::Finally);
    run.pass_ms(400);
    run.stopped("call/x");
    run.lease();
    run.succeed("call/clean");
    assert_eq!(run.state("call"), "canceled (person)");
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn a_call_that_is_canceled_alone_has_a_time_limit_for_its_finally() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []))
            .task("other", |t| t)
            .scope("inner", |s| s.task("x", |t| t).finally("clean", |t| t))
            .build(),
    );
    assert_eq!(run.lease(), ["other", "call/x"]);
    run.supersede("call");
    run.stopped("call/x");
    assert_eq!(run.lease(), ["call/clean"]);
    run.pass_ms(limits::FINALLY_TIMEOUT_MS);
    run.stopped("call/clean");
    assert_eq!(run.state("call"), "canceled (superseded)");
    assert_eq!(run.state("other"), "running");
}

#[test]
fn a_resumed_run_keeps_the_time_limit_of_its_calls() {
    let mut run = limited(|t| t);
    run.lease();
    run.pass_ms(6_000);
    run.take_over();
    run.crash();
    assert_eq!(run.lease(), ["call/x"]);
    run.pass_ms(4_000);
    let stop = run.machine.live_attempt(run.no("call/x")).unwrap().stop;
    assert!(matches!(stop, Some(StopCause::Cancel(_))));
    // While it stops, its process dies too: what was to stop does not begin again.
    run.take_over();
    assert_eq!(run.state("call/x"), "canceled (parent)");
    run.crash();
    assert_eq!(run.lease(), ["call/clean"]);
    run.take_over();
    assert_eq!(run.lease(), ["call/clean"]);
    run.succeed("call/clean");
    assert_eq!(run.state("call"), "failed (timeout)");
}

#[test]
fn a_clock_that_is_behind_at_a_take_over_does_not_lengthen_the_time_of_a_call() {
    let mut run = limited(|t| t);
    run.pass_ms(5_000_000 - 1);
    let now = run.now;
    assert_eq!(run.row("call").stop, Some(StopCause::Timeout));
    let plan = run.machine.plan().clone();
    let mut fresh = Driver::start_with(plan, |head| head.created_at = now);
    fresh.lease();
    let before = fresh.row("call").timer_at.unwrap();
    fresh.now = Timestamp(fresh.now.0 - 1_000);
    fresh.take_over();
    let after = fresh.row("call").timer_at.unwrap();
    assert!(after < before);
    assert_eq!(fresh.row("call").state, TaskState::Open);
}

#[test]
fn a_time_limit_of_a_call_that_cannot_be_computed_fails_it_before_it_has_tasks() {
    let run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []).timeout_by("'soon'"))
            .scope("inner", |s| s.task("x", |t| t))
            .build(),
    );
    assert_eq!(run.keys(), ["call"]);
    assert_eq!(run.state("call"), "failed (user)");
}

#[test]
fn a_call_can_crash_after_every_event_of_its_timeout() {
    let mut run = limited(|t| t);
    run.crash();
    run.lease();
    run.crash();
    run.pass_ms(10_000);
    run.crash();
    run.stopped("call/x");
    run.crash();
    run.lease();
    run.crash();
    run.pass_ms(1_000);
    run.crash();
    run.stopped("call/clean");
    run.crash();
    assert_eq!(run.state("call"), "failed (timeout)");
    assert!(run.machine.has_ended());
}
