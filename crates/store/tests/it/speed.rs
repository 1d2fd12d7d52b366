//! The shape of the measurement; its numbers are a matter of `xtask bench`.

use store::{SqliteStore, Store as _, bench};

#[test]
fn a_measurement_has_all_its_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let measured = bench::commits(dir.path(), &bench::sample(4, 5)).unwrap();
    assert!(measured.floor_per_s > 0.0 && measured.ours_per_s > 0.0);
    assert!(measured.acknowledged.p50 <= measured.acknowledged.p99);
    assert!(!measured.sync.p50.is_zero());
}

#[test]
fn a_task_takes_less_than_half_a_kilobyte_of_the_board() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("board.sqlite");
    const TASKS: usize = 2_000;
    let [client] = &bench::sample(1, TASKS)[..] else {
        panic!("one client")
    };
    let store = SqliteStore::open(&path).unwrap();
    let owner = &crate::rows::owner(1);
    let token = store
        .run_create(&store::NewRun {
            head: &client.head,
            changes: &client.first,
            owner,
        })
        .unwrap();
    let commits = client.then.iter().map(|changes| store::Commit {
        run: client.head.id,
        expected_version: changes.run.version - 1,
        owner: &token,
        changes,
    });
    let results = store.run_commit(&commits.collect::<Vec<_>>());
    assert!(results.iter().all(Result::is_ok));
    drop(store);
    let bytes = path.metadata().unwrap().len();
    assert!(bytes / (TASKS as u64) < 512, "{bytes} bytes");
}
