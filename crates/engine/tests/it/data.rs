//! Values and files between tasks, and the taint of what came from outside.

use engine::rows::{ArtifactRef, AttemptEnd, AttemptResult};
use engine::work::Need;
use model::digest::Digest;
use model::plan::{Text, ValueType};
use serde_json::json;
use testkit::{Driver, plan};

#[test]
fn a_worker_gets_what_the_needed_tasks_gave() {
    let mut run = Driver::start(
        plan("p")
            .param("level", json!(1))
            .signal(json!({ "branch": "main" }))
            .task("a", |t| {
                t.output("v", ValueType::String)
                    .artifact("bin", "target/bin")
            })
            .task("other", |t| t)
            .task("b", |t| t.needs(["a"]).takes("a", "bin"))
            .build(),
    );
    run.lease();
    let bin = ArtifactRef {
        name: "bin".to_owned(),
        digest: Digest::of(b"bin"),
        size_bytes: 3,
        files: 1,
    };
    let mut end = AttemptEnd::bare(AttemptResult::Succeeded);
    end.artifacts = vec![bin.clone()];
    end.outputs = serde_json::from_value(json!({ "v": { "value": "1.2" } })).unwrap();
    run.end("a", end);
    run.lease();
    let work = run.machine.work(run.no("b"));
    assert_eq!(work.key, "b");
    assert_eq!(work.names["params"], json!({ "level": 1 }));
    assert_eq!(work.names["signal"], json!({ "branch": "main" }));
    assert_eq!(work.names["run"]["id"], json!(run.rows.head.id.as_str()));
    assert_eq!(work.needs.keys().collect::<Vec<_>>(), ["a"]);
    let Need {
        outcome,
        conclusion,
        outputs,
        artifacts,
    } = &work.needs["a"];
    assert_eq!(
        (outcome.as_str(), conclusion.as_str()),
        ("succeeded", "succeeded")
    );
    assert_eq!(outputs["v"].value, json!("1.2"));
    assert_eq!(artifacts, &[bin]);
    assert!(work.publish);
}

#[test]
fn taint_goes_with_a_value_through_calls() {
    let mut run = Driver::start(
        plan("p")
            .signal(json!({ "title": "x; rm -rf", "branch": "main" }))
            .tainted("signal.title")
            .task("call", |t| {
                t.call(
                    "inner",
                    [
                        ("dirty", "${{ signal.title }}"),
                        ("clean", "${{ signal.branch }}"),
                    ],
                )
            })
            .task("after", |t| t.needs(["call"]))
            .scope("inner", |s| {
                s.input("dirty", ValueType::String)
                    .input("clean", ValueType::String)
                    .task("x", |t| t.output("v", ValueType::String))
                    .output("v", ValueType::String, "v=${{ tasks.x.outputs.v }}")
                    .output("w", ValueType::String, "${{ inputs.clean }}")
                    .output("d", ValueType::String, "${{ inputs.dirty }}")
            })
            .build(),
    );
    run.lease();
    let work = run.machine.work(run.no("call/x"));
    assert_eq!(
        work.tainted,
        ["signal.title", "inputs.dirty", "params.dirty"]
    );
    run.succeed_tainted("call/x", json!({ "v": "from outside" }));
    let tainted = |name: &str| run.row("call").outputs.as_ref().unwrap()[name].tainted;
    assert!(tainted("v"));
    assert!(tainted("d"));
    assert!(!tainted("w"));
}

#[test]
fn one_tainted_member_taints_the_list_of_the_matrix() {
    let mut run = Driver::start(
        plan("p")
            .task("m", |t| {
                t.matrix([("n", json!([1, 2]))])
                    .output("v", ValueType::String)
            })
            .task("after", |t| t.needs(["m"]))
            .build(),
    );
    run.lease();
    run.succeed_with("m[1]", json!({ "v": "a" }));
    run.succeed_tainted("m[2]", json!({ "v": "b" }));
    run.lease();
    let work = run.machine.work(run.no("after"));
    assert!(work.needs["m"].outputs["v"].tainted);
    assert_eq!(work.needs["m"].outputs["v"].value, json!(["a", "b"]));
}

#[test]
fn files_of_a_failed_attempt_are_kept_for_those_who_look() {
    let mut run = Driver::start(plan("p").task("a", |t| t).build());
    run.lease();
    let mut end = AttemptEnd::bare(AttemptResult::Failed {
        kind: model::reason::FailureKind::User,
        exit_code: Some(1),
        message: String::new(),
    });
    end.artifacts = vec![ArtifactRef {
        name: "log".to_owned(),
        digest: Digest::of(b"log"),
        size_bytes: 3,
        files: 1,
    }];
    run.end("a", end);
    assert_eq!(run.row("a").artifacts.len(), 1);
    let attempt = run.rows.attempts.last().unwrap();
    assert!(
        attempt.end.as_ref().unwrap().artifacts.is_empty(),
        "kept once"
    );
}

#[test]
fn a_finally_task_gets_what_every_task_gave() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t)
            .task("b", |t| t.when("false"))
            .finally("report", |t| t)
            .build(),
    );
    run.lease();
    run.fail("a", 1);
    run.lease();
    let needs = run.machine.work(run.no("report")).needs;
    assert_eq!(needs["a"].outcome, "failed");
    assert_eq!(needs["b"].outcome, "skipped");
}

#[test]
fn the_folder_that_an_artifact_goes_to_is_computed_for_the_worker() {
    let mut plan = plan("p")
        .param("target", json!("linux"))
        .task("make", |task| task.run("make").artifact("files", "out"))
        .task("use", |task| {
            task.run("use").needs(["make"]).takes("make", "files")
        })
        .build();
    plan.tasks[1].artifacts_in[0].to = Some(Text::template("in/${{ params.target }}"));
    let mut driver = Driver::start(plan);
    driver.lease();
    driver.succeed("make");
    driver.lease();
    let work = driver.machine.work(driver.no("use"));
    let to = work.task.artifacts_in[0].to.as_ref();
    assert_eq!(to.and_then(Text::literal), Some("in/linux"));
}
