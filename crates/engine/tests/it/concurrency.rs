//! Groups: of runs, of tasks, and tasks that write to the same path.

use engine::event::{Event, Rejected};
use engine::rows::{Effect, EffectKey};
use model::plan::{GroupMode, Text};
use model::reason::CancelMode;
use serde_json::json;
use testkit::{Driver, plan};

#[test]
fn a_run_waits_for_its_group_and_leaves_it_at_its_end() {
    let mut run = Driver::start(plan("p").concurrency("main").task("a", |t| t).build());
    assert_eq!(run.result(), "queued (concurrency_group)");
    assert!(run.lease().is_empty());
    assert_eq!(run.effects(), ["enter/run"]);
    run.admit_run();
    assert!(run.effects().is_empty());
    assert_eq!(run.lease(), ["a"]);
    run.succeed("a");
    assert_eq!(run.effects(), ["leave/run"]);
    run.effect_done("leave/run");
    assert!(run.effects().is_empty());
}

#[test]
fn an_empty_run_ends_when_its_group_has_room() {
    let mut run = Driver::start(plan("p").concurrency("main").build());
    assert_eq!(run.result(), "queued (concurrency_group)");
    run.admit_run();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn the_group_of_a_run_may_be_computed() {
    let run = Driver::start(
        plan("p")
            .signal(json!({ "branch": "main" }))
            .concurrency("deploy-${{ signal.branch }}")
            .task("a", |t| t)
            .build(),
    );
    let effect = &run.machine.effects()[&EffectKey::enter(None)];
    let Effect::EnterGroup {
        group, limit, mode, ..
    } = effect
    else {
        panic!("{effect:?}");
    };
    assert_eq!(
        (group.as_str(), *limit, *mode),
        ("deploy-main", 1, GroupMode::Queue)
    );
}

#[test]
fn being_admitted_twice_is_being_admitted_once() {
    let mut run = Driver::start(plan("p").concurrency("main").task("a", |t| t).build());
    run.admit_run();
    assert!(run.admit_run().is_empty());
}

#[test]
fn a_task_enters_its_group_when_it_could_start_and_leaves_it_when_it_ends() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("deploy", |t| {
                t.needs(["a"]).concurrency("env-${{ tasks.a.outputs.to }}")
            })
            .build(),
    );
    run.lease();
    run.succeed_with("a", json!({ "to": "prod" }));
    assert_eq!(run.state("deploy"), "queued (concurrency_group)");
    assert_eq!(run.row("deploy").group.as_deref(), Some("env-prod"));
    assert_eq!(run.effects(), ["enter/1"]);
    run.admit("deploy");
    assert_eq!(run.lease(), ["deploy"]);
    run.succeed("deploy");
    assert_eq!(run.effects(), ["leave/1"]);
}

#[test]
fn a_task_keeps_its_place_in_the_group_between_attempts() {
    let mut run = Driver::start(plan("p").task("a", |t| t.concurrency("g").retry(1)).build());
    run.admit("a");
    run.lease();
    run.fail("a", 1);
    assert!(run.effects().is_empty());
    run.pass_ms(1_000);
    assert_eq!(run.lease(), ["a"]);
}

#[test]
fn a_task_canceled_while_it_waits_leaves_the_group() {
    let mut run = Driver::start(plan("p").task("a", |t| t.concurrency("g")).build());
    run.cancel(CancelMode::Now);
    assert_eq!(run.effects(), ["leave/0"]);
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn an_admission_nobody_waits_for_is_rejected() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    let task = Some(run.no("a"));
    assert!(matches!(
        run.handle(Event::Admitted { task }),
        Err(Rejected::NotWaiting { .. })
    ));
}

#[test]
fn a_group_that_cannot_be_computed_fails_the_task() {
    let run = Driver::start(
        plan("p")
            .task("a", |t| t.concurrency("${{ nothing }}"))
            .build(),
    );
    assert_eq!(run.state("a"), "failed (user)");
    assert!(run.note("a").contains("nothing"));
}

#[test]
fn only_effects_that_ask_for_no_answer_are_struck_off() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.concurrency("g"))
            .task("b", |t| t)
            .task("c", |t| t.generates("f"))
            .build(),
    );
    run.lease();
    run.succeed_generating("c");
    run.cancel(CancelMode::Drain);
    run.cancel(CancelMode::Finally);
    run.effect_done("stop/1/1");
    assert!(run.effects().contains(&"stop/1/1"));
    run.crash();
    assert_eq!(run.effects(), ["leave/0", "stop/1/1"]);
    run.effect_done("leave/0");
    run.crash();
    assert_eq!(run.effects(), ["stop/1/1"]);
}

#[test]
fn an_admission_and_a_compilation_are_asked_for_until_they_come() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.concurrency("g"))
            .task("b", |t| t.generates("f"))
            .build(),
    );
    run.lease();
    run.succeed_generating("b");
    for key in ["enter/0", "compile/1"] {
        run.effect_done(key);
        run.crash();
        assert!(run.effects().contains(&key), "{key}");
    }
}

#[test]
fn tasks_that_write_to_one_path_run_one_after_the_other() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.artifact("x", "out"))
            .task("b", |t| t.report("junit", "out"))
            .task("c", |t| t.artifact("y", "other"))
            .build(),
    );
    assert_eq!(run.lease(), ["a", "c"]);
    assert_eq!(run.state("b"), "queued (path_in_use)");
    run.succeed("c");
    assert_eq!(run.state("b"), "queued (path_in_use)");
    run.succeed("a");
    assert_eq!(run.lease(), ["b"]);
}

#[test]
fn a_freed_path_wakes_one_waiter_and_the_most_urgent() {
    let mut run = Driver::start(
        plan("p")
            .task("first", |t| t.artifact("x", "out").priority(9))
            .task("low", |t| t.artifact("x", "out"))
            .task("high", |t| t.artifact("x", "out").priority(5))
            .build(),
    );
    assert_eq!(run.lease(), ["first"]);
    run.succeed("first");
    assert_eq!(
        run.states(["low", "high"]),
        ["queued (path_in_use)", "queued (slots)"]
    );
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_waiter_with_another_busy_path_lets_the_next_one_go() {
    let mut run = Driver::start(
        plan("p")
            .task("one", |t| t.artifact("x", "p1").priority(9))
            .task("two", |t| t.artifact("x", "p2").priority(9))
            .task("both", |t| {
                t.artifact("x", "p1").artifact("y", "p2").priority(5)
            })
            .task("only", |t| t.artifact("x", "p1"))
            .build(),
    );
    assert_eq!(run.lease(), ["one", "two"]);
    run.succeed("one");
    assert_eq!(
        run.states(["both", "only"]),
        ["queued (path_in_use)", "queued (slots)"]
    );
    assert_eq!(run.lease(), ["only"]);
    run.succeed("two");
    assert_eq!(run.state("both"), "queued (path_in_use)");
    run.succeed("only");
    assert_eq!(run.lease(), ["both"]);
}

#[test]
fn members_that_write_to_one_path_wait_though_the_matrix_has_room() {
    let mut run = Driver::start(
        plan("p")
            .task("m", |t| {
                t.matrix([("n", json!([1, 2, 3, 4, 5]))])
                    .max_parallel(2)
                    .artifact("x", "out")
            })
            .build(),
    );
    assert_eq!(run.lease(), ["m[1]"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

/// `a` and `b` give the same path; `x` and `y` take it from `a`, `z` from `b`.
fn takers(priority_of_b: i32) -> Driver {
    let takes = |from: &'static str| {
        move |t: testkit::TaskBuilder| t.needs([from]).takes(from, "o").priority(5)
    };
    let plan = plan("p")
        .task("a", |t| t.artifact("o", "out").priority(9))
        .task("b", |t| t.artifact("o", "out/o").priority(priority_of_b))
        .task("x", takes("a"))
        .task("y", takes("a"))
        .task("z", takes("b"))
        .build();
    let mut run = Driver::start(plan);
    assert_eq!(run.lease(), ["a"]);
    run.succeed("a");
    run
}

#[test]
fn nobody_writes_where_others_use_what_they_took() {
    let mut run = takers(1);
    assert_eq!(run.lease(), ["x", "y"], "both use the same");
    assert_eq!(run.state("b"), "queued (path_in_use)");
    run.succeed("x");
    assert!(run.lease().is_empty());
    run.succeed("y");
    assert_eq!(run.lease(), ["b"]);
}

#[test]
fn nobody_uses_what_others_gave_where_somebody_writes_or_uses_something_else() {
    let mut run = takers(9);
    assert_eq!(run.lease(), ["b"]);
    assert_eq!(run.states(["x", "y"]), ["queued (path_in_use)"; 2]);
    run.succeed("b");
    assert_eq!(run.lease(), ["x", "y"], "both use the same");
    assert_eq!(run.state("z"), "queued (path_in_use)");
    run.succeed("x");
    assert!(run.lease().is_empty());
    run.succeed("y");
    assert_eq!(run.lease(), ["z"]);
}

#[test]
fn with_a_worktree_each_paths_do_not_matter() {
    let plan = plan("p")
        .task("a", |t| t.artifact("x", "out"))
        .task("b", |t| t.artifact("x", "out"))
        .build();
    let mut run = Driver::start_with(plan, |head| head.clean = true);
    assert_eq!(run.lease(), ["a", "b"]);
}

#[test]
fn a_waiter_for_a_path_is_woken_when_the_one_before_it_is_lost() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.artifact("x", "out"))
            .task("b", |t| t.artifact("x", "out"))
            .build(),
    );
    run.lease();
    run.worker_gone("w");
    assert_eq!(
        run.states(["a", "b"]),
        ["failed (infra_after_start)", "queued (slots)"]
    );
}

#[test]
fn a_task_between_attempts_asks_for_its_place_again_after_a_take_over() {
    let start = || {
        let mut run = Driver::start(plan("p").task("a", |t| t.concurrency("g").retry(1)).build());
        run.admit("a");
        run.lease();
        run.fail("a", 1);
        run.take_over();
        assert_eq!(run.effects(), ["enter/0"]);
        assert_eq!(run.state("a"), "queued (backoff)");
        run
    };
    let mut soon = start();
    soon.admit("a");
    soon.pass_ms(1_000);
    assert_eq!(soon.lease(), ["a"]);
    let mut late = start();
    late.pass_ms(1_000);
    assert_eq!(late.state("a"), "queued (concurrency_group)");
    assert!(late.lease().is_empty());
    late.admit("a");
    assert_eq!(late.lease(), ["a"]);
}

/// A call in a group, with one task that has succeeded, one that runs, and some that wait for it.
fn call_under_way() -> Driver {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []).concurrency("g"))
            .task("beside", |t| t)
            .scope("inner", |s| {
                s.task("done", |t| t)
                    .task("runs", |t| t)
                    .task("later", |t| t.retry(1))
                    .task("own", |t| t.concurrency("h"))
                    .task("deep", |t| t.call("deeper", []))
                    .task("last", |t| t.needs(["runs"]))
            })
            .scope("deeper", |s| s.task("x", |t| t))
            .build(),
    );
    run.admit("call");
    run.lease_as("w", 4);
    run.succeed("call/done");
    run.fail("call/later", 1);
    run
}

#[test]
fn nothing_in_a_call_starts_until_it_has_its_place_again_after_a_take_over() {
    let mut run = call_under_way();
    run.take_over();
    assert!(run.effects().contains(&"enter/0"));
    assert_eq!(run.lease(), ["beside"]);
    assert_eq!(run.state("call/runs"), "queued (concurrency_group)");
    run.pass_ms(2_000);
    run.admit("call/own");
    run.crash();
    assert!(run.lease().is_empty());
    run.admit("call");
    assert_eq!(
        run.lease(),
        ["call/runs", "call/later", "call/own", "call/deep/x"]
    );
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_call_that_waits_for_its_place_again_can_be_canceled() {
    let mut run = call_under_way();
    run.take_over();
    run.supersede("call");
    assert_eq!(run.state("call"), "canceled (superseded)");
    assert_eq!(run.effects(), ["leave/0", "leave/5"]);
    run.finish();
    assert_eq!(run.result(), "canceled (superseded)");
}

#[test]
fn what_a_task_generates_waits_for_the_place_of_that_task_after_a_take_over() {
    let mut run = Driver::start(
        plan("p")
            .task("make", |t| t.generates("f").concurrency("g"))
            .build(),
    );
    run.admit("make");
    run.lease();
    run.succeed_generating("make");
    run.take_over();
    run.generate("make", plan("more").task("x", |t| t).fragment());
    assert!(run.lease().is_empty());
    run.crash();
    run.admit("make");
    assert_eq!(run.lease(), ["make/x"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn paths_overlap_however_they_are_written_and_also_when_they_are_computed() {
    for other in [
        "./out/",
        "out/x/y",
        "${{ params.d }}",
        "out/${{ env.LATER }}.txt",
    ] {
        let path = if other.contains('$') {
            Text::template(other)
        } else {
            other.into()
        };
        let mut run = Driver::start(
            plan("p")
                .task("a", |t| t.artifact("x", "out"))
                .task("b", |t| {
                    t.artifact("x", "")
                        .edit(|def| def.artifacts_out[0].paths = vec![path])
                })
                .task("c", |t| t.artifact("x", "outer"))
                .param("d", json!("out"))
                .build(),
        );
        assert_eq!(run.lease(), ["a", "c"], "{other}");
        assert_eq!(run.state("b"), "queued (path_in_use)");
        run.crash();
        run.succeed("a");
        assert_eq!(run.lease(), ["b"]);
    }
}

#[test]
fn a_freed_folder_wakes_all_who_write_different_things_in_it() {
    let mut run = Driver::start(
        plan("p")
            .task("all", |t| t.artifact("x", "out").priority(9))
            .task("one", |t| t.artifact("x", "out/1"))
            .task("two", |t| t.artifact("x", "out/2"))
            .task("whole", |t| t.artifact("x", "./out"))
            .build(),
    );
    assert_eq!(run.lease(), ["all"]);
    run.succeed("all");
    assert_eq!(
        run.states(["one", "two", "whole"]),
        ["queued (slots)", "queued (slots)", "queued (path_in_use)"]
    );
    assert_eq!(run.lease(), ["one", "two"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_path_that_changes_with_the_attempt_frees_the_one_before() {
    let path = Text::template("out-${{ attempt }}");
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| {
                t.artifact("x", "")
                    .edit(|def| def.artifacts_out[0].paths = vec![path])
            })
            .task("b", |t| t.artifact("x", "out-1"))
            .build(),
    );
    assert_eq!(run.lease(), ["a"]);
    assert_eq!(run.state("b"), "queued (path_in_use)");
    run.take_over();
    assert_eq!(run.lease(), ["a", "b"]);
}
