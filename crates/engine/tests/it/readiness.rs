//! When a task starts and when it is skipped: needs, kinds of edges, start rules.

use model::plan::{EdgeKind, SkipSpread, StatusOf};
use model::reason::FailureKind;
use serde_json::json;
use testkit::{Driver, plan};

#[test]
fn a_task_starts_when_everything_it_needs_has_succeeded() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t)
            .task("c", |t| t.needs(["a", "b"]))
            .build(),
    );
    assert_eq!(run.lease(), ["a", "b"]);
    run.succeed("a");
    assert_eq!(run.state("c"), "queued (needs)");
    run.succeed("b");
    assert_eq!(run.state("c"), "queued (slots)");
    assert_eq!(run.lease(), ["c"]);
    run.succeed("c");
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_run_without_tasks_ends_at_once() {
    let run = Driver::start(plan("p").build());
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn natively_a_failure_skips_everything_behind_it() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t.needs(["a"]))
            .task("c", |t| t.needs(["b"]))
            .task("d", |t| t)
            .build(),
    );
    run.lease();
    run.fail("a", 1);
    run.succeed("d");
    assert_eq!(
        run.states(["a", "b", "c", "d"]),
        [
            "failed (user)",
            "skipped (need_failed)",
            "skipped (need_skipped)",
            "succeeded"
        ]
    );
    assert_eq!(run.result(), "failed");
}

#[test]
fn a_false_condition_skips_a_task_and_spreads_over_data_edges_only() {
    let mut run = Driver::start(
        plan("p")
            .task("off", |t| t.when("1 == 2"))
            .task("data", |t| t.needs(["off"]))
            .task("order", |t| t.after(["off"]))
            .task("optional", |t| t.optional(["off"]))
            .build(),
    );
    assert_eq!(run.lease(), ["order", "optional"]);
    assert_eq!(
        run.states(["off", "data"]),
        ["skipped (condition)", "skipped (need_skipped)"]
    );
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn an_order_edge_still_asks_for_success() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t.after(["a"]))
            .task("c", |t| t.optional(["a"]))
            .build(),
    );
    run.lease();
    run.fail("a", 1);
    assert_eq!(
        run.states(["b", "c"]),
        ["skipped (need_failed)", "skipped (need_failed)"]
    );
}

#[test]
fn a_data_edge_can_ignore_skips() {
    let ignoring = |kind| {
        let mut run = Driver::start(
            plan("p")
                .task("off", |t| t.when("false"))
                .task("b", |t| t.edges(["off"], kind, SkipSpread::Ignore))
                .build(),
        );
        run.lease()
    };
    assert_eq!(ignoring(EdgeKind::Data), ["b"]);
    assert_eq!(ignoring(EdgeKind::Order), ["b"]);
}

#[test]
fn a_run_whose_tasks_are_all_skipped_is_skipped() {
    let run = Driver::start(plan("p").task("a", |t| t.when("false")).build());
    assert_eq!(run.result(), "skipped");
}

#[test]
fn always_starts_after_anything() {
    for end in ["succeed", "fail", "skip"] {
        let condition = if end == "skip" { "false" } else { "true" };
        let mut run = Driver::start(
            plan("p")
                .task("a", |t| t.when(condition))
                .task("b", |t| t.needs(["a"]).when("always()"))
                .build(),
        );
        match end {
            "succeed" => {
                run.lease();
                run.succeed("a");
            }
            "fail" => {
                run.lease();
                run.fail("a", 1);
            }
            _ => {}
        }
        assert_eq!(run.lease(), ["b"], "after {end}");
    }
}

#[test]
fn failed_starts_only_after_a_failure() {
    let after = |failing: bool| {
        let mut run = Driver::start(
            plan("p")
                .task("a", |t| t)
                .task("mend", |t| t.needs(["a"]).when("failed()"))
                .build(),
        );
        run.lease();
        if failing {
            run.fail("a", 1);
        } else {
            run.succeed("a");
        }
        run.state("mend")
    };
    assert_eq!(after(true), "queued (slots)");
    assert_eq!(after(false), "skipped (condition)");
}

#[test]
fn gitlabs_on_failure_looks_at_everything_in_the_scope_before_it() {
    let mut run = Driver::start(
        plan("p")
            .task("lint", |t| t)
            .task("build", |t| t)
            .task("mend", |t| {
                t.after(["build"])
                    .when("failed()")
                    .status_of(StatusOf::Scope)
            })
            .build(),
    );
    run.lease();
    run.fail("lint", 1);
    run.succeed("build");
    assert_eq!(run.state("mend"), "queued (slots)");
}

#[test]
fn a_status_over_the_scope_includes_the_need_that_ended_last() {
    let mut run = Driver::start(
        plan("p")
            .task("build", |t| t)
            .task("mend", |t| {
                t.after(["build"])
                    .when("failed()")
                    .status_of(StatusOf::Scope)
            })
            .build(),
    );
    run.lease();
    run.fail("build", 1);
    assert_eq!(run.state("mend"), "queued (slots)");
}

#[test]
fn a_condition_without_status_function_starts_after_failures_too() {
    let mut run = Driver::start(
        plan("p")
            .param("deploy", json!(true))
            .task("a", |t| t)
            .task("b", |t| t.needs(["a"]).when("params.deploy"))
            .build(),
    );
    run.lease();
    run.fail("a", 1);
    assert_eq!(run.state("b"), "queued (slots)");
}

#[test]
fn githubs_skip_cascades_through_ancestors_unless_always() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t.needs(["a"]).status_of(StatusOf::Ancestors))
            .task("c", |t| {
                t.needs(["b"])
                    .when("always()")
                    .status_of(StatusOf::Ancestors)
            })
            .task("d", |t| t.needs(["c"]).status_of(StatusOf::Ancestors))
            .task("native", |t| t.needs(["c"]))
            .build(),
    );
    run.lease();
    run.fail("a", 1);
    assert_eq!(run.state("b"), "skipped (need_failed)");
    assert_eq!(run.lease(), ["c"]);
    run.succeed("c");
    assert_eq!(run.state("d"), "skipped (need_failed)");
    assert_eq!(run.state("native"), "queued (slots)");
}

#[test]
fn githubs_failure_sees_a_failed_ancestor_through_a_skip() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t.needs(["a"]))
            .task("near", |t| t.needs(["b"]).when("failed()"))
            .task("far", |t| {
                t.needs(["b"])
                    .when("failed()")
                    .status_of(StatusOf::Ancestors)
            })
            .build(),
    );
    run.lease();
    run.fail("a", 1);
    assert_eq!(
        run.states(["near", "far"]),
        ["skipped (condition)", "queued (slots)"]
    );
}

#[test]
fn a_tolerated_failure_counts_as_success_for_the_tasks_behind() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.tolerate())
            .task("b", |t| t.needs(["a"]))
            .task("c", |t| {
                t.needs(["a"])
                    .when("tasks.a.outcome == 'failed' && tasks.a.conclusion == 'succeeded'")
            })
            .build(),
    );
    run.lease();
    run.fail("a", 1);
    assert_eq!(run.lease(), ["b", "c"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
    assert_eq!(run.machine.run().counts.succeeded, 3);
}

#[test]
fn conditions_read_outputs_params_and_signals() {
    let mut run = Driver::start(
        plan("p")
            .param("level", json!(3))
            .signal(json!({ "branch": "main" }))
            .name("github", json!({ "ref": "refs/heads/main" }))
            .task("a", |t| t)
            .task("b", |t| {
                t.needs(["a"]).when(
                    "tasks.a.outputs.go == 'yes' && params.level > 2 && signal.branch == 'main' \
                     && github.ref.endsWith('main')",
                )
            })
            .build(),
    );
    run.lease();
    run.succeed_with("a", json!({ "go": "yes" }));
    assert_eq!(run.state("b"), "queued (slots)");
}

#[test]
fn a_condition_with_an_error_fails_the_task_and_names_its_text() {
    let run = Driver::start(
        plan("p")
            .task("a", |t| t.when("nothing.here"))
            .task("b", |t| t.when("1 +"))
            .task("c", |t| t.when("1 + 1"))
            .build(),
    );
    assert_eq!(
        run.states(["a", "b", "c"]),
        ["failed (user)", "failed (user)", "failed (user)"]
    );
    assert!(
        run.note("a").contains("`nothing.here`"),
        "{}",
        run.note("a")
    );
    assert!(run.note("b").contains("`1 +`"), "{}", run.note("b"));
    assert_eq!(
        run.note("c"),
        "`1 + 1` is of type int; a condition must be true or false"
    );
    assert_eq!(run.result(), "failed");
}

#[test]
fn expressions_of_an_unknown_dialect_fail_the_task() {
    let run = Driver::start(
        plan("p")
            .task("a", |t| {
                t.when("true").edit(|def| {
                    let condition = def.start.condition.as_mut().unwrap();
                    "klingon".clone_into(&mut condition.dialect);
                })
            })
            .task("b", |t| t.when("true"))
            .build(),
    );
    assert_eq!(run.states(["a", "b"]), ["failed (user)", "queued (slots)"]);
    assert!(run.note("a").contains("`klingon`"));
}

#[test]
fn a_text_read_in_one_dialect_is_not_taken_for_the_same_text_in_another() {
    let run = Driver::start(
        plan("p")
            .task("a", |t| t.when("true"))
            .task("b", |t| {
                t.when("true").edit(|def| {
                    let condition = def.start.condition.as_mut().unwrap();
                    "klingon".clone_into(&mut condition.dialect);
                })
            })
            .build(),
    );
    assert_eq!(run.states(["a", "b"]), ["queued (slots)", "failed (user)"]);
}

#[test]
fn a_task_that_does_nothing_succeeds_without_a_worker() {
    let mut run = Driver::start(
        plan("p")
            .task("gate", |t| t.nothing())
            .task("b", |t| t.needs(["gate"]))
            .build(),
    );
    assert_eq!(run.lease(), ["b"]);
    run.fail_as("b", FailureKind::Policy);
    assert_eq!(run.states(["gate", "b"]), ["succeeded", "failed (policy)"]);
}

#[test]
fn needing_the_same_task_twice_is_needing_it_once() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t.needs(["a", "a"]).after(["a"]))
            .build(),
    );
    run.lease();
    run.succeed("a");
    assert_eq!(run.lease(), ["b"]);
}
