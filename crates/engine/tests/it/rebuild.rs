//! Runs that go on from rows: reuse of finished results, and what is offered again.

use engine::machine::{Corrupt, Machine};
use engine::rows::{Ended, OutputValue, Parent, ParentKind, Reused};
use model::digest::Digest;
use model::ids::RunId;
use model::plan::ValueType;
use model::reason::{CancelMode, FailureKind, SkipCause};
use serde_json::json;
use testkit::{Driver, plan};

fn reused(ended: Ended) -> Reused {
    Reused {
        run: RunId::from_random(7),
        ended,
        tolerated: false,
        outputs: [(
            "v".to_owned(),
            OutputValue {
                value: json!("old"),
                tainted: false,
            },
        )]
        .into(),
        artifacts: Vec::new(),
        generated: None,
    }
}

fn parent<const N: usize>(kind: ParentKind, results: [(&str, Reused); N]) -> Option<Parent> {
    Some(Parent {
        run: RunId::from_random(8),
        kind,
        reused: results.map(|(key, result)| (key.to_owned(), result)).into(),
    })
}

#[test]
fn a_retry_takes_over_finished_results_and_runs_the_rest() {
    let plan = plan("p")
        .task("a", |t| t.output("v", ValueType::String))
        .task("b", |t| t.needs(["a"]).when("tasks.a.outputs.v == 'old'"))
        .build();
    let mut run = Driver::start_with(plan, |head| {
        head.parent = parent(ParentKind::Retry, [("a", reused(Ended::Succeeded))]);
    });
    assert_eq!(run.state("a"), "succeeded");
    assert_eq!(run.row("a").reused_from, Some(RunId::from_random(7)));
    assert_eq!(run.lease(), ["b"]);
    run.succeed("b");
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn members_of_a_matrix_are_taken_over_one_by_one() {
    let plan = plan("p")
        .task("m", |t| t.matrix([("n", json!([1, 2, 3]))]))
        .build();
    let mut run = Driver::start_with(plan, |head| {
        let old = || reused(Ended::Succeeded);
        head.parent = parent(ParentKind::Retry, [("m[1]", old()), ("m[3]", old())]);
    });
    assert_eq!(run.lease(), ["m[2]"]);
    run.succeed("m[2]");
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn tasks_inside_a_call_are_taken_over_too() {
    let plan = plan("p")
        .task("call", |t| t.call("inner", []))
        .task("whole", |t| t.call("inner", []))
        .scope("inner", |s| {
            s.task("x", |t| t).task("y", |t| t.needs(["x"]))
        })
        .build();
    let mut run = Driver::start_with(plan, |head| {
        let old = || reused(Ended::Succeeded);
        head.parent = parent(ParentKind::Retry, [("call/x", old()), ("whole", old())]);
    });
    assert_eq!(run.state("whole"), "succeeded");
    assert_eq!(run.lease(), ["call/y"]);
}

/// A replay of `m[2]` of a run in which nearly everything was red.
fn replay() -> Driver {
    let plan = plan("p")
        .task("red", |t| t)
        .task("behind", |t| t.needs(["red"]))
        .task("m", |t| t.matrix([("n", json!([1, 2]))]))
        .build();
    Driver::start_with(plan, |head| {
        let failed = || reused(Ended::Failed(FailureKind::User));
        let skipped = reused(Ended::Skipped(SkipCause::NeedFailed));
        let results = [("red", failed()), ("behind", skipped), ("m[1]", failed())];
        head.parent = parent(ParentKind::Replay, results);
    })
}

#[test]
fn a_replay_is_judged_by_the_task_that_it_repeats() {
    let mut run = replay();
    // A member that had failed does not stop the one that is repeated.
    assert_eq!(run.lease(), ["m[2]"]);
    run.succeed("m[2]");
    assert_eq!(run.result(), "succeeded");
    let counts = run.machine.run().counts;
    assert_eq!((counts.total, counts.succeeded, counts.failed), (1, 1, 0));
    let mut run = replay();
    run.lease();
    run.fail("m[2]", 3);
    assert_eq!(run.result(), "failed");
    assert_eq!(run.machine.run().counts.failed, 1);
}

#[test]
fn a_tolerated_failure_stays_tolerated() {
    let plan = plan("p")
        .task("a", |t| t.tolerate())
        .task("b", |t| t.needs(["a"]))
        .build();
    let mut run = Driver::start_with(plan, |head| {
        let mut old = reused(Ended::Failed(FailureKind::User));
        old.tolerated = true;
        head.parent = parent(ParentKind::Retry, [("a", old)]);
    });
    assert_eq!(run.lease(), ["b"]);
}

#[test]
fn what_a_reused_task_generated_is_compiled_again_and_not_run_again() {
    let plan = plan("p").task("g", |t| t.generates("f")).build();
    let mut run = Driver::start_with(plan, |head| {
        let mut old = reused(Ended::Succeeded);
        old.generated = Some(Digest::of(b"f"));
        let x = reused(Ended::Succeeded);
        head.parent = parent(ParentKind::Retry, [("g", old), ("g/x", x)]);
    });
    assert_eq!(run.effects(), ["compile/0"]);
    run.generate(
        "g",
        testkit::plan("m")
            .task("x", |t| t)
            .task("y", |t| t)
            .fragment(),
    );
    assert_eq!(run.lease(), ["g/y"]);
    run.succeed("g/y");
    assert_eq!(run.states(["g/x", "g"]), ["succeeded"; 2]);
}

#[test]
fn a_replay_publishes_nothing() {
    let plan = plan("p")
        .task("a", |t| t.output("v", ValueType::String).generates("f"))
        .build();
    let mut run = Driver::start_with(plan, |head| {
        head.parent = parent(ParentKind::Replay, []);
    });
    run.lease();
    assert!(!run.machine.work(run.no("a")).publish);
    let mut end = engine::rows::AttemptEnd::bare(engine::rows::AttemptResult::Succeeded);
    end.generated = Some(Digest::of(b"f"));
    end.outputs.insert(
        "v".to_owned(),
        OutputValue {
            value: json!("new"),
            tainted: false,
        },
    );
    run.end("a", end);
    assert_eq!(run.outputs("a"), json!({}));
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_run_can_crash_after_every_event() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.retry(1).timeout_ms(5_000))
            .task("m", |t| {
                t.needs(["a"])
                    .matrix([("n", json!([1, 2, 3]))])
                    .max_parallel(1)
            })
            .task("ok", |t| t.needs(["m"]).approval("go?"))
            .finally("report", |t| t)
            .build(),
    );
    run.crash();
    run.lease();
    run.crash();
    run.fail("a", 1);
    run.crash();
    run.pass_ms(1_000);
    run.crash();
    run.lease();
    run.crash();
    run.succeed("a");
    for member in ["m[1]", "m[2]", "m[3]"] {
        run.crash();
        assert_eq!(run.lease(), [member]);
        run.crash();
        run.succeed(member);
    }
    run.crash();
    run.approve("ok");
    run.crash();
    run.finish();
    assert_eq!(run.result(), "succeeded");
    run.crash();
    assert!(run.machine.has_ended());
}

#[test]
fn the_stop_of_an_attempt_is_offered_until_it_has_ended() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    run.cancel(CancelMode::Finally);
    run.crash();
    assert_eq!(run.effects(), ["stop/0/1"]);
    run.stopped("a");
    assert!(run.effects().is_empty());
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let plan = plan("p").task("a", |t| t).build();
    let run = Driver::start(plan.clone());
    let mut rows = run.rows.clone();
    rows.tasks[0].no = model::ids::TaskNo(4);
    let corrupt = Machine::rebuild(plan.clone(), Vec::new(), rows).unwrap_err();
    assert_eq!(corrupt.to_string(), "task row 0 does not fit the plan");
    let fragment = testkit::plan("m").task("x", |t| t).fragment();
    let corrupt = Machine::rebuild(plan, vec![fragment], run.rows.clone()).unwrap_err();
    assert_eq!(
        corrupt,
        Corrupt::Fragments {
            wanted: 0,
            found: 1
        }
    );
}

#[test]
fn changes_of_several_events_can_be_written_at_once() {
    let mut run = Driver::start(plan("p").task("a", |t| t.retry(1)).task("b", |t| t).build());
    let mut before = run.rows.clone();
    let ask = run.ask("w", 9);
    let mut merged = run.accept(engine::event::Event::Lease(ask));
    merged.merge(run.fail("a", 1));
    merged.merge(run.succeed("b"));
    merged.merge(run.cancel(CancelMode::Finally));
    before.apply(&merged);
    assert_eq!(before, run.rows);
}
