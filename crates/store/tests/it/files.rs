//! What happens to the file: several processes, kills, full disks, other versions.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::child;
use crate::rows::{change, commit, create, id, row};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use store::{CommitError, RunFilter, SqliteStore, Store, StoreError};

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(&dir.join("board.sqlite")).unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let out = child.stdout.take().unwrap();
    BufReader::new(out).lines().map_while(Result::ok)
}

/// The value of the first line `name=…`.
pub(crate) fn told(lines: &mut impl Iterator<Item = String>, name: &str) -> Option<String> {
    lines.find_map(|line| {
        let (found, value) = line.split_once('=')?;
        // The test harness writes its own words in front of the first line.
        found.ends_with(name).then(|| value.to_owned())
    })
}

#[test]
fn a_second_handle_sees_what_the_first_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (open(dir.path()), open(dir.path()));
    let token = create(&first, id(1));
    assert!(second.run_fetch(id(1)).unwrap().is_some());
    commit(&second, &token, &change(row(id(1), 2))).unwrap();
    let late = commit(&first, &token, &change(row(id(1), 2)));
    assert!(late.is_err());
}

#[test]
fn only_writes_of_others_count_as_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (open(dir.path()), open(dir.path()));
    let token = create(&first, id(1));
    let before = first.changed().unwrap();
    commit(&first, &token, &change(row(id(1), 2))).unwrap();
    first.run_fetch(id(1)).unwrap();
    assert_eq!(first.changed().unwrap(), before);
    second.inbox_append(id(1), &crate::rows::cancel()).unwrap();
    assert_ne!(first.changed().unwrap(), before);
}

#[test]
fn a_run_removed_by_another_process_is_gone_here_too() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (open(dir.path()), open(dir.path()));
    let token = create(&first, id(1));
    commit(&second, &token, &crate::rows::ended(id(1), 2)).unwrap();
    second.run_remove(&[id(1)]).unwrap();
    let late = commit(&first, &token, &change(row(id(1), 3))).unwrap_err();
    assert_eq!(late.to_string(), "the board has no run `000000000001`");
    let refused = first
        .inbox_append(id(1), &crate::rows::cancel())
        .unwrap_err();
    assert_eq!(refused.to_string(), "the board has no run `000000000001`");
}

#[test]
fn several_processes_write_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let board = dir.path().join("board.sqlite");
    let mut children: Vec<Child> = (0..3).map(|_| child::spawn("write some", &board)).collect();
    let store = open(dir.path());
    let token = create(&store, id(1));
    for version in 2..=200 {
        commit(&store, &token, &change(row(id(1), version))).unwrap();
    }
    for child in &mut children {
        let mut lines = lines(child);
        let run = told(&mut lines, "run").unwrap().parse().unwrap();
        lines.for_each(drop);
        assert!(child.wait().unwrap().success());
        assert_eq!(store.run_fetch(run).unwrap().unwrap().row.version, 200);
    }
    let all = store.run_list(&RunFilter::default()).unwrap();
    assert!(all.iter().all(|run| run.row.version == 200));
    assert_eq!(all.len(), 4);
}

#[test]
fn every_acknowledged_commit_outlives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let board = dir.path().join("board.sqlite");
    for commits in [1, 2, 3, 5, 8, 13, 40, 100] {
        let mut child = child::spawn("write and tell", &board);
        let mut lines = lines(&mut child);
        let run = told(&mut lines, "run").unwrap().parse().unwrap();
        let mut acknowledged = 1;
        for _ in 0..commits {
            acknowledged = told(&mut lines, "version").unwrap().parse().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(version) = told(&mut lines, "version") {
            acknowledged = version.parse().unwrap();
        }
        let store = open(dir.path());
        let snapshot = store.run_load(run).unwrap().unwrap();
        assert!(snapshot.run.version >= acknowledged);
        assert_eq!(snapshot.tasks.len() as u64, snapshot.run.version - 1);
    }
}

/// The part played where `/mnt` is a small file system of its own, made by `mount` with `options`;
/// `None` where that is not allowed.
pub(crate) fn on_a_mount(part: &str, options: &str) -> Option<Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().display();
    let played = child::command(part, &dir.path().join("board.sqlite"));
    let script = format!("mount -t tmpfs -o {options} tmpfs {inside} && exec \"$0\" \"$@\"");
    let allowed = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg(format!("mount -t tmpfs -o {options} tmpfs {inside}"))
        .stderr(Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        return None;
    }
    let out = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .arg(played.get_program())
        .args(played.get_args())
        .envs(
            played
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{text}");
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn a_full_disk_is_named_and_loses_nothing() {
    let Some(lines) = on_a_mount("fill the disk", "size=1m") else {
        a_file_size_limit_loses_nothing();
        return;
    };
    let error = told(&mut lines.iter().cloned(), "error").unwrap();
    let (before, behind) = error.split_once('`').unwrap();
    assert_eq!(before, "no space is left on the disk for the board ");
    assert!(
        behind.ends_with(
            "board.sqlite`; everything acknowledged is kept: free some space, \
             then `formic resume`"
        ),
        "{behind}"
    );
    assert!(lines.iter().any(|line| line == "went on"));
}

/// Where nothing can be mounted, a limit on the size of files does for a full disk; the system gives
/// another error then, and the limit stays, so only the loss of nothing is checked.
fn a_file_size_limit_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let board = dir.path().join("board.sqlite");
    let played = child::command("write and tell", &board);
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""])
        .arg(played.get_program())
        .args(played.get_args())
        .envs(
            played
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = lines(&mut child);
    let run = told(&mut lines, "run").unwrap().parse().unwrap();
    let mut acknowledged = 1;
    while let Some(version) = told(&mut lines, "version") {
        acknowledged = version.parse().unwrap();
    }
    assert!(!child.wait().unwrap().success());
    let summary = open(dir.path()).run_fetch(run).unwrap().unwrap();
    assert!(summary.row.version >= acknowledged);
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let error = match on_a_mount("open", "ro") {
        Some(lines) => told(&mut lines.into_iter(), "error").unwrap(),
        None => {
            // Whoever may not mount is not root, so that permissions count.
            let dir = tempfile::tempdir().unwrap();
            let mut permissions = fs::metadata(dir.path()).unwrap().permissions();
            permissions.set_readonly(true);
            fs::set_permissions(dir.path(), permissions).unwrap();
            let opened = SqliteStore::open(&dir.path().join("board.sqlite"));
            opened.err().unwrap().to_string()
        }
    };
    let (before, behind) = error.split_once('`').unwrap();
    assert_eq!(before, "the board ");
    assert!(
        behind.ends_with(
            "board.sqlite` may not be written; set `FORMIC_STATE` to a folder that may be written"
        ),
        "{behind}"
    );
}

#[test]
fn a_board_of_a_newer_program_is_refused_by_both_versions() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let path = dir.path().join("board.sqlite");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 7).unwrap();
    drop(raw);
    let error = SqliteStore::open(&path).err().unwrap().to_string();
    let board = path.display();
    assert_eq!(
        error,
        format!(
            "the board `{board}` has version 7, and this formic knows versions up to 3; \
             use the formic that wrote it, or set `FORMIC_STATE` to another folder"
        )
    );
}

#[test]
fn a_board_of_an_older_program_is_brought_up_to_date() {
    let third = "DROP TABLE reuse";
    let second = "DROP TABLE reuse; ALTER TABLE place DROP COLUMN supersedes";
    for (version, undo) in [(2, third), (1, second)] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        create(&store, id(1));
        drop(store);
        let raw = rusqlite::Connection::open(dir.path().join("board.sqlite")).unwrap();
        raw.execute_batch(undo).unwrap();
        raw.pragma_update(None, "user_version", version).unwrap();
        drop(raw);
        let store = open(dir.path());
        assert!(store.run_load(id(1)).unwrap().is_some());
        let key = engine::rows::ReuseKey(model::digest::Digest::of(b"key"));
        assert_eq!(store.reuse_find(key).unwrap(), None);
        drop(store);
        let raw = rusqlite::Connection::open(dir.path().join("board.sqlite")).unwrap();
        let wanted = "SELECT supersedes FROM place";
        assert!(raw.prepare(wanted).is_ok(), "from version {version}");
    }
}

#[test]
fn a_file_that_is_something_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("board.sqlite");
    let foreign = format!(
        "`{}` is not a board of Formic; move it away or set `FORMIC_STATE`",
        path.display()
    );
    fs::write(
        &path,
        "a shopping list, long enough to look like a file of somebody\n".repeat(99),
    )
    .unwrap();
    let before = fs::read(&path).unwrap();
    assert_eq!(SqliteStore::open(&path).err().unwrap().to_string(), foreign);
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::remove_file(&path).unwrap();
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("CREATE TABLE shopping (item)").unwrap();
    drop(raw);
    assert_eq!(SqliteStore::open(&path).err().unwrap().to_string(), foreign);
}

#[test]
fn rows_that_make_no_sense_are_damage() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    create(&store, id(1));
    let raw = rusqlite::Connection::open(store.path()).unwrap();
    raw.execute("UPDATE run SET state=199", []).unwrap();
    let error = store.run_load(id(1)).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { what, .. }
        if what.contains("the number 199 has no meaning here")));
}

#[test]
fn a_folder_that_is_missing_is_an_error_with_its_cause() {
    let error = SqliteStore::open(Path::new("/nowhere/at/all/board.sqlite"))
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "cannot use the board `/nowhere/at/all/board.sqlite`"
    );
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("unable to open database file"), "{source}");
}

#[test]
fn a_board_whose_file_is_gone_or_another_one_acknowledges_and_tells_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let token = create(&store, id(1));
    let is_gone = |error: &StoreError| matches!(error, StoreError::Gone { .. });
    fs::remove_file(store.path()).unwrap();
    let late = commit(&store, &token, &change(row(id(1), 2)));
    assert!(
        matches!(&late, Err(CommitError::Store(error)) if is_gone(error)),
        "{late:?}"
    );
    assert!(is_gone(&store.changed().unwrap_err()));
    assert!(is_gone(&store.run_fetch(id(1)).unwrap_err()));
    // A new file at the same path is another board.
    fs::remove_file(dir.path().join("board.sqlite-wal")).unwrap();
    fs::remove_file(dir.path().join("board.sqlite-shm")).unwrap();
    let other = open(dir.path());
    assert_eq!(other.run_fetch(id(1)).unwrap(), None);
    assert!(is_gone(&store.must_be_there().unwrap_err()));
}

#[test]
fn a_board_is_read_alone_without_an_index_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    create(&store, id(1));
    // What a killed process leaves: the log is not moved into the file.
    let copy = tempfile::tempdir().unwrap();
    for name in ["board.sqlite", "board.sqlite-wal"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let alone = SqliteStore::open_alone(&copy.path().join("board.sqlite")).unwrap();
    assert!(alone.is_alone());
    let there = alone.run_fetch(id(1)).unwrap().unwrap();
    assert_eq!(there.head, store.run_fetch(id(1)).unwrap().unwrap().head);
    assert_eq!(alone.run_list(&RunFilter::default()).unwrap().len(), 1);
    drop(alone);
    assert!(!copy.path().join("board.sqlite-shm").exists());
}
