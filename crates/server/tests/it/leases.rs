//! Wishes, leases and renewals.

use crate::board::{Board, granted, run, tasks, wish};
use api::protocol::{ReplyBody, RequestBody, Wish};
use engine::rows::AttemptResult;
use model::ids::WorkerId;
use model::plan::Resources;
use model::reason::FailureKind;
use model::time::Timestamp;
use server::Input;
use std::time::Duration;
use store::Store;
use worker::local::clock::Clock;

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
fn what_one_run_takes_of_a_worker_is_not_given_to_another_run() {
    let mut process = Board::default().process(1);
    let cpu = |cpu_milli| Resources {
        cpu_milli,
        ..Resources::default()
    };
    for number in [1, 2] {
        let mut plan = tasks(&["t"]);
        plan.tasks[0].resources = cpu(1_000);
        process.create(number, plan);
    }
    let free = Some(cpu(1_500));
    let request = process.request(RequestBody::Lease(Wish { free, ..wish(2) }));
    let work = granted(&process.ask(&request));
    assert_eq!(
        work.len(),
        1,
        "a second task needs 1 CPU, and half of one is free"
    );
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

#[test]
fn workers_that_were_never_heard_of_again_are_forgotten() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    for name in 0..10 {
        let mut request = process.request(RequestBody::Renew { holds: Vec::new() });
        request.worker = WorkerId(format!("dead-{name}"));
        process.ask(&request);
    }
    let work = process.lease(1).remove(0);
    assert_eq!(process.dispatcher.known_workers(), 11);
    for _ in 0..20 {
        process.pass_ms(10_000);
        let holds = vec![(work.id, work.token, true)];
        let renew = process.request(RequestBody::Renew { holds });
        process.ask(&renew);
    }
    assert_eq!(process.dispatcher.known_workers(), 1);
    process.succeed(&work);
    assert_eq!(process.state(1), "succeeded");
}

#[test]
fn an_interruption_by_a_person_counts_against_nothing() {
    let board = Board::default();
    for number in 1..=10 {
        let mut process = board.process(number);
        if number == 1 {
            process.create(1, tasks(&["a"]));
        } else {
            process.take_over(1);
        }
        let work = process.lease(1).remove(0);
        process.tell(vec![Input::Drain]);
        let report = process.report(&work, AttemptResult::Interrupted, None);
        process.ask(&report);
        assert_eq!(process.state(1), "running");
        process
            .dispatcher
            .release(run(1))
            .expect("a board in memory takes all");
    }
}

#[test]
fn a_machines_clock_that_jumps_ends_no_lease_and_puts_no_deadline_off() {
    let hours_ms = 6 * 3_600_000;
    let noon = Timestamp(1_000_000_000_000);
    for jumped in [noon.plus_ms(hours_ms), noon.minus_ms(hours_ms)] {
        let board = Board::default();
        let mut process = board.process(1);
        let mut clock = Clock::new();
        let mut look = |since_ms, of_machine| {
            let since = Duration::from_millis(since_ms);
            clock.look(since, || of_machine)
        };
        process.now = look(0, noon);
        let plan = testkit::plan("p").task("a", |task| task.run("true").retry(1));
        process.create(1, plan.build());
        let work = process.lease(1).remove(0);
        process.now = look(1_000, jumped);
        process.tell(Vec::new());
        let holds = vec![(work.id, work.token, true)];
        let renew = process.request(RequestBody::Renew { holds });
        let reply = process.ask(&renew).remove(0);
        assert!(matches!(reply.body, ReplyBody::Renewed { lost } if lost.is_empty()));
        let failed = AttemptResult::Failed {
            kind: FailureKind::User,
            exit_code: Some(1),
            message: String::new(),
        };
        let report = process.report(&work, failed, None);
        process.ask(&report);
        assert_eq!(process.lease(1), []);
        process.now = look(2_100, jumped);
        process.said.clear();
        process.tell(Vec::new());
        assert_eq!(granted(&process.replies()).len(), 1);
    }
}

#[test]
fn a_worker_with_a_thousand_slots_gets_every_answer_again() {
    let names: Vec<String> = (0..1_000).map(|number| format!("t{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut process = Board::default().process(1);
    process.create(1, tasks(&names));
    let work = process.lease(1_000);
    let reports: Vec<_> = work
        .iter()
        .map(|work| process.report(work, AttemptResult::Succeeded, None))
        .collect();
    let inputs = reports.iter().cloned().map(Input::Request).collect();
    process.said.clear();
    process.tell(inputs);
    let first = process.replies();
    assert_eq!(process.ask(&reports[0]), first[..1]);
}
