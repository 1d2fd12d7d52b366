//! Steps that ask for files decide aside, with time moved by hand: nobody waits for a disk.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::bench::{Bench, one, work};
use engine::rows::{AttemptResult, StepStatus};
use engine::work::Work;
use model::plan::ValueType;
use model::reason::FailureKind;
use testkit::TaskBuilder;
use worker::{Input, Output, Trouble};

const KEY: &str = "${{ 'k' + hash('**') }}";

fn task(make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Work {
    work(testkit::plan("p").task("a", make).build()).remove(0)
}

/// Two steps in an environment with a hash.
fn hashing() -> Work {
    task(|task| task.env("KEY", KEY).run("true").run("true"))
}

fn ends(bench: &mut Bench, work: &Work) -> AttemptResult {
    bench.tree_gone(work, 0);
    bench.looks();
    if bench.results().is_empty() {
        // What it says of itself is kept first.
        bench.keep();
    }
    bench.results().remove(0)
}

fn env_of_last(bench: &Bench) -> Vec<(String, String)> {
    let commands = bench.said.iter().rev().find_map(|output| {
        if let Output::Start(_, command) = output {
            Some(&command.env)
        } else {
            None
        }
    });
    let text = |text: &std::ffi::OsString| text.to_str().unwrap().to_owned();
    let env = commands.unwrap().iter();
    env.map(|(name, value)| (text(name), text(value))).collect()
}

#[test]
fn a_step_begins_when_its_files_were_looked_at_and_not_before() {
    let mut bench = Bench::new(1);
    let work = hashing();
    bench.give(vec![work.clone()]);
    assert_eq!(bench.started().len(), 0);
    bench.looks();
    assert_eq!(env_of_last(&bench), [("KEY".to_owned(), "k".to_owned())]);
    let first = bench.started()[0];
    bench.begins(first);
    bench.succeeds(first);
    assert_eq!(bench.started().len(), 1);
    bench.looks();
    let second = bench.started()[1];
    bench.begins(second);
    bench.succeeds(second);
    bench.looks();
    assert_eq!(ends(&mut bench, &work), AttemptResult::Succeeded);
}

#[test]
fn other_slots_and_heartbeats_go_on_meanwhile() {
    let mut bench = Bench::new(2);
    bench.give(vec![hashing()]);
    let mut other = one();
    other.id.task.0 += 1;
    bench.give(vec![other.clone()]);
    let id = bench.started()[0];
    bench.begins(id);
    bench.succeeds(id);
    bench.tree_gone(&other, 0);
    assert_eq!(bench.results(), [AttemptResult::Succeeded]);
    let asked = bench.asked.len();
    bench.pass_ms(api::protocol::RENEW_MS);
    assert!(bench.asked.len() > asked);
}

#[test]
fn a_task_that_asks_for_no_files_takes_no_detour() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    assert_eq!(bench.started().len(), 1);
}

#[test]
fn a_stop_does_not_wait_for_files() {
    let mut bench = Bench::new(1);
    let work = hashing();
    bench.give(vec![work.clone()]);
    let (late, look) = bench.wants_look();
    bench.stop(&work);
    // The steps are asked anew, and find that none of them is wanted: no file is touched for that.
    bench.looks();
    assert_eq!(bench.started().len(), 0);
    assert_eq!(ends(&mut bench, &work), AttemptResult::Stopped);
    bench.tell(Input::Looked(late, Ok(Box::new(look.make()))));
    assert_eq!(bench.started().len(), 0);
}

#[test]
fn what_has_to_run_after_a_stop_may_look_at_files_until_the_attempt_is_given_up() {
    let mut bench = Bench::new(1);
    let work = task(|task| task.step("s", |s| s.env("KEY", KEY).when("always()")));
    bench.give(vec![work.clone()]);
    bench.stop(&work);
    drop(bench.wants_look());
    bench.said.clear();
    let wake = bench.worker.next_wake().unwrap();
    assert!(wake <= bench.now.plus_ms(61_000));
    // The board goes on answering.
    bench.keeps_alive_ms(61_000);
    assert_eq!(bench.started().len(), 0);
    bench.tree_gone(&work, 0);
    assert_eq!(bench.results(), [AttemptResult::Stopped]);
}

#[test]
fn a_kill_does_not_wait_for_files() {
    let mut bench = Bench::new(1);
    let work = hashing();
    bench.give(vec![work.clone()]);
    bench.tell(Input::Kill);
    bench.tree_gone(&work, 0);
    assert_eq!(bench.results(), [AttemptResult::Stopped]);
}

#[test]
fn a_kill_does_not_wait_for_files_at_the_end_either() {
    let mut bench = Bench::new(1);
    let work = task(|task| {
        let outputs = task.run("true");
        outputs.output_from("key", ValueType::String, KEY)
    });
    bench.give(vec![work.clone()]);
    bench.looks();
    let id = bench.started()[0];
    bench.begins(id);
    bench.succeeds(id);
    bench.looks();
    bench.tree_gone(&work, 0);
    drop(bench.wants_look());
    assert_eq!(bench.results(), []);
    bench.tell(Input::Kill);
    assert_eq!(bench.results(), [AttemptResult::Stopped]);
}

#[test]
fn outputs_are_computed_aside_too() {
    let mut bench = Bench::new(1);
    let work = task(|task| {
        let outputs = task.run("true");
        outputs.output_from("key", ValueType::String, KEY)
    });
    bench.give(vec![work.clone()]);
    bench.looks();
    let id = bench.started()[0];
    bench.begins(id);
    bench.succeeds(id);
    bench.looks();
    assert_eq!(ends(&mut bench, &work), AttemptResult::Succeeded);
    let (_, _, end) = bench.reports().remove(0);
    assert_eq!(end.outputs["key"].value, "k");
}

#[test]
fn services_are_computed_aside_too() {
    let mut bench = Bench::new(1);
    let work = task(|task| task.run("true").service("db", KEY, "true"));
    bench.give(vec![work]);
    assert_eq!(bench.started().len(), 0);
    bench.looks();
    assert_eq!(bench.started().len(), 1);
}

#[test]
fn a_service_that_fails_meanwhile_is_known_to_the_next_step() {
    let mut bench = Bench::new(1);
    let work = task(|task| {
        let steps = task.env("KEY", KEY).run("true").run("true");
        steps.service("db", "db", "true")
    });
    bench.give(vec![work.clone()]);
    bench.looks();
    let db = bench.started()[0];
    bench.begins(db);
    let probe = bench.started()[1];
    bench.begins(probe);
    bench.succeeds(probe);
    let (late, look) = bench.wants_look();
    bench.exits(db, exec::Exit::Code(3), exec::OutputState::Ended);
    bench.tell(Input::Looked(late, Ok(Box::new(look.make()))));
    assert_eq!(bench.started().len(), 2);
    bench.looks();
    let result = ends(&mut bench, &work);
    assert!(matches!(
        result,
        AttemptResult::Failed {
            kind: FailureKind::User,
            exit_code: Some(3),
            ..
        }
    ));
    let (_, _, end) = bench.reports().remove(0);
    let skipped = |step: &&engine::rows::StepResult| step.status == StepStatus::Skipped;
    assert_eq!(end.steps.iter().filter(skipped).count(), 2);
}

#[test]
fn a_lost_attempt_waits_for_no_files() {
    let mut bench = Bench::new(1);
    let work = hashing();
    bench.give(vec![work.clone()]);
    bench.lose(&work);
    bench.tree_gone(&work, 0);
    assert!(bench.worker.is_idle());
    assert_eq!(bench.results(), []);
}

#[test]
fn a_lost_spawner_is_the_platforms_failure_also_while_files_are_looked_at() {
    let mut bench = Bench::new(1);
    bench.give(vec![hashing()]);
    let cause = "killed".to_owned();
    bench.tell(Input::Exec(exec::ExecEvent::SpawnerLost { cause }));
    bench.looks();
    bench.keep();
    let result = bench.results().remove(0);
    assert!(
        matches!(
            result,
            AttemptResult::Failed {
                kind: FailureKind::InfraBeforeStart,
                ..
            }
        ),
        "{result:?}"
    );
}

#[test]
fn a_bug_while_files_are_looked_at_ends_the_attempt() {
    let mut bench = Bench::new(1);
    let work = hashing();
    bench.give(vec![work.clone()]);
    let (reference, _) = bench.wants_look();
    let trouble = Trouble::Platform("the worker panicked".to_owned());
    bench.tell(Input::Looked(reference, Err(trouble)));
    let result = ends(&mut bench, &work);
    assert!(matches!(
        result,
        AttemptResult::Failed {
            kind: FailureKind::InfraAfterStart,
            ..
        }
    ));
}
