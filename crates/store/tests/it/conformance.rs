//! What every board does: run on the one in memory and on the one in a file.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::rows::{
    Dice, approve, attempt, cancel, change, commit, create, create_with, ended, head, id, owner,
    row, task,
};
use engine::rows::{
    ArtifactRef, AttemptEnd, AttemptResult, Effect, EffectKey, EffectRow, EventRow, FragmentRef,
    GroupMember, LogRef, RunHead, RunRow, TaskRow, Transition,
};
use model::digest::Digest;
use model::ids::{ScopeNo, TaskNo, WorkerId};
use model::plan::GroupMode;
use model::source::{Difference, Source};
use model::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{
    ClaimError, Commit, CommitError, GroupEntry, MemoryStore, NewRun, Owner, RunFilter,
    SqliteStore, Store, StoreError,
};

macro_rules! on_every_board {
    ($($name:ident,)+) => {
        mod in_memory {
            $(#[test]
            fn $name() {
                super::$name(&super::MemoryStore::new());
            })+
        }
        mod in_a_file {
            $(#[test]
            fn $name() {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("board.sqlite");
                super::$name(&super::SqliteStore::open(&path).unwrap());
            })+
        }
    };
}

on_every_board! {
    every_row_reads_back_as_it_was_written,
    of_ended_attempts_only_the_newest_is_loaded,
    a_run_id_is_taken_once,
    a_writer_that_read_another_version_is_told_the_version,
    an_ended_run_never_changes,
    what_was_done_for_an_ended_run_can_be_noted,
    a_refused_commit_changes_nothing_and_holds_up_no_other,
    changes_of_one_run_are_written_in_their_order,
    runs_are_listed_by_creation_and_never_by_id_or_clock,
    lists_keep_to_their_filter,
    a_prefix_finds_its_runs,
    an_unknown_run_is_named,
    events_are_read_in_pieces,
    attempts_are_read_by_task,
    commands_keep_their_numbers_after_they_were_handled,
    an_ended_run_takes_no_commands,
    a_living_owner_keeps_its_run,
    a_new_owner_fences_the_old_one_off,
    a_released_run_belongs_to_nobody,
    only_the_owner_renews,
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
    durations_follow_the_measurements_slowly,
    durations_of_old_measurements_are_forgotten,
    references_name_everything_outside_of_the_rows,
    removed_runs_leave_nothing,
    a_living_run_is_never_removed,
    what_an_ended_run_still_wanted_is_settled_and_nothing_of_a_living_one,
    a_write_of_somebody_else_shows_as_a_change,
    many_threads_commit_at_once,
}

fn every_row_reads_back_as_it_was_written(store: &dyn Store) {
    let mirror = MemoryStore::new();
    let case = std::cell::Cell::new(0);
    proptest!(ProptestConfig::with_cases(32), |(seed: u64)| {
        case.set(case.get() + 1);
        let run = id(case.get());
        let dice = &mut Dice(seed);
        let mut events = 0;
        let first = dice.run_row(run, 1);
        let changes = dice.changes(first, 4, &mut events);
        let head = dice.head(run);
        let token = create_with(store, &head, &changes);
        create_with(&mirror, &head, &changes);
        for version in 2..5_u32 {
            let next = dice.run_row(run, version.into());
            let mut changes = dice.changes(next, 5, &mut events);
            changes.fragments = vec![dice.fragment(version), dice.fragment(version + 10)];
            commit(store, &token, &changes).unwrap();
            commit(&mirror, &token, &changes).unwrap();
            prop_assert_eq!(store.run_load(run).unwrap(), mirror.run_load(run).unwrap());
        }
        prop_assert_eq!(store.run_fetch(run).unwrap(), mirror.run_fetch(run).unwrap());
        prop_assert_eq!(store.run_tasks(run).unwrap(), mirror.run_tasks(run).unwrap());
        prop_assert_eq!(
            store.run_attempts(run, None).unwrap(),
            mirror.run_attempts(run, None).unwrap()
        );
        prop_assert_eq!(
            store.run_events(run, 0, 100).unwrap(),
            mirror.run_events(run, 0, 100).unwrap()
        );
        prop_assert_eq!(
            store.run_references(run).unwrap(),
            mirror.run_references(run).unwrap()
        );
    });
}

fn of_ended_attempts_only_the_newest_is_loaded(store: &dyn Store) {
    let run = id(1);
    let mut changes = change(row(run, 1));
    let over = Some(AttemptEnd::bare(AttemptResult::Interrupted));
    changes.tasks = vec![task(0), task(1)];
    changes.attempts = vec![
        attempt(0, 1, over.clone()),
        attempt(0, 2, over.clone()),
        attempt(1, 1, over),
        attempt(1, 2, None),
    ];
    create_with(store, &head(run), &changes);
    let loaded = store.run_load(run).unwrap().unwrap();
    assert_eq!(
        loaded.attempts,
        [changes.attempts[1].clone(), changes.attempts[3].clone()]
    );
    assert_eq!(store.run_attempts(run, None).unwrap(), changes.attempts);
}

fn a_run_id_is_taken_once(store: &dyn Store) {
    let run = id(1);
    create(store, run);
    let again = store.run_create(&NewRun {
        head: &head(run),
        changes: &change(row(run, 7)),
        owner: &owner(1),
    });
    assert!(matches!(again, Err(StoreError::RunExists(taken)) if taken == run));
    assert_eq!(store.run_fetch(run).unwrap().unwrap().row.version, 1);
}

fn a_writer_that_read_another_version_is_told_the_version(store: &dyn Store) {
    let token = create(store, id(1));
    commit(store, &token, &change(row(id(1), 2))).unwrap();
    let late = commit(store, &token, &change(row(id(1), 2))).unwrap_err();
    assert_eq!(
        late.to_string(),
        format!("run `{}` is at version 2, not 1", id(1))
    );
}

fn an_ended_run_never_changes(store: &dyn Store) {
    let token = create(store, id(1));
    commit(store, &token, &ended(id(1), 2)).unwrap();
    let more = commit(store, &token, &change(row(id(1), 3)));
    assert!(matches!(more, Err(CommitError::Ended(run)) if run == id(1)));
    assert_eq!(store.run_fetch(id(1)).unwrap().unwrap().row.version, 2);
}

fn what_was_done_for_an_ended_run_can_be_noted(store: &dyn Store) {
    let token = create(store, id(1));
    let leave = EffectKey("leave/run".to_owned());
    let effect = EffectRow {
        key: leave.clone(),
        effect: Effect::LeaveGroup {
            group: "deploy".to_owned(),
            member: GroupMember {
                run: id(1),
                task: None,
            },
        },
    };
    let last = engine::rows::Changes {
        effects: vec![effect],
        ..ended(id(1), 2)
    };
    commit(store, &token, &last).unwrap();
    let done = RunRow {
        version: 3,
        ..last.run.clone()
    };
    let done = engine::rows::Changes {
        effects_done: vec![leave],
        ..change(done)
    };
    commit(store, &token, &done).unwrap();
    assert!(store.run_load(id(1)).unwrap().unwrap().effects.is_empty());
}

fn a_refused_commit_changes_nothing_and_holds_up_no_other(store: &dyn Store) {
    let tokens = [1, 2, 3].map(|number| create(store, id(number)));
    let stale = change(RunRow {
        events: 9,
        ..row(id(2), 9)
    });
    let stale = engine::rows::Changes {
        tasks: vec![task(0)],
        ..stale
    };
    let good = [change(row(id(1), 2)), change(row(id(3), 2))];
    let unknown = store::OwnerToken {
        run: id(77),
        fence: 1,
    };
    let entry = |owner, changes, expected_version| Commit {
        run: store::OwnerToken::clone(owner).run,
        expected_version,
        owner,
        changes,
    };
    let results = store.run_commit(&[
        entry(&tokens[0], &good[0], 1),
        entry(&tokens[1], &stale, 8),
        entry(&unknown, &good[0], 1),
        entry(&tokens[2], &good[1], 1),
    ]);
    assert!(results[0].is_ok());
    assert!(matches!(
        results[1],
        Err(CommitError::Conflict {
            found_version: 1,
            ..
        })
    ));
    assert!(matches!(
        results[2],
        Err(CommitError::Store(StoreError::NoRun(_)))
    ));
    assert!(results[3].is_ok());
    assert_eq!(store.run_tasks(id(2)).unwrap(), []);
    assert_eq!(store.run_fetch(id(3)).unwrap().unwrap().row.version, 2);
}

fn changes_of_one_run_are_written_in_their_order(store: &dyn Store) {
    let token = create(store, id(1));
    let changes: Vec<_> = (2..6).map(|version| change(row(id(1), version))).collect();
    let commits: Vec<_> = changes
        .iter()
        .map(|changes| Commit {
            run: id(1),
            expected_version: changes.run.version - 1,
            owner: &token,
            changes,
        })
        .collect();
    assert!(store.run_commit(&commits).iter().all(Result::is_ok));
    assert_eq!(store.run_fetch(id(1)).unwrap().unwrap().row.version, 5);
}

fn runs_are_listed_by_creation_and_never_by_id_or_clock(store: &dyn Store) {
    for (number, created_at) in [(5, 300), (1, 100), (9, 200)] {
        let head = RunHead {
            created_at: Timestamp(created_at),
            ..head(id(number))
        };
        create_with(store, &head, &change(row(id(number), 1)));
    }
    let all = store.run_list(&RunFilter::default()).unwrap();
    let ids: Vec<_> = all.iter().map(|summary| summary.head.id).collect();
    assert_eq!(ids, [9, 1, 5].map(id));
}

fn lists_keep_to_their_filter(store: &dyn Store) {
    for number in 1..=4 {
        let head = RunHead {
            pipeline: if number % 2 == 0 { "even" } else { "odd" }.into(),
            ..head(id(number))
        };
        create_with(store, &head, &change(row(id(number), 1)));
    }
    let token = store.owner_claim(id(4), &owner(2), &|_| false).unwrap();
    commit(store, &token, &ended(id(4), 2)).unwrap();
    let ids = |filter: RunFilter| -> Vec<_> {
        let found = store.run_list(&filter).unwrap();
        found.into_iter().map(|summary| summary.head.id).collect()
    };
    let even = RunFilter {
        pipeline: Some("even".into()),
        ..RunFilter::default()
    };
    assert_eq!(ids(even.clone()), [id(4), id(2)]);
    assert_eq!(
        ids(RunFilter {
            living: true,
            ..even
        }),
        [id(2)]
    );
    let two = RunFilter {
        limit: Some(2),
        ..RunFilter::default()
    };
    assert_eq!(ids(two), [id(4), id(3)]);
}

fn a_prefix_finds_its_runs(store: &dyn Store) {
    let runs = [
        "k3f900000000",
        "k3f9zzzzzzzz",
        "k3g000000000",
        "000000000000",
    ]
    .map(|text| text.parse().unwrap());
    for run in runs {
        create(store, run);
    }
    assert_eq!(store.run_find("k3f9", 10).unwrap(), [runs[1], runs[0]]);
    assert_eq!(store.run_find("k3", 2).unwrap(), [runs[2], runs[1]]);
    assert_eq!(store.run_find("k3g000000000", 10).unwrap(), [runs[2]]);
    assert_eq!(store.run_find("z", 10).unwrap(), []);
}

fn an_unknown_run_is_named(store: &dyn Store) {
    let run = id(1);
    assert_eq!(store.run_load(run).unwrap(), None);
    assert_eq!(store.run_fetch(run).unwrap(), None);
    let errors = [
        store.run_tasks(run).unwrap_err(),
        store.run_attempts(run, None).unwrap_err(),
        store.run_events(run, 0, 1).unwrap_err(),
        store.run_references(run).unwrap_err(),
        store.inbox_append(run, &cancel()).unwrap_err(),
        store.inbox_after(run, 0).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "the board has no run `000000000001`");
    }
    let claimed = store.owner_claim(run, &owner(1), &|_| true);
    assert!(matches!(
        claimed,
        Err(ClaimError::Store(StoreError::NoRun(_)))
    ));
}

fn events_are_read_in_pieces(store: &dyn Store) {
    let run = id(1);
    let mut changes = change(row(run, 1));
    changes.events = (1..=5)
        .map(|seq| EventRow {
            seq,
            at: Timestamp(7),
            what: Transition::RunCreated,
        })
        .collect();
    create_with(store, &head(run), &changes);
    let numbers = |after, limit| -> Vec<u64> {
        let events = store.run_events(run, after, limit).unwrap();
        events.into_iter().map(|event| event.seq).collect()
    };
    assert_eq!(numbers(0, 2), [1, 2]);
    assert_eq!(numbers(2, 9), [3, 4, 5]);
    assert_eq!(numbers(5, 9), [0; 0]);
}

fn attempts_are_read_by_task(store: &dyn Store) {
    let run = id(1);
    let mut changes = change(row(run, 1));
    changes.attempts = vec![
        attempt(0, 1, None),
        attempt(1, 1, None),
        attempt(1, 2, None),
    ];
    create_with(store, &head(run), &changes);
    let of_one = store.run_attempts(run, Some(TaskNo(1))).unwrap();
    assert_eq!(of_one, changes.attempts[1..]);
}

fn commands_keep_their_numbers_after_they_were_handled(store: &dyn Store) {
    let token = create(store, id(1));
    assert_eq!(store.inbox_append(id(1), &cancel()).unwrap(), 1);
    assert_eq!(store.inbox_append(id(1), &approve(3)).unwrap(), 2);
    let waiting = store.inbox_after(id(1), 1).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].seq, &waiting[0].command), (2, &approve(3)));
    let handled = RunRow {
        inbox: 2,
        ..row(id(1), 2)
    };
    commit(store, &token, &change(handled)).unwrap();
    assert_eq!(store.inbox_after(id(1), 0).unwrap(), []);
    assert_eq!(store.inbox_append(id(1), &cancel()).unwrap(), 3);
}

fn an_ended_run_takes_no_commands(store: &dyn Store) {
    let token = create(store, id(1));
    commit(store, &token, &ended(id(1), 2)).unwrap();
    let refused = store.inbox_append(id(1), &cancel()).unwrap_err();
    assert_eq!(refused.to_string(), format!("run `{}` has ended", id(1)));
}

fn a_living_owner_keeps_its_run(store: &dyn Store) {
    create(store, id(1));
    let refused = store.owner_claim(id(1), &owner(2), &|present| present.pid == 1);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "run `000000000001` belongs to process 1 on anthill, which is alive"
    );
}

fn a_new_owner_fences_the_old_one_off(store: &dyn Store) {
    let old = create(store, id(1));
    let new = store.owner_claim(id(1), &owner(2), &|_| false).unwrap();
    let late = commit(store, &old, &change(row(id(1), 2)));
    assert!(matches!(late, Err(CommitError::NotOwner(run)) if run == id(1)));
    commit(store, &new, &change(row(id(1), 2))).unwrap();
    let summary = store.run_fetch(id(1)).unwrap().unwrap();
    assert_eq!(summary.owner, Some(owner(2)));
}

fn a_released_run_belongs_to_nobody(store: &dyn Store) {
    let token = create(store, id(1));
    store.owner_release(&token).unwrap();
    store.owner_release(&token).unwrap();
    assert_eq!(store.run_fetch(id(1)).unwrap().unwrap().owner, None);
    let late = commit(store, &token, &change(row(id(1), 2)));
    assert!(matches!(late, Err(CommitError::NotOwner(_))));
    let next = store.owner_claim(id(1), &owner(2), &|_| true).unwrap();
    store.owner_release(&token).unwrap();
    commit(store, &next, &change(row(id(1), 2))).unwrap();
}

fn only_the_owner_renews(store: &dyn Store) {
    let old = create(store, id(1));
    store.owner_renew(&old, Timestamp(99)).unwrap();
    let until = |store: &dyn Store| {
        store
            .run_fetch(id(1))
            .unwrap()
            .unwrap()
            .owner
            .unwrap()
            .until
    };
    assert_eq!(until(store), Timestamp(99));
    let new = store.owner_claim(id(1), &owner(2), &|_| false).unwrap();
    let refused = store.owner_renew(&old, Timestamp(100)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "this process no longer owns run `000000000001`"
    );
    store.owner_renew(&new, Timestamp(101)).unwrap();
    assert_eq!(until(store), Timestamp(101));
}

fn member(number: u64) -> GroupMember {
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

fn enter(store: &dyn Store, number: u64) -> store::Entered {
    enter_as(store, entry(number, GroupMode::Queue), |_| true)
}

fn poll_as(store: &dyn Store, entry: GroupEntry<'_>) -> store::Entered {
    let answers = store.group_admitted(&[entry], &|_| true);
    answers.unwrap().remove(0)
}

fn poll(store: &dyn Store, number: u64) -> store::Entered {
    poll_as(store, entry(number, GroupMode::Queue))
}

fn leave(store: &dyn Store, number: u64) {
    let left = [("deploy", member(number))];
    let answers = store.group_leave(&left, &[], &|_| true).unwrap();
    assert_eq!(answers, []);
}

/// The members that live, and whether they have a place.
fn members(store: &dyn Store) -> Vec<(GroupMember, bool)> {
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

fn durations_follow_the_measurements_slowly(store: &dyn Store) {
    let measured = |ms| BTreeMap::from([("test".to_owned(), ms)]);
    for ms in [1_000, 2_000] {
        store
            .durations_record("ci", &measured(ms), Timestamp(1))
            .unwrap();
    }
    assert_eq!(store.durations("ci").unwrap(), measured(1_250));
    assert_eq!(store.durations("other").unwrap(), BTreeMap::new());
}

fn durations_of_old_measurements_are_forgotten(store: &dyn Store) {
    for (path, at) in [("old", 10), ("new", 20)] {
        let measured = BTreeMap::from([(path.to_owned(), 5)]);
        store
            .durations_record("ci", &measured, Timestamp(at))
            .unwrap();
    }
    store.durations_forget(Timestamp(15)).unwrap();
    let kept = store.durations("ci").unwrap();
    assert_eq!(kept, BTreeMap::from([("new".to_owned(), 5)]));
}

fn references_name_everything_outside_of_the_rows(store: &dyn Store) {
    let run = id(1);
    let digest = |name: &str| Digest::of(name.as_bytes());
    let artifact = |name: &str| ArtifactRef {
        name: name.into(),
        digest: digest(name),
        size_bytes: 1,
        files: 1,
    };
    let head = RunHead {
        source: Source {
            difference: Difference::Kept {
                digest: digest("difference"),
                size_bytes: 1,
            },
            ..Source::default()
        },
        ..head(run)
    };
    let mut changes = change(row(run, 1));
    changes.fragments = vec![FragmentRef {
        task: TaskNo(0),
        digest: digest("fragment"),
        scope: ScopeNo(1),
    }];
    changes.tasks = vec![TaskRow {
        artifacts: vec![artifact("artifact")],
        reused_from: Some(id(4)),
        ..task(0)
    }];
    let log = LogRef {
        segment: "w+000001".into(),
        from: 8,
        to: 100,
        size_bytes: 50,
        missing_bytes: 0,
    };
    let quiet = AttemptEnd::bare(AttemptResult::Succeeded);
    let loud = AttemptEnd {
        log: Some(log),
        summary: Some(digest("summary")),
        generated: Some(digest("generated")),
        artifacts: vec![artifact("of attempt")],
        ..quiet.clone()
    };
    changes.attempts = vec![
        attempt(0, 1, Some(loud.clone())),
        attempt(1, 1, Some(loud)),
        attempt(2, 1, Some(quiet)),
        attempt(3, 1, None),
    ];
    changes.attempts[2].worker = WorkerId("quiet".into());
    changes.attempts[3].worker = WorkerId("killed".into());
    create_with(store, &head, &changes);
    let found = store.run_references(run).unwrap();
    let names = [
        "plan",
        "difference",
        "fragment",
        "artifact",
        "of attempt",
        "summary",
        "generated",
    ];
    assert_eq!(found.blobs, names.into_iter().map(digest).collect());
    assert_eq!(found.segments, BTreeMap::from([("w+000001".into(), 100)]));
    assert_eq!(found.workers, [WorkerId("killed".into())].into());
    assert_eq!(found.runs, [id(4)].into());
}

fn removed_runs_leave_nothing(store: &dyn Store) {
    for number in 1..=2 {
        let run = id(number);
        let mut changes = Dice(number).changes(row(run, 1), 3, &mut 0);
        changes.run.inbox = 0;
        let token = create_with(store, &head(run), &changes);
        store.inbox_append(run, &cancel()).unwrap();
        enter(store, number);
        commit(store, &token, &ended(run, 2)).unwrap();
    }
    let kept = store.run_load(id(2)).unwrap();
    store.run_remove(&[id(1), id(3)]).unwrap();
    assert_eq!(store.run_load(id(1)).unwrap(), None);
    assert_eq!(store.run_load(id(2)).unwrap(), kept);
    create(store, id(1));
    let again = store.run_load(id(1)).unwrap().unwrap();
    assert_eq!((again.tasks, again.attempts), (vec![], vec![]));
    assert_eq!(store.run_events(id(1), 0, 9).unwrap(), []);
    assert_eq!(store.inbox_after(id(1), 0).unwrap(), []);
    assert!(!poll(store, 1).admitted);
}

fn what_an_ended_run_still_wanted_is_settled_and_nothing_of_a_living_one(store: &dyn Store) {
    let effect = |number| EffectRow {
        key: EffectKey::leave(None),
        effect: Effect::LeaveGroup {
            group: "deploy".into(),
            member: member(number),
        },
    };
    for number in 1..=2 {
        let mut changes = change(row(id(number), 1));
        changes.effects.push(effect(number));
        let token = create_with(store, &head(id(number)), &changes);
        enter(store, number);
        if number == 1 {
            commit(store, &token, &ended(id(1), 2)).unwrap();
        }
    }
    store.run_settle_ended().unwrap();
    let effects = |number| store.run_load(id(number)).unwrap().unwrap().effects;
    assert_eq!((effects(1), effects(2)), (vec![], vec![effect(2)]));
    assert_eq!(members(store), [(member(2), true)]);
}

fn a_living_run_is_never_removed(store: &dyn Store) {
    let token = create(store, id(1));
    commit(store, &token, &ended(id(1), 2)).unwrap();
    create(store, id(2));
    let refused = store.run_remove(&[id(1), id(2)]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "run `000000000002` has not ended, so it is kept; cancel it first"
    );
    assert!(store.run_fetch(id(1)).unwrap().is_some());
}

fn a_write_of_somebody_else_shows_as_a_change(store: &dyn Store) {
    create(store, id(1));
    let before = store.changed().unwrap();
    assert_eq!(store.changed().unwrap(), before);
    store.inbox_append(id(1), &cancel()).unwrap();
    assert_ne!(store.changed().unwrap(), before);
}

fn many_threads_commit_at_once(store: &dyn Store) {
    const THREADS: u64 = 12;
    const COMMITS: u64 = 40;
    let write = |number: u64| {
        let token = create(store, id(number));
        for version in 2..=COMMITS {
            let mut changes = change(row(id(number), version));
            changes.tasks.push(task(u32::try_from(version).unwrap()));
            commit(store, &token, &changes).unwrap();
            let twice = commit(store, &token, &changes);
            assert!(matches!(twice, Err(CommitError::Conflict { .. })));
        }
    };
    std::thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn(move || write(number));
        }
    });
    for number in 0..THREADS {
        let snapshot = store.run_load(id(number)).unwrap().unwrap();
        assert_eq!(snapshot.run.version, COMMITS);
        assert_eq!(snapshot.tasks.len() as u64, COMMITS - 1);
    }
}
