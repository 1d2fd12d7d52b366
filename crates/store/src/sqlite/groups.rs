//! Places in concurrency groups. The rule is in [`crate::group`]; here are the rows.

use super::codes::{self, Code as _};
use super::connection::{Board, Stop};
use super::decode;
use crate::board::GroupEntry;
use crate::error::StoreError;
use crate::group::{self, Entered, Living, Needed, Place, Standing, Verdict};
use crate::owner::Owner;
use engine::rows::GroupMember;
use model::ids::TaskNo;
use rusqlite::{Connection, OptionalExtension as _, Row, Rows, params};
use std::collections::BTreeMap;

pub(super) fn enter(
    board: &Board,
    entries: &[GroupEntry<'_>],
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Vec<Entered>, StoreError> {
    board.write(|writer| {
        let mut seqs = Vec::with_capacity(entries.len());
        for entry in entries {
            let run = board.number(writer, entry.member.run)?;
            seqs.push(insert(writer, entry, run)?);
        }
        let answers = decide_and_write(board, writer, entries, alive)?;
        let answers = answers.into_iter().zip(seqs);
        Ok(answers
            .map(|(entered, seq)| Entered { seq, ..entered })
            .collect())
    })
}

pub(super) fn admitted(
    board: &Board,
    entries: &[GroupEntry<'_>],
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Vec<Entered>, StoreError> {
    let verdicts = board.read(|reader| verdicts(reader, entries, alive))?;
    if verdicts.values().all(|verdict| verdict.moves.is_empty()) {
        return Ok(answers(entries, verdicts));
    }
    board.write(|writer| decide_and_write(board, writer, entries, alive))
}

pub(super) fn leave(
    board: &Board,
    left: &[(&str, GroupMember)],
    next: &[GroupEntry<'_>],
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Vec<Entered>, StoreError> {
    board.write(|writer| {
        for &(group, member) in left {
            let run = match board.number(writer, member.run) {
                Err(Stop::Refused(StoreError::NoRun(_))) => continue,
                run => run?,
            };
            writer
                .prepare_cached("DELETE FROM place WHERE run=?1 AND task=?2 AND grp=?3")?
                .execute(params![run, task_number(member), group])?;
        }
        decide_and_write(board, writer, next, alive)
    })
}

pub(super) fn members(
    board: &Board,
    group: &str,
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Vec<Living>, StoreError> {
    let places = board.read(|reader| places(reader, group, Needed::All, alive))?;
    Ok(group::living(&places))
}

/// Puts a member at the end of its group unless it is there already; where it stands.
fn insert(writer: &Connection, entry: &GroupEntry<'_>, run: i64) -> rusqlite::Result<u64> {
    let known = writer
        .prepare_cached("SELECT seq FROM place WHERE run=?1 AND task=?2 AND grp=?3")?
        .query_row(
            params![run, task_number(entry.member), entry.group],
            |row| decode::number(row, 0),
        )
        .optional()?;
    if let Some(seq) = known {
        return Ok(seq);
    }
    writer
        .prepare_cached(
            "INSERT INTO place (grp, seq, run, task, standing, supersedes) \
             VALUES (?1, (SELECT COALESCE(MAX(seq), 0) FROM place WHERE grp=?1) + 1, ?2, ?3, ?4, ?5) \
             RETURNING seq",
        )?
        .query_row(
            params![
                entry.group,
                run,
                task_number(entry.member),
                Standing::Waiting.code(),
                group::supersedes(entry.mode),
            ],
            |row| decode::number(row, 0),
        )
}

fn decide_and_write(
    board: &Board,
    writer: &Connection,
    entries: &[GroupEntry<'_>],
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Vec<Entered>, Stop> {
    let mut verdicts = verdicts(writer, entries, alive)?;
    for (group, verdict) in &mut verdicts {
        for (member, standing) in verdict.moves.drain(..) {
            let run = board.number(writer, member.run)?;
            writer
                .prepare_cached("UPDATE place SET standing=?4 WHERE run=?1 AND task=?2 AND grp=?3")?
                .execute(params![run, task_number(member), group, standing.code()])?;
        }
    }
    Ok(answers(entries, verdicts))
}

fn verdicts<'a>(
    on: &Connection,
    entries: &[GroupEntry<'a>],
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<BTreeMap<&'a str, Verdict>, Stop> {
    let mut verdicts = BTreeMap::new();
    for (group, askers) in group::by_group(entries) {
        let places = places(on, group, Needed::by(&askers), alive)?;
        verdicts.insert(group, group::decide(&places, &askers));
    }
    Ok(verdicts)
}

fn answers(entries: &[GroupEntry<'_>], verdicts: BTreeMap<&str, Verdict>) -> Vec<Entered> {
    let answers = verdicts
        .into_iter()
        .map(|(group, verdict)| (group, verdict.entered));
    group::in_order(entries, answers.collect())
}

/// Columns of a place, with what says whether its member lives.
const PLACE: &str = "SELECT seq, head.id, place.task, standing, supersedes, state, until, who FROM place \
    JOIN head USING (run) JOIN run USING (run) LEFT JOIN owner USING (run) WHERE grp=?1";

fn places(
    on: &Connection,
    group: &str,
    needed: Needed,
    alive: &dyn Fn(&Owner) -> bool,
) -> Result<Vec<Place>, Stop> {
    let waiting = Standing::Waiting.code();
    let mut lives = Lives {
        alive,
        known: BTreeMap::new(),
    };
    let few = format!("{PLACE} AND (standing<>?2 OR supersedes<>0)");
    let mut few = on.prepare_cached(&few)?;
    let mut places = Vec::new();
    take(few.query(params![group, waiting])?, &mut lives, |place| {
        places.push(place);
        false
    })?;
    // Who waits in line may be many.
    let line = format!("{PLACE} AND standing=?2 AND supersedes=0 ORDER BY seq");
    let mut line = on.prepare_cached(&line)?;
    let mut living = 0;
    if !needed.is_met(living) {
        take(line.query(params![group, waiting])?, &mut lives, |place| {
            living += u32::from(place.alive);
            places.push(place);
            needed.is_met(living)
        })?;
    }
    places.sort_unstable_by_key(|place| place.seq);
    Ok(places)
}

/// Gives out places until it is enough.
fn take(
    mut rows: Rows<'_>,
    lives: &mut Lives<'_>,
    mut is_enough: impl FnMut(Place) -> bool,
) -> Result<(), Stop> {
    while let Some(row) = rows.next()? {
        let task: i64 = row.get(2)?;
        let place = Place {
            seq: decode::number(row, 0)?,
            member: GroupMember {
                run: decode::run_id(row, 1)?,
                task: u32::try_from(task).ok().map(TaskNo),
            },
            standing: decode::code(row, 3)?,
            supersedes: row.get(4)?,
            alive: lives.look(row)?,
        };
        if is_enough(place) {
            break;
        }
    }
    Ok(())
}

/// Who lives. A run has one owner, and to ask of it takes a look at its process.
struct Lives<'a> {
    alive: &'a dyn Fn(&Owner) -> bool,
    known: BTreeMap<String, bool>,
}

impl Lives<'_> {
    fn look(&mut self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let run = row.get_ref(1)?.as_str()?;
        if let Some(known) = self.known.get(run) {
            return Ok(*known);
        }
        let goes_on = row.get::<_, i64>(5)? < codes::SUCCEEDED;
        let lives = goes_on && decode::owner(row, 6)?.is_some_and(|owner| (self.alive)(&owner));
        self.known.insert(run.to_owned(), lives);
        Ok(lives)
    }
}

/// The task's number; -1 stands for the run as a whole.
fn task_number(member: GroupMember) -> i64 {
    member.task.map_or(-1, |task| task.0.into())
}
