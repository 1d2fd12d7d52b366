//! An earlier result in the place of running, with time moved by hand.

use crate::bench::{Bench, FakeSite, one, place, work};
use api::protocol::{KeyAnswer, ReplyBody, RequestBody};
use engine::event::Rejected;
use engine::rows::{ArtifactRef, AttemptResult};
use engine::work::Work;
use model::digest::Digest;
use model::ids::RunId;
use worker::{Input, Output, Trouble};

/// A task that names its inputs, which are no files: there are none here.
fn keyed() -> Work {
    let plan = testkit::plan("p").task("a", |task| task.inputs([]).run("true"));
    work(plan.build()).remove(0)
}

/// A worker that has told the key of the task and waits for the answer.
fn asked() -> (Bench, Work) {
    let (mut bench, work) = (Bench::new(1), keyed());
    bench.give(vec![work.clone()]);
    assert!(bench.started().is_empty());
    bench.looks();
    (bench, work)
}

fn number(bench: &Bench) -> u64 {
    bench.newest(|body| matches!(body, RequestBody::Key { .. }))
}

fn answer(bench: &mut Bench, answer: KeyAnswer) {
    let number = number(bench);
    bench.reply(number, ReplyBody::Keyed(answer));
}

fn reuse<const N: usize>(artifacts: [&str; N]) -> KeyAnswer {
    let artifact = |name: &str| ArtifactRef {
        name: name.to_owned(),
        digest: Digest::of(name.as_bytes()),
        size_bytes: 1,
        files: 1,
    };
    KeyAnswer::Reuse {
        from: RunId::from_random(7),
        artifacts: artifacts.map(artifact).into(),
    }
}

fn restores(bench: &Bench) -> usize {
    let said = bench.said.iter();
    said.filter(|output| matches!(output, Output::Restore(..)))
        .count()
}

#[test]
fn a_task_without_inputs_asks_nobody() {
    let mut bench = Bench::new(1);
    bench.give(vec![one()]);
    assert_eq!(bench.started().len(), 1);
    let asked = |request: &api::protocol::Request| matches!(request.body, RequestBody::Key { .. });
    assert!(!bench.asked.iter().any(asked));
}

#[test]
fn a_key_comes_before_the_first_command_and_is_asked_again_until_it_is_answered() {
    let (mut bench, work) = asked();
    assert!(bench.started().is_empty());
    bench.pass_ms(2_000);
    let keys = bench.asked.iter().filter_map(|request| match request.body {
        RequestBody::Key { id, token, key } => Some((request.number, id, token, key)),
        RequestBody::Lease(_)
        | RequestBody::Renew { .. }
        | RequestBody::Append(_)
        | RequestBody::Report { .. } => None,
    });
    let keys: Vec<_> = keys.collect();
    assert_eq!((keys.len(), keys[0]), (2, keys[1]));
    assert_eq!((keys[0].1, keys[0].2), (work.id, work.token));
    answer(&mut bench, KeyAnswer::Run);
    assert_eq!(bench.started().len(), 1);
    bench.runs_through(&work);
    bench.looks();
    assert_eq!(bench.results(), [AttemptResult::Succeeded]);
    assert!(!bench.reports()[0].2.moved);
}

#[test]
fn a_result_without_files_is_reported_at_once() {
    let (mut bench, _) = asked();
    answer(&mut bench, reuse([]));
    assert_eq!(bench.results(), [AttemptResult::Reused]);
    assert!(bench.started().is_empty());
}

#[test]
fn files_of_a_result_are_in_place_before_it_is_reported() {
    let (mut bench, work) = asked();
    answer(&mut bench, reuse(["x"]));
    assert_eq!((restores(&bench), bench.results().len()), (1, 0));
    bench.tell(Input::Restored(work.id, Ok(Vec::new())));
    assert_eq!(bench.results(), [AttemptResult::Reused]);
}

#[test]
fn nobody_sees_the_files_in_a_worktree_of_its_own() {
    let mut bench = Bench::with(
        1,
        None,
        FakeSite {
            slow: true,
            ..FakeSite::default()
        },
    );
    let work = keyed();
    bench.give(vec![work.clone()]);
    let mut own = place(work.id);
    own.worktree = true;
    bench.tell(Input::Prepared(work.id, Ok(own)));
    bench.looks();
    answer(&mut bench, reuse(["x"]));
    assert_eq!(restores(&bench), 0);
    assert_eq!(bench.results(), [AttemptResult::Reused]);
}

#[test]
fn files_that_cannot_be_put_in_place_mean_running() {
    let (mut bench, work) = asked();
    answer(&mut bench, reuse(["x"]));
    let full = Trouble::Platform("the disk is full".to_owned());
    bench.tell(Input::Restored(work.id, Err(full)));
    assert_eq!(bench.started().len(), 1);
    let id = bench.started()[0];
    bench.begins(id);
    bench.succeeds(id);
    bench.tree_gone(&work, 0);
    bench.looks();
    bench.keep();
    assert_eq!(bench.results(), [AttemptResult::Succeeded]);
    let said = "formic: an earlier result is not reused: the disk is full\n";
    assert_eq!(bench.log(), said);
}

#[test]
fn a_stop_ends_the_wait_for_an_answer() {
    let (mut bench, work) = asked();
    let late = number(&bench);
    bench.stop(&work);
    bench.tree_gone(&work, 0);
    bench.looks();
    assert_eq!(bench.results(), [AttemptResult::Stopped]);
    bench.reply(late, ReplyBody::Keyed(reuse([])));
    assert_eq!(bench.results().len(), 1);
    assert!(bench.started().is_empty());
}

#[test]
fn a_kill_ends_the_wait_for_an_answer() {
    let (mut bench, work) = asked();
    bench.tell(Input::Kill);
    bench.tree_gone(&work, 0);
    assert_eq!(bench.results(), [AttemptResult::Stopped]);
    assert!(bench.started().is_empty());
}

#[test]
fn a_stop_waits_for_files_that_are_being_put_in_place() {
    let (mut bench, work) = asked();
    answer(&mut bench, reuse(["x"]));
    bench.stop(&work);
    assert!(bench.results().is_empty());
    bench.tell(Input::Restored(work.id, Ok(Vec::new())));
    bench.tree_gone(&work, 0);
    bench.looks();
    assert_eq!(bench.results(), [AttemptResult::Stopped]);
}

#[test]
fn an_attempt_that_is_lost_meanwhile_is_dropped() {
    let (mut bench, work) = asked();
    bench.lose(&work);
    assert!(bench.worker.is_idle());
    let (mut bench, work) = asked();
    answer(&mut bench, reuse(["x"]));
    bench.lose(&work);
    assert!(!bench.worker.is_idle(), "its files are still being written");
    bench.tell(Input::Restored(work.id, Ok(Vec::new())));
    assert!(bench.worker.is_idle());
    assert!(bench.results().is_empty());
}

#[test]
fn a_refused_key_is_a_lost_attempt() {
    let (mut bench, work) = asked();
    let refused = Rejected::Fenced {
        task: work.id.task,
        attempt: work.id.attempt,
        token: work.token,
    };
    answer(&mut bench, KeyAnswer::Refused(refused));
    assert!(bench.worker.is_idle());
    assert!(bench.started().is_empty());
}

#[test]
fn inputs_that_cannot_be_read_fail_the_task_before_anything_runs() {
    let mut bench = Bench::new(1);
    let plan = testkit::plan("p").task("a", |task| task.inputs(["${{ nothing.here }}"]));
    bench.give(work(plan.build()));
    bench.looks();
    let [AttemptResult::Failed { message, .. }] = &bench.results()[..] else {
        panic!("it has failed")
    };
    assert!(message.starts_with("`inputs`: "), "{message}");
    assert!(bench.started().is_empty());
}
