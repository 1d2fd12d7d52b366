//! What waits for a person: manual tasks and approvals.

use engine::event::{Answer, Command, Event, Rejected};
use engine::rows::Transition;
use model::ids::TaskNo;
use model::plan::{StatusOf, ValueType};
use model::reason::CancelMode;
use serde_json::json;
use testkit::{Driver, plan};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn approved() -> Driver {
    Driver::start(
        plan("p")
            .task("deploy", |t| t.approval("go?"))
            .task("after", |t| t.needs(["deploy"]))
            .build(),
    )
}

#[test]
fn an_approval_holds_a_task_until_somebody_consents() {
    let mut run = approved();
    assert_eq!(run.state("deploy"), "blocked (approval)");
    assert!(run.machine.is_blocked());
    assert_eq!(run.lease(), Vec::<String>::new());
    run.approve("deploy");
    assert!(!run.machine.is_blocked());
    assert_eq!(run.lease(), ["deploy"]);
    let consents = run
        .count_events(|what| matches!(what, Transition::Approved { by, .. } if by == "somebody"));
    assert_eq!(consents, 1);
}

#[test]
fn a_rejected_task_fails_as_policy_and_says_who() {
    let mut run = approved();
    run.reject("deploy");
    assert_eq!(
        run.states(["deploy", "after"]),
        ["failed (policy)", "skipped (need_failed)"]
    );
    assert_eq!(run.note("deploy"), "rejected by somebody");
    assert_eq!(run.result(), "failed");
}

#[test]
fn an_approval_nobody_answers_fails_at_its_deadline() {
    let mut run = approved();
    run.pass_ms(DAY_MS - 1);
    assert_eq!(run.state("deploy"), "blocked (approval)");
    run.pass_ms(1);
    assert_eq!(run.state("deploy"), "failed (policy)");
    assert_eq!(run.note("deploy"), "nobody answered the approval in time");
}

#[test]
fn an_answer_after_the_deadline_counts_as_none() {
    for answer in [Answer::Approve, Answer::Reject] {
        let mut run = approved();
        // Nobody works on the run, so nothing has told it that time passes.
        run.now = run.now.plus_ms(DAY_MS);
        let _changes = run.answer("deploy", answer).unwrap();
        assert_eq!(run.state("deploy"), "failed (policy)");
        assert_eq!(run.note("deploy"), "nobody answered the approval in time");
        assert_eq!(run.result(), "failed");
    }
}

#[test]
fn an_answer_just_before_the_deadline_counts() {
    let mut run = approved();
    run.now = run.now.plus_ms(DAY_MS - 1);
    run.approve("deploy");
    assert_eq!(run.state("deploy"), "queued (slots)");
}

#[test]
fn what_is_asked_since_when_and_until_when_is_in_the_row_while_it_waits() {
    let mut run = Driver::start(
        plan("p")
            .task("build", |t| t.output("version", ValueType::String))
            .task("deploy", |t| {
                t.needs(["build"])
                    .approval_within_ms("ship ${{ tasks.build.outputs.version }}?", 500)
            })
            .build(),
    );
    run.lease();
    run.pass_ms(20);
    run.succeed_with("build", json!({ "version": "1.2" }));
    let row = run.row("deploy");
    assert_eq!(row.note.as_deref(), Some("ship 1.2?"));
    assert_eq!(row.ready_at.map(|at| at.0), Some(20));
    assert_eq!(row.timer_at.map(|at| at.0), Some(520));
    run.approve("deploy");
    assert_eq!(run.note("deploy"), "");
}

#[test]
fn a_question_that_cannot_be_computed_fails_its_task() {
    let mut run = Driver::start(
        plan("p")
            .task("deploy", |t| t.approval("ship ${{ params.version }}?"))
            .build(),
    );
    run.pass_ms(1);
    assert_eq!(run.state("deploy"), "failed (user)");
    assert!(
        run.note("deploy").contains("version"),
        "{}",
        run.note("deploy")
    );
}

#[test]
fn a_canceled_task_does_not_keep_its_question() {
    let mut run = approved();
    run.cancel(CancelMode::Now);
    assert_eq!(run.state("deploy"), "canceled (person)");
    assert_eq!(run.note("deploy"), "");
}

#[test]
fn an_approval_has_its_own_deadline_and_an_answer_ends_it() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.approval_within_ms("go?", 500))
            .task("b", |t| t.approval_within_ms("go?", 500))
            .build(),
    );
    run.pass_ms(400);
    run.approve("a");
    run.pass_ms(400);
    assert_eq!(
        run.states(["a", "b"]),
        ["queued (slots)", "failed (policy)"]
    );
}

#[test]
fn an_answer_to_a_task_that_waits_for_none_is_rejected() {
    let mut run = approved();
    let error = run.answer("after", Answer::Approve).unwrap_err();
    assert_eq!(
        error.to_string(),
        "task `after` does not wait for that: it is queued (needs)"
    );
    run.approve("deploy");
    assert!(run.answer("deploy", Answer::Reject).is_err());
    let (task, by) = (TaskNo(99), String::new());
    let unknown = run
        .handle(Event::Command(Command::StartManual { task, by }))
        .unwrap_err();
    assert_eq!(unknown, Rejected::UnknownTask(TaskNo(99)));
}

#[test]
fn a_task_that_only_asks_succeeds_by_consent() {
    let mut run = Driver::start(
        plan("p")
            .task("gate", |t| t.nothing().approval("go?"))
            .task("b", |t| t.needs(["gate"]))
            .build(),
    );
    run.approve("gate");
    assert_eq!(run.state("gate"), "succeeded");
    assert_eq!(run.lease(), ["b"]);
}

#[test]
fn a_blocking_manual_task_holds_up_those_behind_it() {
    let mut run = Driver::start(
        plan("p")
            .task("ship", |t| t.manual())
            .task("after", |t| t.needs(["ship"]))
            .build(),
    );
    assert_eq!(
        run.states(["ship", "after"]),
        ["blocked (manual)", "queued (needs)"]
    );
    assert!(run.machine.is_blocked());
    run.start_manual("ship");
    assert_eq!(run.lease(), ["ship"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_manual_task_that_blocks_nothing_is_skipped_when_all_else_has_ended() {
    let mut run = Driver::start(
        plan("p")
            .task("extra", |t| t.manual_optional())
            .task("after", |t| t.needs(["extra"]))
            .build(),
    );
    assert_eq!(
        run.states(["extra", "after"]),
        ["blocked (manual)", "queued (slots)"]
    );
    run.lease();
    run.succeed("after");
    assert_eq!(run.state("extra"), "skipped (manual)");
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_manual_task_that_blocks_nothing_can_be_started_while_others_go_on() {
    let mut run = Driver::start(
        plan("p")
            .task("extra", |t| t.manual_optional())
            .task("other", |t| t)
            .build(),
    );
    run.lease();
    run.start_manual("extra");
    run.succeed("other");
    assert_eq!(run.result(), "running");
    assert_eq!(run.lease(), ["extra"]);
    run.fail("extra", 1);
    assert_eq!(run.result(), "failed");
}

#[test]
fn a_started_manual_task_that_then_asks_for_consent_is_waited_for() {
    let mut run = Driver::start(
        plan("p")
            .task("extra", |t| t.manual_optional().approval("really?"))
            .task("other", |t| t)
            .build(),
    );
    run.lease();
    run.start_manual("extra");
    run.succeed("other");
    assert_eq!(run.state("extra"), "blocked (approval)");
    run.approve("extra");
    run.finish();
    assert_eq!(run.states(["extra"]), ["succeeded"]);
}

#[test]
fn what_was_let_go_counts_as_success_even_if_it_fails_before_the_others_look() {
    let mut run = Driver::start(
        plan("p")
            .task("extra", |t| t.manual_optional())
            .task("slow", |t| t)
            .task("after", |t| t.needs(["extra", "slow"]))
            .build(),
    );
    run.start_manual("extra");
    run.lease();
    run.fail("extra", 1);
    run.succeed("slow");
    assert_eq!(run.state("after"), "queued (slots)");
}

#[test]
fn ancestors_are_seen_through_a_manual_task_that_blocks_nothing() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("extra", |t| {
                t.needs(["a"]).when("always()").manual_optional()
            })
            .task("b", |t| t.needs(["extra"]).status_of(StatusOf::Ancestors))
            .build(),
    );
    run.lease();
    run.fail("a", 1);
    assert_eq!(run.state("b"), "skipped (need_failed)");
}

#[test]
fn manual_members_that_block_nothing_let_those_behind_the_matrix_go() {
    let mut run = Driver::start(
        plan("p")
            .task("extra", |t| {
                t.manual_optional().matrix([("n", json!([1, 2, 3]))])
            })
            .task("after", |t| t.needs(["extra"]))
            .build(),
    );
    assert_eq!(run.lease(), ["after"]);
    run.start_manual("extra[2]");
    assert_eq!(run.lease(), ["extra[2]"]);
    run.succeed("after");
    run.succeed("extra[2]");
    assert_eq!(
        run.states(["extra[1]", "extra[2]", "extra"]),
        ["skipped (manual)", "succeeded", "succeeded"]
    );
}

#[test]
fn a_member_that_fails_by_its_rule_cancels_manual_members_in_the_same_event() {
    let mut run = Driver::start(
        plan("p")
            .task("extra", |t| {
                t.manual_optional()
                    .matrix([("n", json!([0, 1]))])
                    .when("1 / matrix.n == 1")
            })
            .task("after", |t| t.needs(["extra"]).when("always()"))
            .build(),
    );
    assert_eq!(
        run.states(["extra[0]", "extra[1]", "extra"]),
        ["failed (user)", "canceled (fail_fast)", "failed (user)"]
    );
    run.finish();
    assert_eq!(run.state("after"), "succeeded");
}

#[test]
fn finally_waits_until_manual_tasks_that_block_nothing_are_given_up() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("extra", |t| t.manual_optional())
            .finally("report", |t| t)
            .build(),
    );
    run.lease();
    assert_eq!(run.state("report"), "queued (finally)");
    run.succeed("a");
    assert_eq!(
        run.states(["extra", "report"]),
        ["skipped (manual)", "queued (slots)"]
    );
}

#[test]
fn a_blocked_run_can_be_canceled() {
    let mut run = approved();
    run.cancel(CancelMode::Finally);
    assert_eq!(run.state("deploy"), "canceled (person)");
    assert_eq!(run.result(), "canceled (person)");
}
