//! Owners of runs.

use super::connection::{Board, Stop};
use super::{codes, decode, encode};
use crate::error::{ClaimError, StoreError};
use crate::owner::{Owner, OwnerToken};
use model::ids::RunId;
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn claim(
    board: &Board,
    run: RunId,
    owner: &Owner,
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<OwnerToken, ClaimError> {
    let claimed = board.write(|writer| {
        let number = board.number(writer, run)?;
        let (state, fence, present) = writer
            .prepare_cached(
                "SELECT state, fence, until, who FROM run LEFT JOIN owner USING (run) WHERE run=?1",
            )?
            .query_row([number], |row| {
                let state: i64 = row.get(0)?;
                Ok((state, decode::number(row, 1)?, decode::owner(row, 2)?))
            })
            .optional()?
            // A remembered number may be of a run that another process has removed.
            .ok_or(StoreError::NoRun(run))?;
        if state >= codes::SUCCEEDED {
            return Err(StoreError::RunEnded(run).into());
        }
        if let Some(present) = present.filter(alive) {
            return Ok(Err(present));
        }
        let fence = fence + 1;
        writer
            .prepare_cached("UPDATE run SET fence=?2 WHERE run=?1")?
            .execute(params![number, encode::number(fence)])?;
        write(writer, number, owner)?;
        Ok(Ok(OwnerToken { run, fence }))
    })?;
    claimed.map_err(|owner| ClaimError::Owned {
        run,
        owner: Box::new(owner),
    })
}

pub(super) fn renew(board: &Board, token: &OwnerToken, until: Timestamp) -> Result<(), StoreError> {
    board.write(|writer| {
        let number = board.number(writer, token.run)?;
        let renewed = writer
            .prepare_cached(
                "UPDATE owner SET until=?3 WHERE run=?1 \
                 AND EXISTS (SELECT 1 FROM run WHERE run=?1 AND fence=?2)",
            )?
            .execute(params![number, encode::number(token.fence), until.0])?;
        if renewed == 0 {
            return Err(StoreError::NotOwner(token.run).into());
        }
        Ok(())
    })
}

pub(super) fn release(board: &Board, token: &OwnerToken) -> Result<(), StoreError> {
    board.write(|writer| {
        let number = match board.number(writer, token.run) {
            Err(Stop::Refused(StoreError::NoRun(_))) => return Ok(()),
            number => number?,
        };
        let released = writer
            .prepare_cached("UPDATE run SET fence=fence+1 WHERE run=?1 AND fence=?2")?
            .execute(params![number, encode::number(token.fence)])?;
        if released == 1 {
            writer
                .prepare_cached("DELETE FROM owner WHERE run=?1")?
                .execute([number])?;
        }
        Ok(())
    })
}

/// Writes the owner of the run numbered `number`.
pub(super) fn write(writer: &Connection, number: i64, owner: &Owner) -> rusqlite::Result<()> {
    writer
        .prepare_cached("INSERT OR REPLACE INTO owner (run, until, who) VALUES (?1,?2,?3)")?
        .execute(params![number, owner.until.0, encode::json(owner)])?;
    Ok(())
}
