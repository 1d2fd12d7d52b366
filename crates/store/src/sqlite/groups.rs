//! Places in concurrency groups. The rule is in [`crate::group`]; here are the rows.

use super::codes::{self, Code as _};
use super::connection::{Board, Stop};
use super::decode;
use crate::board::GroupEntry;
use crate::error::StoreError;
use crate::group::{Entered, Place, Standing, Verdict, decide};
use crate::owner::Owner;
use engine::rows::GroupMember;
use model::ids::TaskNo;
use rusqlite::{Connection, params};

pub(super) fn enter(
    board: &Board,
    entry: &GroupEntry<'_>,
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Entered, StoreError> {
    board.write(|writer| {
        let run = board.number(writer, entry.member.run)?;
        let task = task_number(entry.member);
        writer
            .prepare_cached(
                "INSERT OR IGNORE INTO place (grp, seq, run, task, standing) \
                 SELECT ?1, COALESCE(MAX(seq), 0) + 1, ?2, ?3, ?4 FROM place WHERE grp=?1",
            )?
            .execute(params![entry.group, run, task, Standing::Waiting.code()])?;
        decide_and_write(board, writer, entry, alive)
    })
}

pub(super) fn admitted(
    board: &Board,
    entry: &GroupEntry<'_>,
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Entered, StoreError> {
    let seen = board.read(|reader| verdict(reader, entry, alive))?;
    match seen {
        Some(verdict) if verdict.moves.is_empty() => Ok(verdict.entered),
        Some(_) => board.write(|writer| decide_and_write(board, writer, entry, alive)),
        None => Ok(Entered::default()),
    }
}

pub(super) fn leave(board: &Board, group: &str, member: GroupMember) -> Result<(), StoreError> {
    board.write(|writer| {
        let run = match board.number(writer, member.run) {
            Err(Stop::Refused(StoreError::NoRun(_))) => return Ok(()),
            run => run?,
        };
        writer
            .prepare_cached("DELETE FROM place WHERE run=?1 AND task=?2 AND grp=?3")?
            .execute(params![run, task_number(member), group])?;
        Ok(())
    })
}

fn decide_and_write(
    board: &Board,
    writer: &Connection,
    entry: &GroupEntry<'_>,
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Entered, Stop> {
    let Some(verdict) = verdict(writer, entry, alive)? else {
        return Ok(Entered::default());
    };
    for (member, standing) in verdict.moves {
        let run = board.number(writer, member.run)?;
        writer
            .prepare_cached("UPDATE place SET standing=?4 WHERE run=?1 AND task=?2 AND grp=?3")?
            .execute(params![
                run,
                task_number(member),
                entry.group,
                standing.code()
            ])?;
    }
    Ok(verdict.entered)
}

/// `None` when the member is not in the group.
fn verdict(
    on: &Connection,
    entry: &GroupEntry<'_>,
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Option<Verdict>, Stop> {
    let places = places(on, entry.group, alive)?;
    let inside = places.iter().any(|place| place.member == entry.member);
    Ok(inside.then(|| decide(&places, entry.member, entry.limit, entry.mode)))
}

fn places(
    on: &Connection,
    group: &str,
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Vec<Place>, Stop> {
    let mut statement = on.prepare_cached(
        "SELECT head.id, place.task, standing, state, until, who FROM place \
         JOIN head USING (run) JOIN run USING (run) LEFT JOIN owner USING (run) \
         WHERE grp=?1 ORDER BY seq",
    )?;
    let rows = statement.query_map([group], |row| {
        let task: i64 = row.get(1)?;
        let living: bool = row.get::<_, i64>(3)? < codes::SUCCEEDED;
        Ok(Place {
            member: GroupMember {
                run: decode::run_id(row, 0)?,
                task: u32::try_from(task).ok().map(TaskNo),
            },
            standing: decode::code(row, 2)?,
            alive: living && decode::owner(row, 4)?.is_some_and(|owner| alive(&owner)),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The task's number; -1 stands for the run as a whole.
fn task_number(member: GroupMember) -> i64 {
    member.task.map_or(-1, |task| task.0.into())
}
