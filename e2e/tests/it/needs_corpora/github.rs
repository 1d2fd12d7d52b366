//! Cases of `gha-act-runner` as plans: what a GitHub front-end has to be able to say, said by hand.
//!
//! A job is a task that looks at all its ancestors; a composite action is a group; a reusable workflow is a scope.
//! Scripts write to `FORMIC_OUTPUT`, `FORMIC_ENV` and `FORMIC_PATH`; conditions are CEL with the implied
//! `success()` written out. What a case asserts is kept.

use super::verdicts::github;
use crate::harness::run;
use model::plan::{StatusOf, ValueType};
use serde_json::json;
use testkit::{PlanBuilder, StepBuilder, TaskBuilder};

fn plan() -> PlanBuilder {
    testkit::plan("push")
}

/// A job: `success()` and `failure()` look at what it needs, what that needs, and so on.
fn job(task: TaskBuilder) -> TaskBuilder {
    task.status_of(StatusOf::Ancestors).anywhere()
}

/// A step of a group that fails if the condition holds.
fn fails_if(name: &str, condition: &str) -> StepBuilder {
    StepBuilder::inner(name)
        .run("exit 1")
        .when(&format!("succeeded() && {condition}"))
}

#[test]
fn job_status_check() {
    let verdict = github("job-status-check");
    let either = "succeeded() || failed()";
    let plan = plan()
        .task("fail", |t| job(t).run("exit 1"))
        .task("suc1", |t| {
            job(t).needs(["fail"]).when(either).run("exit 0")
        })
        .task("suc2", |t| {
            job(t).needs(["fail"]).when(either).run("exit 0")
        })
        .task("next", |t| {
            job(t)
                .needs(["suc1", "suc2"])
                .run("echo should never reach here")
                .run("exit 1")
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(outcome.task("suc1").status, "succeeded");
    assert_eq!(outcome.task("next").status, "skipped");
}

/// Two steps, of which the second fails and goes on, then what their `field` has to be.
fn steps_context(field: &str, second: &str) -> crate::harness::Outcome {
    let plan = plan().task("check", |t| {
        job(t)
            .step("first", |s| s.run("exit 0"))
            .step("second", |s| s.run("exit 1").continue_on_error())
            .run(&format!(
                "echo '${{{{ steps.first.{field} }}}}' | grep succeeded"
            ))
            .run(&format!(
                "echo '${{{{ steps.second.{field} }}}}' | grep {second}"
            ))
    });
    run(plan.build())
}

#[test]
fn steps_context_outcome() {
    let verdict = github("steps-context/outcome");
    verdict.agrees(&steps_context("outcome", "failed"));
}

#[test]
fn steps_context_conclusion() {
    let verdict = github("steps-context/conclusion");
    verdict.agrees(&steps_context("conclusion", "succeeded"));
}

#[test]
fn job_needs_context_contains_result() {
    let verdict = github("job-needs-context-contains-result");
    let wrong = "(always() && !canceled()) \
                 && (tasks.test.conclusion != 'succeeded' || !succeeded())";
    let plan = plan()
        .task("test", |t| job(t).run("exit 0"))
        .task("assert", |t| {
            job(t).needs(["test"]).when(wrong).run("exit 1")
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(outcome.task("assert").status, "skipped");
}

#[test]
fn evalmatrixneeds() {
    let verdict = github("evalmatrixneeds");
    let plan = plan()
        .task("prepare", |t| {
            job(t)
                .output("matrix", ValueType::Object)
                .run(r#"echo 'matrix={"package": ["a", "b"]}' >> $FORMIC_OUTPUT"#)
        })
        .task("evalm", |t| {
            job(t)
                .needs(["prepare"])
                .matrix_whole("tasks.prepare.outputs.matrix")
                .run("exit ${{ has(matrix.package) ? 0 : 1 }}")
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(outcome.task("evalm[a]").status, "succeeded");
    assert_eq!(outcome.task("evalm[b]").status, "succeeded");
}

/// The name of the axis is computed too, from another job's output.
#[test]
fn evalmatrixneeds2() {
    let verdict = github("evalmatrixneeds2");
    let plan = plan()
        .task("prepare", |t| {
            job(t)
                .step("r1", |s| {
                    s.output("matrix", ValueType::List)
                        .run(r#"echo 'matrix=["a", "b"]' >> $FORMIC_OUTPUT"#)
                })
                .output_from("matrix", ValueType::List, "${{ steps.r1.outputs.matrix }}")
                .output_from("helix", ValueType::String, "steady")
        })
        .task("evalm", |t| {
            let entry = "'${{tasks.prepare.outputs.helix}}' in matrix";
            job(t)
                .needs(["prepare"])
                .matrix_whole("{tasks.prepare.outputs.helix: tasks.prepare.outputs.matrix}")
                .env("MATRIX", "${{ matrix }}")
                .run(&format!("echo $MATRIX\nexit ${{{{ {entry} ? 1 : 0 }}}}"))
                .run("exit ${{ matrix[tasks.prepare.outputs.helix] != '' ? 0 : 1 }}")
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert!(outcome.printed("evalm[b]").contains(r#"{"steady":"b"}"#));
}

#[test]
fn workflow_call_inputs() {
    let verdict = github("workflow_call_inputs");
    let inputs = [("required", "required input"), ("boolean", "true")];
    let plan = plan()
        .task("call", |t| job(t).call("workflow_call", inputs))
        .scope("workflow_call", |s| {
            s.input("required", ValueType::String)
                .input_default("with_default", ValueType::String, json!("default"))
                .input_default("boolean", ValueType::Boolean, json!(false))
                .task("test", |t| {
                    job(t)
                        .run(r#"[[ "${{ inputs.required }}" = "required input" ]] || exit 1"#)
                        .run(r#"[[ "${{ inputs.with_default }}" = "default" ]] || exit 1"#)
                        .step("boolean-test", |s| {
                            s.when("succeeded() && inputs.boolean == true")
                                .run("echo value=executed >> $FORMIC_OUTPUT")
                        })
                        .run(r#"[[ "${{ steps['boolean-test'].outputs.value }}" = "executed" ]]"#)
                })
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn env_and_path() {
    let verdict = github("env-and-path");
    let plan = plan()
        .task("build", |t| {
            job(t)
                .run(r#"echo "$HOME/someFolder" >> $FORMIC_PATH"#)
                .run(r#"echo "$HOME/someOtherFolder" >> $FORMIC_PATH"#)
                .run(
                    r#"if [[ ! "${PATH}" =~ .*"$HOME/"someOtherFolder.*"$HOME/"someFolder.* ]]; then
                         exit 1
                       fi"#,
                )
                .run(
                    "if ls | grep -q 'called ls' ; then exit 2; fi
path_add=$(mktemp -d)
cat > $path_add/ls <<LS
#!/bin/sh
echo 'called ls'
LS
chmod +x $path_add/ls
echo $path_add >> $FORMIC_PATH",
                )
                .run("if ! ls | grep -q 'called ls' ; then exit 2; fi")
                .run("echo KEY=value >> $FORMIC_ENV")
                .run(r#"[[ "${KEY}" == "value" ]]"#)
                .run("echo KEY=value=anothervalue >> $FORMIC_ENV")
                .run(r#"[[ "${KEY}" == "value=anothervalue" ]]"#)
                .run("echo 'KEY2<<EOF' >> $FORMIC_ENV\necho value2 >> $FORMIC_ENV\necho 'EOF' >> $FORMIC_ENV")
                .run(r#"[[ "${KEY2}" == "value2" ]]"#)
                .run(
                    "echo 'KEY3<<ghadelimiter_b8273c6d-d535-419a-a010-b0aaac240e36' >> $FORMIC_ENV
echo value3 >> $FORMIC_ENV
echo 'ghadelimiter_b8273c6d-d535-419a-a010-b0aaac240e36' >> $FORMIC_ENV",
                )
                .run(r#"[[ "${KEY3}" == "value3" ]]"#)
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn outputs() {
    let verdict = github("outputs");
    let from = |step: &str, name: &str| format!("${{{{ steps.{step}.outputs.{name} }}}}");
    let check = |number: u32| {
        let value = format!("${{{{ tasks.build_output.outputs.variable_{number} }}}}");
        format!(r#"echo "{value}" | grep 'var{number}' || exit 1"#)
    };
    let text = ValueType::String;
    let plan = plan()
        .task("build_output", |t| {
            job(t)
                .step("set_1", |s| {
                    s.run("echo var_1=var1 >> $FORMIC_OUTPUT\necho var_2=var2 >> $FORMIC_OUTPUT")
                })
                .step("set_2", |s| s.run("echo var_3=var3 >> $FORMIC_OUTPUT"))
                .step("set_3", |s| s.run("echo var_4=var4 >> $FORMIC_OUTPUT"))
                .output_from("variable_1", text.clone(), &from("set_1", "var_1"))
                .output_from("variable_2", text.clone(), &from("set_1", "var_2"))
                .output_from("variable_3", text.clone(), &from("set_2", "var_3"))
                .output_from("variable_4", text.clone(), &from("set_3", "var_4"))
        })
        .task("build", |t| {
            let t = job(t).needs(["build_output"]);
            t.run(&check(1))
                .run(&check(2))
                .run(&check(3))
                .run(&check(4))
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn matrix_include_exclude() {
    let verdict = github("matrix-include-exclude");
    let check = "echo ${NODE_VERSION} | grep ${{ matrix.node }}";
    let plan = plan()
        .task("build", |t| {
            job(t)
                .matrix([
                    ("os", json!(["ubuntu-18.04", "macos-latest"])),
                    ("node", json!([4, 6, 8, 10])),
                ])
                .exclude(json!({"os": "macos-latest", "node": 4}))
                .include(json!({"os": "ubuntu-16.04", "node": 10}))
                .env("NODE_VERSION", "${{ matrix.node }}")
                .run(check)
        })
        .task("test", |t| {
            job(t)
                .matrix([("node", json!(["8.x", "10.x", "12.x", "13.x"]))])
                .env("NODE_VERSION", "${{ matrix.node }}")
                .run(check)
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    let ids = outcome.document.tasks.iter().map(|task| task.id.as_str());
    let ids: Vec<&str> = ids.filter(|id| id.starts_with("build")).collect();
    assert_eq!(ids.len(), 8, "{ids:?}");
    assert!(!ids.contains(&"build[macos-latest,4]"));
    assert!(ids.contains(&"build[ubuntu-16.04,10]"));
}

#[test]
fn set_env_step_env_override() {
    let verdict = github("set-env-step-env-override");
    let plan = plan()
        .task("_", |t| {
            job(t)
                .env("MY_ENV", "test")
                .step("one", |s| {
                    s.run("exit 1").when("succeeded() && env.MY_ENV != 'test'")
                })
                .step("two", |s| {
                    s.run("the text of an action\n")
                        .shell(["cp", "{file}", "action.yml"])
                })
                .step("three", |s| {
                    s.env("MY_ENV", "val").group(
                        [],
                        [
                            fails_if("inner", "env.MY_ENV != 'val'"),
                            StepBuilder::inner("returns").run(
                                "grep -q action action.yml\necho MY_ENV=returnedenv > $FORMIC_ENV",
                            ),
                        ],
                    )
                })
                .step("four", |s| {
                    s.run("exit 1")
                        .when("succeeded() && env.MY_ENV != 'returnedenv'")
                })
        })
        .build();
    verdict.agrees(&run(plan));
}

/// The outputs of a group that failed are computed all the same, and its failure can be gone on from.
#[test]
fn composite_fail_with_output() {
    let verdict = github("composite-fail-with-output");
    let value = "my-customoutput-${{ steps['random-color-generator'].outputs.SELECTED_COLOR }}";
    let seen = "steps.composite.outputs.customoutput == 'my-customoutput-green'";
    let plan = plan()
        .task("test-for-output", |t| {
            job(t)
                .step("composite", |s| {
                    s.group(
                        [],
                        [
                            StepBuilder::inner("random-color-generator")
                                .run("echo SELECTED_COLOR=green >> $FORMIC_OUTPUT"),
                            StepBuilder::inner("fail").run("exit 1"),
                        ],
                    )
                    .output_from("customoutput", ValueType::String, value)
                    .continue_on_error()
                })
                .run(&format!("exit ${{{{ {seen} ? 0 : 1 }}}}"))
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    let failed = outcome
        .task("test-for-output")
        .steps
        .iter()
        .find(|step| step.name == "composite");
    assert!(
        failed.is_some_and(|step| step.status == "failed" && step.allowed_failure),
        "{outcome}"
    );
}

/// The action of `uses-composite` with these inputs; defaults are filled in, as a front-end does.
fn composite_action(step: StepBuilder, optional: &str, secret: &str) -> StepBuilder {
    let is = |name: &str, value: &str| {
        StepBuilder::inner(name).run(&format!(
            r#"if [ "${{{{ inputs.{name} }}}}" != "{value}" ]; then exit 1; fi"#
        ))
    };
    let inputs = [
        ("required", "test_input_required_value"),
        ("optional", optional),
        ("overridden", "test_input_optional_with_default_overriden"),
        ("required_with_default", "test_input_optional_value"),
        ("secret_input", secret),
    ];
    let steps = [
        is("required", "test_input_required_value"),
        is("optional", optional),
        is("overridden", "test_input_optional_with_default_overriden"),
        is("required_with_default", "test_input_optional_value"),
        StepBuilder::inner("output").run("echo test_output=test_output_value >> $FORMIC_OUTPUT"),
        StepBuilder::inner("env")
            .run("echo 'COMPOSITE_ACTION_ENV_OUTPUT=my test value' >> $FORMIC_ENV"),
    ];
    let secret_output = "${{ inputs.secret_input }}/${{ env.secret_input }}";
    step.env("secret_input", secret)
        .group(inputs, steps)
        .output_from(
            "test_output",
            ValueType::String,
            "${{ steps.output.outputs.test_output }}",
        )
        .output_from("secret_output", ValueType::String, secret_output)
}

#[test]
fn uses_composite() {
    let verdict = github("uses-composite");
    let none = "NO SUCH SECRET";
    let same = format!("steps.composite.outputs.secret_output == '{none}/{none}'");
    let plan = plan()
        .task("test", |t| {
            job(t)
                .step("composite", |s| composite_action(s, "test_input_optional", none))
                .step("wrong", |s| {
                    s.run("exit 1").when(
                        "succeeded() && steps.composite.outputs.test_output != 'test_output_value'",
                    )
                })
                .run(&format!(r#"[[ "${{{{ {same} }}}}" = "true" ]] || exit 1"#))
                .run(r#"[[ "${{ env.COMPOSITE_ACTION_ENV_OUTPUT == 'my test value' }}" = "true" ]]"#)
                .run(r#"[[ "$COMPOSITE_ACTION_ENV_OUTPUT" = "my test value" ]]"#)
                .step("composite2", |s| composite_action(s, "test_input_optional_value", ""))
                .step("wrong2", |s| {
                    s.run("exit 1").when(
                        "succeeded() && steps.composite2.outputs.test_output != 'test_output_value'",
                    )
                })
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn act_composite_env_test() {
    let verdict = github("act-composite-env-test");
    let action2 = StepBuilder::inner("action2")
        .env("COMPOSITE_OVERRIDE", "2")
        .env("COMPOSITE", "1")
        .group(
            [],
            [
                fails_if("override", "env.COMPOSITE_OVERRIDE != '2'"),
                fails_if("composite", "env.COMPOSITE != '1'"),
                fails_if("job", "env.JOB != '1'"),
                fails_if("global", "env.GLOBAL != '1'"),
            ],
        );
    let plan = plan()
        .env("GLOBAL", "1")
        .task("test", |t| {
            job(t).env("JOB", "1").step("action1", |s| {
                s.env("COMPOSITE_OVERRIDE", "1").group(
                    [],
                    [
                        fails_if("override", "env.COMPOSITE_OVERRIDE != '1'"),
                        fails_if("job", "env.JOB != '1'"),
                        fails_if("global", "env.GLOBAL != '1'"),
                        action2,
                    ],
                )
            })
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn inputs_via_env_context() {
    let verdict = github("inputs-via-env-context");
    let (value, given) = (
        "${{ github.event_name }}/${{ github.run_id }}",
        "env['test-env-input']",
    );
    let plan = plan()
        .name("github", json!({"event_name": "push", "run_id": "1"}))
        .task("test-inputs-via-env-context", |t| {
            let inner = format!("exit ${{{{ inputs['test-env-input'] == {given} ? 0 : 1 }}}}");
            let outer = format!(
                "exit ${{{{ {given} == github.event_name + '/' + github.run_id ? 0 : 1 }}}}"
            );
            job(t)
                .step("action", |s| {
                    s.env("test-env-input", value).group(
                        [("test-env-input", "${{ env['test-env-input'] }}")],
                        [StepBuilder::inner("same").run(&inner)],
                    )
                })
                .step("same", |s| s.env("test-env-input", value).run(&outer))
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn if_expressions() {
    let verdict = github("if-expressions");
    let plan = plan()
        .task("mytest", |t| {
            job(t)
                .step("action", |s| s.run("exit 9").when("failed()"))
                .step("first", |s| s.run("echo Success"))
                .step("second", |s| s.run("echo Success").when("succeeded()"))
                .step("fails", |s| s.run("exit 1"))
                .step("third", |s| s.run("echo not this").when("succeeded()"))
                .step("fourth", |s| s.run("echo nor this"))
                .step("last", |s| s.run("echo expected to run").when("failed()"))
        })
        .task("next", |t| job(t).needs(["mytest"]))
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(
        outcome.printed("mytest"),
        "Success\nSuccess\nexpected to run\n"
    );
    assert_eq!(outcome.task("next").status, "skipped");
}

/// `/root` of the original is `/usr` here, which other people may enter too.
#[test]
fn workdir() {
    let verdict = github("workdir");
    let plan = plan()
        .task("workdir", |t| {
            // What a step says counts instead of the default, so the default is written to each step.
            job(t)
                .step("default", |s| {
                    s.working_dir("/usr").run(r#"[[ "$(pwd)" == "/usr" ]]"#)
                })
                .step("make", |s| {
                    s.working_dir("/usr")
                        .run(r#"mkdir -p "${FORMIC_SOURCE}/workdir""#)
                })
                .step("inside", |s| {
                    s.working_dir("workdir")
                        .run(r#"[[ "$(pwd)" == "$(realpath "${FORMIC_SOURCE}/workdir")" ]]"#)
                })
        })
        .task("top-level-workdir", |t| {
            job(t)
                .working_dir("/tmp")
                .run(r#"[[ "$(pwd)" == "/tmp" ]]"#)
        })
        .task("workdir-from-matrix", |t| {
            job(t)
                .matrix([("work_dir", json!(["/tmp", "/usr"]))])
                .max_parallel(1)
                .step("there", |s| {
                    s.working_dir("${{ matrix.work_dir }}")
                        .run(r#"[[ "$(pwd)" == "${{ matrix.work_dir }}" ]]"#)
                })
        })
        .build();
    verdict.agrees(&run(plan));
}

/// State of an action for its post step: an output that the post step's environment reads.
#[test]
fn github_state() {
    let verdict = github("GITHUB_STATE");
    let states = |state: &str| format!(r#"[ "$STATE_{state}" = "mystateval" ]"#);
    let check = format!(
        "{}\n{}\ntouch checked",
        states("mystate0"),
        states("mystate2")
    );
    let plan = plan()
        .task("_", |t| {
            job(t)
                .step("pre", |s| {
                    s.run("echo mystate0=mystateval > $FORMIC_OUTPUT")
                })
                .step("script", |s| {
                    s.run("echo mystate2=mystateval > $FORMIC_OUTPUT")
                        .env("STATE_mystate0", "${{ steps.pre.outputs.mystate0 }}")
                        .post(&check)
                        .post_env("STATE_mystate2", "${{ steps.script.outputs.mystate2 }}")
                })
                .step("other", |s| {
                    s.run("test ! -e checked\necho mystate2=mystateerror > $FORMIC_OUTPUT")
                        .post("test ! -e checked")
                })
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    let steps = outcome
        .task("_")
        .steps
        .iter()
        .map(|step| step.name.as_str());
    assert_eq!(
        steps.collect::<Vec<_>>(),
        ["pre", "script", "other", "post other", "post script"]
    );
}
