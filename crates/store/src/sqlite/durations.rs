//! Expected durations of task definitions.

use super::connection::Board;
use super::{decode, encode};
use crate::board::expected_after;
use crate::error::StoreError;
use model::time::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use std::collections::BTreeMap;

pub(super) fn all(board: &Board, pipeline: &str) -> Result<BTreeMap<String, u64>, StoreError> {
    board.read(|reader| {
        let mut statement =
            reader.prepare_cached("SELECT path, expected_ms FROM duration WHERE pipeline=?1")?;
        let rows =
            statement.query_map([pipeline], |row| Ok((row.get(0)?, decode::number(row, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    })
}

pub(super) fn record(
    board: &Board,
    pipeline: &str,
    measured_ms: &BTreeMap<String, u64>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if measured_ms.is_empty() {
        return Ok(());
    }
    board.write(|writer| {
        let mut expected = writer
            .prepare_cached("SELECT expected_ms FROM duration WHERE pipeline=?1 AND path=?2")?;
        let mut insert = writer.prepare_cached(
            "INSERT OR REPLACE INTO duration (pipeline, path, expected_ms, measured_at) \
             VALUES (?1,?2,?3,?4)",
        )?;
        for (path, &measured) in measured_ms {
            let before = expected
                .query_row(params![pipeline, path], |row| decode::number(row, 0))
                .optional()?;
            let after = encode::number(expected_after(before, measured));
            insert.execute(params![pipeline, path, after, now.0])?;
        }
        Ok(())
    })
}

pub(super) fn forget(board: &Board, before: Timestamp) -> Result<(), StoreError> {
    board.write(|writer| {
        writer.execute("DELETE FROM duration WHERE measured_at<?1", [before.0])?;
        Ok(())
    })
}
