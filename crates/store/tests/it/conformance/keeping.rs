//! What is kept beside the rows of runs on every board, and what goes with a removed run.

use super::groups::{enter, member, members, poll};
use crate::rows::{
    Dice, attempt, cancel, change, commit, create, create_with, ended, head, id, row, task,
};
use engine::rows::{
    ArtifactRef, AttemptEnd, AttemptResult, Effect, EffectKey, EffectRow, Ended, FragmentRef,
    KeyRow, Keyed, LogRef, ReuseKey, Reused, RunHead, TaskRow, TaskState,
};
use model::digest::Digest;
use model::ids::{RunId, ScopeNo, TaskNo, WorkerId};
use model::source::{Difference, Source};
use model::time::Timestamp;
use std::collections::BTreeMap;
use store::{Commit, Store};

on_every_board! {
    durations_follow_the_measurements_slowly,
    durations_of_old_measurements_are_forgotten,
    references_name_everything_outside_of_the_rows,
    removed_runs_leave_nothing,
    a_living_run_is_never_removed,
    a_result_is_found_by_its_key_and_goes_with_its_run,
    of_several_results_that_of_the_newest_run_is_found,
    a_result_whose_commit_was_refused_is_never_found,
    what_an_ended_run_still_wanted_is_settled_and_nothing_of_a_living_one,
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
        attempt(4, 1, Some(AttemptEnd::bare(AttemptResult::Reused))),
    ];
    changes.attempts[4].worker = WorkerId("had nothing to say".into());
    // Found for an attempt that goes on: it must not go before that has ended.
    let found = Reused {
        run: id(5),
        ended: Ended::Succeeded,
        tolerated: false,
        outputs: BTreeMap::new(),
        artifacts: vec![artifact("found")],
        generated: None,
    };
    changes.attempts[3].keyed = Some(Box::new(Keyed {
        key: key_row().key,
        found: Some(found),
    }));
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
        "found",
    ];
    assert_eq!(found.blobs, names.into_iter().map(digest).collect());
    assert_eq!(found.segments, BTreeMap::from([("w+000001".into(), 100)]));
    assert_eq!(found.workers, [WorkerId("killed".into())].into());
    assert_eq!(found.runs, [id(4), id(5)].into());
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

/// A run whose task 0 has given an artifact and published it under a key.
fn publish(store: &dyn Store, number: u64, name: &str) {
    let run = id(number);
    let token = create(store, run);
    let mut changes = ended(run, 2);
    (changes.tasks, changes.keys) = (vec![giver(name)], vec![key_row()]);
    commit(store, &token, &changes).unwrap();
}

fn key_row() -> KeyRow {
    let (key, task) = (ReuseKey(Digest::of(b"key")), TaskNo(0));
    KeyRow { key, task }
}

fn giver(name: &str) -> TaskRow {
    let artifact = ArtifactRef {
        name: name.into(),
        digest: Digest::of(name.as_bytes()),
        size_bytes: 1,
        files: 1,
    };
    TaskRow {
        state: TaskState::Ended(Ended::Succeeded),
        artifacts: vec![artifact],
        ..task(0)
    }
}

fn found(store: &dyn Store) -> Option<(RunId, String)> {
    let found = store.reuse_find(key_row().key).unwrap()?;
    assert_eq!((found.ended, found.tolerated), (Ended::Succeeded, false));
    let [artifact] = &found.artifacts[..] else {
        panic!("{found:?}")
    };
    Some((found.run, artifact.name.clone()))
}

fn a_result_is_found_by_its_key_and_goes_with_its_run(store: &dyn Store) {
    assert_eq!(found(store), None);
    publish(store, 1, "one");
    assert_eq!(found(store), Some((id(1), "one".to_owned())));
    let other = ReuseKey(Digest::of(b"other"));
    assert_eq!(store.reuse_find(other).unwrap(), None);
    store.run_remove(&[id(1)]).unwrap();
    assert_eq!(found(store), None);
    create(store, id(1));
    assert_eq!(found(store), None);
}

fn of_several_results_that_of_the_newest_run_is_found(store: &dyn Store) {
    publish(store, 2, "older");
    publish(store, 1, "newer");
    assert_eq!(found(store), Some((id(1), "newer".to_owned())));
    store.run_remove(&[id(1)]).unwrap();
    assert_eq!(found(store), Some((id(2), "older".to_owned())));
}

fn a_result_whose_commit_was_refused_is_never_found(store: &dyn Store) {
    let token = create(store, id(1));
    let mut late = change(row(id(1), 3));
    (late.tasks, late.keys) = (vec![giver("late")], vec![key_row()]);
    let commits = [Commit {
        run: id(1),
        expected_version: 2,
        owner: &token,
        changes: &late,
    }];
    assert!(store.run_commit(&commits)[0].is_err());
    assert_eq!(found(store), None);
}
