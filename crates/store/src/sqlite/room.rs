//! Room at the end of the log, so that commits overwrite instead of append.
//!
//! A sync of a file that grows also writes where its new blocks are; that takes two to ten times as long as a sync of
//! blocks that are there (measured on ext4). So when a commit has made the log grow, zeroes are appended to it: a
//! few large growths instead of one for each commit. The zeroes are never read: a frame counts only if its header
//! carries the log's salt and checksum, and where the log ends is known from these, never from the file's size.
//!
//! Only the holder of the write transaction may append here: nobody else appends meanwhile, and nothing that is
//! there already is touched. Room is not a promise: where there is none to be had, commits append as ever.

use rusqlite::Connection;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The first growth; each one doubles the log up to [`MOST_BYTES`] more. Small, because a board that is opened
/// for a few commits pays for it too.
const LEAST_BYTES: u64 = 128 << 10;
const MOST_BYTES: u64 = 2 << 20;
static ZEROES: [u8; 64 << 10] = [0; 64 << 10];

/// A log that is longer gets no more room: it is moved into the file long before, unless somebody reads for long, and
/// then it is cut back to this.
const LOG_BYTES: u64 = super::connection::LOG_BYTES_KEPT as u64;

/// The log's file, its size when it was last seen, and whether a commit of this process has made it grow.
pub(super) struct Room {
    path: PathBuf,
    file: Option<File>,
    size_bytes: u64,
    is_used_up: bool,
    /// Making room has failed; it is not tried again.
    is_out: bool,
}

impl Room {
    /// Of the board in the file `board`.
    pub(super) fn new(board: &Path) -> Self {
        let mut path = board.as_os_str().to_owned();
        path.push("-wal");
        Self {
            path: path.into(),
            file: None,
            size_bytes: 0,
            is_used_up: false,
            is_out: false,
        }
    }

    /// Makes room in the write transaction of `writer` if commits of this process have used up what there was. What
    /// others made the log grow by is theirs: if each answered the room of the other with more room, there were no end.
    pub(super) fn keep(&mut self, writer: &Connection) {
        // A failure may have ended the transaction.
        let has_transaction = !writer.is_autocommit();
        if has_transaction && !self.is_out && self.make().is_err() {
            self.is_out = true;
        }
    }

    /// Looks after a commit of this process whether it made the log grow.
    pub(super) fn look(&mut self) {
        let Some(log) = &self.file else { return };
        if let Ok(seen) = log.metadata() {
            self.is_used_up |= seen.len() > self.size_bytes;
            self.size_bytes = seen.len();
        }
    }

    fn make(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            let log = OpenOptions::new().read(true).write(true).open(&self.path)?;
            // One that is there has the room of whoever made it.
            self.is_used_up = log.metadata()?.len() < LEAST_BYTES;
            self.file = Some(log);
        }
        let Some(log) = &self.file else { return Ok(()) };
        let size = log.metadata()?.len();
        self.size_bytes = size;
        if !self.is_used_up || size >= LOG_BYTES {
            return Ok(());
        }
        self.is_used_up = false;
        let wanted = size + size.clamp(LEAST_BYTES, MOST_BYTES);
        let filled = fill(log, size, wanted);
        // On a full disk the room goes back to whoever needs it.
        self.size_bytes = if filled.is_ok() { wanted } else { size };
        filled.or_else(|error| log.set_len(size).and(Err(error)))
    }
}

fn fill(log: &File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let left = usize::try_from(to - at).unwrap_or(ZEROES.len());
        let zeroes = &ZEROES[..left.min(ZEROES.len())];
        log.write_all_at(zeroes, at)?;
        at += zeroes.len() as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{Commit, NewRun, Store as _};
    use crate::owner::process::this_process;
    use crate::sqlite::SqliteStore;
    use model::time::Timestamp;

    #[test]
    fn commits_use_the_room_and_a_log_with_room_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("board.sqlite");
        let store = SqliteStore::open(&path).unwrap();
        let client = crate::bench::sample(1, 60).remove(0);
        let owner = this_process(0, Timestamp(0)).unwrap();
        let (head, changes) = (&client.head, &client.first);
        let new = NewRun {
            head,
            changes,
            owner: &owner,
        };
        let token = store.run_create(&new).unwrap();
        let log = dir.path().join("board.sqlite-wal");
        let mut sizes = std::collections::BTreeSet::new();
        for changes in &client.then {
            let commit = Commit {
                run: head.id,
                expected_version: changes.run.version - 1,
                owner: &token,
                changes,
            };
            store.run_commit(&[commit]).remove(0).unwrap();
            sizes.insert(log.metadata().unwrap().len());
        }
        assert!(sizes.len() <= 10, "{sizes:?}");
        // What a killed process leaves: both files as they are.
        let copy = tempfile::tempdir().unwrap();
        for name in ["board.sqlite", "board.sqlite-wal"] {
            std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
        }
        let again = SqliteStore::open(&copy.path().join("board.sqlite")).unwrap();
        let load = |store: &SqliteStore| store.run_load(head.id).unwrap().unwrap();
        assert_eq!(load(&again), load(&store));
        assert_eq!(load(&again).run.version, 61);
    }

    #[test]
    fn two_that_write_in_turns_do_not_answer_the_room_of_each_other_with_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("board.sqlite");
        let stores = [0, 1].map(|_| SqliteStore::open(&path).unwrap());
        let owner = this_process(0, Timestamp(0)).unwrap();
        let clients = crate::bench::sample(2, 60);
        let tokens: Vec<_> = clients
            .iter()
            .zip(&stores)
            .map(|(client, store)| {
                let (head, changes) = (&client.head, &client.first);
                let new = NewRun {
                    head,
                    changes,
                    owner: &owner,
                };
                store.run_create(&new).unwrap()
            })
            .collect();
        for place in 0..60 {
            for ((client, store), token) in clients.iter().zip(&stores).zip(&tokens) {
                let changes = &client.then[place];
                let commit = Commit {
                    run: client.head.id,
                    expected_version: changes.run.version - 1,
                    owner: token,
                    changes,
                };
                store.run_commit(&[commit]).remove(0).unwrap();
            }
        }
        let log = dir.path().join("board.sqlite-wal").metadata().unwrap();
        assert!(log.len() < 8 << 20, "{} bytes for 120 commits", log.len());
    }

    #[test]
    fn a_log_that_is_not_there_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut room = Room::new(&dir.path().join("board.sqlite"));
        assert!(room.make().is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
