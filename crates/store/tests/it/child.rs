//! Other processes: this test binary, started again to do one thing.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::rows::{change, commit, create, id, row, task};
use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{self, Child, Stdio};
use store::{SqliteStore, Store as _};

const PART: &str = "STORE_TEST_PART";
const BOARD: &str = "STORE_TEST_BOARD";

/// The command line that plays `part` on `board`.
pub(crate) fn command(part: &str, board: &std::path::Path) -> process::Command {
    let mut command = process::Command::new(env::current_exe().unwrap());
    command
        .args(["child::plays_its_part", "--exact", "--nocapture"])
        .env(PART, part)
        .env(BOARD, board)
        .stdout(Stdio::piped());
    command
}

pub(crate) fn spawn(part: &str, board: &std::path::Path) -> Child {
    command(part, board).spawn().unwrap()
}

/// What the other process does. Without a part to play there is nothing to do.
#[test]
fn plays_its_part() {
    let Ok(part) = env::var(PART) else { return };
    let board = PathBuf::from(env::var(BOARD).unwrap());
    match part.as_str() {
        "write and tell" => write_and_tell(&board),
        "write some" => write_some(&board),
        "fill the disk" => fill_the_disk(&board),
        "open" => open(&board),
        "locate" => {
            let lines = crate::places::locate_in_a_protected_tree(&board);
            for (number, line) in lines.iter().enumerate() {
                tell(&format!("place{number}={line}"));
            }
        }
        other => panic!("no part `{other}`"),
    }
}

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Commits until it is killed; tells each version after it was acknowledged.
fn write_and_tell(board: &std::path::Path) {
    let store = SqliteStore::open(board).unwrap();
    let run = id(u64::from(process::id()));
    let token = create(&store, run);
    tell(&format!("run={run}"));
    for version in 2.. {
        let mut changes = change(row(run, version));
        changes.tasks.push(task(u32::try_from(version).unwrap()));
        commit(&store, &token, &changes).unwrap();
        tell(&format!("version={version}"));
    }
}

/// Commits 200 changes of one run beside others who write.
fn write_some(board: &std::path::Path) {
    let store = SqliteStore::open(board).unwrap();
    let run = id(u64::from(process::id()));
    let token = create(&store, run);
    for version in 2..=200 {
        commit(&store, &token, &change(row(run, version))).unwrap();
    }
    tell(&format!("run={run}"));
}

/// Commits until there is no space, then makes space and goes on.
fn fill_the_disk(board: &std::path::Path) {
    let ballast = board.with_file_name("ballast");
    std::fs::write(&ballast, vec![1; 128 * 1024]).unwrap();
    let store = SqliteStore::open(board).unwrap();
    let run = id(1);
    let token = create(&store, run);
    let mut version = 1;
    let error = loop {
        let mut changes = change(row(run, version + 1));
        let number = u32::try_from(version).unwrap();
        changes.tasks.push(engine::rows::TaskRow {
            note: Some("x".repeat(4_000).into()),
            ..task(number)
        });
        match commit(&store, &token, &changes) {
            Ok(()) => version += 1,
            Err(error) => break error,
        }
        assert!(version < 10_000, "the disk is too large for this test");
    };
    tell(&format!("error={error}"));
    let snapshot = store.run_load(run).unwrap().unwrap();
    assert_eq!(snapshot.run.version, version);
    assert_eq!(snapshot.tasks.len() as u64, version - 1);
    std::fs::remove_file(ballast).unwrap();
    commit(&store, &token, &change(row(run, version + 1))).unwrap();
    drop(store);
    let again = SqliteStore::open(board).unwrap();
    let summary = again.run_fetch(run).unwrap().unwrap();
    assert_eq!(summary.row.version, version + 1);
    tell("went on");
}

fn open(board: &std::path::Path) {
    match SqliteStore::open(board) {
        Ok(_) => tell("opened"),
        Err(error) => tell(&format!("error={error}")),
    }
}
