//! The preview against the machine: random plans, once with nothing but success and once with failures.
//!
//! Where all goes well, what the preview says it runs has succeeded, and what it skips is skipped. What it skips is
//! skipped in every run, whatever fails. What it does not know may be either.

use engine::preview::{Decision, Known, preview};
use engine::rows::{AttemptResult, Ended, TaskKind};
use model::plan::{Plan, StatusOf};
use model::reason::FailureKind;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed; // foreign: the name of the library
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{Driver, TaskBuilder, plan};

/// Conditions, as a front-end writes them.
const CONDITIONS: [Option<&str>; 12] = [
    None,
    None,
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

/// A random task: condition, needs with their kind, which tasks its rule looks at, matrix, `finally`.
#[derive(Debug, Clone)]
struct Spec {
    condition: usize,
    needs: Vec<(usize, u8)>,
    ancestors: bool,
    matrix: bool,
    finally: bool,
}

fn spec() -> impl Strategy<Value = Spec> {
    let needs = vec((0..8_usize, 0..5_u8), 0..3);
    (0..CONDITIONS.len(), needs, any::<bool>(), 0..4_u8, 0..5_u8).prop_map(
        |(condition, needs, ancestors, matrix, finally)| Spec {
            condition,
            needs,
            ancestors,
            matrix: matrix == 0,
            finally: finally == 0,
        },
    )
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
    made.signal(json!({"branch": "dev"})).build()
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
    if spec.matrix {
        t = t.matrix([("n", json!([1, 2]))]);
    }
    if spec.ancestors {
        t = t.status_of(StatusOf::Ancestors);
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
    let leaves = run.machine.tasks().iter();
    let leaves = leaves.filter(|task| task.kind == TaskKind::Leaf);
    leaves
        .filter_map(|task| Some((task.key.to_string(), task.ended()?)))
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
            let skipped = |ends: &BTreeMap<String, Ended>| match ends.get(&each.id) {
                // A matrix that is skipped before it has members.
                None => true,
                Some(ended) => matches!(ended, Ended::Skipped(_)),
            };
            match each.decision {
                Decision::Run => prop_assert_eq!(good.get(&each.id), Some(&Ended::Succeeded), "{:?}", each),
                Decision::Skip => {
                    prop_assert!(skipped(&good), "{:?} {:?}", each, good.get(&each.id));
                    prop_assert!(skipped(&bad), "{:?} {:?}", each, bad.get(&each.id));
                }
                Decision::Unknown => {}
                Decision::Reuse => prop_assert!(false, "nothing was reused: {each:?}"),
            }
        }
    }
}
