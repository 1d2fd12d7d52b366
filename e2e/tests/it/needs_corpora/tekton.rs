//! Cases of `tekton-examples` as plans: what a Tekton front-end has to be able to say, said by hand.
//!
//! A pipeline task is a task; a pipeline in a pipeline is a scope. `runAfter` is an edge that only orders, a
//! reference to a result an edge whose skip spreads. Nothing new starts once a task of the pipeline has failed.
//! Params of a task are variables of its environment; results are written to `FORMIC_OUTPUT`.

use super::verdicts::tekton;
use crate::harness::run;
use model::plan::{StatusOf, ValueType, WorkspaceKind, WorkspaceUse};
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{PlanBuilder, StepBuilder, TaskBuilder};

fn plan() -> PlanBuilder {
    testkit::plan("tekton")
}

/// A task of a pipeline that has a `when`. `guards` are tasks whose results it reads.
fn when<const N: usize>(task: TaskBuilder, condition: &str, guards: [&str; N]) -> TaskBuilder {
    let guarded = guards.map(|guard| format!(" && tasks['{guard}'].conclusion == 'succeeded'"));
    let rule = format!(
        "!failed() && !canceled(){} && ({condition})",
        guarded.concat()
    );
    task.needs(guards).status_of(StatusOf::Scope).when(&rule)
}

/// `$(tasks.<name>.status)`.
fn status(name: &str) -> String {
    let outcome = format!("tasks['{name}'].conclusion");
    format!("({outcome} == 'succeeded' ? 'Succeeded' : {outcome} == 'failed' ? 'Failed' : 'None')")
}

/// `$(tasks.status)` over the tasks of a pipeline that are not in `finally`.
fn aggregate(names: &[&str]) -> String {
    let tasks: Vec<String> = names
        .iter()
        .map(|name| format!("tasks['{name}']"))
        .collect();
    let tasks = tasks.join(", ");
    format!(
        "([{tasks}].exists(t, t.conclusion == 'failed') ? 'Failed' \
         : [{tasks}].exists(t, t.conclusion == 'skipped') ? 'Completed' : 'Succeeded')"
    )
}

/// `$(tasks.<name>.reason)`, as far as failures are concerned.
fn reason(name: &str) -> String {
    let task = format!("tasks['{name}']");
    format!(
        "${{{{ {task}.outcome == 'failed' && {task}.conclusion == 'succeeded' \
         ? 'FailureIgnored' : {task}.outcome }}}}"
    )
}

#[test]
fn ignore_task_error() {
    let verdict = tekton("pipelineruns/beta/ignore-task-error.yaml");
    let plan = plan()
        .task("echo-continue", |t| t.tolerate().run("echo this is a failing task\nexit 1"))
        .task("echo-continue-with-matrix", |t| {
            t.matrix([("param1", json!(["foo", "bar"]))])
                .keep_going()
                .tolerate()
                .env("param1", "${{ matrix.param1 }}")
                .run("if [[ $param1 == bar ]]; then exit 1; fi")
        })
        .task("echo", |t| t.after(["echo-continue"]).run("echo this is a success task"))
        .finally("verify-task-reason", |t| {
            t.env("one", &reason("echo-continue"))
                .env("matrix", &reason("echo-continue-with-matrix"))
                .run("echo \"$one $matrix\"\n[[ $one == FailureIgnored && $matrix == FailureIgnored ]]")
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(outcome.task("echo").status, "succeeded");
    assert!(
        outcome
            .task("echo-continue-with-matrix[bar]")
            .allowed_failure
    );
}

#[test]
fn pipelinerun_with_when_expressions() {
    let verdict = tekton("pipelineruns/pipelinerun-with-when-expressions.yaml");
    let exists = "tasks['check-file'].outputs.exists";
    let dag = [
        "create-file",
        "check-file",
        "echo-file-exists",
        "sample-task-with-array-values",
        "task-should-be-skipped-1",
        "task-should-be-skipped-2",
        "task-should-be-skipped-3",
        "task-should-be-skipped-4",
    ];
    let (aggregate, status) = (aggregate(&dag), status("echo-file-exists"));
    let finally = [
        (
            "finally-task-should-be-skipped-1",
            format!("{status} in ['Failure']"),
        ),
        (
            "finally-task-should-be-skipped-2",
            format!("{exists} in ['missing']"),
        ),
        (
            "finally-task-should-be-skipped-3",
            "!(params.path in ['README.md'])".to_owned(),
        ),
        (
            "finally-task-should-be-skipped-4",
            format!("{aggregate} in ['Failure']"),
        ),
        (
            "finally-task-should-be-skipped-5",
            format!("{aggregate} in ['Succeeded']"),
        ),
        (
            "finally-task-should-be-executed",
            format!(
                "{status} in ['Succeeded'] && {aggregate} in ['Completed'] \
                 && {exists} in ['yes'] && params.path in ['README.md']"
            ),
        ),
    ];
    let mut plan = plan()
        .param("path", json!("README.md"))
        .param("branches", json!(["main", "hotfix"]))
        .workspace("source")
        .task("create-file", |t| {
            when(t, "params.path in ['README.md']", [])
                .workspace("source")
                .run("touch ${{ workspaces.source.path }}/README.md")
        })
        .task("check-file", |t| {
            when(t, "true", [])
                .after(["create-file"])
                .workspace("source")
                .output("exists", ValueType::String)
                .env("path", "${{ workspaces.source.path }}/${{ params.path }}")
                .run(
                    "if test -f $path; then echo exists=yes >> $FORMIC_OUTPUT
                     else echo exists=no >> $FORMIC_OUTPUT; fi",
                )
        })
        .task("echo-file-exists", |t| {
            when(t, &format!("{exists} in ['yes']"), ["check-file"]).run("echo file exists")
        })
        .task("sample-task-with-array-values", |t| {
            when(t, "'main' in params.branches", []).run("echo hello")
        })
        .task("task-should-be-skipped-1", |t| {
            when(t, &format!("{exists} in ['missing']"), ["check-file"]).run("exit 1")
        })
        .task("task-should-be-skipped-2", |t| {
            when(t, "!(params.path in ['README.md'])", []).run("exit 1")
        })
        .task("task-should-be-skipped-3", |t| {
            when(t, "'monday' in ['friday']", [])
                .after(["echo-file-exists"])
                .run("exit 1")
        })
        .task("task-should-be-skipped-4", |t| {
            when(t, "'master' in params.branches", []).run("exit 1")
        });
    for (name, condition) in &finally {
        let script = if name.ends_with("executed") {
            "echo finally done"
        } else {
            "exit 1"
        };
        plan = plan.finally(name, |t| t.when(condition).run(script));
    }
    let outcome = run(plan.build());
    verdict.agrees(&outcome);
    for task in &outcome.document.tasks {
        let skipped = task.id.contains("should-be-skipped");
        assert_eq!(task.status == "skipped", skipped, "{outcome}");
    }
}

#[test]
fn pipelinerun_task_execution_status() {
    let verdict = tekton("pipelineruns/pipelinerun-task-execution-status.yaml");
    let value = |expression: &str| format!("${{{{ {expression} }}}}");
    let plan = plan()
        .task("task1", |t| t.run("echo 'Hello World!'"))
        .task("task2", |t| {
            when(t, "!('true' in ['true'])", []).run("exit 0")
        })
        .finally("task3", |t| {
            t.env("task1Status", &value(&status("task1")))
                .env("task2Status", &value(&status("task2")))
                .run("[[ $task1Status == Succeeded && $task2Status == None ]]")
        })
        .finally("task4", |t| {
            t.env("aggregateStatus", &value(&aggregate(&["task1", "task2"])))
                .run("[[ $aggregateStatus == Completed ]]")
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(outcome.task("task2").status, "skipped");
}

fn optional(name: &str) -> WorkspaceUse {
    WorkspaceUse {
        name: name.to_owned(),
        source: name.to_owned(),
        sub_path: None,
        read_only: false,
        optional: true,
    }
}

#[test]
fn optional_workspaces_of_a_task() {
    let verdict = tekton("taskruns/optional-workspaces.yaml");
    let plan = plan()
        .workspace("source-code")
        .workspace_of("extra-config", WorkspaceKind::Absent)
        .task("task", |t| {
            t.workspace_with(optional("source-code"))
                .workspace_with(optional("extra-config"))
                .run(
                    r#"test "${{ workspaces['source-code'].bound }}" == true
test -d "${{ workspaces['source-code'].path }}"
if [ "${{ workspaces['extra-config'].bound }}" == true ]; then exit 1; fi"#,
                )
        })
        .build();
    verdict.agrees(&run(plan));
}

/// The program that node runs in the original is only looked at.
#[test]
fn optional_workspaces_of_a_pipeline() {
    let verdict = tekton("pipelineruns/optional-workspaces.yaml");
    let program = [(
        "main.js".to_owned(),
        "console.log('Hello, World!');\n".to_owned(),
    )];
    let plan = plan()
        .workspace_of("launch", WorkspaceKind::Files(program.into()))
        .workspace_of("prelaunch", WorkspaceKind::Absent)
        .task("print-bound-state", |t| {
            t.workspace_with(optional("prelaunch"))
                .workspace("launch")
                .step("echo", |s| {
                    s.command([
                        "echo",
                        "${{ ['prelaunch?', string(workspaces.prelaunch.bound), \
                     'launch?', string(workspaces.launch.bound)] }}",
                    ])
                })
        })
        .task("run-js", |t| {
            t.after(["print-bound-state"])
                .workspace_with(optional("prelaunch"))
                .workspace("launch")
                .run(
                    r#"if [ ${{ workspaces.prelaunch.bound }} == true ]; then exit 2; fi
cat "${{ workspaces.launch.path }}/main.js""#,
                )
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(
        outcome.printed("print-bound-state"),
        "prelaunch? false launch? true\n"
    );
    assert_eq!(outcome.printed("run-js"), "console.log('Hello, World!');\n");
}

#[test]
fn pipelines_in_pipelines_ref() {
    let verdict = tekton("pipelineruns/alpha/pipelines-in-pipelines-ref.yaml");
    let plan = plan()
        .task("child", |t| t.call("child-pipeline", []))
        .scope("child-pipeline", |s| {
            s.task("hello", |t| {
                t.run("echo hello from the referenced child Pipeline")
            })
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(
        outcome.printed("child/hello"),
        "hello from the referenced child Pipeline\n"
    );
}

#[test]
fn stepaction() {
    let verdict = tekton("taskruns/stepaction.yaml");
    let action = || StepBuilder::inner("step-action").run("echo 'I am a Step Action!!!'");
    let plan = plan()
        .task("task", |t| {
            t.step("action-runner", |s| s.group([], [action()]))
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(outcome.printed("task"), "I am a Step Action!!!\n");
}

/// A list becomes a word for each of its values; its members are read by index.
#[test]
fn pipelinerun_array_results_substitution() {
    let verdict = tekton("pipelineruns/pipelinerun-array-results-substitution.yaml");
    let image = "abc.dev/sampler/busysample@sha256:19f02276bf8dbdd62f069b922f10c65262cc34b710eea26ff928129a736be791";
    let last = "xyz.dev/awesomeness/awesomeness";
    let write = format!(
        "echo 'array-results-1=[\"{image}\", \"ubuntu\", \"{last}\"]' >> $FORMIC_OUTPUT
echo 'array-results-2=[\"\", \"{last}\"]' >> $FORMIC_OUTPUT"
    );
    let check =
        format!("[[ $# == 3 ]]\n[[ $1 == '{image}' ]]\n[[ $2 == ubuntu ]]\n[[ $3 == '{last}' ]]");
    let plan = plan()
        .task("task1", |t| {
            t.output("array-results-1", ValueType::List)
                .output("array-results-2", ValueType::List)
                .run(&write)
        })
        .task("task2", |t| {
            t.needs(["task1"])
                .env("image1", "${{ tasks.task1.outputs['array-results-1'][2] }}")
                .env("image2", "${{ tasks.task1.outputs['array-results-2'][1] }}")
                .step("validate-images", |s| {
                    s.run(&check)
                        .args(["${{ tasks.task1.outputs['array-results-1'] }}"])
                })
                .run(&format!("[[ $image1 == '{last}' && $image2 == '{last}' ]]"))
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn pipeline_object_results() {
    let verdict = tekton("pipelineruns/pipeline-object-results.yaml");
    let digest = "19f02276bf8dbdd62f069b922f10c65262cc34b710eea26ff928129a736be791";
    let object = format!(r#"{{"url":"abc.dev/sampler","digest":"{digest}"}}"#);
    let plan = plan()
        .task("task1", |t| {
            t.output("object-results", ValueType::Object)
                .run(&format!("echo 'object-results={object}' >> $FORMIC_OUTPUT"))
        })
        .task("task2", |t| {
            t.needs(["task1"])
                .step("validate-object-url", |s| {
                    s.run("[[ $1 == abc.dev/sampler ]]")
                        .args(["${{ tasks.task1.outputs['object-results'].url }}"])
                })
                .run(&format!(
                    "[[ '${{{{ tasks.task1.outputs['object-results'].digest }}}}' == {digest} ]]"
                ))
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn pipelinerun_param_array_indexing() {
    let verdict = tekton("pipelineruns/pipelinerun-param-array-indexing.yaml");
    let plan = plan()
        .param("environments", json!(["staging", "qa", "prod"]))
        .task("deploy", |t| {
            t.step("validate-environment1", |s| {
                s.run("[[ $# == 1 && $1 == staging && ${{ params.environments[2] }} == prod ]]")
                    .args(["${{ params.environments[0] }}"])
            })
            .run("[[ ${{ params.environments[1] }} == qa ]]")
            .step("validate-environments", |s| {
                s.run("[[ $# == 3 && $1 == staging && $2 == qa && $3 == prod ]]")
                    .args(["${{ params.environments }}"])
            })
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn pipelinerun_results_with_params() {
    let verdict = tekton("pipelineruns/pipelinerun-results-with-params.yaml");
    let plan = plan()
        .param("prefix", json!("prefix"))
        .task("generate-suffix", |t| {
            t.output("suffix", ValueType::String)
                .run("echo suffix=suffix >> $FORMIC_OUTPUT")
        })
        .task("do-something", |t| {
            t.needs(["generate-suffix"])
                .env(
                    "arg",
                    "${{ params.prefix }}:${{ tasks['generate-suffix'].outputs.suffix }}",
                )
                .run("echo \"$arg\" | grep prefix:suffix")
        })
        .build();
    verdict.agrees(&run(plan));
}

#[test]
fn pipelinerun_using_different_subpaths_of_workspace() {
    let file = "pipelineruns/pipelinerun-using-different-subpaths-of-workspace.yaml";
    let verdict = tekton(file);
    let below = |folder: &str| WorkspaceUse {
        name: "task-ws".to_owned(),
        source: "ws".to_owned(),
        sub_path: Some(folder.into()),
        read_only: false,
        optional: false,
    };
    let write = "echo bar > ${{ workspaces['task-ws'].path }}/foo";
    let plan = plan()
        .workspace("ws")
        .task("writer-1", |t| t.workspace_with(below("dir-1")).run(write))
        .task("writer-2", |t| {
            t.after(["writer-1"])
                .workspace_with(below("dir-2"))
                .run(write)
        })
        .task("read-all", |t| {
            t.after(["writer-2"])
                .workspace("ws")
                .run("cat ${{ workspaces.ws.path }}/dir-1/foo | grep bar")
                .run("cat ${{ workspaces.ws.path }}/dir-2/foo | grep bar")
        })
        .build();
    verdict.agrees(&run(plan));
}

/// Three kinds of workspaces: a secret, a config map, and a folder that two tasks share.
#[test]
fn workspaces() {
    let verdict = tekton("pipelineruns/workspaces.yaml");
    let files = |name: &str, text: &str| {
        WorkspaceKind::Files(BTreeMap::from([(name.to_owned(), text.to_owned())]))
    };
    let plan = plan()
        .workspace_of("password-vault", files("password", "hunter2"))
        .workspace_of("recipe-store", files("recipe.txt", "1. Heat oven\n"))
        .workspace("shared-data")
        .task("fetch-the-recipe", |t| {
            t.workspace("password-vault")
                .workspace("recipe-store")
                .workspace("shared-data")
                .run(
                    r#"test hunter2 = "$(cat ${{ workspaces['password-vault'].path }}/password)"
cp ${{ workspaces['recipe-store'].path }}/recipe.txt ${{ workspaces['shared-data'].path }}"#,
                )
        })
        .task("print-the-recipe", |t| {
            t.after(["fetch-the-recipe"])
                .workspace_with(WorkspaceUse {
                    name: "storage".to_owned(),
                    source: "shared-data".to_owned(),
                    sub_path: None,
                    read_only: true,
                    optional: false,
                })
                .run("cat ${{ workspaces.storage.path }}/recipe.txt")
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    assert_eq!(outcome.printed("print-the-recipe"), "1. Heat oven\n");
}

/// An object whose default and given members are put together when the file is compiled.
#[test]
fn object_param_result() {
    let verdict = tekton("taskruns/object-param-result.yaml");
    let plan = plan()
        .param("gitrepo", json!({"url": "github.example.com", "commit": "sha123"}))
        .task("task", |t| {
            t.output("object-results", ValueType::Object)
                .step("validate-object-params", |s| {
                    s.run("[[ $1 == github.example.com && $2 == sha123 ]]")
                        .args(["${{ params.gitrepo.url }}", "${{ params.gitrepo.commit }}"])
                })
                .run(r#"echo 'object-results={"IMAGE_URL":"ar.com","IMAGE_DIGEST":"sha234"}' >> $FORMIC_OUTPUT"#)
        })
        .build();
    let outcome = run(plan);
    verdict.agrees(&outcome);
    let expected = json!({"IMAGE_URL": "ar.com", "IMAGE_DIGEST": "sha234"});
    assert_eq!(outcome.task("task").outputs["object-results"], expected);
}

/// Results of a pipeline are outputs of its scope; the task behind the call stands for who reads them.
#[test]
fn pipeline_emitting_results() {
    let verdict = tekton("pipelineruns/beta/pipeline-emitting-results.yaml");
    let (array, object) = ("tasks.task1.outputs.array", "tasks.task2.outputs.object");
    let text = |expression: &str| format!("${{{{ {expression} }}}}");
    let (list, map) = (ValueType::List, ValueType::Object);
    let seen = "tasks.pipeline.outputs";
    let right = format!(
        "{seen}.whole == ['1', '2', '3'] && {seen}.mixed == ['1', 'bar'] && {seen}.second == '2' \
         && {seen}.object == {{'foo': 'bar', 'hello': 'world'}} \
         && {seen}.built == {{'key1': '2', 'key2': 'world'}} && {seen}.member == 'bar'"
    );
    let plan = plan()
        .task("pipeline", |t| t.call("pipeline", []))
        .task("reader", |t| {
            t.needs(["pipeline"])
                .run(&format!("exit ${{{{ {right} ? 0 : 1 }}}}"))
        })
        .scope("pipeline", |s| {
            s.task("task1", |t| {
                t.output("array", ValueType::List)
                    .run(r#"echo 'array=["1","2","3"]' >> $FORMIC_OUTPUT"#)
            })
            .task("task2", |t| {
                t.output("object", ValueType::Object)
                    .run(r#"echo 'object={"foo":"bar","hello":"world"}' >> $FORMIC_OUTPUT"#)
            })
            .output("whole", list.clone(), &text(array))
            .output("mixed", list, &text(&format!("[{array}[0], {object}.foo]")))
            .output("second", ValueType::String, &text(&format!("{array}[1]")))
            .output("object", map.clone(), &text(object))
            .output(
                "built",
                map,
                &text(&format!("{{'key1': {array}[1], 'key2': {object}.hello}}")),
            )
            .output("member", ValueType::String, &text(&format!("{object}.foo")))
        })
        .build();
    verdict.agrees(&run(plan));
}

/// Not a file of its own there: the results of a task whose failure is ignored are read behind it.
#[test]
fn results_of_a_task_whose_failure_is_ignored_are_read() {
    let plan = plan()
        .task("fails", |t| {
            t.tolerate()
                .output("folder", ValueType::String)
                .run("echo folder=dir-1 >> $FORMIC_OUTPUT\nexit 1")
        })
        .workspace("ws")
        .task("reads", |t| {
            t.needs(["fails"])
                .workspace_with(WorkspaceUse {
                    name: "ws".to_owned(),
                    source: "ws".to_owned(),
                    sub_path: Some(model::plan::Text::template(
                        "${{ tasks.fails.outputs.folder }}",
                    )),
                    read_only: false,
                    optional: false,
                })
                .run("[[ ${{ workspaces.ws.path }} == */dir-1 ]]")
        })
        .build();
    let outcome = run(plan);
    assert_eq!(outcome.document.status, "succeeded", "{outcome}");
}
