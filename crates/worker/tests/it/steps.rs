//! An attempt from its lease to its report.

use crate::bench::{Bench, FakeSite, one, place, work};
use api::protocol::RequestBody;
use engine::rows::AttemptResult;
use exec::{ExecEvent, Exit, OutputState};
use model::plan::{Plan, Resources, ValueType};
use model::reason::FailureKind;
use worker::{Input, Output, Trouble};

#[test]
fn a_task_is_begun_ended_and_reported_with_a_wish_for_the_next() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    let id = bench.started()[0];
    bench.begins(id);
    bench.succeeds(id);
    assert!(bench.reports().is_empty(), "its processes may still live");
    bench.tree_gone(&one(), 7);
    assert_eq!(bench.results(), [AttemptResult::Succeeded]);
    let wishes = bench.asked.iter().filter(|request| {
        matches!(&request.body, RequestBody::Report { then: Some(wish), .. } if wish.max == 1)
    });
    assert_eq!(wishes.count(), 1);
}

#[test]
fn a_report_is_repeated_until_it_is_answered() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    let id = bench.started()[0];
    bench.succeeds(id);
    bench.tree_gone(&one(), 0);
    bench.pass_ms(2_000);
    assert_eq!(bench.results().len(), 2);
    bench.hears_report();
    bench.pass_ms(2_000);
    assert_eq!(bench.results().len(), 2);
    assert!(bench.worker.is_idle());
}

#[test]
fn the_use_of_a_tree_is_told_once() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    let id = bench.started()[0];
    bench.prints(id, "hello");
    bench.succeeds(id);
    bench.tree_gone(&one(), 7);
    bench.tree_gone(&one(), 0);
    bench.keep();
    let (_, _, end) = bench.reports().remove(0);
    assert_eq!(end.usage.memory_peak_bytes, 7);
}

#[test]
fn a_stop_asks_first_and_kills_once_after_the_grace() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    let id = bench.started()[0];
    bench.begins(id);
    bench.tell(Input::Nudge);
    bench.stop(&one());
    let asked = bench.said.iter();
    let asked = asked.filter(|output| matches!(output, Output::Terminate(_)));
    assert_eq!((asked.count(), bench.killed()), (1, 0));
    bench.pass_ms(1_000);
    bench.pass_ms(1_000);
    assert_eq!(bench.killed(), 1);
    bench.exits(id, Exit::Signal(9), OutputState::Ended);
    bench.tree_gone(&one(), 0);
    assert_eq!(bench.results(), [AttemptResult::Stopped]);
}

#[test]
fn what_was_killed_does_not_keep_the_worker_awake() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    bench.tell(Input::Kill);
    bench.tell(Input::Tick);
    assert_eq!(bench.killed(), 1);
    let wake = bench.worker.next_wake();
    assert!(wake.is_none_or(|wake| wake > bench.now), "{wake:?}");
}

#[test]
fn a_kill_while_the_place_is_made_is_no_success() {
    let mut bench = Bench::slow(1);
    bench.give(vec![one()]);
    bench.tell(Input::Kill);
    bench.tell(Input::Prepared(one().id, Ok(place(one().id))));
    bench.tree_gone(&one(), 0);
    assert_eq!(bench.started(), []);
    assert_eq!(bench.results(), [AttemptResult::Stopped]);
}

#[test]
fn a_stop_while_the_place_is_made_ends_the_making() {
    for (input, result) in [
        (Input::Kill, AttemptResult::Stopped),
        (Input::Interrupt, AttemptResult::Interrupted),
    ] {
        let mut bench = Bench::slow(1);
        bench.give(vec![one()]);
        let said = bench.said.iter();
        let mut cut = said.filter_map(|output| {
            let Output::Prepare(_, cut) = output else {
                return None;
            };
            Some(cut.clone())
        });
        let cut = cut.next().unwrap();
        assert!(!cut.is_due());
        bench.tell(input);
        assert!(cut.is_due());
        let trouble = Trouble::Platform("git was ended".to_owned());
        bench.tell(Input::Prepared(one().id, Err(trouble)));
        assert_eq!(bench.results(), [result]);
    }
}

#[test]
fn without_an_executor_nothing_succeeds_and_what_was_not_begun_is_free_of_charge() {
    let mut bench = Bench::slow(1);
    bench.give(vec![one()]);
    let cause = "killed".to_owned();
    bench.tell(Input::Exec(ExecEvent::SpawnerLost { cause }));
    bench.tell(Input::Prepared(one().id, Ok(place(one().id))));
    let [AttemptResult::Failed { kind, .. }] = &bench.results()[..] else {
        panic!("{:?}", bench.results());
    };
    assert_eq!(*kind, FailureKind::InfraBeforeStart);
}

#[test]
fn a_command_that_the_spawner_took_with_it_is_the_platforms_failure() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    bench.begins(bench.started()[0]);
    let cause = "killed".to_owned();
    bench.tell(Input::Exec(ExecEvent::SpawnerLost { cause }));
    bench.pass_ms(100);
    bench.keep();
    let [AttemptResult::Failed { kind, .. }] = &bench.results()[..] else {
        panic!("{:?}", bench.results());
    };
    assert_eq!(*kind, FailureKind::InfraAfterStart);
    assert!(
        bench
            .said
            .iter()
            .any(|output| matches!(output, Output::Broken(_)))
    );
}

#[test]
fn a_step_that_takes_too_long_is_the_tasks_failure() {
    let plan = testkit::plan("p")
        .task("a", |task| {
            task.step("s", |step| step.run("sleep 9").timeout_ms(500))
        })
        .build();
    let mut bench = Bench::new(1);
    bench.give(work(plan));
    let id = bench.started()[0];
    bench.begins(id);
    bench.pass_ms(500);
    bench.exits(id, Exit::Signal(15), OutputState::Ended);
    bench.tree_gone(&one(), 0);
    let [AttemptResult::Failed { kind, message, .. }] = &bench.results()[..] else {
        panic!("{:?}", bench.results());
    };
    assert_eq!(*kind, FailureKind::Timeout);
    assert_eq!(message, "step `s` took longer than its `timeout` of 500 ms");
}

#[test]
fn an_interrupt_stops_what_runs_and_gives_back_what_does_not() {
    let tasks = work(
        testkit::plan("p")
            .task("a", |task| task.run("true"))
            .task("b", |task| task.run("true"))
            .build(),
    );
    let mut bench = Bench::new(1);
    bench.give(tasks.clone());
    bench.tell(Input::Interrupt);
    assert_eq!(bench.results(), [AttemptResult::Interrupted]);
    assert_eq!(bench.reports()[0].0, tasks[1].id);
    let id = bench.started()[0];
    bench.exits(id, Exit::Signal(15), OutputState::Ended);
    bench.tree_gone(&tasks[0], 0);
    assert_eq!(bench.results()[1], AttemptResult::Interrupted);
}

#[test]
fn work_that_comes_after_an_interrupt_is_given_back() {
    let mut bench = Bench::new(1);
    bench.tell(Input::Interrupt);
    bench.give(vec![one()]);
    assert_eq!(bench.started(), []);
    assert_eq!(bench.results(), [AttemptResult::Interrupted]);
}

#[test]
fn work_that_does_not_fit_beside_what_runs_waits_for_it() {
    let memory = |bytes| Resources {
        memory_bytes: bytes,
        ..Resources::default()
    };
    let mut tasks = work(
        testkit::plan("p")
            .task("a", |task| task.run("true"))
            .task("b", |task| task.run("true"))
            .build(),
    );
    for task in &mut tasks {
        let mut def = (*task.task).clone();
        def.resources = memory(6);
        task.task = def.into();
    }
    let mut bench = Bench::with(2, Some(memory(10)), FakeSite::default());
    bench.give(tasks.clone());
    assert_eq!(bench.started().len(), 1);
    let id = bench.started()[0];
    bench.succeeds(id);
    bench.tree_gone(&tasks[0], 0);
    bench.hears_report();
    assert_eq!(bench.started().len(), 2);
}

/// What a task comes to that succeeds but for what it gives, and its log.
fn not_given(plan: Plan) -> (AttemptResult, String) {
    let mut bench = Bench::new(1);
    bench.give(work(plan));
    bench.runs_through(&one());
    bench.keep();
    (bench.results().remove(0), bench.log())
}

fn users(message: &str) -> AttemptResult {
    AttemptResult::Failed {
        kind: FailureKind::User,
        exit_code: None,
        message: message.to_owned(),
    }
}

#[test]
fn a_declared_output_that_was_not_written_fails_the_task_and_the_log_says_so() {
    let plan = testkit::plan("p").task("a", |task| {
        task.run("true").output("version", ValueType::String)
    });
    let (result, log) = not_given(plan.build());
    let message = "output `version` is declared, and no step wrote it; write it with \
        `echo \"version=VALUE\" >> \"$FORMIC_OUTPUT\"`, or declare its `default`";
    assert_eq!(
        (result, log),
        (users(message), format!("formic: {message}\n"))
    );
}

#[test]
fn the_digest_of_an_artifact_that_was_not_given_is_missed() {
    let plan = testkit::plan("p").task("a", |task| {
        task.run("true").output("image", ValueType::Artifact)
    });
    let (result, _) = not_given(plan.build());
    let message =
        "output `image` is the digest of artifact `image`, and no file of that artifact is there";
    assert_eq!(result, users(message));
}

#[test]
fn a_command_of_which_nothing_was_heard_counts_as_begun_when_the_spawner_is_gone() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    assert_eq!(bench.started().len(), 1);
    let cause = "killed".to_owned();
    let lost = Input::Exec(ExecEvent::SpawnerLost { cause });
    let first = bench.tell_and_see(lost).into_iter().next();
    assert!(
        matches!(first, Some(Output::Broken(_))),
        "told before what becomes of the attempts: {first:?}"
    );
    bench.pass_ms(100);
    bench.keep();
    let [AttemptResult::Failed { kind, .. }] = &bench.results()[..] else {
        panic!("{:?}", bench.results());
    };
    assert_eq!(*kind, FailureKind::InfraAfterStart);
}
