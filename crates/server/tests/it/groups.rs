//! Concurrency groups over several processes.

use crate::board::{Board, run};
use model::plan::{GroupMode, Plan};
use store::Store;

fn grouped(mode: GroupMode) -> Plan {
    testkit::plan("p")
        .concurrency_mode("deploy", mode)
        .task("a", |task| task.run("true"))
        .build()
}

#[test]
fn the_second_run_of_a_group_waits_for_the_first() {
    let board = Board::default();
    let (mut first, mut second) = (board.process(1), board.process(2));
    first.create(1, grouped(GroupMode::Queue));
    second.create(2, grouped(GroupMode::Queue));
    assert_eq!(second.dispatcher.waits_for_group(run(2)), Some("deploy"));
    assert_eq!(second.lease(1), []);
    let work = first.lease(1).remove(0);
    first.succeed(&work);
    second.said.clear();
    second.pass_ms(50);
    assert_eq!(crate::board::granted(&second.replies()).len(), 1);
}

#[test]
fn a_dead_run_holds_no_place() {
    let board = Board::default();
    let (mut first, mut second) = (board.process(1), board.process(2));
    first.create(1, grouped(GroupMode::Queue));
    second.create(2, grouped(GroupMode::Queue));
    board.dies(1);
    second.pass_ms(50);
    assert_eq!(second.lease(1).len(), 1);
}

#[test]
fn a_resumed_run_waits_for_the_one_that_took_its_place() {
    let board = Board::default();
    let (mut first, mut second) = (board.process(1), board.process(2));
    first.create(1, grouped(GroupMode::Queue));
    second.create(2, grouped(GroupMode::Queue));
    board.dies(1);
    second.pass_ms(50);
    let work = second.lease(1).remove(0);
    let mut third = board.process(3);
    third.now = second.now;
    third.take_over(1);
    assert_eq!(third.lease(1), []);
    second.succeed(&work);
    third.said.clear();
    third.pass_ms(50);
    assert_eq!(crate::board::granted(&third.replies()).len(), 1);
}

#[test]
fn a_newcomer_tells_the_one_before_once_to_make_room() {
    let board = Board::default();
    let (mut first, mut second) = (board.process(1), board.process(2));
    first.create(1, grouped(GroupMode::Supersede));
    first.lease(1);
    second.create(2, grouped(GroupMode::Supersede));
    for _ in 0..10 {
        second.pass_ms(50);
    }
    let wishes = board.store.inbox_after(run(1), 0).expect("readable");
    assert_eq!(wishes.len(), 1);
    first.pass_ms(50);
    let machine = first.dispatcher.machine(run(1)).expect("owned");
    assert!(machine.run().cancel.is_some());
}

#[test]
fn a_place_is_given_back_and_that_is_written_down() {
    let board = Board::default();
    let mut first = board.process(1);
    first.create(1, grouped(GroupMode::Queue));
    let work = first.lease(1).remove(0);
    first.succeed(&work);
    let rows = board
        .store
        .run_load(run(1))
        .expect("readable")
        .expect("there");
    assert_eq!(rows.effects, []);
}
