//! What every board does: run on the one in memory and on the one in a file.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::rows::{
    Dice, attempt, cancel, change, commit, create, create_with, ended, head, id, owner, row, task,
};
use engine::rows::{
    AttemptEnd, AttemptResult, Effect, EffectKey, EffectRow, EventRow, GroupMember, RunHead,
    RunRow, Transition,
};
use model::ids::TaskNo;
use model::time::Timestamp;
use proptest::prelude::*;
use store::{ClaimError, Commit, CommitError, MemoryStore, NewRun, RunFilter, Store, StoreError};

macro_rules! on_every_board {
    ($($name:ident,)+) => {
        mod in_memory {
            $(#[test]
            fn $name() {
                super::$name(&store::MemoryStore::new());
            })+
        }
        mod in_a_file {
            $(#[test]
            fn $name() {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("board.sqlite");
                super::$name(&store::SqliteStore::open(&path).unwrap());
            })+
        }
    };
}

mod groups;
mod keeping;
mod owners;

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
