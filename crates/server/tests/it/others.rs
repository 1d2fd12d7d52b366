//! Other processes: what they want of a run, and what becomes of a run when its process dies.

use crate::board::{Board, granted, run, tasks};
use api::protocol::ReplyBody;
use model::reason::{CancelCause, CancelMode};
use server::{Fatal, Output};
use store::{ClaimError, Command, Store};

fn cancel(mode: CancelMode) -> Command {
    Command::Cancel {
        mode,
        cause: CancelCause::Person,
        by: "tester".to_owned(),
    }
}

#[test]
fn a_cancel_from_elsewhere_is_noticed_within_a_fifth_of_a_second() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a", "b"]));
    process.pass_ms(50);
    let appended = board.store.inbox_append(run(1), &cancel(CancelMode::Now));
    appended.expect("it lives");
    process.pass_ms(50);
    assert_eq!(process.state(1), "canceled (person)");
    let left = board.store.inbox_after(run(1), 0).expect("readable");
    assert_eq!(left, []);
}

#[test]
fn who_runs_a_canceled_task_is_told_to_stop_with_every_answer() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    let work = process.lease(1).remove(0);
    board
        .store
        .inbox_append(run(1), &cancel(CancelMode::Now))
        .expect("it lives");
    process.said.clear();
    process.pass_ms(50);
    assert!(
        process
            .said
            .iter()
            .any(|output| matches!(output, Output::Nudge(_)))
    );
    for _ in 0..2 {
        let holds = vec![(work.id, work.token, true)];
        let request = process.request(api::protocol::RequestBody::Renew { holds });
        assert_eq!(process.ask(&request)[0].stop, [(work.id, work.token)]);
    }
}

#[test]
fn a_run_of_a_living_process_is_not_taken_over() {
    let board = Board::default();
    let mut first = board.process(1);
    first.create(1, tasks(&["a"]));
    let mut second = board.process(2);
    let error = second.dispatcher.take_over(run(1), "tester", second.now);
    assert!(
        matches!(error, Err(Fatal::Claim(ClaimError::Owned { .. }))),
        "{error:?}"
    );
}

#[test]
fn what_a_dead_process_had_running_is_begun_again_and_its_worker_refused() {
    let board = Board::default();
    let mut first = board.process(1);
    first.create(1, tasks(&["a"]));
    let old = first.lease(1).remove(0);
    board.dies(1);
    let mut second = board.process(2);
    second.take_over(1);
    let ReplyBody::Reported { refused, .. } = second.succeed(&old).remove(0).body else {
        panic!("a report is answered as one");
    };
    assert!(refused.is_some());
    let new = second.lease(1).remove(0);
    assert_eq!(new.id.attempt.0, old.id.attempt.0 + 1);
    second.succeed(&new);
    assert_eq!(second.state(1), "succeeded");
}

#[test]
fn a_run_that_is_resumed_long_after_its_leases_ended_goes_on() {
    let board = Board::default();
    let mut first = board.process(1);
    first.create(1, tasks(&["a"]));
    first.lease(1);
    let now = first.now;
    board.dies(1);
    let mut second = board.process(2);
    second.now = now.plus_ms(24 * 60 * 60 * 1000);
    second.take_over(1);
    let new = second.lease(1).remove(0);
    second.succeed(&new);
    assert_eq!(second.state(1), "succeeded");
}

#[test]
fn who_lost_a_run_learns_it_from_the_next_change_and_answers_no_lie() {
    let board = Board::default();
    let mut first = board.process(1);
    first.create(1, tasks(&["a"]));
    let old = first.lease(1).remove(0);
    board.dies(1);
    board.process(2).take_over(1);
    let report = first.report(&old, engine::rows::AttemptResult::Succeeded, None);
    let ReplyBody::Reported { refused, .. } = first.ask(&report).remove(0).body else {
        panic!("a report is answered as one");
    };
    assert!(refused.is_some());
    assert!(
        first
            .said
            .iter()
            .any(|output| matches!(output, Output::Lost(..)))
    );
    assert!(first.dispatcher.machine(run(1)).is_none());
}

#[test]
fn a_lease_that_was_not_written_is_not_told() {
    let board = Board::default();
    let mut first = board.process(1);
    first.create(1, tasks(&["a"]));
    board.dies(1);
    board.process(2).take_over(1);
    let request = first.wish(1);
    assert_eq!(granted(&first.ask(&request)), []);
}

#[test]
fn a_run_that_was_given_up_can_be_taken_at_once() {
    let board = Board::default();
    let mut first = board.process(1);
    first.create(1, tasks(&["a"]));
    first
        .dispatcher
        .release(run(1))
        .expect("a board in memory takes all");
    let mut second = board.process(2);
    second.take_over(1);
    let work = second.lease(1).remove(0);
    second.succeed(&work);
    assert_eq!(second.state(1), "succeeded");
}

#[test]
fn until_when_an_owner_lives_is_said_by_the_time_of_day() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    let until = || {
        let found = board.store.run_fetch(run(1)).expect("readable");
        found.expect("there").owner.expect("owned").until
    };
    let before = until();
    board.sleeps_ms(3_600_000);
    process.pass_ms(api::protocol::RENEW_MS);
    let passed_ms = until().since_ms(before);
    assert_eq!(passed_ms, 3_600_000 + api::protocol::RENEW_MS);
}

#[test]
fn rows_that_contradict_each_other_keep_their_cause() {
    let board = Board::default();
    let mut first = board.process(1);
    let plan = tasks(&["a", "b"]);
    first.create(1, plan);
    let fewer = serde_json::to_vec(&tasks(&["a"])).expect("a plan");
    let mut found = board.store.run_load(run(1)).expect("readable");
    let rows = found.as_mut().expect("there");
    let head = engine::rows::RunHead {
        id: run(2),
        plan: store::BlobStore::put_bytes(&board.blobs, &fewer).expect("in memory"),
        ..rows.head.clone()
    };
    let mut changes = engine::machine::Machine::create(head.clone(), tasks(&["a", "b"]), first.now);
    changes.changes.run.id = run(2);
    let owner = store::Owner {
        nonce: 1,
        ..found_owner(&board)
    };
    let new = store::NewRun {
        head: &head,
        changes: &changes.changes,
        owner: &owner,
    };
    board.store.run_create(&new).expect("its name is free");
    board.dies(1);
    let mut second = board.process(2);
    let error = second
        .dispatcher
        .take_over(run(2), "tester", second.now)
        .expect_err("it has a row too many");
    let source = std::error::Error::source(&error).expect("it has a cause");
    assert!(source.is::<engine::machine::Corrupt>(), "{error}");
}

fn found_owner(board: &Board) -> store::Owner {
    let found = board.store.run_fetch(run(1)).expect("readable");
    found.expect("there").owner.expect("owned")
}

#[test]
fn who_waits_for_the_board_loses_no_lease() {
    let wait_ms = store::sqlite::BUSY.as_millis();
    assert!(wait_ms * 2 < u128::from(api::protocol::LEASE_MS));
}
