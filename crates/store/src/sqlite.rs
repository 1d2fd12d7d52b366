//! The board in one SQLite file.
//!
//! WAL with `synchronous=FULL`: what is acknowledged survives `kill -9` and power loss, at one sync
//! of the log per transaction. One connection writes; everyone's commits that come while the disk
//! is busy form the next transaction (`group_commit`). Reads have connections of their own and
//! never wait for a write. Other processes do the same on the same file.

mod codes;
mod connection;
mod decode;
mod durations;
mod encode;
mod floor;
mod group_commit;
mod groups;
mod inbox;
mod migrate;
mod owners;
mod read;
mod reuse;
mod room;
mod runs;

pub use connection::{BUSY, SYNCHRONOUS};
pub use floor::bare_loop;

use crate::board::{
    Command, Commit, GroupEntry, NewRun, NumberedCommand, References, RunFilter, RunSummary, Store,
};
use crate::error::{ClaimError, CommitError, StoreError};
use crate::group::{Entered, Living};
use crate::owner::{Owner, OwnerToken};
use connection::Board;
use engine::rows::{AttemptRow, EventRow, GroupMember, ReuseKey, Reused, Snapshot, TaskRow};
use group_commit::GroupCommit;
use model::ids::{RunId, TaskNo};
use model::time::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// A board in a file.
pub struct SqliteStore {
    board: Board,
    group_commit: GroupCommit,
    /// Inbox entries written through this handle: they are news for the owner as those of others are.
    own_news: AtomicU64,
}

impl SqliteStore {
    /// Opens the board in the file `path`, and creates it if there is none. The folder must exist.
    ///
    /// # Errors
    /// When the file cannot be used, is no board, or was written by a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            board: Board::open(path)?,
            group_commit: GroupCommit::default(),
            own_news: AtomicU64::new(0),
        })
    }

    /// Opens the board in the file `path` to be read although its disk is full: this process has it alone as long as
    /// it is open. Writing fails.
    ///
    /// # Errors
    /// When somebody else has it open, nothing was ever written on it, or it is no board of the newest form.
    pub fn open_alone(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            board: Board::open_alone(path)?,
            group_commit: GroupCommit::default(),
            own_news: AtomicU64::new(0),
        })
    }

    /// Whether it was opened by [`Self::open_alone`].
    #[must_use]
    pub const fn is_alone(&self) -> bool {
        self.board.is_alone()
    }

    /// Makes sure that the board's file is still the one that was opened.
    ///
    /// # Errors
    /// [`StoreError::Gone`].
    pub fn must_be_there(&self) -> Result<(), StoreError> {
        self.board.must_be_there()
    }

    /// The board's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.board.path()
    }
}

impl Store for SqliteStore {
    fn run_create(&self, new: &NewRun<'_>) -> Result<OwnerToken, StoreError> {
        runs::create(&self.board, new)
    }

    fn run_load(&self, run: RunId) -> Result<Option<Snapshot>, StoreError> {
        read::load(&self.board, run)
    }

    fn run_commit(&self, commits: &[Commit<'_>]) -> Vec<Result<(), CommitError>> {
        self.group_commit.commit(&self.board, commits)
    }

    fn run_fetch(&self, run: RunId) -> Result<Option<RunSummary>, StoreError> {
        read::fetch(&self.board, run)
    }

    fn run_find(&self, prefix: &str, limit: usize) -> Result<Vec<RunId>, StoreError> {
        read::find(&self.board, prefix, limit)
    }

    fn run_list(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        read::list(&self.board, filter)
    }

    fn run_tasks(&self, run: RunId) -> Result<Vec<TaskRow>, StoreError> {
        read::tasks(&self.board, run)
    }

    fn run_attempts(
        &self,
        run: RunId,
        task: Option<TaskNo>,
    ) -> Result<Vec<AttemptRow>, StoreError> {
        read::attempts(&self.board, run, task)
    }

    fn run_events(
        &self,
        run: RunId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        read::events(&self.board, run, after, limit)
    }

    fn run_references(&self, run: RunId) -> Result<References, StoreError> {
        read::references(&self.board, run)
    }

    fn run_remove(&self, runs: &[RunId]) -> Result<(), StoreError> {
        runs::remove(&self.board, runs)
    }

    fn run_settle_ended(&self) -> Result<(), StoreError> {
        runs::settle_ended(&self.board)
    }

    fn reuse_find(&self, key: ReuseKey) -> Result<Option<Reused>, StoreError> {
        reuse::find(&self.board, key)
    }

    fn inbox_append(&self, run: RunId, command: &Command) -> Result<u64, StoreError> {
        let seq = inbox::append(&self.board, run, command)?;
        self.own_news.fetch_add(1, Ordering::Relaxed);
        Ok(seq)
    }

    fn inbox_after(&self, run: RunId, after: u64) -> Result<Vec<NumberedCommand>, StoreError> {
        inbox::after(&self.board, run, after)
    }

    fn owner_claim(
        &self,
        run: RunId,
        owner: &Owner,
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<OwnerToken, ClaimError> {
        owners::claim(&self.board, run, owner, alive)
    }

    fn owner_renew(&self, token: &OwnerToken, until: Timestamp) -> Result<(), StoreError> {
        owners::renew(&self.board, token, until)
    }

    fn owner_release(&self, token: &OwnerToken) -> Result<(), StoreError> {
        owners::release(&self.board, token)
    }

    fn group_enter(
        &self,
        entries: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Entered>, StoreError> {
        groups::enter(&self.board, entries, alive)
    }

    fn group_admitted(
        &self,
        entries: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Entered>, StoreError> {
        groups::admitted(&self.board, entries, alive)
    }

    fn group_leave(
        &self,
        left: &[(&str, GroupMember)],
        next: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Entered>, StoreError> {
        groups::leave(&self.board, left, next, alive)
    }

    fn group_members(
        &self,
        group: &str,
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Result<Vec<Living>, StoreError> {
        groups::members(&self.board, group, alive)
    }

    fn durations(&self, pipeline: &str) -> Result<BTreeMap<String, u64>, StoreError> {
        durations::all(&self.board, pipeline)
    }

    fn durations_record(
        &self,
        pipeline: &str,
        measured_ms: &BTreeMap<String, u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        durations::record(&self.board, pipeline, measured_ms, now)
    }

    fn durations_forget(&self, before: Timestamp) -> Result<(), StoreError> {
        durations::forget(&self.board, before)
    }

    fn changed(&self) -> Result<u64, StoreError> {
        let others = self.board.data_version()?;
        let own = self.own_news.load(Ordering::Relaxed);
        Ok(own << 32 | u64::from(others))
    }
}
