//! Connections to the board's file: one that writes, several that read.
//!
//! A write is one `BEGIN IMMEDIATE` transaction: it waits for other processes (bounded) before it
//! reads anything, so that it never has to be undone because somebody was faster. A read is one
//! deferred transaction on a connection that cannot write.
//!
//! A file that was removed goes on to work for who has it open, and is lost with the last handle. So nothing is
//! acknowledged or told before the file is seen at its path: one look costs two microseconds.
//!
//! Where the disk has no room even for the index of the log, a board can still be read *alone*: by one connection
//! that keeps the index in memory and the file for itself.

use super::migrate;
use super::room::Room;
use crate::error::StoreError;
use model::ids::RunId;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, ffi};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How durable a transaction is before it is acknowledged: synced.
pub const SYNCHRONOUS: &str = "FULL";
/// How long a write waits for other processes. A transaction of another process takes milliseconds,
/// the creation of the largest run seconds. Less than half of a lease (15 s), because who waits here
/// renews none.
pub const BUSY: Duration = Duration::from_secs(6);
/// Pause between two tries. The waiting of SQLite itself grows to 100 ms, so that a process that
/// writes all the time starves the others; a transaction here takes less than a millisecond.
const PAUSE: Duration = Duration::from_micros(500);
/// Pages of the log after which a commit moves it into the file: 8 MiB. Small, because a log that is
/// overwritten in place syncs twice as fast as one that grows; large, because moving costs two syncs.
const CHECKPOINT_PAGES: u32 = 2_000;
/// The log is cut back to this size when it was longer, after a read that lasted long.
pub(super) const LOG_BYTES_KEPT: u32 = 16 << 20;
/// Memory for pages, in KiB: the hot pages of a large run.
const CACHE_KIB: i32 = 8 << 10;
/// Every statement of this crate stays prepared.
const STATEMENTS: usize = 64;
/// Reading connections kept open. More may be open for a moment.
const IDLE_READERS: usize = 4;
/// Numbers of runs remembered; beyond, they are looked up again.
const REMEMBERED_RUNS: usize = 4_096;

/// The open board.
pub(super) struct Board {
    path: PathBuf,
    /// Device and number of the file that was opened.
    file: (u64, u64),
    sharing: Sharing,
    writer: Mutex<Connection>,
    /// Used by whoever has the writer.
    room: Mutex<Room>,
    readers: Mutex<Vec<Connection>>,
    /// The number of a run never changes and is never given to another one.
    numbers: Mutex<BTreeMap<RunId, i64>>,
}

/// Who else uses the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Other connections and processes.
    Shared,
    /// Nobody; the one connection does everything.
    Alone,
}

/// Why a transaction was given up.
pub(super) enum Stop {
    /// The database failed.
    Sql(rusqlite::Error),
    /// The command is refused.
    Refused(StoreError),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl Board {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut writer = connect(path, Sharing::Shared).map_err(|error| fault(path, error))?;
        migrate::migrate(path, &mut writer)?;
        Self::of(path, writer, Sharing::Shared)
    }

    /// Opens a board that is there, to be read although its disk is full.
    pub(super) fn open_alone(path: &Path) -> Result<Self, StoreError> {
        let writer = connect(path, Sharing::Alone).map_err(|error| fault(path, error))?;
        let board = path.to_owned();
        if migrate::is_unbegun(path, &writer)? {
            return Err(StoreError::Unbegun { board });
        }
        if !migrate::is_known(path, &writer)? {
            return Err(StoreError::Full { board });
        }
        Self::of(path, writer, Sharing::Alone)
    }

    fn of(path: &Path, writer: Connection, sharing: Sharing) -> Result<Self, StoreError> {
        let Some(file) = seen_at(path) else {
            let board = path.to_owned();
            return Err(StoreError::Gone { board });
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            sharing,
            writer: Mutex::new(writer),
            room: Mutex::new(Room::new(path)),
            readers: Mutex::new(Vec::new()),
            numbers: Mutex::new(BTreeMap::new()),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn is_alone(&self) -> bool {
        matches!(self.sharing, Sharing::Alone)
    }

    /// Makes sure that the file is the one at its path.
    pub(super) fn must_be_there(&self) -> Result<(), StoreError> {
        let is_there = match fs::metadata(&self.path) {
            Ok(seen) => (seen.dev(), seen.ino()) == self.file,
            // Of anything else the database will say what it is.
            Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        };
        if is_there {
            return Ok(());
        }
        Err(StoreError::Gone {
            board: self.path.clone(),
        })
    }

    /// The connection that writes, outside of any transaction.
    pub(super) fn writer(&self) -> MutexGuard<'_, Connection> {
        // A thread that panicked with the lock left at most a transaction open, which is undone.
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if !writer.is_autocommit() {
            undo(&writer);
        }
        writer
    }

    /// Makes room in the log for the write transaction of `writer`.
    pub(super) fn keep_room(&self, writer: &Connection) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.keep(writer);
    }

    /// Looks after a commit whether it used up the room in the log.
    pub(super) fn look_at_room(&self) {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.look();
    }

    /// Does `act` in one durable transaction, or nothing of it.
    pub(super) fn write<T>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, Stop>,
    ) -> Result<T, StoreError> {
        let writer = self.writer();
        begin(&writer).map_err(|error| self.fault(error))?;
        match act(&writer).and_then(|done| commit(&writer).map(|()| done).map_err(Stop::Sql)) {
            Ok(done) => self.must_be_there().map(|()| done),
            Err(stop) => {
                undo(&writer);
                Err(self.stopped(stop))
            }
        }
    }

    /// Does `act` on one unchanging view of the board.
    pub(super) fn read<T>(
        &self,
        act: impl FnOnce(&Connection) -> Result<T, Stop>,
    ) -> Result<T, StoreError> {
        if self.is_alone() {
            let reader = self.writer();
            return self.read_on(&reader, act);
        }
        let idle = self.idle_readers().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => self.connect_reader()?,
        };
        let result = self.read_on(&reader, act);
        let mut idle = self.idle_readers();
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
        drop(idle);
        result
    }

    fn read_on<T>(
        &self,
        reader: &Connection,
        act: impl FnOnce(&Connection) -> Result<T, Stop>,
    ) -> Result<T, StoreError> {
        let begun = reader.execute_batch("BEGIN").map_err(Stop::Sql);
        let result = begun.and_then(|()| act(reader));
        undo(reader);
        // What another file says, or lacks, is no answer.
        self.must_be_there()?;
        result.map_err(|stop| self.stopped(stop))
    }

    /// The number of a run on this board.
    pub(super) fn number(&self, on: &Connection, run: RunId) -> Result<i64, Stop> {
        if let Some(&number) = self.numbers().get(&run) {
            return Ok(number);
        }
        let number = on
            .prepare_cached("SELECT run FROM head WHERE id=?1")?
            .query_row([run.as_str()], |row| row.get(0))
            .optional()?
            .ok_or(StoreError::NoRun(run))?;
        self.remember(run, number);
        Ok(number)
    }

    /// The number of a run if it is remembered.
    pub(super) fn remembered(&self, run: RunId) -> Option<i64> {
        self.numbers().get(&run).copied()
    }

    pub(super) fn remember(&self, run: RunId, number: i64) {
        let mut numbers = self.numbers();
        if numbers.len() >= REMEMBERED_RUNS {
            numbers.clear();
        }
        numbers.insert(run, number);
    }

    pub(super) fn forget(&self, run: RunId) {
        self.numbers().remove(&run);
    }

    /// A number that changes when another connection writes; the own one does not count.
    pub(super) fn data_version(&self) -> Result<u32, StoreError> {
        self.must_be_there()?;
        self.writer()
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(|error| self.fault(error))
    }

    pub(super) fn fault(&self, error: rusqlite::Error) -> StoreError {
        fault(&self.path, error)
    }

    pub(super) fn stopped(&self, stop: Stop) -> StoreError {
        match stop {
            Stop::Sql(error) => self.fault(error),
            Stop::Refused(error) => error,
        }
    }

    fn idle_readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn numbers(&self) -> MutexGuard<'_, BTreeMap<RunId, i64>> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect_reader(&self) -> Result<Connection, StoreError> {
        // To connect to a file that is gone makes a new one.
        self.must_be_there()?;
        connect(&self.path, self.sharing)
            .and_then(|reader| {
                reader.pragma_update(None, "query_only", true)?;
                Ok(reader)
            })
            .map_err(|error| self.fault(error))
    }
}

/// Device and number of the file at `path`; `None` when it cannot be seen.
fn seen_at(path: &Path) -> Option<(u64, u64)> {
    let seen = fs::metadata(path).ok()?;
    Some((seen.dev(), seen.ino()))
}

/// A connection with the settings of every board.
pub(super) fn connect(path: &Path, sharing: Sharing) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_handler(Some(wait_a_moment))?;
    if sharing == Sharing::Alone {
        // Before anything is read: from then on the index of the log is in shared memory, or never is.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "synchronous", SYNCHRONOUS)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    Ok(connection)
}

/// Called by SQLite when the board is locked, with the number of tries so far.
fn wait_a_moment(tries: i32) -> bool {
    let waited = PAUSE.saturating_mul(tries.unsigned_abs());
    std::thread::sleep(PAUSE);
    waited < BUSY
}

pub(super) fn begin(writer: &Connection) -> rusqlite::Result<()> {
    writer.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    Ok(())
}

pub(super) fn commit(writer: &Connection) -> rusqlite::Result<()> {
    writer.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

/// Ends a transaction without its writes. Some failures have ended it already.
pub(super) fn undo(connection: &Connection) {
    if !connection.is_autocommit() {
        let undone = connection.execute_batch("ROLLBACK");
        debug_assert!(
            undone.is_ok(),
            "ROLLBACK of an open transaction: {undone:?}"
        );
    }
}

/// What a failure of the database means for people.
pub(super) fn fault(path: &Path, error: rusqlite::Error) -> StoreError {
    let board = path.to_owned();
    let code = error.sqlite_error_code();
    match (code, &error) {
        (Some(ErrorCode::DiskFull), _) => StoreError::Full { board },
        (Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen), _) if has_no_room(&error) => {
            StoreError::Full { board }
        }
        (Some(ErrorCode::CannotOpen), _) if path.is_dir() => StoreError::Foreign { board },
        (Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied), _) => {
            StoreError::ReadOnly { board }
        }
        (Some(ErrorCode::CannotOpen), _) if is_protected(path) => StoreError::ReadOnly { board },
        (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => StoreError::Busy {
            board,
            waited_ms: u64::try_from(BUSY.as_millis()).expect("some seconds"),
        },
        (Some(ErrorCode::NotADatabase), _) => StoreError::Foreign { board },
        (Some(ErrorCode::DatabaseCorrupt), _)
        | (
            None,
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..),
        ) => StoreError::Damaged {
            board,
            what: error.to_string(),
        },
        _ => StoreError::Io {
            board,
            source: Arc::new(error),
        },
    }
}

/// Whether there was no room for the index of the log, of which SQLite does not say that the disk is full.
fn has_no_room(error: &rusqlite::Error) -> bool {
    let failed = error.sqlite_error();
    failed.is_some_and(|failed| failed.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
}

/// Whether the file, or the folder that it would be created in, is there and may not be written.
fn is_protected(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    use rustix::io::Errno;
    let refuses = |path: &Path| {
        let answer = access(path, Access::WRITE_OK);
        matches!(answer, Err(Errno::ACCESS | Errno::ROFS | Errno::PERM))
    };
    refuses(path) || path.parent().is_some_and(refuses)
}
