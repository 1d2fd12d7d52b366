//! The preview against the machine: random plans, once with nothing but success and once with failures.
//!
//! Where all goes well, what the preview says it runs has succeeded, and what it skips is skipped, for the cause that it
//! names. What it skips is skipped in every run, whatever fails. What it says fails has failed. What it does not know may
//! be either.

use engine::preview::{Decision, Known, preview};
use engine::rows::{AttemptResult, Ended};
use model::plan::{Plan, StatusOf, ValueType};
use model::reason::{FailureKind, SkipCause};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed; // foreign: the name of the library
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{Driver, TaskBuilder, plan};

/// Conditions, as a front-end writes them.
const CONDITIONS: [Option<&str>; 15] = [
    None,
    None,
    None,
    Some("params.none[5] == 1"),
    Some("succeeded() && (1 / params.zero == 1)"),
    Some("always()"),
    Some("failed()"),
    Some("!succeeded()"),
    Some("canceled() || failed()"),
    Some("succeeded() && (signal.branch == 'main')"),
    Some("succeeded() && (signal.branch == 'dev')"),
    Some("signal.branch == 'dev'"),
    Some("run.id != '' || signal.branch == 'dev'"),
    Some("succeeded() && (run.id != '' && signal.branch == 'main')"),
    Some("run.id == ''"),
];

/// A random task: condition, needs with their kind, which tasks its rule looks at, cells, body, `finally`.
#[derive(Debug, Clone)]
struct Spec {
    condition: usize,
    needs: Vec<(usize, u8)>,
    status_of: StatusOf,
    cells: u8,
    body: u8,
    finally: bool,
}

fn spec() -> impl Strategy<Value = Spec> {
    let needs = vec((0..8_usize, 0..5_u8), 0..3);
    let status_of = prop_oneof![Just(StatusOf::Needs), Just(StatusOf::Ancestors)];
    (
        0..CONDITIONS.len(),
        needs,
        status_of,
        0..12_u8,
        0..12_u8,
        0..5_u8,
    )
        .prop_map(|(condition, needs, status_of, cells, body, finally)| Spec {
            condition,
            needs,
            status_of,
            cells,
            body,
            finally: finally == 0,
        })
}

fn made(specs: &[Spec]) -> Plan {
    let mut made = plan("p");
    for (place, spec) in specs.iter().enumerate() {
        let name = format!("t{place}");
        let task = |t: TaskBuilder| with(t, spec, &specs[..place]);
        made = match spec.finally {
            true => made.finally(&name, |t| task(t).status_of(StatusOf::Scope)),
            false => made.task(&name, task),
        };
    }
    made.signal(json!({"branch": "dev"}))
        .param("two", json!([1, 2]))
        .param("none", json!([]))
        .param("zero", json!(0))
        .scope("inner", |s| {
            s.input("x", ValueType::String)
                .task("a", |t| t.when("inputs.x == 'dev'"))
                .task("b", |t| t.needs(["a"]))
                .task("c", |t| t.needs(["b"]).when("failed()"))
        })
        .build()
}

fn with(mut t: TaskBuilder, spec: &Spec, before: &[Spec]) -> TaskBuilder {
    let mut needed = Vec::new();
    for (need, kind) in &spec.needs {
        let is_free = before.get(*need).is_some_and(|of| !of.finally) && !spec.finally;
        if !is_free || needed.contains(need) {
            continue;
        }
        needed.push(*need);
        let name = format!("t{need}");
        t = match kind {
            0 => t.after([name.as_str()]),
            1 => t.optional([name.as_str()]),
            _ => t.needs([name.as_str()]),
        };
    }
    t = match spec.cells {
        0 => t.matrix([("n", json!([1, 2]))]),
        1 => t
            .matrix([("n", json!([1, 2]))])
            .keep_going()
            .when("matrix.n == 1"),
        2 => t.matrix_from("n", "params.two"),
        3 => t.matrix_from("n", "params.none"),
        4 => t.matrix_from("n", "params.zero"),
        5 => t.matrix_from("n", "run.id != '' ? [1, 2] : []"),
        6 => t.matrix_from("n", "run.id == '' ? [1, 2] : []"),
        _ => t,
    };
    t = match spec.body {
        0 => t.tolerate(),
        1 => t.not_critical(),
        2 => t.tolerate_codes([1]),
        3 => t.call("inner", [("x", "${{ signal.branch }}")]),
        4 => t.call("inner", [("x", "main")]).tolerate(),
        5 => t.call("inner", [("x", "${{ params.none[0] }}")]),
        6 => t.manual_optional(),
        7 => t.concurrency("${{ params.none[0] }}"),
        8 => t
            .matrix([("n", json!([0, 1]))])
            .delayed_by("100 / matrix.n"),
        _ => t,
    };
    if spec.status_of != StatusOf::Needs {
        t = t.status_of(spec.status_of);
    }
    if spec.cells == 1 {
        return t;
    }
    match CONDITIONS[spec.condition] {
        Some(condition) => t.when(condition),
        None => t,
    }
}

/// How each task of a run ended.
fn ends(plan: &Plan, verdict: impl FnMut(&str, u32) -> AttemptResult) -> BTreeMap<String, Ended> {
    let mut run = Driver::start(plan.clone());
    run.drive(verdict);
    let rows = run.machine.tasks().iter();
    rows.filter_map(|row| Some((row.key.to_string(), row.ended()?)))
        .collect()
}

fn config() -> ProptestConfig {
    let by_environment = ProptestConfig::default();
    let rng_seed = match by_environment.rng_seed {
        RngSeed::Random => RngSeed::Fixed(5),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    ProptestConfig {
        rng_seed,
        failure_persistence: None,
        ..by_environment
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_run_does_what_the_preview_says(specs in vec(spec(), 1..8), failing in vec(any::<bool>(), 8)) {
        let plan = made(&specs);
        let planned = preview(&plan, &Known::default());
        let good = ends(&plan, |_, _| AttemptResult::Succeeded);
        let bad = ends(&plan, |key, _| {
            let place = key.trim_start_matches('t').split('[').next().unwrap_or("0");
            match failing[place.parse::<usize>().unwrap_or(0)] {
                true => AttemptResult::Failed { kind: FailureKind::User, exit_code: Some(1), message: String::new() },
                false => AttemptResult::Succeeded,
            }
        });
        for each in &planned {
            let (good, bad) = (good.get(&each.id), bad.get(&each.id));
            if let Some(fault) = &each.fault {
                // The end of the run is that of the others where it would have been canceled before.
                prop_assert!(matches!(good, Some(Ended::Failed(_))), "{:?} {:?} {:?}", each, fault, good);
                continue;
            }
            match each.decision {
                Decision::Run => prop_assert_eq!(good, Some(&Ended::Succeeded), "{:?}", each),
                Decision::Skip => {
                    prop_assert_eq!(skip_of(good), each.cause, "{:?} {:?}", each, good);
                    // What belongs to a call that was never opened is not even skipped.
                    let ran = matches!(bad, Some(Ended::Succeeded | Ended::Failed(_)));
                    prop_assert!(!ran, "{:?} {:?}", each, bad);
                }
                Decision::Unknown => {}
                Decision::Reuse => prop_assert!(false, "nothing was reused: {each:?}"),
            }
        }
    }
}

fn skip_of(ended: Option<&Ended>) -> Option<SkipCause> {
    match ended {
        Some(Ended::Skipped(cause)) => Some(*cause),
        Some(Ended::Succeeded | Ended::Failed(_) | Ended::Canceled(_)) | None => None,
    }
}
