//! One task for each cell: known and computed, failing fast, so many at once.

use model::limits;
use model::plan::ValueType;
use model::reason::CancelMode;
use serde_json::{Value, json};
use testkit::{Driver, TaskBuilder, plan};

fn shards(make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Driver {
    Driver::start(
        plan("p")
            .task("test", |t| make(t.matrix([("n", json!([1, 2, 3, 4]))])))
            .task("after", |t| t.needs(["test"]))
            .build(),
    )
}

#[test]
fn a_matrix_gives_one_task_for_each_cell_and_ends_with_the_last() {
    let mut run = Driver::start(
        plan("p")
            .task("test", |t| {
                t.matrix([("os", json!(["linux", "mac"])), ("n", json!([1, 2]))])
                    .exclude(json!({ "os": "mac", "n": 1 }))
                    .include(json!({ "os": "bsd", "n": 9 }))
            })
            .task("after", |t| t.needs(["test"]))
            .build(),
    );
    let members = [
        "test[linux,1]",
        "test[linux,2]",
        "test[mac,2]",
        "test[bsd,9]",
    ];
    assert_eq!(run.lease(), members);
    for member in members {
        assert_eq!(run.state("after"), "queued (needs)");
        run.succeed(member);
    }
    assert_eq!(run.state("test"), "succeeded");
    assert_eq!(run.lease(), ["after"]);
}

#[test]
fn the_first_failure_cancels_the_other_members() {
    let mut run = shards(|t| t);
    assert_eq!(run.lease_as("w", 2), ["test[1]", "test[2]"]);
    run.fail("test[1]", 1);
    assert_eq!(
        run.states(["test[2]", "test[3]", "test[4]"]),
        ["running", "canceled (fail_fast)", "canceled (fail_fast)"]
    );
    assert_eq!(run.effects(), ["stop/3/1"]);
    run.stopped("test[2]");
    assert_eq!(
        run.states(["test[2]", "test", "after"]),
        [
            "canceled (fail_fast)",
            "failed (user)",
            "skipped (need_failed)"
        ]
    );
    assert_eq!(run.result(), "failed");
}

#[test]
fn without_fail_fast_every_member_has_its_turn() {
    let mut run = shards(TaskBuilder::keep_going);
    run.drive(|key, _| match key {
        "test[2]" => engine::rows::AttemptResult::Failed {
            kind: model::reason::FailureKind::User,
            exit_code: Some(1),
            message: String::new(),
        },
        _ => engine::rows::AttemptResult::Succeeded,
    });
    assert_eq!(
        run.states(["test[4]", "test"]),
        ["succeeded", "failed (user)"]
    );
}

#[test]
fn a_tolerated_failure_does_not_fail_fast() {
    let mut run = shards(TaskBuilder::tolerate);
    run.lease_as("w", 1);
    run.fail("test[1]", 1);
    run.finish();
    assert_eq!(run.states(["test[4]", "after"]), ["succeeded"; 2]);
    let row = run.machine.row(run.no("test"));
    assert_eq!(
        (row.outcome(), row.conclusion()),
        (Some("failed"), Some("succeeded"))
    );
}

#[test]
fn a_member_that_is_tried_again_has_not_failed_yet() {
    let mut run = shards(|t| t.retry(1));
    run.lease();
    run.fail("test[1]", 1);
    assert_eq!(
        run.states(["test[1]", "test[2]"]),
        ["queued (backoff)", "running"]
    );
}

#[test]
fn at_most_so_many_members_are_active_at_once() {
    let mut run = shards(|t| t.max_parallel(2));
    assert_eq!(run.state("test[3]"), "queued (max_parallel)");
    assert_eq!(run.lease(), ["test[1]", "test[2]"]);
    run.succeed("test[2]");
    assert_eq!(
        run.states(["test[3]", "test[4]"]),
        ["queued (slots)", "queued (max_parallel)"]
    );
    assert_eq!(run.lease(), ["test[3]"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_member_in_backoff_gives_its_place_to_another_and_gets_one_back() {
    let mut run = shards(|t| t.max_parallel(1).retry(1));
    run.lease();
    run.fail("test[1]", 1);
    assert_eq!(run.lease(), ["test[2]"]);
    run.pass_ms(1_000);
    assert_eq!(run.state("test[1]"), "queued (max_parallel)");
    run.succeed("test[2]");
    assert_eq!(run.lease(), ["test[1]"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn called_scopes_count_as_members_until_they_have_ended() {
    let mut run = Driver::start(
        plan("p")
            .task("deploy", |t| {
                t.call("inner", [])
                    .matrix([("to", json!(["a", "b", "c"]))])
                    .max_parallel(1)
            })
            .scope("inner", |s| {
                s.task("x", |t| t).task("y", |t| t.needs(["x"]))
            })
            .build(),
    );
    assert_eq!(run.lease(), ["deploy[a]/x"]);
    assert_eq!(run.state("deploy[b]"), "queued (max_parallel)");
    run.succeed("deploy[a]/x");
    assert_eq!(run.lease(), ["deploy[a]/y"]);
    run.succeed("deploy[a]/y");
    assert_eq!(run.lease(), ["deploy[b]/x"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn members_whose_call_fails_to_open_do_not_keep_the_others_waiting() {
    let mut run = Driver::start(
        plan("p")
            .task("deploy", |t| {
                t.call("inner", [("n", "${{ 4 / matrix.n }}")])
                    .matrix([("n", json!([0, 1, 0.5, 2]))])
                    .keep_going()
                    .max_parallel(1)
            })
            .scope("inner", |s| {
                s.input("n", ValueType::Number).task("x", |t| t)
            })
            .build(),
    );
    run.finish();
    assert_eq!(
        run.states(["deploy[0]", "deploy[1]", "deploy[0.5]", "deploy[2]"]),
        ["failed (user)", "succeeded", "failed (user)", "succeeded"]
    );
}

#[test]
fn waiting_members_are_canceled_with_the_run() {
    let mut run = shards(|t| t.max_parallel(1));
    run.lease();
    run.cancel(CancelMode::Now);
    run.stopped("test[1]");
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn a_rule_that_reads_the_cell_is_decided_for_each_member() {
    let mut run = shards(|t| t.when("matrix.n % 2 == 0"));
    assert_eq!(run.lease(), ["test[2]", "test[4]"]);
    assert_eq!(run.state("test[1]"), "skipped (condition)");
    run.finish();
    assert_eq!(run.states(["test", "after"]), ["succeeded", "succeeded"]);
}

#[test]
fn a_rule_that_does_not_read_the_cell_skips_all_at_once() {
    let run = shards(|t| t.when("false"));
    assert_eq!(run.states(["test[1]", "test"]), ["skipped (condition)"; 2]);
    let broken = shards(|t| t.when("nothing"));
    assert_eq!(
        broken.states(["test[1]", "test"]),
        ["skipped (parent)", "failed (user)"]
    );
}

#[test]
fn a_matrix_skipped_member_by_member_is_skipped() {
    let run = shards(|t| t.when("matrix.n > 9"));
    assert_eq!(
        run.states(["test", "after"]),
        ["skipped (condition)", "skipped (need_skipped)"]
    );
    assert_eq!(run.result(), "skipped");
}

fn computed(list: &Value, expression: &str) -> Driver {
    let mut run = Driver::start(
        plan("p")
            .task("plan", |t| t.output("list", ValueType::List))
            .task("test", |t| t.needs(["plan"]).matrix_from("n", expression))
            .task("after", |t| t.needs(["test"]))
            .build(),
    );
    run.lease();
    run.succeed_with("plan", json!({ "list": list }));
    run
}

#[test]
fn a_computed_axis_is_read_from_an_output() {
    let mut run = computed(&json!(["x", "y"]), "tasks.plan.outputs.list");
    assert_eq!(run.lease(), ["test[x]", "test[y]"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_computed_matrix_may_be_whole() {
    let mut run = Driver::start(
        plan("p")
            .task("plan", |t| t.output("cells", ValueType::Object))
            .task("test", |t| {
                t.needs(["plan"]).matrix_whole("tasks.plan.outputs.cells")
            })
            .build(),
    );
    run.lease();
    let cells = json!({ "os": ["linux", "mac"], "include": [{ "os": "bsd" }], "exclude": [{ "os": "mac" }] });
    run.succeed_with("plan", json!({ "cells": cells }));
    assert_eq!(run.lease(), ["test[linux]", "test[bsd]"]);
}

#[test]
fn a_matrix_without_cells_is_skipped() {
    let run = computed(&json!([]), "tasks.plan.outputs.list");
    assert_eq!(
        run.states(["test", "after"]),
        ["skipped (empty_matrix)", "skipped (need_skipped)"]
    );
}

#[test]
fn a_known_matrix_without_cells_is_skipped() {
    let run = Driver::start(
        plan("p")
            .task("test", |t| t.matrix([("n", json!([]))]))
            .build(),
    );
    assert_eq!(run.state("test"), "skipped (empty_matrix)");
}

#[test]
fn a_computed_axis_of_another_type_fails_the_task_and_shows_the_value() {
    let run = computed(&json!("linux"), "tasks.plan.outputs.list");
    assert_eq!(
        run.states(["test", "after"]),
        ["failed (user)", "skipped (need_failed)"]
    );
    assert_eq!(
        run.note("test"),
        "axis `n` of `test` is \"linux\", not a list"
    );
}

#[test]
fn a_matrix_that_cannot_be_expanded_counts_as_a_failed_task() {
    let run = computed(&json!([1, 1]), "tasks.plan.outputs.list");
    let counts = run.machine.run().counts;
    assert_eq!(
        (
            counts.total,
            counts.succeeded,
            counts.failed,
            counts.skipped
        ),
        (3, 1, 1, 1)
    );
    assert_eq!(run.result(), "failed");
}

#[test]
fn a_matrix_without_members_counts_as_one_task_and_one_with_members_as_these() {
    let counts = |list: Value| {
        let run = computed(&list, "tasks.plan.outputs.list");
        run.machine.run().counts
    };
    let empty = counts(json!([]));
    assert_eq!((empty.total, empty.skipped), (3, 2));
    assert_eq!(counts(json!(["x", "y"])).total, 4);
}

#[test]
fn a_matrix_whose_rule_fails_counts_beside_its_members() {
    let run = shards(|t| t.when("params.missing == 1"));
    let counts = run.machine.run().counts;
    assert_eq!(run.state("test"), "failed (user)");
    assert_eq!((counts.total, counts.failed, counts.skipped), (6, 1, 5));
}

#[test]
fn a_matrix_with_doubled_cells_fails_the_task() {
    let run = computed(&json!([1, 1]), "tasks.plan.outputs.list");
    assert_eq!(run.state("test"), "failed (user)");
    assert!(run.note("test").contains("both called `1`"));
}

#[test]
fn a_computed_matrix_over_the_limit_fails_the_task_with_both_numbers() {
    let many = limits::MATRIX_CELLS + 1;
    let list: Vec<usize> = (0..many).collect();
    let mut run = Driver::start_unchecked(
        plan("p")
            .task("plan", |t| t)
            .task("test", |t| {
                t.needs(["plan"])
                    .matrix_from("n", "tasks.plan.outputs.list")
            })
            .build(),
    );
    run.lease();
    run.succeed_with("plan", json!({ "list": list }));
    assert_eq!(run.state("test"), "failed (user)");
    assert_eq!(
        run.note("test"),
        "the matrix has 100001 cells; at most 100000 are allowed"
    );
}

#[test]
fn known_matrices_do_not_pass_the_limit_of_the_run() {
    let half: Vec<usize> = (0..limits::TASKS_PER_RUN / 2 - 10).collect();
    let large = |t: TaskBuilder| t.matrix([("n", json!(half))]);
    let run = Driver::start_unchecked(
        plan("p")
            .task("one", large)
            .task("two", large)
            .task("three", |t| {
                t.matrix([("n", json!((0..100).collect::<Vec<_>>()))])
            })
            .build(),
    );
    assert!(run.machine.tasks().len() <= limits::TASKS_PER_RUN);
    assert_eq!(run.state("three"), "failed (user)");
    assert!(run.note("three").starts_with("100 more tasks do not fit"));
}

#[test]
fn the_outputs_of_a_matrix_are_lists_in_the_order_of_its_members() {
    let mut run = Driver::start(
        plan("p")
            .task("test", |t| {
                t.matrix([("n", json!([1, 2, 3]))])
                    .keep_going()
                    .tolerate()
                    .output("name", ValueType::String)
            })
            .task("after", |t| {
                t.needs(["test"])
                    .when("tasks.test.outputs.name == ['one', null, 'three']")
            })
            .build(),
    );
    run.lease();
    run.succeed_with("test[3]", json!({ "name": "three" }));
    run.succeed_with("test[1]", json!({ "name": "one" }));
    run.fail("test[2]", 1);
    assert_eq!(run.state("after"), "queued (slots)");
}
