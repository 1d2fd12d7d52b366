//! Good files and the plans that they give.
#![expect(clippy::unwrap_used, reason = "tests")]

use model::ids::DefNo;
use model::plan::{
    Activation, Body, Edge, Late, Phase, Plan, StatusOf, StepBody, Text, Tolerance, ValueType,
};
use pipeline::{Request, SourceFile, compile};
use serde_json::json;

/// The plan of `text`, which has no error.
pub(crate) fn plan(text: &str) -> Plan {
    plan_for(text, &Request::default())
}

fn plan_for(text: &str, request: &Request) -> Plan {
    let compiled = compile(&SourceFile::new("shop.yaml", text), request);
    let said: Vec<String> = compiled
        .diagnostics
        .iter()
        .map(|each| {
            format!(
                "{}:{}: {} {} {:?}",
                each.line, each.column, each.code, each.message, each.help
            )
        })
        .collect();
    assert!(compiled.plan.is_some(), "{said:#?}");
    compiled.plan.unwrap()
}

fn request(params: &[(&str, &str)]) -> Request {
    let params = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Request {
        params: params.collect(),
        ..Request::default()
    }
}

#[test]
fn the_smallest_file_is_one_task_with_one_step() {
    let plan = plan("tasks: { hello: { run: echo hello } }");
    assert_eq!(
        (plan.name.as_str(), plan.file.as_str()),
        ("shop", "shop.yaml")
    );
    assert_eq!(plan.scopes[0].tasks, [DefNo(0)]);
    let Body::Steps(steps) = &plan.tasks[0].body else {
        panic!("steps")
    };
    assert_eq!(steps.steps[0].name, "run");
    let expected = StepBody::Script {
        text: Text::Literal("echo hello".to_owned()),
        shell: None,
        args: Vec::new(),
    };
    assert_eq!(steps.steps[0].body, expected);
}

#[test]
fn needs_become_data_and_optional_edges() {
    let plan = plan(
        "tasks:\n  a: {run: x}\n  b: {run: x}\n  c: {needs: [b, {task: a, optional: true}], run: x}\n  d: {needs: c, run: x}",
    );
    assert_eq!(
        plan.tasks[2].needs,
        [Edge::data(DefNo(1)), Edge::optional(DefNo(0))]
    );
    assert_eq!(plan.tasks[3].needs, [Edge::data(DefNo(2))]);
}

#[test]
fn a_condition_gets_the_implied_status_check() {
    let plan = plan(
        "tasks:\n  a: {when: \"signal.branch == 'main'\", run: x}\n  b: {when: failed() || always(), run: x}\n  c: {when: \"${{ signal.kind == 'push' }}\", run: x}\nfinally:\n  d: {run: x}\n  e: {when: \"tasks.a.outcome == 'failed'\", run: x}",
    );
    let condition = |task: usize| {
        plan.tasks[task]
            .start
            .condition
            .as_ref()
            .unwrap()
            .text
            .as_str()
    };
    assert_eq!(condition(0), "succeeded() && (signal.branch == 'main')");
    assert_eq!(condition(1), "failed() || always()");
    assert_eq!(condition(2), "succeeded() && (signal.kind == 'push')");
    assert_eq!(condition(3), "always()");
    assert_eq!(condition(4), "tasks.a.outcome == 'failed'");
    assert_eq!(
        (plan.tasks[3].phase, plan.tasks[3].start.status_of),
        (Phase::Finally, StatusOf::Scope)
    );
}

#[test]
fn params_are_read_by_their_declared_types() {
    let text = "params:\n  n: {type: number}\n  flag: true\n  profile: {enum: [debug, release], default: debug}\n  list: {type: list, default: [a]}\ntasks: {t: {run: x}}";
    let plan = plan_for(text, &request(&[("n", "4"), ("flag", "false")]));
    assert_eq!(plan.params["n"], json!(4));
    assert_eq!(plan.params["flag"], json!(false));
    assert_eq!(plan.params["profile"], json!("debug"));
    assert_eq!(plan.params["list"], json!(["a"]));
    let words = ValueType::Enum(vec!["debug".to_owned(), "release".to_owned()]);
    assert_eq!(plan.scopes[0].inputs["profile"].value_type, words);
}

#[test]
fn words_that_yaml_often_turns_into_other_things_stay_what_they_are() {
    let plan = plan(
        "on: push\nenv: {A: no, B: on, C: 3.10, D: 017, E: 1e3, F: 12:30, G: 0x1f, H: 1_000, I: \"\"}\ntasks: {y: {run: x}}",
    );
    let values: Vec<&str> = plan.scopes[0]
        .env
        .iter()
        .map(|(_, text)| text.literal().unwrap())
        .collect();
    assert_eq!(
        values,
        [
            "no", "on", "3.10", "017", "1e3", "12:30", "0x1f", "1_000", ""
        ]
    );
    assert_eq!(plan.tasks[0].name, "y");
}

#[test]
fn versions_in_a_matrix_keep_their_digits() {
    let plan = plan("tasks: {t: {matrix: {python: [3.9, 3.10], n: [1, 2.5]}, run: x}}");
    let matrix = plan.tasks[0].matrix.as_ref().unwrap();
    assert_eq!(
        matrix.axes[0].values,
        Late::Known(vec![json!("3.9"), json!("3.10")])
    );
    assert_eq!(
        matrix.axes[1].values,
        Late::Known(vec![json!(1), json!(2.5)])
    );
}

#[test]
fn matrices_may_come_from_results() {
    let text = "tasks:\n  list: {run: x, outputs: {os: list, all: object}}\n  t: {needs: list, matrix: {os: \"${{ tasks.list.outputs.os }}\", fail_fast: false, max_parallel: 2}, run: \"echo ${{ matrix.os }}\"}\n  u: {needs: list, matrix: tasks.list.outputs.all, run: \"echo ${{ matrix.any }}\"}";
    let plan = plan(text);
    let matrix = plan.tasks[1].matrix.as_ref().unwrap();
    let Late::Computed(expression) = &matrix.axes[0].values else {
        panic!("computed")
    };
    assert_eq!(expression.text, "tasks.list.outputs.os");
    assert_eq!((matrix.fail_fast, matrix.max_parallel), (false, Some(2)));
    assert_eq!(
        plan.tasks[2]
            .matrix
            .as_ref()
            .unwrap()
            .whole
            .as_ref()
            .unwrap()
            .text,
        "tasks.list.outputs.all"
    );
}

#[test]
fn templates_keep_their_text_and_place() {
    let plan = plan("params: {who: me}\ntasks:\n  t:\n    run: |\n      echo ${{ params.who }}\n");
    let Body::Steps(steps) = &plan.tasks[0].body else {
        panic!("steps")
    };
    let StepBody::Script {
        text: Text::Template(expression),
        ..
    } = &steps.steps[0].body
    else {
        panic!("template")
    };
    assert_eq!(expression.text, "echo ${{ params.who }}\n");
    let at = expression.at.unwrap();
    assert_eq!((at.line, at.column), (5, 7));
}

#[test]
fn a_manual_task_holds_up_the_run_only_if_something_is_behind_it() {
    let text = "tasks:\n  a: {run: x, start: manual}\n  b: {run: x, needs: [a]}\n  c: {run: x, start: manual}\n";
    let plan = plan(text);
    assert_eq!(
        plan.tasks[0].activation,
        Activation::Manual { blocking: true }
    );
    assert_eq!(
        plan.tasks[2].activation,
        Activation::Manual { blocking: false }
    );
}

#[test]
fn retries_approvals_starts_and_tolerance_are_read() {
    let text = "tasks:\n  a: {run: x, retry: 2, allow_failure: {exit_codes: [77]}, start: manual}\n  b: {run: x, retry: {max: 3, backoff: 5s, factor: 1.5, max_backoff: 1m, when: \"failure.kind == 'timeout'\"}, start: {after: 5m}, allow_failure: true}\n  c: {approval: {prompt: Sure?, deadline: 4h}}\n  d: {approval: Really?}";
    let plan = plan(text);
    assert_eq!(plan.tasks[0].retry.max, 2);
    assert_eq!(plan.tasks[0].tolerance, Tolerance::ExitCodes(vec![77]));
    assert_eq!(
        plan.tasks[0].activation,
        Activation::Manual { blocking: false }
    );
    let retry = &plan.tasks[1].retry;
    assert_eq!(
        (
            retry.max,
            retry.backoff_ms,
            retry.factor_percent,
            retry.max_backoff_ms
        ),
        (3, 5_000, 150, 60_000)
    );
    assert_eq!(
        retry.when.as_ref().unwrap().text,
        "failure.kind == 'timeout'"
    );
    assert_eq!(
        plan.tasks[1].activation,
        Activation::Delayed {
            delay_ms: Late::Known(300_000)
        }
    );
    assert_eq!(
        plan.tasks[2].approval.as_ref().unwrap().deadline_ms,
        4 * 3_600_000
    );
    assert_eq!(plan.tasks[2].body, Body::Nothing);
    assert_eq!(
        plan.tasks[3].approval.as_ref().unwrap().prompt,
        Text::from("Really?")
    );
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let text = "x-common: &common\n  timeout: 5m\n  env: {A: b}\ntasks:\n  a:\n    <<: *common\n    run: x\n  b:\n    <<: [*common]\n    timeout: 1m\n    run: y\n";
    let plan = plan(text);
    assert_eq!(plan.tasks[0].timeout_ms, Some(Late::Known(300_000)));
    assert_eq!(plan.tasks[1].timeout_ms, Some(Late::Known(60_000)));
    assert_eq!(plan.tasks[1].env.len(), 1);
}

#[test]
fn a_byte_order_mark_and_carriage_returns_do_no_harm() {
    let plan = plan("\u{feff}tasks:\r\n  t:\r\n    run: |\r\n      one\r\n      two\r\n");
    let Body::Steps(steps) = &plan.tasks[0].body else {
        panic!("steps")
    };
    let expected = StepBody::Script {
        text: Text::Literal("one\ntwo\n".to_owned()),
        shell: None,
        args: Vec::new(),
    };
    assert_eq!(steps.steps[0].body, expected);
}

#[test]
fn containers_and_images_are_carried_in_full() {
    let plan = plan(include_str!("samples/containers.yaml"));
    let named = |name: &str| plan.tasks.iter().find(|task| task.name == name).unwrap();
    let test = named("test");
    let container = test.placement.container.as_ref().unwrap();
    assert_eq!(container.image, Some(Text::from("rust:1.95")));
    let cache = test.services[1].container.as_ref().unwrap();
    assert_eq!(cache.options["user"], json!("1000:1000"));
    assert_eq!(cache.env, [("A".to_owned(), Text::from("b"))]);
    let Body::Steps(steps) = &named("steps").body else {
        panic!("it has steps");
    };
    let container = steps.steps[1].container.as_ref().unwrap();
    assert_eq!(container.options["entrypoint"], json!(["/bin/sh", "-c"]));
    let image = named("build").image.as_ref().unwrap();
    assert_eq!(image.context, Text::from("web"));
    assert_eq!(image.platforms, ["linux/amd64", "linux/arm64"]);
    assert!(image.push);
    assert!(matches!(&image.tags[0], Text::Template(_)));
}
