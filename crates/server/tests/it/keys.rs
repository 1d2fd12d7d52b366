//! Keys: what a worker is answered, and what others find.

use crate::board::{Board, Process, run};
use api::protocol::{KeyAnswer, ReplyBody, RequestBody};
use engine::rows::{ArtifactRef, AttemptEnd, AttemptResult, ReuseKey};
use engine::work::Work;
use model::digest::Digest;
use model::ids::{Token, WorkerId};
use model::plan::Plan;
use model::time::Timestamp;
use server::Input;
use store::{BlobStore, Store};

fn plan() -> Plan {
    let plan = testkit::plan("p").task("a", |task| task.inputs(["src"]).artifact("x", "out"));
    plan.build()
}

/// A run of the plan; its task is leased.
fn begun(process: &mut Process, number: u64) -> Work {
    process.create(number, plan());
    let work = process.lease(1).remove(0);
    assert!(work.keyed);
    work
}

fn key(process: &mut Process, work: &Work) -> KeyAnswer {
    let (id, token) = (work.id, work.token);
    let key = ReuseKey(Digest::of(b"key"));
    let request = process.request(RequestBody::Key { id, token, key });
    let ReplyBody::Keyed(answer) = process.ask(&request).remove(0).body else {
        panic!("a key is answered as one");
    };
    answer
}

/// Runs the task: it gives `text` in an artifact.
fn gives(board: &Board, process: &mut Process, work: &Work, text: &str) {
    let digest = board.blobs.put_bytes(text.as_bytes());
    let mut end = AttemptEnd::bare(AttemptResult::Succeeded);
    end.artifacts = vec![ArtifactRef {
        name: "x".to_owned(),
        digest: digest.expect("memory takes all"),
        size_bytes: 1,
        files: 1,
    }];
    report(process, work, end);
}

fn report(process: &mut Process, work: &Work, end: AttemptEnd) {
    let request = process.request(RequestBody::Report {
        id: work.id,
        token: work.token,
        end: Box::new(end),
        missing_log_bytes: 0,
        then: None,
    });
    process.ask(&request);
}

/// A board and a process on it that has run the task once: it gave `one`.
fn with_result() -> (Board, Process) {
    let board = Board::default();
    let mut process = board.process(1);
    let work = begun(&mut process, 1);
    assert_eq!(key(&mut process, &work), KeyAnswer::Run);
    gives(&board, &mut process, &work, "one");
    (board, process)
}

fn found(answer: &KeyAnswer) -> Option<Digest> {
    match answer {
        KeyAnswer::Reuse { artifacts, .. } => Some(artifacts[0].digest),
        KeyAnswer::Run | KeyAnswer::Refused(_) => None,
    }
}

#[test]
fn the_second_run_takes_the_result_of_the_first() {
    let (board, _first) = with_result();
    // In another process, as it is mostly.
    let mut other = board.process(2);
    let work = begun(&mut other, 2);
    let answer = key(&mut other, &work);
    assert_eq!(found(&answer), Some(Digest::of(b"one")));
    report(&mut other, &work, AttemptEnd::bare(AttemptResult::Reused));
    assert_eq!(other.state(2), "succeeded");
    let rows = board.store.run_tasks(run(2)).expect("it is there");
    assert_eq!(rows[0].reused_from, Some(run(1)));
    assert_eq!(rows[0].artifacts[0].digest, Digest::of(b"one"));
    // How long it takes to run was not measured.
    let expected = board.store.durations("test").expect("readable");
    assert_eq!(expected.len(), 1);
}

#[test]
fn what_is_found_is_kept_from_the_answer_on() {
    let (board, mut process) = with_result();
    let work = begun(&mut process, 2);
    key(&mut process, &work);
    let named = board.store.run_references(run(2)).expect("it is there");
    assert!(named.blobs.contains(&Digest::of(b"one")));
    assert!(named.runs.contains(&run(1)));
}

#[test]
fn a_result_whose_content_is_gone_is_run_again() {
    let (board, mut process) = with_result();
    let gone = board.blobs.remove(&Digest::of(b"one"), Timestamp(0));
    assert!(gone.expect("memory does not fail"));
    let work = begun(&mut process, 2);
    assert_eq!(key(&mut process, &work), KeyAnswer::Run);
}

#[test]
fn the_answer_to_a_key_stays_the_same_whatever_is_found_meanwhile() {
    let board = Board::default();
    let (mut one, mut other) = (board.process(1), board.process(2));
    let works = [begun(&mut one, 1), begun(&mut other, 2)];
    assert_eq!(key(&mut one, &works[0]), KeyAnswer::Run);
    assert_eq!(key(&mut other, &works[1]), KeyAnswer::Run);
    gives(&board, &mut one, &works[0], "one");
    assert_eq!(key(&mut other, &works[1]), KeyAnswer::Run);
    gives(&board, &mut other, &works[1], "other");
    let rows = board.store.run_tasks(run(2)).expect("it is there");
    assert_eq!(rows[0].artifacts[0].digest, Digest::of(b"other"));
    assert_eq!(rows[0].reused_from, None);
}

#[test]
fn a_key_under_an_old_token_is_refused() {
    let mut process = Board::default().process(1);
    let mut work = begun(&mut process, 1);
    work.token = Token(work.token.0 + 1);
    assert!(matches!(key(&mut process, &work), KeyAnswer::Refused(_)));
}

#[test]
fn a_run_that_is_taken_over_after_the_answer_asks_again() {
    let (board, mut process) = with_result();
    let work = begun(&mut process, 2);
    assert!(found(&key(&mut process, &work)).is_some());
    board.dies(1);
    let mut next = board.process(2);
    next.take_over(2);
    next.tell(vec![Input::WorkerGone(WorkerId("w".to_owned()))]);
    let again = next.lease(1).remove(0);
    assert_eq!(again.id.attempt.0, 2);
    assert!(found(&key(&mut next, &again)).is_some());
    report(&mut next, &again, AttemptEnd::bare(AttemptResult::Reused));
    assert_eq!(next.state(2), "succeeded");
}
