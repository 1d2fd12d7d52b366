//! What a failure means: another attempt, a tolerated end, an end with defaults, or the end.

use engine::event::Event;
use engine::rows::{AttemptEnd, AttemptResult, Transition};
use model::limits;
use model::plan::{Retry, ValueType};
use model::reason::FailureKind;
use serde_json::json;
use testkit::{Driver, TaskBuilder, plan};

fn one(make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Driver {
    let mut run = Driver::start(plan("p").task("a", make).build());
    run.lease();
    run
}

#[test]
fn a_failed_task_is_tried_again_after_a_growing_pause() {
    let mut run = one(|t| t.retry(2));
    run.fail("a", 1);
    assert_eq!(run.state("a"), "queued (backoff)");
    run.pass_ms(998);
    assert!(run.lease().is_empty());
    run.pass_ms(1);
    assert_eq!(run.lease(), ["a"]);
    run.fail("a", 1);
    run.pass_ms(1_997);
    assert!(run.lease().is_empty());
    run.pass_ms(1);
    assert_eq!(run.lease(), ["a"]);
    run.fail("a", 9);
    assert_eq!(run.state("a"), "failed (user)");
    assert_eq!(run.note("a"), "exit code 9");
    assert_eq!((run.row("a").attempts, run.row("a").retries), (3, 2));
    let again = run.count_events(|what| matches!(what, Transition::AttemptEnded { .. }));
    assert_eq!(again, 2);
}

#[test]
fn the_jitter_of_the_report_spreads_the_pause() {
    let mut run = one(|t| t.retry(1));
    let failed = AttemptResult::Failed {
        kind: FailureKind::User,
        exit_code: Some(1),
        message: String::new(),
    };
    let mut report = run.report_of("a", AttemptEnd::bare(failed));
    report.jitter_permille = 0;
    run.accept(Event::Report(report));
    run.pass_ms(499);
    assert!(run.lease().is_empty());
    run.pass_ms(1);
    assert_eq!(run.lease(), ["a"]);
}

#[test]
fn a_second_attempt_that_succeeds_is_a_success_without_a_note() {
    let mut run = one(|t| t.retry(1));
    run.fail("a", 1);
    run.pass_ms(1_000);
    run.lease();
    run.succeed("a");
    assert_eq!((run.state("a").as_str(), run.note("a")), ("succeeded", ""));
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_retry_condition_reads_kind_code_and_attempt() {
    let rule = "failure.kind == 'user' && failure.exit_code == 75 && attempt < 2";
    let mut run = one(|t| t.retry(5).retry_when(rule));
    run.fail("a", 75);
    assert_eq!(run.state("a"), "queued (backoff)");
    run.pass_ms(1_000);
    run.lease();
    run.fail("a", 75);
    assert_eq!(run.state("a"), "failed (user)");
    let mut other = one(|t| t.retry(5).retry_when(rule));
    other.fail("a", 1);
    assert_eq!(other.state("a"), "failed (user)");
}

#[test]
fn a_retry_condition_with_an_error_ends_the_task_and_says_both() {
    let mut run = one(|t| t.retry(5).retry_when("failure.nothing"));
    run.fail("a", 3);
    assert_eq!(run.state("a"), "failed (user)");
    let note = run.note("a");
    assert!(note.starts_with("exit code 3; `failure.nothing`"), "{note}");
}

#[test]
fn trouble_of_the_platform_before_the_start_is_free_but_not_for_ever() {
    let mut run = one(|t| t);
    for _ in 0..limits::FREE_RETRIES {
        run.fail_as("a", FailureKind::InfraBeforeStart);
        assert_eq!(run.state("a"), "queued (backoff)");
        run.pass_ms(60_000);
        run.lease();
    }
    run.fail_as("a", FailureKind::InfraBeforeStart);
    assert_eq!(run.state("a"), "failed (infra_before_start)");
    assert_eq!(run.row("a").retries, 0);
}

#[test]
fn trouble_of_the_platform_after_the_start_ends_a_task_that_is_not_idempotent() {
    let mut run = one(|t| t.retry(3));
    run.fail_as("a", FailureKind::InfraAfterStart);
    assert_eq!(run.state("a"), "failed (infra_after_start)");
    let mut idempotent = one(|t| t.idempotent());
    idempotent.fail_as("a", FailureKind::InfraAfterStart);
    assert_eq!(idempotent.state("a"), "queued (backoff)");
}

#[test]
fn an_interrupted_attempt_is_begun_again_at_once_but_not_for_ever() {
    let mut run = one(|t| t);
    for _ in 0..limits::FREE_RETRIES {
        run.end("a", AttemptEnd::bare(AttemptResult::Interrupted));
        assert_eq!(run.lease(), ["a"]);
    }
    run.end("a", AttemptEnd::bare(AttemptResult::Interrupted));
    assert_eq!(run.state("a"), "failed (infra_after_start)");
    assert_eq!(
        run.note("a"),
        "its workers were told to go 6 times before it ended"
    );
}

#[test]
fn a_policys_no_is_not_tried_again() {
    let mut run = one(|t| t.retry(3).retry_when("true"));
    run.fail_as("a", FailureKind::Policy);
    assert_eq!(run.state("a"), "failed (policy)");
}

#[test]
fn a_failure_is_tolerated_by_its_exit_code_only() {
    let mut run = one(|t| t.tolerate_codes([3, 4]));
    run.fail("a", 4);
    assert_eq!(
        (run.state("a").as_str(), run.result().as_str()),
        ("failed (user)", "succeeded")
    );
    assert!(run.row("a").tolerated);
    let mut other = one(|t| t.tolerate_codes([3, 4]));
    other.fail("a", 1);
    assert_eq!(other.result(), "failed");
    let mut lost = one(|t| t.tolerate_codes([3, 4]));
    lost.worker_gone("w");
    assert_eq!(lost.result(), "failed");
}

#[test]
fn a_failure_is_tolerated_when_its_condition_says_so() {
    let rule = "failure.kind == 'timeout' || failure.exit_code == 2";
    let mut run = one(|t| t.tolerate_when(rule));
    run.fail("a", 2);
    assert_eq!(run.result(), "succeeded");
    let mut other = one(|t| t.tolerate_when(rule));
    other.fail("a", 1);
    assert_eq!(other.result(), "failed");
    let mut broken = one(|t| t.tolerate_when("1 / 0 == 1"));
    broken.fail("a", 1);
    assert_eq!(broken.result(), "failed");
    assert!(broken.note("a").starts_with("`1 / 0 == 1`"));
}

#[test]
fn a_tolerated_failure_is_tried_again_first() {
    let mut run = one(|t| t.tolerate().retry(1));
    run.fail("a", 1);
    assert_eq!(run.state("a"), "queued (backoff)");
}

#[test]
fn after_a_task_that_is_not_critical_others_go_on_with_defaults() {
    let mut run = Driver::start(
        plan("p")
            .task("scan", |t| {
                t.not_critical()
                    .output_default("found", ValueType::Number, json!(0))
                    .output("detail", ValueType::String)
            })
            .task("b", |t| {
                t.needs(["scan"]).when("tasks.scan.outputs.found == 0")
            })
            .build(),
    );
    run.lease();
    run.fail("scan", 1);
    assert_eq!(run.outputs("scan"), json!({ "found": 0 }));
    assert_eq!(run.lease(), ["b"]);
    run.succeed("b");
    assert_eq!(run.states(["scan"]), ["failed (user)"]);
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_default_is_taken_for_what_a_successful_task_did_not_write() {
    let mut run = one(|t| {
        t.output_default("level", ValueType::String, json!("info"))
            .output("name", ValueType::String)
    });
    run.succeed_with("a", json!({ "name": "x" }));
    assert_eq!(run.outputs("a"), json!({ "level": "info", "name": "x" }));
}

#[test]
fn only_the_last_attempt_gives_outputs() {
    let mut run = one(|t| t.retry(1).output("n", ValueType::String));
    let mut end = AttemptEnd::bare(AttemptResult::Failed {
        kind: FailureKind::User,
        exit_code: Some(1),
        message: String::new(),
    });
    end.outputs = [(
        "n".to_owned(),
        engine::rows::OutputValue {
            value: json!("first"),
            tainted: false,
        },
    )]
    .into();
    run.end("a", end);
    assert_eq!(run.outputs("a"), json!({}));
    run.pass_ms(1_000);
    run.lease();
    run.succeed_with("a", json!({ "n": "second" }));
    assert_eq!(run.outputs("a"), json!({ "n": "second" }));
}

#[test]
fn what_a_failed_task_wrote_can_be_read() {
    let mut run = one(|t| t.output("n", ValueType::String).tolerate());
    let mut end = AttemptEnd::bare(AttemptResult::Failed {
        kind: FailureKind::User,
        exit_code: Some(1),
        message: String::new(),
    });
    end.outputs = serde_json::from_value(json!({ "n": { "value": "early" } })).unwrap();
    run.end("a", end);
    assert_eq!(run.outputs("a"), json!({ "n": "early" }));
}

#[test]
fn the_pause_is_bounded_by_the_tasks_own_rule() {
    let mut run = one(|t| {
        t.retry_with(Retry {
            max: 3,
            backoff_ms: 100,
            factor_percent: 1_000,
            max_backoff_ms: 300,
            when: None,
        })
    });
    run.fail("a", 1);
    run.pass_ms(100);
    run.lease();
    run.fail("a", 1);
    run.pass_ms(300);
    assert_eq!(run.lease(), ["a"]);
}

#[test]
fn a_person_may_interrupt_a_task_as_often_as_it_pleases() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    for _ in 0..20 {
        run.lease();
        let mut report = run.report_of("a", AttemptEnd::bare(AttemptResult::Interrupted));
        report.by_person = true;
        run.accept(Event::Report(report));
        run.take_over();
    }
    run.lease();
    run.succeed("a");
    assert_eq!(run.result(), "succeeded");
    assert_eq!(run.row("a").free_retries, 0);
}

#[test]
fn tasks_of_a_lost_worker_come_back_one_after_another() {
    let values: Vec<u32> = (0..20).collect();
    let matrix = [("n", serde_json::json!(values))];
    let mut run = Driver::start(
        plan("p")
            .task("m", |t| t.matrix(matrix).idempotent())
            .build(),
    );
    run.lease();
    run.worker_gone("w");
    let timers = run.machine.tasks().iter().filter_map(|row| row.timer_at);
    let different: std::collections::BTreeSet<_> = timers.collect();
    assert!(different.len() > 10, "{different:?}");
}
