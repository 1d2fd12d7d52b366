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

/// A task that may be superseded, and one beside it.
fn superseding() -> Plan {
    testkit::plan("p")
        .task("deploy", |task| {
            task.run("true")
                .concurrency_mode("deploy", GroupMode::Supersede)
        })
        .task("other", |task| task.run("true"))
        .build()
}

fn task_states(process: &crate::board::Process, number: u64) -> Vec<String> {
    let machine = process.dispatcher.machine(run(number)).expect("owned");
    machine
        .tasks()
        .iter()
        .map(|row| row.state.to_string())
        .collect()
}

#[test]
fn a_newer_task_of_a_group_ends_the_older_task_and_not_its_run() {
    let board = Board::default();
    let (mut first, mut second) = (board.process(1), board.process(2));
    first.create(1, superseding());
    let work = first.lease(2);
    second.create(2, superseding());
    assert_eq!(task_states(&second, 2)[0], "queued (concurrency_group)");
    first.pass_ms(50);
    let holds = work
        .iter()
        .map(|work| (work.id, work.token, true))
        .collect();
    let renew = first.request(api::protocol::RequestBody::Renew { holds });
    let stop = first.ask(&renew).remove(0).stop;
    assert_eq!(stop, [(work[0].id, work[0].token)]);
    let report = first.report(&work[0], engine::rows::AttemptResult::Stopped, None);
    first.ask(&report);
    assert_eq!(task_states(&first, 1), ["canceled (superseded)", "running"]);
    second.pass_ms(50);
    assert_eq!(second.lease(2).len(), 2);
    first.succeed(&work[1]);
    assert_eq!(first.state(1), "canceled (superseded)");
}

#[test]
fn a_newer_task_of_a_group_ends_the_older_one_that_waits() {
    let board = Board::default();
    let mut process = board.process(1);
    for number in 1..=3 {
        process.create(number, superseding());
    }
    process.pass_ms(50);
    assert_eq!(
        [1, 2, 3].map(|number| task_states(&process, number).remove(0)),
        [
            "canceled (superseded)",
            "canceled (superseded)",
            "queued (slots)"
        ]
    );
}

#[test]
fn a_resumed_call_waits_for_the_one_that_took_its_place() {
    let calling = || {
        testkit::plan("p")
            .task("call", |task| task.call("inner", []).concurrency("deploy"))
            .scope("inner", |scope| scope.task("x", |task| task.run("true")))
            .build()
    };
    let board = Board::default();
    let (mut first, mut second) = (board.process(1), board.process(2));
    first.create(1, calling());
    first.lease(1);
    second.create(2, calling());
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
fn a_resumed_run_that_waits_for_its_place_takes_none_for_its_tasks() {
    let both = || {
        let mut plan = testkit::plan("p")
            .task("a", |task| task.run("true"))
            .task("t", |task| {
                task.run("true").needs(["a"]).concurrency("port")
            })
            .build();
        plan.concurrency = grouped(GroupMode::Queue).concurrency;
        plan
    };
    let board = Board::default();
    let (mut first, mut second) = (board.process(1), board.process(2));
    first.create(1, both());
    let begun = first.lease(1).remove(0);
    first.succeed(&begun);
    second.create(2, both());
    board.dies(1);
    second.pass_ms(50);
    let begun = second.lease(1).remove(0);
    let mut third = board.process(3);
    third.now = second.now;
    third.take_over(1);
    assert_eq!(third.lease(1), []);
    second.succeed(&begun);
    let last = second.lease(1);
    assert_eq!(last.len(), 1, "{:?}", task_states(&second, 2));
    second.succeed(&last[0]);
    third.said.clear();
    third.pass_ms(50);
    assert_eq!(crate::board::granted(&third.replies()).len(), 1);
}

/// `count` tasks that want the same place.
fn many(count: usize) -> Plan {
    let mut plan = testkit::plan("p");
    for number in 0..count {
        plan = plan.task(&format!("t{number}"), |task| {
            task.run("true").concurrency("port")
        });
    }
    plan.build()
}

#[test]
fn a_group_in_which_hundreds_wait_is_asked_once_with_each_look() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, many(200));
    let before = board.looks();
    assert!(before <= 2, "they enter together: {before}");
    for _ in 0..10 {
        process.pass_ms(50);
    }
    assert_eq!(board.looks() - before, 10);
}

#[test]
fn who_leaves_a_group_lets_the_next_begin_without_a_look_at_the_board() {
    let board = Board::default();
    let mut process = board.process(1);
    process.create(1, many(3));
    let mut work = process.lease(3);
    for task in ["t0", "t1", "t2"] {
        let only: Vec<&str> = work.iter().map(|work| work.key.as_str()).collect();
        assert_eq!(only, [task]);
        process.succeed(&work[0]);
        work = process.lease(3);
    }
    assert_eq!(process.state(1), "succeeded");
}
