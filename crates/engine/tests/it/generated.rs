//! Tasks that generate tasks: bounded, nested, and never doubled.

use engine::event::{Event, Rejected};
use engine::rows::FragmentRef;
use model::digest::Digest;
use model::ids::ScopeNo;
use model::limits;
use model::plan::{Fragment, Scope, Text, ValueType};
use serde_json::json;
use testkit::{Driver, plan};

fn more() -> Fragment {
    plan("more")
        .task("x", |t| t)
        .task("y", |t| t.needs(["x"]).matrix([("n", json!([1, 2]))]))
        .fragment()
}

fn maker() -> Driver {
    let mut run = Driver::start(
        plan("p")
            .task("make", |t| {
                t.generates("more.yaml").output("v", ValueType::String)
            })
            .task("after", |t| t.needs(["make"]))
            .build(),
    );
    run.lease();
    run
}

#[test]
fn generated_tasks_run_before_those_behind_the_task_that_made_them() {
    let mut run = maker();
    run.succeed_generating("make");
    assert_eq!(run.state("make"), "queued (generating)");
    assert_eq!(run.effects(), ["compile/0"]);
    run.generate("make", more());
    assert!(run.effects().is_empty());
    assert_eq!(run.state("make"), "running");
    assert_eq!(run.lease(), ["make/x"]);
    run.succeed("make/x");
    assert_eq!(run.lease(), ["make/y[1]", "make/y[2]"]);
    run.succeed("make/y[1]");
    assert_eq!(run.state("after"), "queued (needs)");
    run.succeed("make/y[2]");
    assert_eq!(run.state("make"), "succeeded");
    assert_eq!(run.lease(), ["after"]);
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn the_run_remembers_what_was_generated_in_which_order() {
    let mut run = maker();
    run.succeed_generating("make");
    run.generate("make", more());
    let expected = FragmentRef {
        task: run.no("make"),
        digest: Digest::of(b"make"),
        scope: ScopeNo(1),
    };
    assert_eq!(run.machine.fragments(), [expected]);
}

#[test]
fn a_generated_failure_is_the_failure_of_the_task_that_made_it() {
    let mut run = maker();
    run.succeed_generating("make");
    run.generate("make", more());
    run.lease();
    run.fail("make/x", 1);
    assert_eq!(
        run.states(["make", "after"]),
        ["failed (user)", "skipped (need_failed)"]
    );
}

#[test]
fn a_task_whose_generated_tasks_are_all_skipped_has_succeeded_itself() {
    let mut run = maker();
    run.succeed_generating("make");
    run.generate(
        "make",
        plan("more").task("x", |t| t.when("false")).fragment(),
    );
    assert_eq!(run.state("make"), "succeeded");
}

#[test]
fn a_file_without_tasks_generates_nothing() {
    for fragment in [
        plan("more").fragment(),
        Fragment {
            scopes: Vec::new(),
            tasks: Vec::new(),
        },
    ] {
        let mut run = maker();
        run.succeed_generating("make");
        run.generate("make", fragment);
        assert_eq!(run.state("make"), "succeeded");
        run.finish();
        assert_eq!(run.result(), "succeeded");
    }
}

#[test]
fn a_file_that_does_not_compile_fails_the_task() {
    let mut run = maker();
    run.succeed_generating("make");
    let task = run.no("make");
    run.accept(Event::Generated {
        task,
        fragment: Err("more.yaml:1:1: nonsense".to_owned()),
    });
    assert_eq!(run.state("make"), "failed (user)");
    assert_eq!(run.note("make"), "more.yaml:1:1: nonsense");
    assert!(run.effects().is_empty());
}

#[test]
fn what_was_generated_is_taken_in_once() {
    let mut run = maker();
    run.succeed_generating("make");
    run.generate("make", more());
    let task = run.no("make");
    let again = Event::Generated {
        task,
        fragment: Ok((Digest::of(b"make"), more())),
    };
    assert!(matches!(
        run.handle(again.clone()),
        Err(Rejected::NotWaiting { .. })
    ));
    run.lease();
    run.take_over();
    assert!(run.handle(again).is_err());
    run.finish();
    let all = run.keys();
    assert_eq!(
        all,
        [
            "make",
            "after",
            "make/x",
            "make/y",
            "make/y[1]",
            "make/y[2]"
        ]
    );
}

#[test]
fn an_attempt_lost_before_its_report_generates_once() {
    let mut run = maker();
    run.take_over();
    run.lease();
    run.succeed_generating("make");
    run.generate("make", more());
    run.finish();
    assert_eq!(run.machine.fragments().len(), 1);
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn a_compilation_is_asked_for_again_after_a_crash() {
    let mut run = maker();
    run.succeed_generating("make");
    run.crash();
    assert_eq!(run.effects(), ["compile/0"]);
    run.generate("make", more());
    run.crash();
    run.finish();
    assert_eq!(run.result(), "succeeded");
}

#[test]
fn generated_tasks_generate_up_to_the_limit_of_depth() {
    let deeper = || plan("more").task("g", |t| t.generates("f")).fragment();
    let mut run = Driver::start(plan("p").task("g", |t| t.generates("f")).build());
    let mut key = "g".to_owned();
    for _ in 0..limits::SCOPE_DEPTH {
        run.lease();
        run.succeed_generating(&key);
        run.generate(&key, deeper());
        key.push_str("/g");
    }
    run.lease();
    run.succeed_generating(&key);
    run.generate(&key, deeper());
    assert_eq!(run.state(&key), "failed (user)");
    assert_eq!(
        run.note(&key),
        "tasks that generate tasks are nested deeper than 10"
    );
    assert_eq!(run.result(), "failed");
}

#[test]
fn one_task_generates_so_many_and_no_more() {
    let many = || {
        let mut fragment = plan("more").task("x", |t| t).fragment();
        let one = fragment.tasks[0].clone();
        fragment.tasks = vec![one; limits::GENERATED_TASKS + 1];
        fragment.scopes = vec![Scope::default()];
        fragment
    };
    let mut run = maker();
    run.succeed_generating("make");
    run.generate("make", many());
    assert_eq!(run.state("make"), "failed (user)");
    assert_eq!(
        run.note("make"),
        "it generated 10001 tasks; at most 10000 are allowed"
    );
}

#[test]
fn two_tasks_generate_side_by_side() {
    let mut run = Driver::start(
        plan("p")
            .task("g", |t| t.generates("f").matrix([("n", json!([1, 2]))]))
            .build(),
    );
    run.lease();
    run.succeed_generating("g[2]");
    run.succeed_generating("g[1]");
    run.generate("g[2]", more());
    run.generate(
        "g[1]",
        plan("other")
            .task("z", |t| t.call("s", []))
            .scope("s", |s| s.task("in", |t| t))
            .fragment(),
    );
    run.finish();
    assert_eq!(
        run.states(["g[2]/y[2]", "g[1]/z/in", "g"]),
        ["succeeded"; 3]
    );
}

#[test]
fn a_generated_scope_has_its_own_finally() {
    let mut run = maker();
    run.succeed_generating("make");
    run.generate(
        "make",
        plan("m")
            .task("x", |t| t)
            .finally("clean", |t| t)
            .fragment(),
    );
    run.lease();
    run.fail("make/x", 1);
    assert_eq!(run.lease(), ["make/clean"]);
    run.succeed("make/clean");
    assert_eq!(run.state("make"), "failed (user)");
}

#[test]
fn what_was_generated_is_written_once_and_never_again() {
    let mut run = maker();
    run.succeed_generating("make");
    assert_eq!(run.generate("make", more()).fragments.len(), 1);
    run.lease();
    assert_eq!(run.succeed("make/x").fragments, []);
}

#[test]
fn generated_tasks_see_the_params_of_their_pipeline() {
    let mut run = Driver::start(
        plan("p")
            .param("deploy", json!(true))
            .task("make", |t| t.generates("f"))
            .build(),
    );
    run.lease();
    run.succeed_generating("make");
    let fragment = plan("more")
        .task("no", |t| t.when("!params.deploy"))
        .task("g", |t| t.when("params.deploy").generates("f"))
        .fragment();
    run.generate("make", fragment);
    assert_eq!(run.state("make/no"), "skipped (condition)");
    assert_eq!(run.lease(), ["make/g"]);
    run.succeed_generating("make/g");
    run.generate("make/g", plan("more").task("x", |t| t).fragment());
    assert_eq!(run.lease(), ["make/g/x"]);
    let names = run.machine.work(run.no("make/g/x")).names;
    assert_eq!(names["params"], json!({ "deploy": true }));
}

#[test]
fn generated_tasks_of_a_call_see_its_inputs_and_environment() {
    let mut run = Driver::start(
        plan("p")
            .param("secret", json!(1))
            .task("call", |t| t.call("inner", [("to", "prod")]))
            .scope("inner", |s| {
                s.input("to", ValueType::String)
                    .env("A", "outer")
                    .env("B", "outer")
                    .task("make", |t| t.generates("f"))
            })
            .build(),
    );
    run.lease();
    run.succeed_generating("call/make");
    let mut fragment = plan("more")
        .task("x", |t| t.when("inputs.to == 'prod'"))
        .fragment();
    fragment.scopes[0].env = vec![("B".to_owned(), Text::Literal("inner".to_owned()))];
    run.generate("call/make", fragment);
    assert_eq!(run.lease(), ["call/make/x"]);
    let work = run.machine.work(run.no("call/make/x"));
    assert_eq!(work.names["inputs"], json!({ "to": "prod" }));
    assert_eq!(work.names["params"], json!({ "to": "prod" }));
    let names = work.scope_env.iter().flatten();
    let values = names.map(|(name, text)| (name.as_str(), text.literal().unwrap()));
    assert_eq!(
        values.collect::<Vec<_>>(),
        [("A", "outer"), ("B", "outer"), ("B", "inner")]
    );
}
