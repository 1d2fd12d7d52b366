//! From the form of the board that is found to the form that this program knows.
//!
//! Numbered files, each applied once, in order, in one transaction with the new number. A file that
//! was released never changes.

use super::connection::{Stop, begin, commit, fault, undo};
use crate::error::StoreError;
use rusqlite::{Connection, ErrorCode};
use std::path::Path;

/// The forms, in order; the first is version 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_board.sql"),
    include_str!("../migrations/0002_place_supersedes.sql"),
    include_str!("../migrations/0003_reuse.sql"),
];
/// Marks the file as a board of Formic: "frmc".
const APPLICATION_ID: i32 = 0x6672_6d63;
/// Tries to switch a new file to a write-ahead log while other processes open it too.
const SWITCH_TRIES: u32 = 100;

/// Brings the board up to date.
pub(super) fn migrate(path: &Path, writer: &mut Connection) -> Result<(), StoreError> {
    let sql = |error| fault(path, error);
    if version(path, writer)? == known() {
        return Ok(());
    }
    use_write_ahead_log(writer).map_err(sql)?;
    begin(writer).map_err(sql)?;
    let migrated = apply(path, writer).and_then(|()| Ok(commit(writer)?));
    migrated.map_err(|stop| {
        undo(writer);
        match stop {
            Stop::Sql(error) => sql(error),
            Stop::Refused(error) => error,
        }
    })
}

/// Whether nothing was ever written on the board.
pub(super) fn is_unbegun(path: &Path, connection: &Connection) -> Result<bool, StoreError> {
    Ok(version(path, connection)? == 0)
}

/// Whether the board has the newest form.
pub(super) fn is_known(path: &Path, connection: &Connection) -> Result<bool, StoreError> {
    Ok(version(path, connection)? == known())
}

fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("few migrations")
}

fn apply(path: &Path, writer: &Connection) -> Result<(), Stop> {
    // Another process may have been faster: what counts is the version under the lock.
    let found = version(path, writer)?;
    for migration in &MIGRATIONS[found as usize..] {
        writer.execute_batch(migration)?;
    }
    writer.pragma_update(None, "application_id", APPLICATION_ID)?;
    writer.pragma_update(None, "user_version", known())?;
    Ok(())
}

/// The version of a board; 0 for an empty file.
fn version(path: &Path, connection: &Connection) -> Result<u32, StoreError> {
    // One statement, because another process may be creating the board.
    let found: rusqlite::Result<(i32, i32, i32)> = connection.query_row(
        "SELECT application_id, user_version, schema_version \
         FROM pragma_application_id, pragma_user_version, pragma_schema_version",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    );
    let (application, version, schema) = found.map_err(|error| fault(path, error))?;
    let board = || path.to_owned();
    match (application, version) {
        (0, 0) if schema == 0 => Ok(0),
        (APPLICATION_ID, version) => match u32::try_from(version) {
            Ok(found) if found > known() => Err(StoreError::Newer {
                board: board(),
                found,
                known: known(),
            }),
            Ok(found) => Ok(found),
            Err(_) => Err(StoreError::Foreign { board: board() }),
        },
        _ => Err(StoreError::Foreign { board: board() }),
    }
}

/// The switch needs the file for itself; SQLite does not wait for that, so it is tried again.
fn use_write_ahead_log(writer: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        let switched = writer.pragma_update(None, "journal_mode", "WAL");
        match switched {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && tries < SWITCH_TRIES =>
            {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            done => return done,
        }
    }
}
