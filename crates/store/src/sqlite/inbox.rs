//! Commands for the owners of runs.

use super::connection::Board;
use super::{codes, decode, encode};
use crate::board::{Command, NumberedCommand};
use crate::error::StoreError;
use model::ids::RunId;
use rusqlite::{OptionalExtension as _, params};

pub(super) fn append(board: &Board, run: RunId, command: &Command) -> Result<u64, StoreError> {
    board.write(|writer| {
        let number = board.number(writer, run)?;
        let (state, handled) = writer
            .prepare_cached("SELECT state, inbox FROM run WHERE run=?1")?
            .query_row([number], |row| {
                Ok((row.get::<_, i64>(0)?, decode::number(row, 1)?))
            })
            .optional()?
            .ok_or(StoreError::NoRun(run))?;
        if state >= codes::SUCCEEDED {
            return Err(StoreError::RunEnded(run).into());
        }
        let last = writer
            .prepare_cached("SELECT COALESCE(MAX(seq), 0) FROM inbox WHERE run=?1")?
            .query_row([number], |row| decode::number(row, 0))?;
        let seq = last.max(handled) + 1;
        writer
            .prepare_cached("INSERT INTO inbox (run, seq, command) VALUES (?1,?2,?3)")?
            .execute(params![number, encode::number(seq), encode::json(command)])?;
        Ok(seq)
    })
}

pub(super) fn after(
    board: &Board,
    run: RunId,
    after: u64,
) -> Result<Vec<NumberedCommand>, StoreError> {
    board.read(|reader| {
        let number = board.number(reader, run)?;
        let mut statement = reader.prepare_cached(
            "SELECT seq, command FROM inbox WHERE run=?1 AND seq>?2 ORDER BY seq",
        )?;
        let commands = statement.query_map(params![number, encode::number(after)], |row| {
            Ok(NumberedCommand {
                seq: decode::number(row, 0)?,
                command: decode::json(row, 1)?,
            })
        })?;
        Ok(commands.collect::<Result<_, _>>()?)
    })
}
