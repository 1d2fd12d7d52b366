//! Results of other runs in the place of running: each way from a key to an end.

use engine::event::{Content, Event, Found, Rejected};
use engine::rows::{Changes, Ended, KeyRow, Parent, ParentKind, Transition};
use model::Json;
use model::digest::Digest;
use model::plan::ValueType;
use model::reason::{CancelMode, FailureKind};
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{Driver, TaskBuilder, earlier, found, key_of, plan};

/// A run whose task `a` is leased: it names inputs, gives `v` and `x`, and `b` reads `v`.
fn leased() -> Driver {
    leased_with(|t| t)
}

fn leased_with(make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Driver {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| make(giver(t)))
            .task("b", |t| t.needs(["a"]).when("tasks.a.outputs.v == 'old'"))
            .build(),
    );
    assert_eq!(run.lease(), ["a"]);
    run
}

fn giver(t: TaskBuilder) -> TaskBuilder {
    t.inputs(["src"])
        .output("v", ValueType::String)
        .artifact("x", "out")
}

fn old() -> Option<Found> {
    Some(found(json!({"v": "old"}), ["x"]))
}

fn with(change: impl FnOnce(&mut Found)) -> Option<Found> {
    let mut found = old();
    found.as_mut().map(change);
    found
}

fn keys(run: &Driver) -> Vec<KeyRow> {
    run.keys.clone()
}

fn key_row(run: &Driver, task: &str) -> KeyRow {
    let (key, task) = (key_of(task), run.no(task));
    KeyRow { key, task }
}

#[test]
fn a_result_that_is_found_stands_for_running() {
    let mut run = leased();
    assert!(run.machine.work(run.no("a")).keyed);
    assert_eq!(run.keyed("a", old()), Ok(true));
    assert_eq!(run.outputs("a"), json!({}), "nothing shows before the end");
    run.reused("a");
    assert_eq!(run.state("a"), "succeeded");
    assert_eq!(run.row("a").reused_from, Some(earlier()));
    assert_eq!(run.outputs("a"), json!({"v": "old"}));
    assert_eq!(run.row("a").artifacts[0].digest, Digest::of(b"x"));
    let (task, from) = (run.no("a"), earlier());
    let told = run.events.iter().map(|event| &event.what);
    assert!(
        told.into_iter()
            .any(|what| *what == Transition::Reused { task, from })
    );
    assert_eq!(run.lease(), ["b"]);
    run.succeed("b");
    assert_eq!(run.result(), "succeeded");
    assert_eq!(keys(&run), [], "who really ran it has published it");
}

#[test]
fn what_is_not_found_is_run_and_published_under_its_key() {
    let mut run = leased();
    assert_eq!(run.keyed("a", None), Ok(false));
    assert_eq!(keys(&run), []);
    run.succeed_with("a", json!({"v": "old"}));
    assert_eq!(run.row("a").reused_from, None);
    assert_eq!(keys(&run), [key_row(&run, "a")]);
}

#[test]
fn a_task_that_names_no_inputs_tells_no_key() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    assert!(!run.machine.work(run.no("a")).keyed);
    let refused = run.keyed("a", old()).unwrap_err();
    assert!(matches!(refused, Rejected::NotWaiting { .. }));
    run.succeed("a");
    assert_eq!(keys(&run), []);
}

#[test]
fn tasks_that_read_or_leave_more_than_their_key_says_are_always_run() {
    let cases: [fn(TaskBuilder) -> TaskBuilder; 4] = [
        |t| t.secret("token"),
        |t| t.cache("k", "target"),
        |t| t.workspace("w"),
        |t| t.generates("more.yaml"),
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let run = leased_with(case);
        assert!(!run.machine.work(run.no("a")).keyed, "case {number}");
    }
}

#[test]
fn a_result_that_does_not_fit_the_definition_is_not_taken() {
    let cases: [fn(&mut Found); 6] = [
        |found| found.result.ended = Ended::Failed(FailureKind::User),
        |found| found.result.outputs.clear(),
        |found| found.result.artifacts.clear(),
        |found| found.result.artifacts[0].name = "other".to_owned(),
        |found| found.result.outputs.get_mut("v").unwrap().value = Json::from(3),
        |found| found.result.generated = Some(Digest::of(b"more")),
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let mut run = leased();
        assert_eq!(run.keyed("a", with(case)), Ok(false), "case {number}");
    }
}

#[test]
fn a_result_whose_content_is_gone_is_not_taken() {
    let mut run = leased();
    let gone = with(|found| found.content = Content::Gone);
    assert_eq!(run.keyed("a", gone), Ok(false));
    run.succeed_with("a", json!({"v": "new"}));
    assert_eq!(keys(&run), [key_row(&run, "a")], "it can be found again");
}

#[test]
fn a_found_result_that_cannot_be_put_in_place_is_run_and_published_anew() {
    let mut run = leased();
    run.keyed("a", old()).unwrap();
    run.started("a");
    run.succeed_with("a", json!({"v": "new"}));
    assert_eq!(run.outputs("a"), json!({"v": "new"}));
    assert_eq!(run.row("a").reused_from, None);
    assert_eq!(keys(&run), [key_row(&run, "a")]);
}

#[test]
fn a_failure_publishes_no_key_tolerated_or_not() {
    for make in [|t: TaskBuilder| t, |t: TaskBuilder| t.tolerate()] {
        let mut run = leased_with(make);
        run.keyed("a", None).unwrap();
        run.fail("a", 1);
        assert_eq!(keys(&run), []);
    }
}

#[test]
fn what_was_made_of_files_that_changed_meanwhile_is_not_found_again() {
    let mut run = leased();
    run.keyed("a", None).unwrap();
    let mut end = engine::rows::AttemptEnd::bare(engine::rows::AttemptResult::Succeeded);
    end.moved = true;
    run.end("a", end);
    assert_eq!(run.state("a"), "succeeded");
    assert_eq!(keys(&run), []);
}

#[test]
fn the_first_answer_to_a_key_stands() {
    let mut run = leased();
    assert_eq!(run.keyed("a", None), Ok(false));
    let again = run.told("a", old());
    let changes = run.accept(Event::Keyed(again));
    assert!(changes.is_empty());
    assert_eq!(run.keyed("a", old()), Ok(false));
    let mut run = leased();
    assert_eq!(run.keyed("a", old()), Ok(true));
    assert_eq!(run.keyed("a", None), Ok(true));
}

#[test]
fn a_key_that_comes_after_the_end_is_refused() {
    let mut run = leased();
    let late = run.told("a", old());
    run.succeed_with("a", json!({"v": "new"}));
    let refused = run.handle(Event::Keyed(late.clone())).unwrap_err();
    assert!(matches!(refused, Rejected::Fenced { .. }));
    run.finish();
    let refused = run.handle(Event::Keyed(late)).unwrap_err();
    assert!(matches!(refused, Rejected::Fenced { .. }));
}

#[test]
fn a_reuse_that_is_reported_twice_counts_once() {
    let mut run = leased();
    run.keyed("a", old()).unwrap();
    let end = engine::rows::AttemptEnd::bare(engine::rows::AttemptResult::Reused);
    let report = run.report_of("a", end);
    run.accept(Event::Report(report.clone()));
    assert!(run.handle(Event::Report(report)).is_err());
}

#[test]
fn nothing_is_found_for_an_attempt_that_has_to_stop() {
    let mut run = leased();
    run.cancel(CancelMode::Finally);
    assert_eq!(run.keyed("a", old()), Ok(false));
    run.stopped("a");
    assert_eq!(run.state("a"), "canceled (person)");
}

#[test]
fn a_cancel_between_the_answer_and_the_end_cancels_or_comes_too_late() {
    let mut run = leased();
    run.keyed("a", old()).unwrap();
    run.cancel(CancelMode::Finally);
    run.stopped("a");
    assert_eq!(run.state("a"), "canceled (person)");
    assert_eq!(run.row("a").reused_from, None);
    let mut run = leased();
    run.keyed("a", old()).unwrap();
    run.cancel(CancelMode::Finally);
    run.reused("a");
    assert_eq!(run.state("a"), "succeeded");
    assert_eq!(run.outputs("a"), json!({"v": "old"}));
}

#[test]
fn a_take_over_between_the_answer_and_the_end_begins_again() {
    let mut run = leased();
    run.keyed("a", old()).unwrap();
    let late = run.told("a", old());
    run.crash();
    run.take_over();
    assert!(run.handle(Event::Keyed(late)).is_err());
    assert_eq!(run.lease(), ["a"]);
    assert_eq!(run.row("a").attempts, 2);
    assert_eq!(run.keyed("a", None), Ok(false), "the new attempt asks anew");
    run.succeed_with("a", json!({"v": "new"}));
    assert_eq!(run.outputs("a"), json!({"v": "new"}));
}

#[test]
fn a_worker_that_reuses_what_was_not_found_has_not_succeeded() {
    let mut run = leased();
    run.keyed("a", None).unwrap();
    run.reused("a");
    assert_eq!(run.state("a"), "queued (backoff)");
    assert_eq!(run.row("a").free_retries, 1);
    assert_eq!(keys(&run), []);
}

#[test]
fn two_equal_tasks_at_once_are_both_run_and_both_published() {
    let (mut one, mut other) = (leased(), leased());
    for run in [&mut one, &mut other] {
        assert_eq!(run.keyed("a", None), Ok(false));
    }
    for run in [&mut one, &mut other] {
        run.succeed_with("a", json!({"v": "old"}));
        assert_eq!(keys(run), [key_row(run, "a")]);
    }
}

#[test]
fn a_run_never_takes_its_own_results() {
    let mut run = leased();
    let own = run.machine.head().id;
    let found = with(|found| found.result.run = own);
    assert_eq!(run.keyed("a", found), Ok(false));
}

/// A run of `a` that repeats an earlier one.
fn repeated(kind: ParentKind) -> Driver {
    let plan = plan("p").task("a", giver).build();
    let mut run = Driver::start_with(plan, |head| {
        let (run, reused) = (earlier(), BTreeMap::new());
        head.parent = Some(Parent { run, kind, reused });
    });
    run.lease();
    run
}

#[test]
fn a_retry_runs_what_a_person_wants_again_and_publishes_it() {
    let mut run = repeated(ParentKind::Retry);
    assert!(!run.machine.takes_results());
    assert_eq!(run.keyed("a", old()), Ok(false));
    run.succeed_with("a", json!({"v": "new"}));
    assert_eq!(keys(&run), [key_row(&run, "a")]);
}

#[test]
fn a_replay_neither_takes_nor_publishes() {
    let mut run = repeated(ParentKind::Replay);
    assert!(!run.machine.work(run.no("a")).keyed);
    run.succeed_with("a", json!({"v": "new"}));
    assert_eq!(keys(&run), []);
}

#[test]
fn members_of_a_matrix_are_found_one_by_one() {
    let plan = plan("p")
        .task("m", |t| t.inputs(["src"]).matrix([("n", json!([1, 2]))]))
        .build();
    let mut run = Driver::start(plan);
    run.lease();
    assert_eq!(run.keyed("m[1]", Some(found(json!({}), []))), Ok(true));
    assert_eq!(run.keyed("m[2]", None), Ok(false));
    run.reused("m[1]");
    run.succeed("m[2]");
    assert_eq!(run.result(), "succeeded");
    assert_eq!(keys(&run), [key_row(&run, "m[2]")]);
}

#[test]
fn a_key_costs_one_row_and_a_task_without_one_nothing() {
    let rows = |changes: &Changes| {
        (
            changes.tasks.len(),
            changes.attempts.len(),
            changes.keys.len(),
        )
    };
    let mut run = leased();
    let told = run.told("a", None);
    let changes = run.accept(Event::Keyed(told));
    assert_eq!((rows(&changes), changes.events.len()), ((0, 1, 0), 0));
    let with = run.succeed_with("a", json!({"v": "new"}));
    assert_eq!(with.keys.len(), 1);
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    let without = run.succeed("a");
    assert_eq!(rows(&without), (1, 1, 0));
}
