//! A preview of a hostile plan ends, and what it says stays short.

use super::{Decision, Known, Planned, Values, preview};
use model::limits;
use model::plan::{Edge, EdgeKind, Plan};
use serde_json::{Value, json};
use testkit::{TaskBuilder, plan};

fn numbers(count: usize) -> Value {
    (0..count).collect()
}

fn preview_of(plan: &Plan) -> Vec<Planned> {
    preview(plan, &Known::default())
}

#[test]
fn a_preview_ends_also_where_many_members_ask_much() {
    let long = "a".repeat(200_000);
    let condition = format!("matrix.n >= 0 || params.text == '{long}'");
    let plan = plan("p")
        .task("test", |t| {
            t.run("x").matrix([("n", numbers(300))]).when(&condition)
        })
        .task("after", |t| t.run("x").needs(["test"]))
        .build();
    let planned = preview_of(&plan);
    assert_eq!(planned.len(), 301);
    assert_eq!(planned[0].decision, Decision::Run);
    assert_eq!(planned[299].decision, Decision::Unknown);
    assert_eq!(
        &*planned[299].reason,
        "known only while the run goes on: what is evaluated before it is all that a plan evaluates"
    );
    assert_eq!(planned[300].decision, Decision::Run);
}

#[test]
fn the_first_members_of_each_matrix_are_looked_at() {
    let divides =
        |t: TaskBuilder, values: Value| t.run("${{ 1 / matrix.n }}").matrix([("n", values)]);
    let fine: Vec<usize> = (1..=3_000).collect();
    let plan = plan("p")
        .task("fine", |t| divides(t, json!(fine)))
        .task("faulty", |t| divides(t, numbers(10)))
        .build();
    let planned = preview_of(&plan);
    let faulty = planned.iter().filter(|each| each.fault.is_some());
    let faulty: Vec<&str> = faulty.map(|each| each.id.as_str()).collect();
    assert_eq!(faulty, ["faulty[0]"]);
}

#[test]
fn the_environment_of_a_scope_is_not_looked_at_for_every_task_without_end() {
    let mut builder = plan("p");
    for place in 0..3_000 {
        builder = builder.task(&format!("t{place}"), |t| t.run("x"));
    }
    let mut plan = builder.task("late", |t| t.run("${{ 1 / 0 }}")).build();
    plan.params.insert("a".to_owned(), json!("b"));
    let faulty = |plan: &Plan| {
        let planned = preview_of(plan).into_iter();
        let faulty = planned.filter(|each| each.fault.is_some());
        faulty.map(|each| each.id).collect::<Vec<_>>()
    };
    assert_eq!(faulty(&plan), ["late"]);
    plan.scopes[0].env = (0..1_000)
        .map(|place| {
            let text = model::plan::Text::template("${{ params.a }}");
            (format!("A{place}"), text)
        })
        .collect();
    // All steps are gone before its turn comes.
    assert_eq!(faulty(&plan), [""; 0]);
}

#[test]
fn a_long_condition_is_cut_where_it_is_repeated() {
    let condition = vec!["matrix.n != 7"; 100].join(" && ");
    let plan = plan("p")
        .task("t", |t| {
            t.run("x").matrix([("n", numbers(3))]).when(&condition)
        })
        .build();
    let planned = preview_of(&plan);
    let when = planned[2].when.as_deref().unwrap();
    assert_eq!(when.chars().count(), limits::CONDITION_LETTERS + 1);
    assert!(condition.starts_with(when.strip_suffix('…').unwrap()));
    let quoted: String = condition.chars().take(200).collect();
    assert_eq!(
        *planned[2].reason,
        format!("{quoted}… is true: matrix.n is 2")
    );
}

#[test]
fn a_long_value_and_many_names_are_cut() {
    let names: Vec<String> = (0..9).map(|n| format!("has(params.long.x{n})")).collect();
    let condition = format!("params.long != {{}} && ({})", names.join(" || "));
    let mut plan = plan("p").task("t", |t| t.run("x").when(&condition)).build();
    let value = json!({ "a\"b": [1, "x".repeat(1_000_000), 2] });
    plan.params.insert("long".to_owned(), value);
    let planned = preview_of(&plan);
    let (_, facts) = planned[0].reason.split_once(" is false: ").unwrap();
    let letters = "x".repeat(60 - r#"{"a\"b":[1,""#.len());
    assert_eq!(
        facts,
        format!(
            r#"params.long is {{"a\"b":[1,"{letters}…, params.long.x0 is not known, params.long.x1 is not known, params.long.x2 is not known and 6 more"#
        )
    );
}

#[test]
fn an_expression_that_fails_is_cut_in_its_sentence() {
    let text = format!("${{{{ 1 / 0 }}}}{}", "x".repeat(100_000));
    let plan = plan("p").task("t", |t| t.run(&text)).build();
    let planned = preview_of(&plan);
    let fault = planned[0].fault.as_ref().unwrap();
    let quoted: String = text.chars().take(200).collect();
    assert!(
        fault
            .message
            .starts_with(&format!("would fail in its step `run`: `{quoted}…`")),
        "{}",
        fault.message
    );
}

#[test]
fn members_with_too_much_to_list_are_one_line() {
    let value = "x".repeat(60_000);
    let axes = [("n", numbers(1_000)), ("text", json!([value]))];
    let plan = plan("p")
        .task("large", |t| t.run("x").matrix(axes))
        .task("small", |t| t.run("x").matrix([("n", numbers(2))]))
        .build();
    let planned = preview_of(&plan);
    let ids: Vec<&str> = planned.iter().map(|each| each.id.as_str()).collect();
    assert_eq!(ids, ["large", "small[0]", "small[1]"]);
    assert_eq!(planned[0].matrix, Values::Unknown);
    assert_eq!(
        &*planned[0].reason,
        "starts at once; its matrix is not listed: its 1000 members do not fit into a plan of 200000 tasks and 100663296 bytes"
    );
}

#[test]
fn tasks_of_a_call_with_too_many_needs_to_list_are_one_line() {
    let mut builder = plan("p").task("first", |t| t.run("x"));
    builder = builder.task("ship", |t| {
        t.needs(["first"]).call("many", [] as [(&str, &str); 0])
    });
    let mut plan = builder
        .scope("many", |mut s| {
            for place in 0..1_000 {
                s = s.task(&format!("t{place}"), |t| t.run("x"));
            }
            s
        })
        .build();
    let ship = plan.tasks.iter_mut().find(|task| task.name == "ship");
    let ship = ship.unwrap();
    let edge = Edge {
        kind: EdgeKind::Order,
        ..ship.needs[0]
    };
    ship.needs = vec![edge; 20_000];
    let planned = preview_of(&plan);
    let ids: Vec<&str> = planned.iter().map(|each| each.id.as_str()).collect();
    assert_eq!(ids, ["first", "ship"]);
    assert_eq!(planned[1].decision, Decision::Unknown);
    assert_eq!(
        &*planned[1].reason,
        "known only while the run goes on: its 1000 tasks do not fit into a plan of 200000 tasks and 100663296 bytes"
    );
}
