//! Where a message says that something is wrong: by line, and by file when it is not the pipeline's own.

use engine::rows::AttemptResult;
use engine::steps::{Next, StepMachine};
use model::plan::{Expression, Late, Place, Plan, StepBody, Text};
use std::collections::BTreeMap;
use std::sync::Arc;
use testkit::{Driver, plan};

fn at(file: u32, text: &str) -> Expression {
    let mut expression = Expression::cel(text);
    expression.at = Some(Place {
        line: 3,
        column: 9,
        file,
    });
    expression
}

/// A plan of one call whose only task is made by a file that it uses.
fn used(make: impl FnOnce(testkit::TaskBuilder) -> testkit::TaskBuilder) -> Plan {
    let mut plan = plan("p")
        .task("scan", |t| t.call("inner", []))
        .scope("inner", |s| s.task("x", make))
        .build();
    plan.file = "formic.yaml".to_owned();
    plan.more_files = vec!["ci/scan.yaml".to_owned()];
    plan
}

#[test]
fn an_error_in_a_used_file_names_the_file() {
    let condition = at(1, "params.nothing");
    let run = Driver::start(used(|t| {
        t.edit(|def| def.start.condition = Some(condition))
    }));
    let note = run.note("scan/x");
    assert!(
        note.starts_with("`params.nothing` (ci/scan.yaml:3): "),
        "{note}"
    );
}

#[test]
fn an_error_in_the_pipelines_own_file_names_the_line() {
    let condition = at(0, "params.nothing");
    let plan = plan("p")
        .task("x", |t| t.edit(|def| def.start.condition = Some(condition)))
        .build();
    let run = Driver::start(plan);
    let note = run.note("x");
    assert!(note.starts_with("`params.nothing` (line 3): "), "{note}");
}

#[test]
fn a_value_of_the_wrong_type_has_its_place_too() {
    let (condition, limit) = (at(1, "'yes'"), at(1, "true"));
    let run = Driver::start(used(|t| {
        t.edit(|def| def.start.condition = Some(condition))
    }));
    assert_eq!(
        run.note("scan/x"),
        "`'yes'` (ci/scan.yaml:3) is of type string; a condition must be true or false"
    );
    let mut run = Driver::start(used(|t| {
        t.edit(|def| def.timeout_ms = Some(Late::Computed(limit)))
    }));
    run.lease();
    let note = run.note("scan/x");
    assert!(note.starts_with("`true` (ci/scan.yaml:3) is "), "{note}");
}

#[test]
fn an_error_in_a_step_of_a_used_file_names_the_file() {
    let script = Text::Template(at(1, "echo ${{ matrix.nothing }}"));
    let plan = used(|t| {
        t.run("true").edit_steps(|steps| {
            if let StepBody::Script { text, .. } = &mut steps.steps[0].body {
                *text = script;
            }
        })
    });
    let mut run = Driver::start(plan);
    run.lease();
    let work = run.machine.work(run.no("scan/x"));
    let Next::Done(AttemptResult::Failed { message, .. }) =
        StepMachine::new(Arc::new(work), BTreeMap::new()).advance()
    else {
        panic!("the step cannot be computed");
    };
    assert!(message.contains("(ci/scan.yaml:3): "), "{message}");
}
