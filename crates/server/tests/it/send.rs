//! Commands from a process that does not own the run.

use crate::board::{Board, run, tasks};
use engine::machine::Outcome;
use engine::rows::RunState;
use model::reason::{CancelCause, CancelMode};
use model::time::Timestamp;
use server::send::{NotSent, Sender, Sent};
use store::{Command, Owner, Store};

fn cancel() -> Command {
    Command::Cancel {
        mode: CancelMode::Now,
        cause: CancelCause::Person,
        by: "ada".to_owned(),
    }
}

fn send(board: &Board, number: u64) -> Result<Sent, NotSent> {
    let alive = |owner: &Owner| board.is_alive(owner);
    let sender = Sender {
        store: &board.store,
        blobs: &board.blobs,
        owner: &Board::owner(9),
        alive: &alive,
    };
    sender.send(run(number), &cancel(), Timestamp(2_000_000))
}

fn state(board: &Board, number: u64) -> RunState {
    let found = board.store.run_fetch(run(number)).expect("readable");
    found.expect("it is there").row.state
}

#[test]
fn a_living_owner_finds_the_command_in_the_inbox() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    assert!(matches!(send(&board, 1), Ok(Sent::ToOwner)));
    process.pass_ms(100);
    assert_eq!(process.state(1), "canceled (person)");
}

#[test]
fn a_run_that_nobody_owns_is_changed_at_once_and_belongs_to_nobody_afterwards() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, tasks(&["a"]));
    process.lease(1);
    board.dies(1);
    assert!(matches!(send(&board, 1), Ok(Sent::Here(Outcome::Ended))));
    assert_eq!(state(&board, 1).to_string(), "canceled (person)");
    let found = board.store.run_fetch(run(1)).expect("readable");
    assert_eq!(found.expect("it is there").owner, None);
}

#[test]
fn an_ended_run_takes_no_command() {
    let board = Board::default();
    board.process(1).create(1, tasks(&["a"]));
    board.dies(1);
    send(&board, 1).expect("nobody owns it");
    let refused = send(&board, 1).expect_err("it has ended");
    assert_eq!(
        refused.to_string(),
        format!("run `{}` has ended, and ended runs never change", run(1))
    );
}

#[test]
fn a_command_that_does_not_fit_changes_nothing_and_keeps_nobody_out() {
    let board = Board::default();
    board.process(1).create(1, tasks(&["a"]));
    board.dies(1);
    let alive = |owner: &Owner| board.is_alive(owner);
    let sender = Sender {
        store: &board.store,
        blobs: &board.blobs,
        owner: &Board::owner(9),
        alive: &alive,
    };
    let before = board.store.run_load(run(1)).expect("readable");
    let command = Command::StartManual {
        task: model::ids::TaskNo(0),
        by: "ada".to_owned(),
    };
    let refused = sender.send(run(1), &command, Timestamp(2_000_000));
    assert!(matches!(refused, Err(NotSent::Rejected(_))), "{refused:?}");
    assert_eq!(board.store.run_load(run(1)).expect("readable"), before);
    board.process(2).take_over(1);
}
