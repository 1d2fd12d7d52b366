//! Wishes, leases and renewals.

use crate::board::{Board, granted, run, tasks, wish};
use api::protocol::{ReplyBody, RequestBody};
use engine::rows::AttemptResult;
use model::ids::WorkerId;
use server::Input;
use store::Store;

#[test]
fn work_is_told_when_it_is_on_the_board() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a", "b", "c"]));
    let work = process.lease(2);
    let keys: Vec<&str> = work.iter().map(|work| work.key.as_str()).collect();
    assert_eq!(keys, ["a", "b"]);
    let rows = board
        .store
        .run_load(run(1))
        .expect("readable")
        .expect("there");
    assert_eq!(rows.attempts.len(), 2);
}

#[test]
fn a_request_that_comes_again_gets_the_same_answer_and_nothing_new() {
    let mut process = Board::default().process(1);
    process.create(1, tasks(&["a", "b"]));
    let request = process.wish(1);
    let first = process.ask(&request);
    assert_eq!(process.ask(&request), first);
    let machine = process.dispatcher.machine(run(1)).expect("owned");
    assert_eq!(machine.live().count(), 1);
}

#[test]
fn a_wish_waits_until_there_is_work() {
    let mut process = Board::default().process(1);
    let plan = testkit::plan("p")
        .task("a", |task| task.run("true"))
        .task("b", |task| task.run("true").needs(["a"]))
        .build();
    process.create(1, plan);
    let first = process.lease(1).remove(0);
    let waiting = process.wish(1);
    assert_eq!(process.ask(&waiting), []);
    let replies = process.succeed(&first);
    assert_eq!(granted(&replies)[0].key, "b");
    assert_eq!(replies.len(), 2, "the report and the wish are answered");
}

#[test]
fn a_wish_that_a_newer_one_replaced_is_answered_with_nothing() {
    let mut process = Board::default().process(1);
    process.create(1, tasks(&["a"]));
    process.lease(1);
    let (older, newer) = (process.wish(1), process.wish(2));
    assert_eq!(process.ask(&older), []);
    let replies = process.ask(&newer);
    assert_eq!(replies[0].number, older.number);
    assert_eq!(replies[0].body, ReplyBody::Leased(Vec::new()));
}

#[test]
fn a_worker_that_is_silent_for_a_lease_loses_its_attempt() {
    let mut process = Board::default().process(1);
    process.create(1, tasks(&["a"]));
    let work = process.lease(1).remove(0);
    process.pass_ms(15_000);
    let request = process.request(RequestBody::Renew {
        holds: vec![(work.id, work.token, false)],
    });
    let lost = vec![(work.id, work.token)];
    assert_eq!(process.ask(&request)[0].body, ReplyBody::Renewed { lost });
}

#[test]
fn a_worker_that_renews_keeps_its_attempt() {
    let mut process = Board::default().process(1);
    process.create(1, tasks(&["a"]));
    let work = process.lease(1).remove(0);
    for _ in 0..5 {
        process.pass_ms(5_000);
        let request = process.request(RequestBody::Renew {
            holds: vec![(work.id, work.token, true)],
        });
        let lost = Vec::new();
        assert_eq!(process.ask(&request)[0].body, ReplyBody::Renewed { lost });
    }
    process.succeed(&work);
    assert_eq!(process.state(1), "succeeded");
}

#[test]
fn attempts_of_a_worker_that_is_gone_are_lost_at_once() {
    let mut process = Board::default().process(1);
    process.create(1, tasks(&["a"]));
    process.lease(1);
    process.tell(vec![Input::WorkerGone(WorkerId("w".to_owned()))]);
    assert_eq!(process.state(1), "failed");
}

#[test]
fn nothing_is_leased_after_a_drain() {
    let mut process = Board::default().process(1);
    process.create(1, tasks(&["a", "b"]));
    let work = process.lease(1).remove(0);
    process.tell(vec![Input::Drain]);
    let report = process.report(&work, AttemptResult::Succeeded, Some(wish(1)));
    assert_eq!(granted(&process.ask(&report)), []);
    assert_eq!(process.lease(1), []);
}

#[test]
fn a_worker_of_a_later_version_is_told_so() {
    let mut process = Board::default().process(1);
    process.create(1, tasks(&["a"]));
    let mut request = process.wish(1);
    request.version += 1;
    let why = "the worker speaks version 2 of the protocol, the board 1".to_owned();
    assert_eq!(
        process.ask(&request)[0].body,
        ReplyBody::Unavailable { why }
    );
}
