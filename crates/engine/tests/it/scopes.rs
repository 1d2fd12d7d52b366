//! Calls: scopes in scopes with inputs, outputs, workspaces and environments of their own.

use engine::rows::{ArtifactRef, AttemptEnd, AttemptResult};
use model::digest::Digest;
use model::limits;
use model::plan::{ValueType, WorkspaceKind, WorkspaceUse};
use model::reason::CancelMode;
use serde_json::json;
use testkit::{Driver, plan};

#[test]
fn a_call_runs_the_tasks_of_its_scope_with_its_inputs() {
    let mut run = Driver::start(
        plan("p")
            .param("target", json!("prod"))
            .task("deploy", |t| {
                t.call("inner", [("to", "${{ params.target }}"), ("text", "plain")])
            })
            .scope("inner", |s| {
                s.input("to", ValueType::String)
                    .input("text", ValueType::String)
                    .input_default("wait", ValueType::Number, json!(5))
                    .task("x", |t| {
                        t.when("inputs.to == 'prod' && inputs.text == 'plain' && inputs.wait == 5")
                    })
            })
            .build(),
    );
    assert_eq!(run.lease(), ["deploy/x"]);
    assert_eq!(run.state("deploy"), "running");
    let work = run.machine.work(run.no("deploy/x"));
    assert_eq!(
        work.names["inputs"],
        json!({ "text": "plain", "to": "prod", "wait": 5 })
    );
    run.succeed("deploy/x");
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn names_do_not_leak_into_a_called_scope() {
    let run = Driver::start(
        plan("p")
            .param("target", json!("prod"))
            .task("deploy", |t| t.call("inner", []))
            .scope("inner", |s| {
                s.task("x", |t| t.when("params.target == 'prod'"))
            })
            .build(),
    );
    assert_eq!(run.state("deploy/x"), "failed (user)");
}

#[test]
fn a_required_input_that_is_not_given_fails_the_call() {
    let run = Driver::start(
        plan("p")
            .task("deploy", |t| t.call("inner", []))
            .scope("inner", |s| {
                s.input("to", ValueType::String).task("x", |t| t)
            })
            .build(),
    );
    assert_eq!(run.state("deploy"), "failed (user)");
    assert_eq!(
        run.note("deploy"),
        "`deploy` gives no value for the required input `to`"
    );
}

#[test]
fn a_scope_gives_values_back_to_its_caller() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []))
            .task("after", |t| {
                t.needs(["call"]).when("tasks.call.outputs.sum == 3")
            })
            .scope("inner", |s| {
                s.task("x", |t| t.output("n", ValueType::Number)).output(
                    "sum",
                    ValueType::Number,
                    "${{ tasks.x.outputs.n + 1 }}",
                )
            })
            .build(),
    );
    run.lease();
    run.succeed_with("call/x", json!({ "n": 2 }));
    assert_eq!(run.outputs("call"), json!({ "sum": 3 }));
    assert_eq!(run.state("after"), "queued (slots)");
}

#[test]
fn a_scope_output_that_cannot_be_computed_fails_the_call_only_if_nothing_else_did() {
    let inner = || {
        Driver::start(
            plan("p")
                .task("call", |t| t.call("inner", []))
                .scope("inner", |s| {
                    s.task("x", |t| t)
                        .output("n", ValueType::String, "${{ tasks.x.outputs.n }}")
                })
                .build(),
        )
    };
    let mut run = inner();
    run.lease();
    run.succeed("call/x");
    assert_eq!(run.state("call"), "failed (user)");
    assert!(run.note("call").contains("tasks.x.outputs.n"));
    let mut failed = inner();
    failed.lease();
    failed.fail("call/x", 1);
    assert_eq!(failed.state("call"), "failed (user)");
    assert_eq!(failed.note("call"), "");
}

#[test]
fn a_failure_in_a_scope_is_the_failure_of_its_call_which_may_be_tolerated() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []).tolerate())
            .task("after", |t| t.needs(["call"]))
            .scope("inner", |s| {
                s.task("x", |t| t).task("y", |t| t.needs(["x"]))
            })
            .build(),
    );
    run.lease();
    run.fail("call/x", 1);
    assert_eq!(
        run.states(["call/y", "call"]),
        ["skipped (need_failed)", "failed (user)"]
    );
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_skipped_call_has_no_tasks() {
    let run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []).when("false"))
            .scope("inner", |s| s.task("x", |t| t))
            .build(),
    );
    assert_eq!(run.keys(), ["call"]);
    assert_eq!(run.state("call"), "skipped (condition)");
}

#[test]
fn a_scope_whose_tasks_are_all_skipped_is_skipped() {
    let run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []))
            .task("after", |t| t.needs(["call"]))
            .scope("inner", |s| s.task("x", |t| t.when("false")))
            .build(),
    );
    assert_eq!(
        run.states(["call", "after"]),
        ["skipped (condition)", "skipped (need_skipped)"]
    );
}

#[test]
fn a_scope_without_tasks_ends_at_once() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []))
            .task("after", |t| t.needs(["call"]))
            .scope("inner", |s| s)
            .build(),
    );
    assert_eq!(run.state("call"), "succeeded");
    assert_eq!(run.lease(), ["after"]);
}

#[test]
fn scopes_nest_and_matrices_call() {
    let mut run = Driver::start(
        plan("p")
            .task("all", |t| {
                t.call("outer", []).matrix([("r", json!(["eu", "us"]))])
            })
            .scope("outer", |s| {
                s.task("one", |t| t.call("inner", [("n", "1")]))
                    .task("two", |t| t.needs(["one"]).call("inner", [("n", "2")]))
            })
            .scope("inner", |s| {
                s.input("n", ValueType::String)
                    .task("x", |t| t.run("echo ${{ inputs.n }}"))
            })
            .build(),
    );
    assert_eq!(run.lease(), ["all[eu]/one/x", "all[us]/one/x"]);
    run.finish();
    assert_eq!(run.state("all[us]/two/x"), "succeeded");
    assert_eq!(run.result(), "succeeded");
    assert_eq!(run.machine.run().counts.total, 4);
}

#[test]
fn a_scope_that_calls_itself_ends_at_the_limit_of_depth() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("loop", []))
            .scope("loop", |s| s.task("again", |t| t.call("loop", [])))
            .build(),
    );
    run.finish();
    assert_eq!(run.result(), "failed");
    let deepest = run.machine.tasks().last().unwrap();
    assert_eq!(
        deepest.note.as_deref(),
        Some("calls are nested deeper than 10")
    );
    assert_eq!(run.machine.tasks().len(), limits::SCOPE_DEPTH + 1);
}

#[test]
fn a_failing_member_stops_what_goes_on_inside_the_other_calls_but_not_their_finally() {
    let mut run = Driver::start(
        plan("p")
            .task("all", |t| {
                t.call("inner", []).matrix([("n", json!([1, 2]))])
            })
            .scope("inner", |s| {
                s.task("x", |t| t)
                    .task("y", |t| t.needs(["x"]).matrix([("m", json!(["a", "b"]))]))
                    .finally("clean", |t| t)
            })
            .build(),
    );
    assert_eq!(run.lease(), ["all[1]/x", "all[2]/x"]);
    run.fail("all[1]/x", 1);
    assert_eq!(run.state("all[2]/x"), "running");
    assert_eq!(run.lease(), ["all[1]/clean"]);
    run.succeed("all[1]/clean");
    assert_eq!(
        run.states(["all[2]/y", "all[2]/y[a]"]),
        ["canceled (fail_fast)"; 2]
    );
    run.stopped("all[2]/x");
    assert_eq!(run.lease(), ["all[2]/clean"]);
    run.succeed("all[2]/clean");
    assert_eq!(
        run.states(["all[2]", "all"]),
        ["canceled (fail_fast)", "failed (user)"]
    );
}

#[test]
fn cancel_reaches_into_scopes_and_their_finally_runs() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| t.call("inner", []))
            .scope("inner", |s| {
                s.task("x", |t| t)
                    .task("y", |t| t.needs(["x"]))
                    .finally("clean", |t| t)
            })
            .finally("report", |t| t)
            .build(),
    );
    run.lease();
    run.cancel(CancelMode::Finally);
    assert_eq!(run.state("call/y"), "canceled (person)");
    run.stopped("call/x");
    assert_eq!(run.lease(), ["call/clean"]);
    run.succeed("call/clean");
    assert_eq!(run.lease(), ["report"]);
    run.succeed("report");
    assert_eq!(run.result(), "canceled (person)");
}

#[test]
fn a_call_may_wait_for_consent_and_for_its_group() {
    let mut run = Driver::start(
        plan("p")
            .task("call", |t| {
                t.call("inner", []).approval("go?").concurrency("prod")
            })
            .scope("inner", |s| s.task("x", |t| t))
            .build(),
    );
    run.approve("call");
    assert_eq!(run.state("call"), "queued (concurrency_group)");
    run.admit("call");
    run.finish();
    assert_eq!(run.effects(), ["leave/0"]);
}

#[test]
fn workspaces_are_bound_through_calls() {
    let mut run = Driver::start(
        plan("p")
            .workspace("src")
            .task("call", |t| {
                t.call("inner", []).call_workspace("tree", "src")
            })
            .scope("inner", |s| {
                s.workspace("tree", WorkspaceKind::Caller)
                    .workspace("own", WorkspaceKind::Empty)
                    .task("x", |t| {
                        t.workspace_with(WorkspaceUse {
                            name: "in".to_owned(),
                            source: "tree".to_owned(),
                            sub_path: Some("lib".into()),
                            read_only: true,
                            optional: false,
                        })
                        .workspace("own")
                        .workspace("nowhere")
                    })
            })
            .build(),
    );
    run.lease();
    let work = run.machine.work(run.no("call/x"));
    let bound: Vec<(&str, Option<&str>, bool)> = work
        .workspaces
        .iter()
        .map(|w| (w.name.as_str(), w.folder.as_deref(), w.read_only))
        .collect();
    assert_eq!(
        bound,
        [
            ("in", Some("run/src"), true),
            ("own", Some("0/own"), false),
            ("nowhere", None, false)
        ]
    );
}

#[test]
fn a_scopes_environment_is_that_of_its_own_tasks() {
    let mut run = Driver::start(
        plan("p")
            .env("LEVEL", "outer")
            .task("call", |t| t.call("inner", []))
            .task("y", |t| t)
            .scope("inner", |s| s.env("INNER", "yes").task("x", |t| t))
            .build(),
    );
    run.lease();
    let names = |key: &str| -> Vec<String> {
        let work = run.machine.work(run.no(key));
        work.scope_env
            .iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect()
    };
    assert_eq!(names("y"), ["LEVEL"]);
    assert_eq!(names("call/x"), ["INNER"]);
}

#[test]
fn a_called_scope_reads_its_inputs_as_params_too() {
    let mut run = Driver::start(
        plan("p")
            .param("target", json!("prod"))
            .task("deploy", |t| {
                t.call("inner", [("to", "${{ params.target }}")])
            })
            .scope("inner", |s| {
                s.input("to", ValueType::String)
                    .task("x", |t| t.when("params.to == 'prod'"))
            })
            .build(),
    );
    assert_eq!(run.lease(), ["deploy/x"]);
    let work = run.machine.work(run.no("deploy/x"));
    assert_eq!(work.names["params"], json!({ "to": "prod" }));
}

#[test]
fn a_call_gives_the_artifacts_that_it_declares() {
    let mut run = Driver::start(
        plan("p")
            .task("build", |t| t.call("inner", []).artifact("bin", "given"))
            .task("pack", |t| t.needs(["build"]))
            .scope("inner", |s| {
                s.task("x", |t| {
                    t.artifact("bin", "target/bin").artifact("log", "log")
                })
            })
            .build(),
    );
    run.lease();
    let mut end = AttemptEnd::bare(AttemptResult::Succeeded);
    end.artifacts = ["bin", "log"].map(artifact).to_vec();
    run.end("build/x", end);
    run.lease();
    let work = run.machine.work(run.no("pack"));
    assert_eq!(work.needs["build"].artifacts, [artifact("bin")]);
}

fn artifact(name: &str) -> ArtifactRef {
    ArtifactRef {
        name: name.to_owned(),
        digest: Digest::of(name.as_bytes()),
        size_bytes: 3,
        files: 1,
    }
}
