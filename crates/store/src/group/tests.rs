use super::*;
use Standing::{Active, Passed, Waiting};
use model::ids::RunId;

fn member(number: u64) -> GroupMember {
    GroupMember {
        run: RunId::from_random(number),
        task: None,
    }
}

/// Places in order of entry; who entered to supersede says so.
fn places(standings: &[(Standing, bool)]) -> Vec<Place> {
    (0..)
        .zip(standings)
        .map(|(number, &(standing, alive))| Place {
            seq: number + 1,
            member: member(number),
            standing,
            supersedes: false,
            alive,
        })
        .collect()
}

fn asker(number: u64, limit: u32, mode: GroupMode) -> GroupEntry<'static> {
    GroupEntry {
        group: "g",
        member: member(number),
        limit,
        mode,
    }
}

/// What one is answered, and what moves.
fn ask(
    places: &[Place],
    number: u64,
    limit: u32,
    mode: GroupMode,
) -> (Entered, Vec<(GroupMember, Standing)>) {
    let mut verdict = decide(places, &[asker(number, limit, mode)]);
    let entered = verdict.entered.remove(&member(number));
    (entered.expect("it is in the group"), verdict.moves)
}

fn is_admitted(places: &[Place], number: u64, limit: u32) -> bool {
    ask(places, number, limit, GroupMode::Queue).0.admitted
}

#[test]
fn the_first_of_a_group_is_admitted() {
    let (entered, moves) = ask(&places(&[(Waiting, true)]), 0, 1, GroupMode::Queue);
    assert!(entered.admitted);
    assert_eq!(moves, [(member(0), Active)]);
}

#[test]
fn who_waits_is_served_in_order_of_entry() {
    let group = places(&[(Waiting, true), (Waiting, true)]);
    assert!(!is_admitted(&group, 1, 1));
    assert!(is_admitted(&group, 0, 1));
}

#[test]
fn a_limit_of_two_admits_the_second_past_one_that_waits() {
    let group = places(&[(Waiting, true), (Waiting, true)]);
    assert!(is_admitted(&group, 1, 2));
}

#[test]
fn those_who_ask_together_get_the_places_in_order_and_no_more() {
    let group = places(&[(Waiting, true); 4]);
    let askers: Vec<_> = [3, 2, 1, 0]
        .map(|number| asker(number, 2, GroupMode::Queue))
        .into();
    let verdict = decide(&group, &askers);
    let admitted = |number| verdict.entered[&member(number)].admitted;
    assert_eq!([0, 1, 2, 3].map(admitted), [true, true, false, false]);
    assert_eq!(verdict.moves, [(member(0), Active), (member(1), Active)]);
}

#[test]
fn a_dead_member_holds_no_place_and_loses_it_to_the_next() {
    let group = places(&[(Active, false), (Waiting, true)]);
    let (entered, moves) = ask(&group, 1, 1, GroupMode::Queue);
    assert!(entered.admitted);
    assert_eq!(moves, [(member(1), Active), (member(0), Waiting)]);
}

#[test]
fn a_dead_member_keeps_a_place_that_nobody_needs() {
    let group = places(&[(Active, false), (Waiting, true)]);
    let (_, moves) = ask(&group, 1, 2, GroupMode::Queue);
    assert_eq!(moves, [(member(1), Active)]);
}

#[test]
fn superseding_the_waiting_leaves_the_active_alone() {
    let group = places(&[(Active, true), (Waiting, true), (Waiting, true)]);
    let (entered, moves) = ask(&group, 2, 1, GroupMode::SupersedeWaiting);
    assert!(!entered.admitted);
    assert_eq!(entered.superseded, [member(1)]);
    assert_eq!(moves, [(member(1), Passed)]);
}

#[test]
fn superseding_all_waits_until_the_active_have_left() {
    let group = places(&[(Active, true), (Waiting, true)]);
    let (entered, _) = ask(&group, 1, 1, GroupMode::Supersede);
    assert!(!entered.admitted);
    assert_eq!(entered.superseded, [member(0)]);
}

#[test]
fn of_many_that_supersede_together_the_last_has_the_place_and_each_is_told_of_once() {
    let group = places(&[(Active, true), (Waiting, true), (Waiting, true)]);
    let askers = [1, 2].map(|number| asker(number, 1, GroupMode::Supersede));
    let verdict = decide(&group, &askers);
    let mut told: Vec<GroupMember> = verdict
        .entered
        .values()
        .flat_map(|entered| entered.superseded.clone())
        .collect();
    told.sort_unstable();
    let mut expected = [member(0), member(1)];
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(verdict.moves, [(member(1), Passed)]);
}

#[test]
fn a_repeated_entry_tells_the_same() {
    let mut group = places(&[(Passed, true), (Active, true)]);
    group[1].supersedes = true;
    let (entered, moves) = ask(&group, 1, 1, GroupMode::SupersedeWaiting);
    assert!(entered.admitted);
    assert_eq!(entered.superseded, [member(0)]);
    assert_eq!(moves, []);
}

#[test]
fn who_was_passed_by_is_not_admitted_while_the_one_that_did_it_lives() {
    let mut group = places(&[(Passed, true), (Waiting, true)]);
    group[1].supersedes = true;
    assert!(!is_admitted(&group, 0, 1));
}

#[test]
fn who_was_passed_by_one_that_is_dead_waits_as_before() {
    let mut group = places(&[(Passed, true), (Waiting, false), (Waiting, true)]);
    group[1].supersedes = true;
    assert!(!is_admitted(&group, 2, 1), "one waits before it");
    let (entered, moves) = ask(&group, 0, 1, GroupMode::Queue);
    assert!(entered.admitted);
    assert_eq!(moves, [(member(0), Active)]);
}

#[test]
fn who_lives_is_listed_without_those_that_were_passed_by() {
    let mut group = places(&[
        (Active, true),
        (Passed, true),
        (Waiting, true),
        (Waiting, false),
    ]);
    group[2].supersedes = true;
    let found: Vec<_> = living(&group)
        .iter()
        .map(|living| (living.member, living.is_active))
        .collect();
    assert_eq!(found, [(member(0), true), (member(2), false)]);
}
