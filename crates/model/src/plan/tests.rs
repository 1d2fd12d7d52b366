//! The plan survives being written and read, and takes in fragments without mixing up numbers.

use super::*;
use crate::ids::{DefNo, ScopeNo};
use serde_json::json;

fn step_task(name: &str) -> TaskDef {
    let steps = Steps {
        steps: vec![Step::script("run", "true")],
        ..Steps::default()
    };
    TaskDef::new(name, Body::Steps(steps))
}

#[test]
fn a_plan_reads_back_as_it_was_written() {
    let mut plan = Plan::new("shop");
    plan.scopes[0].tasks = vec![DefNo(0), DefNo(1)];
    plan.tasks.push(step_task("build"));
    let mut test = step_task("test");
    test.needs.push(Edge::data(DefNo(0)));
    test.matrix = Some(Matrix::of([("shard", vec![json!(1), json!(2)])]));
    test.critical = false;
    plan.tasks.push(test);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn what_is_default_is_not_written() {
    let text = serde_json::to_string(&step_task("build")).unwrap();
    let expected = r#"{"name":"build","scope":0,"body":{"steps":{"steps":[{"name":"run","body":{"script":{"text":{"literal":"true"}}}}]}}}"#;
    assert_eq!(text, expected);
}

#[test]
fn a_fragment_is_moved_behind_what_is_there() {
    let mut plan = Plan::new("shop");
    plan.tasks.push(step_task("generate"));
    let mut second = step_task("second");
    second.needs.push(Edge::data(DefNo(0)));
    let scope = Scope {
        tasks: vec![DefNo(0), DefNo(1)],
        ..Scope::default()
    };
    let fragment = Fragment {
        scopes: vec![scope],
        tasks: vec![step_task("first"), second],
    };

    let scope = plan.append(fragment);

    assert_eq!(scope, ScopeNo(1));
    assert_eq!(plan.scope(scope).tasks, [DefNo(1), DefNo(2)]);
    assert_eq!(plan.task(DefNo(2)).needs, [Edge::data(DefNo(1))]);
    assert_eq!(plan.task(DefNo(2)).scope, scope);
}
