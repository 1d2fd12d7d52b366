//! Stopping a run: now, now but `finally` runs, or after what runs has ended.

use engine::event::{Command, Event, Rejected};
use engine::rows::{AttemptEnd, AttemptResult};
use model::plan::StatusOf;
use model::reason::{CancelCause, CancelMode, FailureKind};
use serde_json::json;
use testkit::{Driver, plan};

/// `a` and `b` run, `c` waits for `a`, `report` is `finally`.
fn under_way() -> Driver {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.retry(2))
            .task("b", |t| t)
            .task("c", |t| t.needs(["a"]))
            .finally("report", |t| t)
            .build(),
    );
    run.lease();
    run
}

#[test]
fn now_stops_everything_and_finally_does_not_run() {
    let mut run = under_way();
    run.cancel(CancelMode::Now);
    assert_eq!(
        run.states(["a", "c", "report"]),
        ["running", "canceled (person)", "canceled (person)"]
    );
    assert_eq!(run.effects(), ["stop/0/1", "stop/1/1"]);
    run.stopped("a");
    assert_eq!(run.result(), "running");
    run.stopped("b");
    assert_eq!(run.effects(), Vec::<&str>::new());
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn finally_stops_everything_and_then_runs_finally() {
    let mut run = under_way();
    run.cancel(CancelMode::Finally);
    assert_eq!(
        run.states(["c", "report"]),
        ["canceled (person)", "queued (finally)"]
    );
    run.stopped("a");
    run.stopped("b");
    assert_eq!(run.lease(), ["report"]);
    run.succeed("report");
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn drain_lets_running_tasks_end_and_starts_nothing_new() {
    let mut run = under_way();
    run.cancel(CancelMode::Drain);
    assert_eq!(run.effects(), Vec::<&str>::new());
    assert_eq!(run.state("c"), "canceled (person)");
    run.succeed("a");
    run.succeed("b");
    assert_eq!(run.states(["a", "b"]), ["succeeded", "succeeded"]);
    assert_eq!(run.lease(), ["report"]);
    run.succeed("report");
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn a_task_that_fails_while_the_run_drains_has_failed_and_is_not_tried_again() {
    let mut run = under_way();
    run.cancel(CancelMode::Drain);
    run.fail("a", 7);
    assert_eq!(run.state("a"), "failed (user)");
    assert_eq!(run.note("a"), "exit code 7");
}

#[test]
fn a_drain_of_a_run_whose_tasks_all_end_well_is_still_a_cancel_only_if_something_was_left_out() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    run.cancel(CancelMode::Drain);
    run.succeed("a");
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_later_cancel_counts_only_if_it_is_stronger() {
    let mut run = under_way();
    run.cancel(CancelMode::Drain);
    run.cancel(CancelMode::Finally);
    assert_eq!(run.effects(), ["stop/0/1", "stop/1/1"]);
    run.cancel(CancelMode::Drain);
    run.stopped("a");
    run.stopped("b");
    assert_eq!(run.lease(), ["report"]);
    run.cancel(CancelMode::Now);
    run.stopped("report");
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn the_same_cancel_twice_changes_nothing() {
    let mut run = under_way();
    run.cancel(CancelMode::Finally);
    assert!(run.cancel(CancelMode::Finally).is_empty());
}

#[test]
fn a_task_in_backoff_is_canceled_at_once() {
    let mut run = under_way();
    run.fail("a", 1);
    assert_eq!(run.state("a"), "queued (backoff)");
    run.cancel(CancelMode::Finally);
    assert_eq!(run.state("a"), "canceled (person)");
    run.stopped("b");
    run.pass_ms(60_000);
    assert_eq!(run.lease(), ["report"]);
}

#[test]
fn a_success_that_came_before_the_stop_counts() {
    let mut run = under_way();
    run.cancel(CancelMode::Now);
    run.succeed("a");
    run.stopped("b");
    assert_eq!(run.states(["a", "b"]), ["succeeded", "canceled (person)"]);
}

#[test]
fn a_failure_during_the_stop_is_the_cancel() {
    let mut run = under_way();
    run.cancel(CancelMode::Now);
    run.fail("a", 143);
    assert_eq!(run.state("a"), "canceled (person)");
}

#[test]
fn what_a_canceled_task_generated_is_not_begun() {
    for mode in [CancelMode::Now, CancelMode::Finally, CancelMode::Drain] {
        let mut run = Driver::start(plan("p").task("make", |t| t.generates("more.yaml")).build());
        run.lease();
        run.cancel(mode);
        run.succeed_generating("make");
        assert_eq!(run.effects(), Vec::<&str>::new(), "{mode}");
        assert_eq!(run.state("make"), "canceled (person)", "{mode}");
        assert_eq!(run.result(), "canceled (person)", "{mode}");
    }
}

#[test]
fn a_task_whose_file_is_being_compiled_is_canceled() {
    let mut run = Driver::start(plan("p").task("make", |t| t.generates("f")).build());
    run.lease();
    run.succeed_generating("make");
    assert_eq!(run.effects(), ["compile/0"]);
    run.cancel(CancelMode::Drain);
    assert_eq!(run.effects(), Vec::<&str>::new());
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn canceled_is_true_in_conditions_of_finally() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .finally("clean", |t| t.when("canceled()"))
            .finally("else", |t| t.when("!canceled()"))
            .build(),
    );
    run.lease();
    run.cancel(CancelMode::Finally);
    run.stopped("a");
    assert_eq!(
        run.states(["clean", "else"]),
        ["queued (slots)", "skipped (condition)"]
    );
}

#[test]
fn a_run_that_waits_for_its_group_ends_at_once_and_runs_no_finally() {
    for mode in [CancelMode::Now, CancelMode::Finally, CancelMode::Drain] {
        let mut run = Driver::start(
            plan("p")
                .concurrency("main")
                .task("a", |t| t)
                .finally("report", |t| t)
                .build(),
        );
        run.cancel(mode);
        assert_eq!(run.result(), "canceled (person)");
        assert_eq!(run.state("report"), "canceled (person)");
        assert_eq!(run.effects(), ["leave/run"]);
    }
}

#[test]
fn an_empty_run_that_waits_for_its_group_can_be_canceled() {
    let mut run = Driver::start(plan("p").concurrency("main").build());
    run.cancel(CancelMode::Now);
    assert!(run.machine.has_ended());
}

#[test]
fn a_stopped_attempt_that_timed_out_before_the_cancel_is_not_tried_again() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.timeout_ms(1_000).retry(3))
            .build(),
    );
    run.lease();
    run.pass_ms(1_000);
    run.cancel(CancelMode::Now);
    run.stopped("a");
    assert_eq!(run.state("a"), "failed (timeout)");
    assert!(run.machine.has_ended());
}

#[test]
fn a_worker_lost_while_its_attempt_is_stopped_completes_the_cancel() {
    let mut run = Driver::start(plan("p").task("a", |t| t.idempotent()).build());
    run.lease();
    run.cancel(CancelMode::Now);
    run.worker_gone("w");
    assert_eq!(run.state("a"), "canceled (person)");
    assert_eq!(run.effects(), Vec::<&str>::new());
}

#[test]
fn an_interrupted_attempt_is_not_begun_again_after_a_cancel() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    run.cancel(CancelMode::Drain);
    run.end("a", AttemptEnd::bare(AttemptResult::Interrupted));
    assert_eq!(run.state("a"), "canceled (person)");
}

#[test]
fn a_superseded_run_says_so() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    run.accept(Event::Command(Command::Cancel {
        mode: CancelMode::Finally,
        cause: CancelCause::Superseded,
        by: "a newer run".to_owned(),
    }));
    run.stopped("a");
    assert_eq!(run.result(), "canceled (superseded)");
}

#[test]
fn nothing_changes_after_the_end() {
    let mut run = under_way();
    let late = run.report_of("b", AttemptEnd::bare(AttemptResult::Succeeded));
    run.cancel(CancelMode::Now);
    run.stopped("a");
    run.stopped("b");
    let ask = run.ask("w", 4);
    for event in [
        Event::Lease(ask),
        Event::Tick,
        Event::Command(Command::Cancel {
            mode: CancelMode::Now,
            cause: CancelCause::Person,
            by: String::new(),
        }),
        Event::TakeOver { by: String::new() },
        Event::Admitted { task: None },
    ] {
        assert_eq!(run.handle(event), Err(Rejected::RunEnded));
    }
    assert!(matches!(
        run.handle(Event::Report(late)),
        Err(Rejected::Fenced { .. })
    ));
    assert_eq!(run.machine.next_deadline(), None);
}

#[test]
fn ancestors_that_end_after_a_canceled_task_are_seen_through_it() {
    let mut run = Driver::start(
        plan("p")
            .task("behind", |t| t.needs(["slow"]))
            .task("slow", |t| t)
            .finally("mend", |t| {
                t.needs(["behind"])
                    .when("failed()")
                    .status_of(StatusOf::Ancestors)
            })
            .build(),
    );
    run.lease();
    run.cancel(CancelMode::Drain);
    run.fail_as("slow", FailureKind::User);
    assert_eq!(run.state("mend"), "queued (slots)");
}

#[test]
fn a_superseded_task_that_runs_is_stopped_and_its_run_goes_on() {
    let mut run = Driver::start(
        plan("p")
            .task("deploy", |t| t.concurrency("g").retry(3))
            .task("after", |t| t.needs(["deploy"]))
            .task("other", |t| t)
            .build(),
    );
    run.admit("deploy");
    run.lease();
    run.supersede("deploy");
    assert_eq!(run.effects(), ["stop/0/1"]);
    run.stopped("deploy");
    assert_eq!(
        run.states(["deploy", "after", "other"]),
        [
            "canceled (superseded)",
            "skipped (need_canceled)",
            "running"
        ]
    );
    assert_eq!(run.note("deploy"), "superseded: a newer one");
    assert_eq!(run.effects(), ["leave/0"]);
    run.succeed("other");
    assert_eq!(run.result(), "canceled (superseded)");
}

#[test]
fn a_superseded_task_that_waits_ends_at_once() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.concurrency("g"))
            .task("b", |t| t.concurrency("g").retry(1))
            .build(),
    );
    run.admit("b");
    run.lease();
    run.fail("b", 1);
    run.supersede("a");
    run.supersede("b");
    assert_eq!(run.states(["a", "b"]), ["canceled (superseded)"; 2]);
    assert_eq!(run.effects(), ["leave/0", "leave/1"]);
}

#[test]
fn a_superseded_call_ends_its_tasks_but_for_their_finally() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []).concurrency("g"))
            .scope("inner", |s| {
                s.task("x", |t| t)
                    .task("m", |t| t.matrix([("n", json!([1, 2]))]))
                    .task("y", |t| t.needs(["x"]))
                    .finally("clean", |t| t)
            })
            .build(),
    );
    run.admit("call");
    run.lease_as("w", 1);
    run.supersede("call");
    run.stopped("call/x");
    assert_eq!(
        run.states(["call/x", "call/m", "call/y", "call"]),
        [
            "canceled (superseded)",
            "canceled (superseded)",
            "canceled (superseded)",
            "running"
        ]
    );
    assert_eq!(run.lease(), ["call/clean"]);
    run.succeed("call/clean");
    assert_eq!(run.state("call"), "canceled (superseded)");
}

#[test]
fn a_superseded_task_is_not_tried_again_after_its_time_limit() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.concurrency("g").timeout_ms(1_000).retry(3))
            .build(),
    );
    run.admit("a");
    run.lease();
    run.pass_ms(1_000);
    run.supersede("a");
    run.stopped("a");
    assert_eq!(run.state("a"), "canceled (superseded)");
}

#[test]
fn a_superseded_task_that_was_faster_has_succeeded() {
    let mut run = Driver::start(plan("p").task("a", |t| t.concurrency("g")).build());
    run.admit("a");
    run.lease();
    run.supersede("a");
    run.succeed("a");
    assert_eq!(run.result(), "succeeded");
    assert!(run.row("a").note.is_none());
}

#[test]
fn a_task_that_has_ended_cannot_be_superseded() {
    let mut run = Driver::start(plan("p").task("a", |t| t).task("b", |t| t).build());
    run.lease();
    run.succeed("a");
    let late = Event::Command(Command::CancelTask {
        task: run.no("a"),
        cause: CancelCause::Superseded,
        by: "late".to_owned(),
    });
    assert!(matches!(run.handle(late), Err(Rejected::NotWaiting { .. })));
}
