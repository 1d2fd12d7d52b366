//! Each decision with its sentence.

use super::{Decision, Known, Planned, Values, preview};
use model::plan::{Plan, StatusOf, ValueType};
use model::reason::SkipCause;
use serde_json::json;
use testkit::{TaskBuilder, plan};

fn on_branch(mut plan: Plan, branch: &str) -> Plan {
    plan.signal.insert("branch".to_owned(), json!(branch));
    plan.tainted = vec!["signal.branch".to_owned()];
    plan
}

/// `id: decision, reason` of each task.
fn said(plan: &Plan) -> Vec<String> {
    lines(&preview(plan, &Known::default()))
}

fn lines(planned: &[Planned]) -> Vec<String> {
    let line = |each: &Planned| format!("{}: {}, {}", each.id, each.decision.as_str(), each.reason);
    planned.iter().map(line).collect()
}

#[test]
fn a_false_condition_names_the_values_that_it_read() {
    let plan = plan("p")
        .task("deploy", |t| {
            t.run("x")
                .when("succeeded() && (signal.branch == 'main')")
                .edit(|task| {
                    let condition = task.start.condition.as_mut().unwrap();
                    condition.written = Some("signal.branch == 'main'".to_owned());
                })
        })
        .build();
    assert_eq!(
        said(&on_branch(plan.clone(), "dev")),
        ["deploy: skip, signal.branch == 'main' is false: signal.branch is 'dev'"]
    );
    let planned = preview(&on_branch(plan, "main"), &Known::default());
    assert_eq!(
        lines(&planned),
        ["deploy: run, signal.branch == 'main' is true: signal.branch is 'main'"]
    );
    assert_eq!(planned[0].when.as_deref(), Some("signal.branch == 'main'"));
}

#[test]
fn a_type_that_a_condition_names_is_no_value() {
    let plan = plan("p")
        .task("a", |t| t.run("x").when("type(signal.branch) == string"))
        .build();
    let said = said(&on_branch(plan, "dev"));
    assert_eq!(
        said,
        ["a: run, type(signal.branch) == string is true: signal.branch is 'dev'"]
    );
}

#[test]
fn a_skip_spreads_along_the_needs_unless_the_rule_says_always() {
    let plan = plan("p")
        .task("lint", |t| t.run("x").when("signal.branch == 'main'"))
        .task("test", |t| t.run("x").needs(["lint"]))
        .task("after", |t| t.run("x").needs(["test"]).when("always()"))
        .task("order", |t| t.run("x").after(["lint"]))
        .task("maybe", |t| t.run("x").optional(["lint"]))
        .build();
    assert_eq!(
        said(&on_branch(plan, "dev")),
        [
            "lint: skip, signal.branch == 'main' is false: signal.branch is 'dev'",
            "test: skip, needs lint, which is skipped",
            "after: run, starts when test has ended",
            "order: run, starts although lint is skipped",
            "maybe: run, starts although lint is skipped",
        ]
    );
}

#[test]
fn a_need_names_every_end_that_lets_the_task_go_on() {
    let task = |t: TaskBuilder| t.run("x");
    let plan = plan("p")
        .task("a", task)
        .task("forgiven", |t| task(t).tolerate())
        .task("side", |t| task(t).not_critical())
        .task("coded", |t| task(t).tolerate_codes([77, 78]))
        .task("button", |t| task(t).manual_optional())
        .task("one", |t| task(t).needs(["a"]))
        .task("two", |t| task(t).optional(["a"]))
        .task("three", |t| task(t).needs(["forgiven", "side"]))
        .task("four", |t| task(t).optional(["forgiven"]))
        .task("five", |t| task(t).needs(["coded", "a"]))
        .task("six", |t| task(t).needs(["button"]))
        .build();
    assert_eq!(
        said(&plan)[5..],
        [
            "one: run, starts when a has succeeded",
            "two: run, starts when a has succeeded or is skipped",
            "three: run, starts when forgiven and side have succeeded or failed",
            "four: run, starts when forgiven has succeeded, failed or is skipped",
            "five: run, starts when coded has succeeded or failed with exit codes 77 and 78, and a has succeeded",
            "six: run, starts when button is up to a person",
        ]
    );
}

#[test]
fn a_condition_that_no_need_could_mend_is_the_cause() {
    let plan = plan("p")
        .task("lint", |t| t.run("x").when("signal.branch == 'main'"))
        .task("mourn", |t| {
            t.run("x").needs(["lint"]).when("failed() || canceled()")
        })
        .task("test", |t| t.run("x").needs(["lint"]))
        .build();
    let planned = preview(&on_branch(plan, "dev"), &Known::default());
    assert_eq!(planned[1].cause, Some(SkipCause::Condition));
    assert_eq!(*planned[1].reason, *"failed() || canceled() is false",);
    assert_eq!(planned[2].cause, Some(SkipCause::NeedSkipped));
}

#[test]
fn a_text_that_cannot_be_computed_fails_its_task_and_those_behind_are_skipped() {
    let plan = plan("p")
        .param("zones", json!(["eu"]))
        .task("ask", |t| {
            t.run("x").concurrency("in-${{ params.zones[3] }}")
        })
        .task("show", |t| {
            t.step("first", |s| s.run("true"))
                .step("say", |s| s.run("echo ${{ params.zones[1] }}"))
        })
        .task("guarded", |t| {
            t.step("say", |s| {
                s.run("echo ${{ params.zones[1] }}").when("failed()")
            })
        })
        .task("late", |t| t.run("echo ${{ params.zones[int(env.N)] }}"))
        .task("behind", |t| t.run("x").needs(["ask"]))
        .task("mourn", |t| t.run("x").needs(["show"]).when("failed()"))
        .task("mild", |t| t.run("${{ 1 / 0 }}").tolerate())
        .task("calm", |t| t.run("x").needs(["mild"]))
        .build();
    let planned = preview(&plan, &Known::default());
    assert_eq!(
        lines(&planned),
        [
            "ask: unknown, would fail before it starts: `in-${{ params.zones[3] }}`: \
             index 3 is out of range for a list of 1",
            "show: run, starts at once; would fail in its step `say`: `echo ${{ params.zones[1] }}`: \
             index 1 is out of range for a list of 1",
            "guarded: run, starts at once",
            "late: run, starts at once",
            "behind: skip, needs ask, which fails",
            "mourn: run, failed() is true",
            "mild: run, starts at once; would fail in its step `run`: `${{ 1 / 0 }}`: divide by zero",
            "calm: run, starts when mild has failed, which is allowed",
        ]
    );
    assert_eq!(planned[4].cause, Some(SkipCause::NeedFailed));
    let allowed: Vec<bool> = planned
        .iter()
        .filter_map(|each| Some(each.fault.as_ref()?.allowed))
        .collect();
    assert_eq!(allowed, [false, false, true]);
}

#[test]
fn a_member_that_fails_takes_the_others_with_it() {
    let plan = plan("p")
        .task("a", |t| {
            t.run("x")
                .matrix([("n", json!([1, 0]))])
                .when("4 / matrix.n == 4")
        })
        .build();
    assert_eq!(
        said(&plan),
        [
            "a[1]: unknown, would be canceled, because a[0] fails",
            "a[0]: unknown, would fail before it starts: `4 / matrix.n == 4`: divide by zero",
        ]
    );
}

#[test]
fn what_only_a_run_knows_is_unknown_with_the_name_that_was_read() {
    let plan = plan("p")
        .task("build", |t| t.run("x").output("x", ValueType::String))
        .task("deploy", |t| {
            t.run("x")
                .needs(["build"])
                .when("tasks.build.outputs.x == 'y'")
        })
        .task("tell", |t| t.run("x").needs(["deploy"]))
        .task("id", |t| t.run("x").when("run.id != ''"))
        .build();
    assert_eq!(
        said(&plan),
        [
            "build: run, starts at once",
            "deploy: unknown, known only when build has ended: reads tasks.build.outputs.x",
            "tell: unknown, needs deploy, which may be skipped",
            "id: unknown, known only while the run goes on: reads run.id",
        ]
    );
}

#[test]
fn the_known_half_of_an_expression_decides() {
    let with = |condition: &str| {
        let plan = plan("p")
            .task("build", |t| t.run("x").output("x", ValueType::String))
            .task("deploy", |t| t.run("x").needs(["build"]).when(condition))
            .build();
        preview(&on_branch(plan, "dev"), &Known::default())[1].decision
    };
    let unknown = "tasks.build.outputs.x == 'y'";
    let cases = [
        (
            format!("{unknown} && signal.branch == 'main'"),
            Decision::Skip,
        ),
        (
            format!("signal.branch == 'main' && {unknown}"),
            Decision::Skip,
        ),
        (
            format!("{unknown} || signal.branch == 'dev'"),
            Decision::Run,
        ),
        (
            format!("{unknown} || signal.branch == 'main'"),
            Decision::Unknown,
        ),
        (
            format!("!({unknown}) && signal.branch == 'dev'"),
            Decision::Unknown,
        ),
        ("has(tasks.build.outputs.x)".to_owned(), Decision::Unknown),
        (
            format!("signal.branch == 'dev' ? true : {unknown}"),
            Decision::Run,
        ),
    ];
    for (condition, decision) in cases {
        assert_eq!(with(&condition), decision, "{condition}");
    }
}

#[test]
fn a_rule_for_failures_is_unknown_where_something_may_fail() {
    let plan = plan("p")
        .task("build", |t| t.run("x"))
        .task("mourn", |t| t.run("x").needs(["build"]).when("failed()"))
        .task("alone", |t| t.run("x").when("failed()"))
        .finally("report", |t| {
            t.run("x").when("always()").status_of(StatusOf::Scope)
        })
        .finally("alarm", |t| {
            t.run("x").when("failed()").status_of(StatusOf::Scope)
        })
        .build();
    assert_eq!(
        said(&plan),
        [
            "build: run, starts at once",
            "mourn: unknown, runs only if a task that it needs fails: failed()",
            "alone: skip, failed() is false",
            "report: run, starts when all tasks before `finally` have ended",
            "alarm: unknown, runs only if another task fails: failed()",
        ]
    );
}

#[test]
fn a_skipped_task_is_known_to_those_that_ask_for_its_outcome() {
    let plan = plan("p")
        .task("lint", |t| t.run("x").when("signal.branch == 'main'"))
        .task("tell", |t| {
            t.run("x")
                .needs(["lint"])
                .when("tasks.lint.outcome == 'skipped'")
        })
        .build();
    assert_eq!(
        said(&on_branch(plan, "dev"))[1],
        "tell: run, tasks.lint.outcome == 'skipped' is true: tasks.lint.outcome is 'skipped'"
    );
}

#[test]
fn members_of_a_matrix_are_named_as_the_run_names_them() {
    let plan = plan("p")
        .task("test", |t| {
            t.run("x")
                .matrix([("os", json!(["linux", "mac"])), ("n", json!([1, 2]))])
                .when("matrix.os == 'linux'")
        })
        .task("pack", |t| t.run("x").needs(["test"]))
        .build();
    let planned = preview(&plan, &Known::default());
    let ids: Vec<&str> = planned.iter().map(|each| each.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "test[linux,1]",
            "test[linux,2]",
            "test[mac,1]",
            "test[mac,2]",
            "pack"
        ]
    );
    assert_eq!(
        &*planned[2].reason,
        "matrix.os == 'linux' is false: matrix.os is 'mac'"
    );
    assert_eq!(planned[0].group.as_deref(), Some("test"));
    assert_eq!(*planned[4].needs, ["test".to_owned()]);
    assert_eq!(planned[4].decision, Decision::Run);
}

#[test]
fn a_matrix_of_a_param_is_known_and_one_of_an_output_is_not() {
    let mut plan = plan("p")
        .task("detect", |t| t.run("x").output("parts", ValueType::List))
        .task("late", |t| {
            t.run("x")
                .needs(["detect"])
                .matrix_from("part", "tasks.detect.outputs.parts")
        })
        .task("early", |t| t.run("x").matrix_from("part", "params.parts"))
        .task("none", |t| t.run("x").matrix_from("part", "params.nothing"))
        .build();
    plan.params.insert("parts".to_owned(), json!(["a", "b"]));
    plan.params.insert("nothing".to_owned(), json!([]));
    let planned = preview(&plan, &Known::default());
    assert_eq!(
        lines(&planned),
        [
            "detect: run, starts at once",
            "late: unknown, starts when detect has succeeded; its matrix is known only when detect has ended: \
             reads tasks.detect.outputs.parts",
            "early[a]: run, starts at once",
            "early[b]: run, starts at once",
            "none: skip, its matrix has no cell",
        ]
    );
    assert_eq!(planned[1].matrix, Values::Unknown);
}

#[test]
fn who_waits_for_a_person_says_so() {
    let plan = plan("p")
        .task("ask", |t| t.nothing().approval("Deploy?"))
        .task("go", |t| t.run("x").manual().when("signal.branch == 'dev'"))
        .task("side", |t| t.run("x").manual_optional())
        .task("behind", |t| t.run("x").needs(["side"]).when("failed()"))
        .build();
    assert_eq!(
        said(&on_branch(plan, "dev")),
        [
            "ask: run, waits for a person's consent: Deploy?",
            "go: run, signal.branch == 'dev' is true: signal.branch is 'dev'; waits for a person who starts it",
            "side: unknown, runs only if a person starts it",
            "behind: skip, failed() is false",
        ]
    );
}

#[test]
fn a_call_stands_for_its_tasks_with_what_is_known_of_its_inputs() {
    let plan = plan("p")
        .task("build", |t| t.run("x").output("x", ValueType::String))
        .task("ship", |t| {
            let inputs = [
                ("to", "${{ signal.branch }}"),
                ("x", "${{ tasks.build.outputs.x }}"),
            ];
            t.needs(["build"]).call("deploy", inputs)
        })
        .task("tell", |t| t.run("x").needs(["ship"]))
        .scope("deploy", |s| {
            s.input("to", ValueType::String)
                .input("x", ValueType::String)
                .task("main", |t| t.run("x").when("inputs.to == 'main'"))
                .task("by-x", |t| t.run("x").when("inputs.x == '1'"))
                .task("dev", |t| t.run("x").when("params.to == 'dev'"))
                .task("plain", |t| t.run("x"))
        })
        .build();
    let planned = preview(&on_branch(plan, "dev"), &Known::default());
    assert_eq!(*planned[4].needs, ["build".to_owned()]);
    assert_eq!(
        lines(&planned),
        [
            "build: run, starts at once",
            "ship/main: skip, inputs.to == 'main' is false: inputs.to is 'dev'",
            "ship/by-x: unknown, known only while the run goes on: reads inputs.x",
            "ship/dev: run, params.to == 'dev' is true: params.to is 'dev'",
            "ship/plain: run, starts with ship",
            "tell: run, starts when ship has succeeded",
        ]
    );
}

#[test]
fn a_value_that_a_call_gives_is_of_the_type_of_its_input() {
    let plan = plan("p")
        .task("ship", |t| {
            t.call("deploy", [("go", "false"), ("n", "3"), ("l", "[\"a\"]")])
        })
        .scope("deploy", |s| {
            s.input("go", ValueType::Boolean)
                .input("n", ValueType::Number)
                .input("l", ValueType::List)
                .task("by-go", |t| t.run("x").when("inputs.go"))
                .task("by-n", |t| t.run("x").when("inputs.n == 3"))
                .task("by-l", |t| t.run("x").when("inputs.l[0] == 'a'"))
        })
        .build();
    assert_eq!(
        said(&plan),
        [
            "ship/by-go: skip, inputs.go is false",
            "ship/by-n: run, inputs.n == 3 is true: inputs.n is 3",
            "ship/by-l: run, inputs.l[0] == 'a' is true: inputs.l is [\"a\"]",
        ]
    );
}

#[test]
fn the_failure_of_a_task_of_finally_is_seen_by_those_of_finally_behind_it() {
    let in_scope = |t: TaskBuilder| t.run("x").status_of(StatusOf::Scope);
    let plan = plan("p")
        .task("try", |t| t.run("x").edit(|task| task.critical = false))
        .finally("clean", |t| t.run("x"))
        .finally("first", |t| in_scope(t).when("failed()"))
        .finally("tell", |t| in_scope(t).needs(["clean"]).when("failed()"))
        .build();
    assert_eq!(
        said(&plan)[2..],
        [
            "first: skip, failed() is false",
            "tell: unknown, runs only if another task fails: failed()",
        ]
    );
}

#[test]
fn what_a_task_of_finally_needs_is_named() {
    let in_scope = |t: TaskBuilder| t.run("x").when("always()").status_of(StatusOf::Scope);
    let plan = plan("p")
        .task("try", |t| t.run("x"))
        .finally("clean", in_scope)
        .finally("tell", |t| in_scope(t).needs(["clean"]))
        .build();
    assert_eq!(
        said(&plan)[1..],
        [
            "clean: run, starts when all tasks before `finally` have ended",
            "tell: run, starts when all tasks before `finally` and clean have ended",
        ]
    );
}

#[test]
fn a_condition_that_cannot_be_evaluated_would_fail() {
    let plan = plan("p")
        .task("a", |t| t.run("x").when("1 / 0 == 1"))
        .build();
    assert!(said(&plan)[0].starts_with("a: unknown, would fail before it starts: `1 / 0 == 1`"));
}

#[test]
fn what_holds_the_run_holds_every_task() {
    let known = Known {
        held: Some("the signal is push, and the pipeline waits for tag".to_owned()),
        ..Known::default()
    };
    let plan = plan("p")
        .task("a", |t| t.run("x").matrix([("n", json!([1, 2]))]))
        .finally("b", |t| t.run("x"))
        .build();
    assert_eq!(
        lines(&preview(&plan, &known)),
        [
            "a[1]: skip, the signal is push, and the pipeline waits for tag",
            "a[2]: skip, the signal is push, and the pipeline waits for tag",
            "b: skip, the signal is push, and the pipeline waits for tag",
        ]
    );
}

#[test]
fn a_finished_result_is_taken_over() {
    let run = model::ids::RunId::from_random(7);
    let known = Known {
        reused: [("a".to_owned(), run)].into(),
        ..Known::default()
    };
    let plan = plan("p")
        .task("a", |t| t.run("x"))
        .task("b", |t| t.run("x").needs(["a"]).when("failed()"))
        .build();
    let planned = preview(&plan, &known);
    assert_eq!(planned[0].decision, Decision::Reuse);
    assert_eq!(*planned[0].reason, *format!("run {run} has its result"));
    assert_eq!(planned[1].decision, Decision::Skip);
}

#[test]
fn tasks_stand_behind_what_they_need_and_else_as_in_the_file() {
    let plan = plan("p")
        .task("c", |t| t.run("x").needs(["b"]))
        .task("a", |t| t.run("x"))
        .task("b", |t| t.run("x"))
        .finally("z", |t| t.run("x"))
        .build();
    let planned = preview(&plan, &Known::default());
    let ids: Vec<&str> = planned.iter().map(|each| each.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "z"]);
}

#[test]
fn a_matrix_of_a_skipped_task_is_skipped_with_it() {
    let plan = plan("p")
        .task("detect", |t| {
            t.run("x")
                .when("signal.branch == 'main'")
                .output("parts", ValueType::List)
        })
        .task("test", |t| {
            t.run("x")
                .needs(["detect"])
                .matrix_from("part", "tasks.detect.outputs.parts")
        })
        .build();
    assert_eq!(
        said(&on_branch(plan, "dev"))[1],
        "test: skip, needs detect, which is skipped"
    );
}

#[test]
fn a_text_that_no_program_can_be_given_is_told_before_the_run() {
    let p = plan("p")
        .param("name", json!("a"))
        .task("a", |t| {
            t.env("X", "1").run("echo ${{ params.name + '\\u0000' }}")
        })
        .task("group", |t| t.run("x").concurrency("${{ 'a\\u0000' }}"))
        .build();
    assert_eq!(
        said(&p),
        [
            "a: run, starts at once; would fail in its step `run`: `echo ${{ params.name + '\\u0000' }}`: the text holds \
             the character U+0000, which no program can be given",
            "group: run, starts at once",
        ]
    );
}
