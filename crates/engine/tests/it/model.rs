//! The machine against a reference: random graphs with random outcomes.
//!
//! The reference is naive on purpose: it computes the result of every task by recursion over the graph, from the
//! rules as they are written in the docs, and knows neither time nor events. The machine is driven by a random
//! schedule; after every event each task must be where the reference says it can be, and at the end every result,
//! every number of attempts and the run's result must be equal.
//!
//! `PROPTEST_CASES=100000 cargo test -p engine model` looks longer.

use engine::rows::{AttemptEnd, AttemptResult, Ended, TaskState};
use model::plan::{EdgeKind, Phase, Plan, SkipSpread, StatusOf};
use model::reason::{FailureKind, QueueReason};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed; // foreign: the name of the library
use serde_json::json;
use testkit::{Driver, TaskBuilder, found, plan};

/// A random task. Its edges lead to earlier ones.
#[derive(Debug, Clone)]
struct Spec {
    edges: Vec<(usize, Edge)>,
    rule: Rule,
    status_of: StatusOf,
    tolerate: bool,
    retries: u32,
    /// How often each member fails before it succeeds; one member: no matrix.
    fails: Vec<u32>,
    finally: bool,
    /// Whether an earlier result is found for each of its attempts, which then does not run.
    found: bool,
}

#[derive(Debug, Clone, Copy)]
enum Edge {
    Data,
    Order,
    Optional,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    Native,
    Succeeded,
    Failed,
    Always,
    True,
    False,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Succeeded,
    Failed,
    Skipped,
}

/// What several tasks came to.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    failed: bool,
    skipped: bool,
}

/// The naive interpreter.
struct Reference<'a> {
    specs: &'a [Spec],
}

impl Reference<'_> {
    fn edges(&self, at: usize) -> Vec<(usize, Edge)> {
        let edges = self.specs[at].edges.iter().copied();
        // A task needs tasks of its own part only.
        edges
            .filter(|(need, _)| self.specs[*need].finally == self.specs[at].finally)
            .collect()
    }

    /// A rule over the whole scope depends on the schedule, unless all of it ended before: so only tasks of
    /// `finally` that wait for no other have one.
    fn status_of(&self, at: usize) -> StatusOf {
        match self.specs[at].status_of {
            StatusOf::Scope if !self.edges(at).is_empty() => StatusOf::Needs,
            status_of @ (StatusOf::Scope | StatusOf::Needs | StatusOf::Ancestors) => status_of,
        }
    }

    fn outcome(&self, at: usize) -> Outcome {
        let spec = &self.specs[at];
        if !self.starts(at) {
            return Outcome::Skipped;
        }
        if spec.found {
            return Outcome::Succeeded;
        }
        if spec.fails.iter().any(|fails| *fails > spec.retries) {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        }
    }

    fn own(&self, at: usize) -> Sum {
        let outcome = self.outcome(at);
        Sum {
            failed: outcome == Outcome::Failed && !self.specs[at].tolerate,
            skipped: outcome == Outcome::Skipped,
        }
    }

    fn with_ancestors(&self, at: usize) -> Sum {
        let mut sum = self.own(at);
        for (need, _) in self.edges(at) {
            let before = self.with_ancestors(need);
            sum.failed |= before.failed;
            sum.skipped |= before.skipped;
        }
        sum
    }

    fn past(&self, at: usize) -> Sum {
        let mut past = Sum::default();
        match self.status_of(at) {
            StatusOf::Scope => {
                let main = (0..self.specs.len()).filter(|other| !self.specs[*other].finally);
                past.failed = main.into_iter().any(|other| self.own(other).failed);
            }
            status_of @ (StatusOf::Needs | StatusOf::Ancestors) => {
                for (need, edge) in self.edges(at) {
                    let of_need = match status_of {
                        StatusOf::Ancestors => self.with_ancestors(need),
                        StatusOf::Needs | StatusOf::Scope => self.own(need),
                    };
                    past.failed |= of_need.failed;
                    past.skipped |= of_need.skipped && matches!(edge, Edge::Data);
                }
            }
        }
        past
    }

    fn starts(&self, at: usize) -> bool {
        let past = self.past(at);
        match self.specs[at].rule {
            Rule::Native | Rule::Succeeded => !past.failed && !past.skipped,
            Rule::Failed => past.failed,
            Rule::Always | Rule::True => true,
            Rule::False => false,
        }
    }

    fn result(&self) -> &'static str {
        let all = || (0..self.specs.len()).map(|at| (at, self.outcome(at)));
        if all().any(|(at, outcome)| outcome == Outcome::Failed && !self.specs[at].tolerate) {
            "failed"
        } else if all().all(|(_, outcome)| outcome == Outcome::Skipped) {
            "skipped"
        } else {
            "succeeded"
        }
    }
}

fn name(at: usize) -> String {
    format!("t{at}")
}

/// The keys of the tasks that really run: the members of a matrix.
fn leaves(at: usize, spec: &Spec) -> Vec<String> {
    if spec.fails.len() == 1 {
        return vec![name(at)];
    }
    let members = 0..spec.fails.len();
    members.map(|n| format!("{}[{n}]", name(at))).collect()
}

fn build(specs: &[Spec]) -> Plan {
    let reference = Reference { specs };
    let mut builder = plan("random");
    for (at, spec) in specs.iter().enumerate() {
        let make = |mut t: TaskBuilder| {
            for (need, edge) in reference.edges(at) {
                let need = name(need);
                t = match edge {
                    Edge::Data => t.needs([need.as_str()]),
                    Edge::Order => t.edges([need.as_str()], EdgeKind::Order, SkipSpread::Ignore),
                    Edge::Optional => t.optional([need.as_str()]),
                };
            }
            t = t.status_of(reference.status_of(at)).retry(spec.retries);
            if spec.found || spec.retries > 0 {
                t = t.inputs(["src"]);
            }
            if spec.tolerate {
                t = t.tolerate();
            }
            if spec.fails.len() > 1 {
                let cells: Vec<usize> = (0..spec.fails.len()).collect();
                t = t.matrix([("n", json!(cells))]).keep_going();
            }
            match spec.rule {
                Rule::Native => t,
                Rule::Succeeded => t.when("succeeded()"),
                Rule::Failed => t.when("failed()"),
                Rule::Always => t.when("always()"),
                Rule::True => t.when("1 == 1"),
                Rule::False => t.when("1 == 2"),
            }
        };
        builder = if spec.finally {
            builder.finally(&name(at), make)
        } else {
            builder.task(&name(at), make)
        };
    }
    builder.build()
}

fn spec(at: usize) -> impl Strategy<Value = Spec> {
    let edge = prop_oneof![
        3 => Just(Edge::Data),
        1 => Just(Edge::Order),
        1 => Just(Edge::Optional),
    ];
    let rule = prop_oneof![
        6 => Just(Rule::Native),
        1 => Just(Rule::Succeeded),
        2 => Just(Rule::Failed),
        2 => Just(Rule::Always),
        1 => Just(Rule::True),
        1 => Just(Rule::False),
    ];
    let fails = || prop_oneof![4 => Just(0_u32), 2 => Just(1_u32), 1 => 2_u32..4];
    let members = prop_oneof![
        4 => vec(fails(), 1),
        1 => vec(fails(), 2..4),
    ];
    let edges = if at == 0 {
        Just(Vec::new()).boxed()
    } else {
        vec((0..at, edge), 0..4).boxed()
    };
    let flags = (any::<bool>(), prop::bool::weighted(0.2), 0_u32..2);
    let lasts = (prop::bool::weighted(0.2), prop::bool::weighted(0.15));
    (edges, rule, members, flags, lasts).prop_map(
        |(edges, rule, fails, (ancestors, tolerate, retries), (finally, found))| Spec {
            edges,
            rule,
            status_of: match (finally, ancestors) {
                (true, true) => StatusOf::Scope,
                (false, true) => StatusOf::Ancestors,
                (_, false) => StatusOf::Needs,
            },
            tolerate,
            retries,
            fails,
            finally,
            found,
        },
    )
}

fn specs() -> impl Strategy<Value = Vec<Spec>> {
    (1_usize..9).prop_flat_map(|count| (0..count).map(spec).collect::<Vec<_>>())
}

/// Whether everything that a task waits for by the plan has ended in the machine.
fn is_free(run: &Driver, specs: &[Spec], at: usize) -> bool {
    let reference = Reference { specs };
    let ended = |at: usize| run.row(&name(at)).ended().is_some();
    let main_over = (0..specs.len()).all(|other| specs[other].finally || ended(other));
    let needs_over = reference.edges(at).into_iter().all(|(need, _)| ended(need));
    needs_over && (!specs[at].finally || main_over)
}

/// Every task is where the reference says it can be.
fn compare(run: &Driver, specs: &[Spec]) -> Result<(), TestCaseError> {
    let reference = Reference { specs };
    for at in 0..specs.len() {
        let row = run.row(&name(at));
        let waits = matches!(
            row.state,
            TaskState::Queued(QueueReason::Needs | QueueReason::Finally)
        );
        let free = is_free(run, specs, at);
        prop_assert_eq!(waits, !free, "{} is {}", row.key, row.state);
        let skipped = matches!(row.state, TaskState::Ended(Ended::Skipped(_)));
        if free {
            let starts = reference.starts(at);
            prop_assert_eq!(skipped, !starts, "{} is {}", row.key, row.state);
        }
        let main = run.machine.plan().task(row.def).phase == Phase::Main;
        prop_assert_eq!(main, !specs[at].finally);
    }
    Ok(())
}

fn outcome(state: TaskState) -> Option<Outcome> {
    match state {
        TaskState::Ended(Ended::Succeeded) => Some(Outcome::Succeeded),
        TaskState::Ended(Ended::Failed(_)) => Some(Outcome::Failed),
        TaskState::Ended(Ended::Skipped(_)) => Some(Outcome::Skipped),
        TaskState::Ended(Ended::Canceled(_))
        | TaskState::Queued(_)
        | TaskState::Blocked(_)
        | TaskState::Running
        | TaskState::Open => None,
    }
}

/// Ends a leased attempt as its spec wants it.
fn end_one(run: &mut Driver, specs: &[Spec], choice: usize) {
    let live: Vec<_> = run
        .machine
        .live()
        .map(|live| (live.task, live.attempt))
        .collect();
    let (no, attempt) = live[choice % live.len()];
    let key = run.machine.row(no).key.to_string();
    let all = specs.iter().enumerate();
    let (spec, member) = all
        .flat_map(|(at, spec)| {
            leaves(at, spec)
                .into_iter()
                .enumerate()
                .map(move |leaf| (spec, leaf))
        })
        .find_map(|(spec, (member, leaf))| (leaf == key).then_some((spec, member)))
        .expect("every leased task has a spec");
    if spec.found {
        let found = Some(found(json!({}), []));
        assert_eq!(run.keyed(&key, found), Ok(true));
        run.reused(&key);
        return;
    }
    let result = if attempt.0 <= spec.fails[member] {
        AttemptResult::Failed {
            kind: FailureKind::User,
            exit_code: Some(1),
            message: String::new(),
        }
    } else {
        AttemptResult::Succeeded
    };
    run.end(&key, AttemptEnd::bare(result));
}

fn config() -> ProptestConfig {
    let by_environment = ProptestConfig::default();
    let rng_seed = match by_environment.rng_seed {
        RngSeed::Random => RngSeed::Fixed(7),
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
    fn every_schedule_gives_the_results_of_the_reference(
        specs in specs(),
        choices in vec((1_u32..4, any::<u8>()), 1..40),
    ) {
        let reference = Reference { specs: &specs };
        let mut run = Driver::start(build(&specs));
        compare(&run, &specs)?;
        let mut choices = choices.into_iter().cycle();
        for _ in 0..1_000 {
            if run.machine.has_ended() {
                break;
            }
            let (max, choice) = choices.next().expect("endless");
            if run.machine.live().next().is_none() || choice % 3 == 0 {
                run.lease_as("w", max);
            }
            if run.machine.live().next().is_some() {
                end_one(&mut run, &specs, usize::from(choice));
            } else {
                run.pass_to_deadline();
            }
            compare(&run, &specs)?;
        }
        for (at, spec) in specs.iter().enumerate() {
            let row = run.row(&name(at));
            prop_assert_eq!(outcome(row.state), Some(reference.outcome(at)), "{}", row.key);
            for (leaf, fails) in leaves(at, spec).iter().zip(&spec.fails) {
                let run_once = fails.min(&spec.retries) + 1;
                let expected = match (reference.starts(at), spec.found) {
                    (false, _) => 0,
                    (true, false) => run_once,
                    (true, true) => 1,
                };
                prop_assert_eq!(run.row(leaf).attempts, expected, "{}", leaf);
            }
        }
        prop_assert_eq!(run.result(), reference.result());
    }
}
