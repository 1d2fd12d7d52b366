//! What concurrency groups do on every board: who has a place, who waits, and who is passed by.

use crate::rows::{commit, create, ended, id, owner};
use engine::rows::GroupMember;
use model::ids::TaskNo;
use model::plan::GroupMode;
use store::{GroupEntry, Owner, Store};

on_every_board! {
    a_group_admits_in_order_of_entry,
    a_member_that_leaves_makes_room,
    who_leaves_lets_the_next_in_with_the_same_change,
    many_enter_at_once_in_their_order,
    a_look_asks_of_no_more_owners_than_there_are_places,
    who_was_passed_by_waits_again_when_the_one_that_did_it_is_dead,
    a_dead_owner_holds_no_place_and_waits_again_when_it_is_back,
    an_ended_run_holds_no_place,
    a_newer_member_supersedes_those_that_wait,
    a_task_and_its_run_are_different_members,
}

pub(super) fn member(number: u64) -> GroupMember {
    GroupMember {
        run: id(number),
        task: None,
    }
}

fn entry(number: u64, mode: GroupMode) -> GroupEntry<'static> {
    GroupEntry {
        group: "deploy",
        member: member(number),
        limit: 1,
        mode,
    }
}

fn enter_as(
    store: &dyn Store,
    entry: GroupEntry<'_>,
    alive: impl Fn(&Owner) -> bool,
) -> store::Entered {
    store.group_enter(&[entry], &alive).unwrap().remove(0)
}

pub(super) fn enter(store: &dyn Store, number: u64) -> store::Entered {
    enter_as(store, entry(number, GroupMode::Queue), |_| true)
}

fn poll_as(store: &dyn Store, entry: GroupEntry<'_>) -> store::Entered {
    let answers = store.group_admitted(&[entry], &|_| true);
    answers.unwrap().remove(0)
}

pub(super) fn poll(store: &dyn Store, number: u64) -> store::Entered {
    poll_as(store, entry(number, GroupMode::Queue))
}

fn leave(store: &dyn Store, number: u64) {
    let left = [("deploy", member(number))];
    let answers = store.group_leave(&left, &[], &|_| true).unwrap();
    assert_eq!(answers, []);
}

/// The members that live, and whether they have a place.
pub(super) fn members(store: &dyn Store) -> Vec<(GroupMember, bool)> {
    let members = store.group_members("deploy", &|_| true).unwrap();
    members
        .iter()
        .map(|living| (living.member, living.is_active))
        .collect()
}

fn a_group_admits_in_order_of_entry(store: &dyn Store) {
    for number in 1..=3 {
        create(store, id(number));
    }
    let first = enter(store, 1);
    assert!(first.admitted);
    assert_eq!(enter(store, 1), first, "entering again tells the same");
    let (second, third) = (enter(store, 2), enter(store, 3));
    assert!(first.seq < second.seq && second.seq < third.seq);
    let expected = [(member(1), true), (member(2), false), (member(3), false)];
    assert_eq!(members(store), expected);
    assert!(!poll(store, 2).admitted);
}

fn a_member_that_leaves_makes_room(store: &dyn Store) {
    for number in 1..=3 {
        create(store, id(number));
        enter(store, number);
    }
    leave(store, 1);
    leave(store, 1);
    assert!(!poll(store, 3).admitted);
    assert!(poll(store, 2).admitted);
    assert!(!poll(store, 1).admitted, "who left is not in the group");
}

fn who_leaves_lets_the_next_in_with_the_same_change(store: &dyn Store) {
    for number in 1..=3 {
        create(store, id(number));
        enter(store, number);
    }
    let next = [3, 2].map(|number| entry(number, GroupMode::Queue));
    let left = [("deploy", member(1))];
    let answers = store.group_leave(&left, &next, &|_| true).unwrap();
    assert_eq!([answers[0].admitted, answers[1].admitted], [false, true]);
    assert_eq!(members(store), [(member(2), true), (member(3), false)]);
}

fn many_enter_at_once_in_their_order(store: &dyn Store) {
    create(store, id(1));
    let entries: Vec<GroupEntry<'_>> = (0..5)
        .map(|task| GroupEntry {
            member: GroupMember {
                run: id(1),
                task: Some(TaskNo(task)),
            },
            limit: 2,
            ..entry(1, GroupMode::Queue)
        })
        .collect();
    let answers = store.group_enter(&entries, &|_| true).unwrap();
    let admitted: Vec<bool> = answers.iter().map(|entered| entered.admitted).collect();
    assert_eq!(admitted, [true, true, false, false, false]);
    let seqs: Vec<u64> = answers.iter().map(|entered| entered.seq).collect();
    assert!(seqs.is_sorted() && seqs[0] > 0, "{seqs:?}");
}

fn a_look_asks_of_no_more_owners_than_there_are_places(store: &dyn Store) {
    for number in 1..=30 {
        create(store, id(number));
        enter(store, number);
    }
    let asked = std::cell::Cell::new(0);
    let alive = |_: &Owner| {
        asked.set(asked.get() + 1);
        true
    };
    let waiting: Vec<_> = (2..=30)
        .map(|number| entry(number, GroupMode::Queue))
        .collect();
    let answers = store.group_admitted(&waiting, &alive).unwrap();
    assert!(answers.iter().all(|entered| !entered.admitted));
    assert_eq!(asked.get(), 2, "one that has the place, and the next");
}

fn who_was_passed_by_waits_again_when_the_one_that_did_it_is_dead(store: &dyn Store) {
    for number in 1..=3 {
        create(store, id(number));
    }
    enter(store, 1);
    enter(store, 2);
    store.owner_claim(id(3), &owner(3), &|_| false).unwrap();
    enter_as(store, entry(3, GroupMode::SupersedeWaiting), |_| true);
    leave(store, 1);
    assert!(!poll(store, 2).admitted);
    let waiting = [entry(2, GroupMode::Queue)];
    let answers = store.group_admitted(&waiting, &|owner| owner.pid != 3);
    assert!(answers.unwrap()[0].admitted);
}

fn a_dead_owner_holds_no_place_and_waits_again_when_it_is_back(store: &dyn Store) {
    create(store, id(1));
    enter(store, 1);
    create(store, id(2));
    store.owner_claim(id(2), &owner(2), &|_| false).unwrap();
    let second = enter_as(store, entry(2, GroupMode::Queue), |present| {
        present.pid == 2
    });
    assert!(second.admitted);
    assert!(!poll(store, 1).admitted);
    assert_eq!(members(store), [(member(1), false), (member(2), true)]);
}

fn an_ended_run_holds_no_place(store: &dyn Store) {
    let token = create(store, id(1));
    create(store, id(2));
    enter(store, 1);
    assert!(!enter(store, 2).admitted);
    commit(store, &token, &ended(id(1), 2)).unwrap();
    assert!(poll(store, 2).admitted);
}

fn a_newer_member_supersedes_those_that_wait(store: &dyn Store) {
    for number in 1..=3 {
        create(store, id(number));
    }
    enter(store, 1);
    enter(store, 2);
    let third = enter_as(store, entry(3, GroupMode::SupersedeWaiting), |_| true);
    assert_eq!(third.superseded, [member(2)]);
    leave(store, 1);
    assert!(!poll(store, 2).admitted);
    assert!(poll(store, 3).admitted);
}

fn a_task_and_its_run_are_different_members(store: &dyn Store) {
    create(store, id(1));
    let of_task = |task| GroupEntry {
        member: GroupMember {
            run: id(1),
            task: Some(TaskNo(task)),
        },
        ..entry(1, GroupMode::Queue)
    };
    assert!(enter(store, 1).admitted);
    assert!(!enter_as(store, of_task(0), |_| true).admitted);
    leave(store, 1);
    assert!(poll_as(store, of_task(0)).admitted);
}
