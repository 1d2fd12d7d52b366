//! Creating and removing whole runs.

use super::codes;
use super::connection::{Board, Stop};
use super::decode::HeadRest;
use super::encode;
use crate::board::NewRun;
use crate::error::StoreError;
use crate::owner::OwnerToken;
use model::ids::RunId;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params, params_from_iter};
use std::borrow::Cow;

/// The token of the process that created a run.
const FIRST_FENCE: u64 = 1;
/// Everything that has rows of a run, but for its head.
const TABLES: &[&str] = &[
    "run", "fragment", "task", "attempt", "lease", "event", "effect", "inbox", "owner", "place",
    "reuse", "head",
];

pub(super) fn create(board: &Board, new: &NewRun<'_>) -> Result<OwnerToken, StoreError> {
    let run = new.head.id;
    let number = board.write(|writer| {
        let number = insert_head(writer, new)?;
        let mut row = encode::run(&new.changes.run);
        row.extend([number.into(), encode::number(FIRST_FENCE)]);
        writer
            .prepare_cached(encode::RUN_INSERT)?
            .execute(params_from_iter(row))?;
        // One by one: all rows of a large run at once would take as much memory as the run.
        encode::changes(number, new.changes, |statement| statement.execute(writer))?;
        super::owners::write(writer, number, new.owner)?;
        Ok(number)
    })?;
    board.remember(run, number);
    Ok(OwnerToken {
        run,
        fence: FIRST_FENCE,
    })
}

fn insert_head(writer: &Connection, new: &NewRun<'_>) -> Result<i64, Stop> {
    let head = new.head;
    let rest = HeadRest {
        source: Cow::Borrowed(&head.source),
        parent: head.parent.as_ref().map(Cow::Borrowed),
        expected_ms: Cow::Borrowed(&head.expected_ms),
    };
    let inserted = writer
        .prepare_cached(
            "INSERT INTO head (id, pipeline, plan, created_at, asked_by, clean, rest) \
             VALUES (?1,?2,?3,?4,?5,?6,?7)",
        )?
        .execute(params![
            head.id.as_str(),
            head.pipeline,
            head.plan.as_bytes(),
            head.created_at.0,
            head.by,
            head.clean,
            encode::json(&rest),
        ]);
    match inserted {
        Ok(_) => Ok(writer.last_insert_rowid()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(StoreError::RunExists(head.id).into())
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn remove(board: &Board, runs: &[RunId]) -> Result<(), StoreError> {
    board.write(|writer| {
        for &run in runs {
            let found: Option<(i64, i64)> = writer
                .prepare_cached(
                    "SELECT run.run, state FROM head JOIN run USING (run) WHERE head.id=?1",
                )?
                .query_row([run.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((number, state)) = found else {
                continue;
            };
            if state < codes::SUCCEEDED {
                return Err(StoreError::RunLiving(run).into());
            }
            for table in TABLES {
                writer.execute(&format!("DELETE FROM {table} WHERE run=?1"), [number])?;
            }
        }
        Ok(())
    })?;
    for &run in runs {
        board.forget(run);
    }
    Ok(())
}

/// Removes what ended runs still wanted of the world.
pub(super) fn settle_ended(board: &Board) -> Result<(), StoreError> {
    board.write(|writer| {
        for table in ["place", "effect"] {
            writer.execute(
                &format!("DELETE FROM {table} WHERE run IN (SELECT run FROM run WHERE state>=?1)"),
                [codes::SUCCEEDED],
            )?;
        }
        Ok(())
    })
}
