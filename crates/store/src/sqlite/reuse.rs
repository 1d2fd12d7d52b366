//! Results that can be found again by their key.

use super::connection::Board;
use super::decode::{self, TASK_COLUMNS};
use crate::board::result_of;
use crate::error::StoreError;
use engine::rows::{ReuseKey, Reused};
use rusqlite::OptionalExtension as _;

/// Runs get their numbers in the order of their creation.
pub(super) fn find(board: &Board, key: ReuseKey) -> Result<Option<Reused>, StoreError> {
    board.read(|reader| {
        let newest =
            "SELECT run, task FROM reuse WHERE name=?1 ORDER BY run DESC, task DESC LIMIT 1";
        let found: Option<(i64, u32)> = reader
            .prepare_cached(newest)?
            .query_row([key.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((run, task)) = found else {
            return Ok(None);
        };
        let row = reader
            .prepare_cached(&format!(
                "SELECT {TASK_COLUMNS} FROM task WHERE run=?1 AND task=?2"
            ))?
            .query_row((run, task), decode::task)?;
        let run = reader
            .prepare_cached("SELECT id FROM head WHERE run=?1")?
            .query_row([run], |row| decode::run_id(row, 0))?;
        Ok(result_of(run, &row))
    })
}
