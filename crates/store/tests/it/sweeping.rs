//! What a sweep removes of the board, the blobs and the logs, and what never.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::rows::{attempt, change, commit, create_with, ended, head, id, row};
use engine::rows::{AttemptEnd, AttemptResult, RunHead};
use model::digest::Digest;
use model::ids::{AttemptId, AttemptNo, RunId, TaskNo, WorkerId};
use model::time::Timestamp;
use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;
use store::{
    BlobStore as _, DiskBlobs, Frame, LogSink as _, LogStore, MemoryStore, Retention, Store as _,
    Stream, Swept, sweep,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

struct State {
    dir: tempfile::TempDir,
    board: MemoryStore,
    blobs: DiskBlobs,
    logs: LogStore,
}

impl State {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            board: MemoryStore::new(),
            blobs: DiskBlobs::open(&dir.path().join("blobs")).unwrap(),
            logs: LogStore::open(&dir.path().join("logs")).unwrap(),
            dir,
        }
    }

    /// A run with a plan and a log of its own.
    fn run(&self, number: u64) -> RunId {
        let run = id(number);
        let plan = self.old_blob(&format!("plan {number}"));
        let worker = WorkerId(format!("worker{number}"));
        let mut writer = self.logs.writer(&worker);
        let attempt_id = AttemptId {
            run,
            task: TaskNo(0),
            attempt: AttemptNo(1),
        };
        let frame = Frame {
            attempt: attempt_id,
            stream: Stream::Stdout,
            step: 0,
            at: Timestamp(0),
            bytes: Cow::Borrowed(b"output"),
        };
        writer.append(&[frame]).unwrap();
        let end = AttemptEnd {
            log: writer.finish(attempt_id, 0),
            ..AttemptEnd::bare(AttemptResult::Succeeded)
        };
        let mut changes = change(row(run, 1));
        changes.attempts = vec![attempt(0, 1, Some(end))];
        let head = RunHead { plan, ..head(run) };
        create_with(&self.board, &head, &changes);
        run
    }

    fn end(&self, run: RunId) {
        let nobody = crate::rows::owner(9);
        let token = self.board.owner_claim(run, &nobody, &|_| false).unwrap();
        commit(&self.board, &token, &ended(run, 2)).unwrap();
    }

    /// A blob that was put long ago.
    fn old_blob(&self, content: &str) -> Digest {
        let digest = self.blobs.put_bytes(content.as_bytes()).unwrap();
        self.blobs.sync().unwrap();
        let hex = digest.to_hex();
        let path = self
            .dir
            .path()
            .join("blobs")
            .join(&hex[..2])
            .join(&hex[2..]);
        make_old(&path);
        digest
    }

    fn sweep(&self, keep: Retention) -> Swept {
        // Long after the blobs were put and the runs ended.
        let now = Timestamp(10 * DAY_MS);
        sweep(&self.board, &self.blobs, &self.logs, &keep, now).unwrap()
    }
}

fn make_old(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH).unwrap();
}

const ONE: Retention = Retention {
    days: 30,
    runs: 1,
    bytes: u64::MAX,
};

#[test]
fn a_run_goes_with_its_blobs_and_logs() {
    let state = State::new();
    let (old, new) = (state.run(1), state.run(2));
    state.end(old);
    state.end(new);
    let swept = state.sweep(ONE);
    assert_eq!((swept.runs, swept.blobs, swept.segments), (vec![old], 1, 1));
    assert!(state.board.run_fetch(new).unwrap().is_some());
    assert_eq!(state.blobs.list().unwrap().len(), 1);
    assert_eq!(state.logs.list().unwrap()[0].name, "worker2+000001");
    assert_eq!(state.sweep(ONE), Swept::default());
}

#[test]
fn a_living_run_keeps_everything() {
    let state = State::new();
    let living = state.run(1);
    let newer = state.run(2);
    state.end(newer);
    let none = Retention {
        days: 0,
        runs: 0,
        bytes: 0,
    };
    assert_eq!(state.sweep(none).runs, [newer]);
    assert!(state.board.run_fetch(living).unwrap().is_some());
    let plan = Digest::of(b"plan 1");
    assert!(state.blobs.exists(&plan).unwrap());
}

#[test]
fn content_that_no_run_names_goes_when_it_is_old() {
    let state = State::new();
    let old = state.old_blob("left by a crash");
    // Put a moment ago by the clock of the machine, long after the sweep's `now`.
    let young = state.blobs.put_bytes(b"about to be named").unwrap();
    state.blobs.sync().unwrap();
    assert_eq!(state.sweep(ONE).blobs, 1);
    assert!(!state.blobs.exists(&old).unwrap());
    assert!(state.blobs.exists(&young).unwrap());
}

#[test]
fn logs_of_killed_attempts_stay_with_their_run() {
    let state = State::new();
    let run = id(1);
    let worker = WorkerId("killed".into());
    let attempt_id = AttemptId {
        run,
        task: TaskNo(0),
        attempt: AttemptNo(1),
    };
    let mut writer = state.logs.writer(&worker);
    let frame = Frame {
        attempt: attempt_id,
        stream: Stream::Stdout,
        step: 0,
        at: Timestamp(0),
        bytes: Cow::Borrowed(b"last words"),
    };
    writer.append(&[frame]).unwrap();
    drop(writer);
    let mut changes = change(row(run, 1));
    let mut killed = attempt(0, 1, None);
    killed.worker = worker;
    changes.attempts = vec![killed];
    create_with(&state.board, &head(run), &changes);
    assert_eq!(state.sweep(ONE).segments, 0);
    assert_eq!(state.logs.list().unwrap().len(), 1);
}
