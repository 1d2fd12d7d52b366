//! What happens because time passes: time limits, delays.

use engine::rows::{StopCause, TaskState};
use model::reason::CancelMode;
use model::time::Timestamp;
use testkit::{Driver, plan};

#[test]
fn an_attempt_over_its_time_is_stopped_and_fails_as_timeout() {
    let mut run = Driver::start(plan("p").task("a", |t| t.timeout_ms(60_000)).build());
    run.lease();
    run.pass_ms(59_999);
    assert!(run.effects().is_empty());
    run.pass_ms(1);
    assert_eq!(run.effects(), ["stop/0/1"]);
    run.stopped("a");
    assert_eq!(run.state("a"), "failed (timeout)");
    assert_eq!(run.note("a"), "it took longer than its `timeout` of 1 min");
}

#[test]
fn a_timeout_is_tried_again_like_a_failure() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.timeout_ms(1_000).retry(1))
            .build(),
    );
    run.lease();
    run.pass_ms(1_000);
    run.stopped("a");
    assert_eq!(run.state("a"), "queued (backoff)");
    run.pass_ms(1_000);
    assert_eq!(run.lease(), ["a"]);
    run.pass_ms(999);
    assert!(run.effects().is_empty());
    run.pass_ms(1);
    assert_eq!(run.effects(), ["stop/0/2"]);
}

#[test]
fn a_success_in_the_last_moment_counts() {
    let mut run = Driver::start(plan("p").task("a", |t| t.timeout_ms(1_000)).build());
    run.lease();
    run.pass_ms(1_000);
    run.succeed("a");
    assert_eq!(run.result(), "succeeded");
    assert!(run.effects().is_empty());
}

#[test]
fn a_worker_lost_during_the_stop_leaves_a_timeout() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.timeout_ms(1_000).idempotent())
            .build(),
    );
    run.lease();
    run.pass_ms(1_000);
    run.worker_gone("w");
    assert_eq!(run.state("a"), "failed (timeout)");
}

#[test]
fn a_computed_time_limit_is_read_when_the_task_is_leased() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.timeout_by("duration('2s')"))
            .task("b", |t| t.timeout_by("3 * 1000"))
            .task("c", |t| t.timeout_by("'soon'"))
            .build(),
    );
    assert_eq!(run.lease(), ["a", "b"]);
    assert_eq!(run.state("c"), "failed (user)");
    assert!(run.note("c").contains("`'soon'`"), "{}", run.note("c"));
    run.pass_ms(2_000);
    assert_eq!(run.effects(), ["stop/0/1"]);
    run.pass_ms(1_000);
    assert_eq!(run.effects(), ["stop/0/1", "stop/1/1"]);
}

#[test]
fn a_time_limit_that_cannot_be_computed_gives_its_place_to_others() {
    let mut run = Driver::start(
        plan("p")
            .task("bad", |t| t.timeout_by("'soon'"))
            .task("mend", |t| t.needs(["bad"]).when("failed()"))
            .build(),
    );
    assert_eq!(run.lease_as("w", 1), ["mend"]);
}

#[test]
fn a_delayed_task_starts_after_its_pause() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.delayed_ms(5_000))
            .task("b", |t| t.delayed_by("duration('1m')"))
            .task("c", |t| t.delayed_by("true"))
            .build(),
    );
    assert_eq!(run.states(["a", "c"]), ["queued (delay)", "failed (user)"]);
    run.pass_ms(4_999);
    assert!(run.lease().is_empty());
    run.pass_ms(1);
    assert_eq!(run.lease(), ["a"]);
    run.succeed("a");
    run.pass_ms(55_000);
    assert_eq!(run.lease(), ["b"]);
}

#[test]
fn a_delay_comes_before_the_consent() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| {
                t.delayed_ms(5_000).approval_within_ms("go?", 1_000)
            })
            .build(),
    );
    run.pass_ms(5_000);
    assert_eq!(run.state("a"), "blocked (approval)");
    run.pass_ms(999);
    run.approve("a");
    assert_eq!(run.lease(), ["a"]);
}

#[test]
fn the_run_has_a_time_limit_from_its_first_lease_and_then_finally_runs() {
    let mut run = Driver::start(
        plan("p")
            .timeout_ms(60_000)
            .task("a", |t| t.retry(5))
            .task("b", |t| t.needs(["a"]))
            .finally("report", |t| t)
            .build(),
    );
    run.pass_ms(100_000);
    run.lease();
    run.pass_ms(60_000);
    assert_eq!(run.state("b"), "canceled (run_timeout)");
    run.stopped("a");
    assert_eq!(run.lease(), ["report"]);
    run.succeed("report");
    assert_eq!(run.result(), "canceled (run_timeout)");
}

#[test]
fn the_time_limit_of_the_run_ends_with_its_ordinary_part() {
    let mut run = Driver::start(
        plan("p")
            .timeout_ms(60_000)
            .task("a", |t| t)
            .finally("report", |t| t)
            .build(),
    );
    run.lease();
    run.pass_ms(59_000);
    run.succeed("a");
    run.lease();
    run.pass_ms(30_000);
    run.succeed("report");
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn the_time_limit_of_the_run_also_ends_a_drain() {
    let mut run = Driver::start(plan("p").timeout_ms(60_000).task("a", |t| t).build());
    run.lease();
    run.cancel(CancelMode::Drain);
    run.pass_ms(60_000);
    assert_eq!(run.effects(), ["stop/0/1"]);
    run.stopped("a");
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn a_tick_before_its_time_changes_nothing() {
    let mut run = Driver::start(plan("p").task("a", |t| t.timeout_ms(1_000)).build());
    run.lease();
    let changes = run.accept(engine::event::Event::Tick);
    assert!(changes.is_empty());
}

#[test]
fn several_deadlines_at_once_all_happen() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.timeout_ms(1_000))
            .task("b", |t| t.timeout_ms(1_000))
            .task("c", |t| t.delayed_ms(1_000))
            .build(),
    );
    run.lease();
    run.pass_ms(1_000);
    let stop = |key| run.machine.live_attempt(run.no(key)).unwrap().stop;
    assert_eq!(stop("a"), Some(StopCause::Timeout));
    assert_eq!(stop("b"), Some(StopCause::Timeout));
    assert_eq!(
        run.row("c").state,
        TaskState::Queued(model::reason::QueueReason::Slots)
    );
}

#[test]
fn a_clock_that_is_hours_behind_at_a_take_over_puts_no_wait_off() {
    let hour_ms = 3_600_000;
    let start = |make: fn(testkit::TaskBuilder) -> testkit::TaskBuilder| {
        let plan = plan("p").task("a", make).timeout_ms(60_000).build();
        let mut run = Driver::start_with(plan, |head| head.created_at = Timestamp(0));
        run.pass_ms(5 * hour_ms);
        run
    };
    let mut retried = start(|t| t.retry(1));
    retried.lease();
    retried.fail("a", 1);
    retried.now = Timestamp(1_000);
    retried.take_over();
    retried.pass_ms(1_000);
    assert_eq!(retried.lease(), ["a"]);
    // The time limit of the run counts from the take-over at the latest.
    retried.pass_ms(60_000);
    retried.stopped("a");
    assert_eq!(retried.result(), "canceled (run_timeout)");
}
