//! What inboxes and owners do on every board: commands keep their numbers, and a new owner fences the old one off.

use crate::rows::{approve, cancel, change, commit, create, ended, id, owner, row};
use engine::rows::RunRow;
use model::time::Timestamp;
use store::{CommitError, Store};

on_every_board! {
    commands_keep_their_numbers_after_they_were_handled,
    an_ended_run_takes_no_commands,
    a_living_owner_keeps_its_run,
    a_new_owner_fences_the_old_one_off,
    a_released_run_belongs_to_nobody,
    only_the_owner_renews,
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
