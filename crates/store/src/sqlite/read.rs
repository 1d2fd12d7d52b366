//! Looking at runs.

use super::codes;
use super::connection::{Board, Stop};
use super::decode::{
    self, ATTEMPT_COLUMNS, EVENT_COLUMNS, HEAD_COLUMNS, HEAD_WIDTH, OWNER_AT, RUN_COLUMNS,
    TASK_COLUMNS,
};
use super::encode::{self, EndRest};
use crate::board::{References, RunFilter, RunSummary};
use crate::error::StoreError;
use engine::rows::{
    ArtifactRef, AttemptRow, Effect, EffectKey, EffectRow, EventRow, FragmentRef, LeaseRow,
    Snapshot, TaskRow,
};
use model::ids::{RunId, TaskNo, WorkerId};
use model::source::Difference;
use model::time::Timestamp;
use rusqlite::{Connection, Params, Row, params};
use std::collections::BTreeSet;

/// Stands for "no limit" in SQL.
const ALL: i64 = -1;

pub(super) fn load(board: &Board, run: RunId) -> Result<Option<Snapshot>, StoreError> {
    board.read(|reader| {
        let Some((number, summary)) = summary(reader, run)? else {
            return Ok(None);
        };
        Ok(Some(Snapshot {
            head: summary.head,
            run: summary.row,
            tasks: all_tasks(reader, number)?,
            attempts: newest_attempts(reader, number)?,
            fragments: fragments(reader, number)?,
            leases: leases(reader, number)?,
            effects: effects(reader, number)?,
        }))
    })
}

pub(super) fn fetch(board: &Board, run: RunId) -> Result<Option<RunSummary>, StoreError> {
    board.read(|reader| Ok(summary(reader, run)?.map(|(_, summary)| summary)))
}

pub(super) fn find(board: &Board, prefix: &str, limit: usize) -> Result<Vec<RunId>, StoreError> {
    // Every character of an id is smaller than `{`.
    let end = format!("{prefix}{{");
    board.read(|reader| {
        rows(
            reader,
            "SELECT id FROM head WHERE id>=?1 AND id<?2 ORDER BY run DESC LIMIT ?3",
            params![prefix, end, limit_number(limit)],
            |row| decode::run_id(row, 0),
        )
    })
}

pub(super) fn list(board: &Board, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
    board.read(|reader| {
        let found = rows(
            reader,
            &format!(
                "SELECT {HEAD_COLUMNS}, {RUN_COLUMNS}, until, who, run.run FROM head \
                 JOIN run USING (run) LEFT JOIN owner USING (run) \
                 WHERE (?1 IS NULL OR pipeline=?1) AND (NOT ?2 OR state<?3) \
                 ORDER BY head.run DESC LIMIT ?4"
            ),
            params![
                filter.pipeline,
                filter.living,
                codes::SUCCEEDED,
                filter.limit.map_or(ALL, limit_number)
            ],
            summary_columns,
        )?;
        Ok(found.into_iter().map(|(_, summary)| summary).collect())
    })
}

pub(super) fn tasks(board: &Board, run: RunId) -> Result<Vec<TaskRow>, StoreError> {
    board.read(|reader| all_tasks(reader, board.number(reader, run)?))
}

pub(super) fn attempts(
    board: &Board,
    run: RunId,
    task: Option<TaskNo>,
) -> Result<Vec<AttemptRow>, StoreError> {
    board.read(|reader| {
        let number = board.number(reader, run)?;
        match task {
            Some(task) => rows(
                reader,
                &format!(
                    "SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE run=?1 AND task=?2 \
                     ORDER BY attempt"
                ),
                params![number, task.0],
                decode::attempt,
            ),
            None => rows(reader, &attempts_sql(), [number], decode::attempt),
        }
    })
}

pub(super) fn events(
    board: &Board,
    run: RunId,
    after: u64,
    limit: usize,
) -> Result<Vec<EventRow>, StoreError> {
    board.read(|reader| {
        rows(
            reader,
            &format!(
                "SELECT {EVENT_COLUMNS} FROM event WHERE run=?1 AND seq>?2 ORDER BY seq LIMIT ?3"
            ),
            params![
                board.number(reader, run)?,
                encode::number(after),
                limit_number(limit)
            ],
            decode::event,
        )
    })
}

pub(super) fn references(board: &Board, run: RunId) -> Result<References, StoreError> {
    board.read(|reader| {
        let (number, summary) = summary(reader, run)?.ok_or(StoreError::NoRun(run))?;
        let mut found = References::default();
        found.blobs.insert(summary.head.plan);
        if let Difference::Kept { digest, .. } = summary.head.source.difference {
            found.blobs.insert(digest);
        }
        if let Some(parent) = &summary.head.parent {
            found.add_parent(parent);
        }
        found
            .blobs
            .extend(fragments(reader, number)?.iter().map(|each| each.digest));
        task_references(reader, number, &mut found)?;
        attempt_references(reader, number, &mut found)?;
        for row in effects(reader, number)? {
            if let Effect::Compile { content, .. } = row.effect {
                found.blobs.insert(content);
            }
        }
        Ok(found)
    })
}

fn task_references(reader: &Connection, number: i64, found: &mut References) -> Result<(), Stop> {
    let artifacts: Vec<Vec<ArtifactRef>> = rows(
        reader,
        "SELECT artifacts FROM task WHERE run=?1 AND artifacts IS NOT NULL",
        [number],
        |row| decode::json(row, 0),
    )?;
    let digests = artifacts.iter().flatten().map(|each| each.digest);
    found.blobs.extend(digests);
    let reused: BTreeSet<RunId> = rows(
        reader,
        "SELECT DISTINCT reused_from FROM task WHERE run=?1 AND reused_from IS NOT NULL",
        [number],
        |row| decode::run_id(row, 0),
    )?
    .into_iter()
    .collect();
    found.runs.extend(reused);
    Ok(())
}

fn attempt_references(
    reader: &Connection,
    number: i64,
    found: &mut References,
) -> Result<(), Stop> {
    let segments: Vec<(String, i64)> = rows(
        reader,
        "SELECT segment, SUM(log_bytes) FROM attempt WHERE run=?1 AND segment IS NOT NULL \
         GROUP BY segment",
        [number],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let sizes = segments
        .into_iter()
        .map(|(segment, bytes)| (segment, bytes.cast_unsigned()));
    found.segments.extend(sizes);
    found.workers.extend(rows(
        reader,
        "SELECT DISTINCT worker FROM attempt WHERE run=?1 AND segment IS NULL \
         AND (result IS NULL OR result NOT IN (?2,?3))",
        [number, encode::RESULT_SUCCEEDED, encode::RESULT_REUSED],
        |row| row.get(0).map(WorkerId),
    )?);
    let rests: Vec<EndRest<'static>> = rows(
        reader,
        "SELECT rest FROM attempt WHERE run=?1 AND rest IS NOT NULL",
        [number],
        |row| decode::json(row, 0),
    )?;
    for rest in rests {
        found.blobs.extend(rest.generated);
        found.blobs.extend(rest.summary);
        let artifacts = rest.artifacts.iter().map(|each| each.digest);
        found.blobs.extend(artifacts);
        if let Some(reused) = rest.keyed.as_ref().and_then(|keyed| keyed.found.as_ref()) {
            found.add_reused(reused);
        }
    }
    Ok(())
}

fn summary(reader: &Connection, run: RunId) -> Result<Option<(i64, RunSummary)>, Stop> {
    let found = rows(
        reader,
        &format!(
            "SELECT {HEAD_COLUMNS}, {RUN_COLUMNS}, until, who, run.run FROM head \
             JOIN run USING (run) LEFT JOIN owner USING (run) WHERE head.id=?1"
        ),
        [run.as_str()],
        summary_columns,
    )?;
    Ok(found.into_iter().next())
}

fn summary_columns(row: &Row<'_>) -> rusqlite::Result<(i64, RunSummary)> {
    let head = decode::head(row)?;
    let summary = RunSummary {
        row: decode::run(row, head.id, HEAD_WIDTH)?,
        owner: decode::owner(row, OWNER_AT)?,
        head,
    };
    Ok((row.get(OWNER_AT + 2)?, summary))
}

fn fragments(reader: &Connection, number: i64) -> Result<Vec<FragmentRef>, Stop> {
    rows(
        reader,
        "SELECT task, digest, scope FROM fragment WHERE run=?1 ORDER BY place",
        [number],
        decode::fragment,
    )
}

fn all_tasks(reader: &Connection, number: i64) -> Result<Vec<TaskRow>, Stop> {
    rows(
        reader,
        &format!("SELECT {TASK_COLUMNS} FROM task WHERE run=?1 ORDER BY task"),
        [number],
        decode::task,
    )
}

fn attempts_sql() -> String {
    format!("SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE run=?1 ORDER BY task, attempt")
}

/// The newest attempt of each task, and every one that has not ended.
fn newest_attempts(reader: &Connection, number: i64) -> Result<Vec<AttemptRow>, Stop> {
    let mut statement = reader.prepare_cached(&attempts_sql())?;
    let mut newest: Vec<AttemptRow> = Vec::new();
    for row in statement.query_map([number], decode::attempt)? {
        let row = row?;
        if let Some(last) = newest.last()
            && last.task == row.task
            && last.end.is_some()
        {
            newest.pop();
        }
        newest.push(row);
    }
    Ok(newest)
}

fn leases(reader: &Connection, number: i64) -> Result<Vec<LeaseRow>, Stop> {
    rows(
        reader,
        "SELECT worker, until FROM lease WHERE run=?1 ORDER BY worker",
        [number],
        |row| {
            Ok(LeaseRow {
                worker: WorkerId(row.get(0)?),
                until: Timestamp(row.get(1)?),
            })
        },
    )
}

fn effects(reader: &Connection, number: i64) -> Result<Vec<EffectRow>, Stop> {
    rows(
        reader,
        "SELECT name, effect FROM effect WHERE run=?1 ORDER BY name",
        [number],
        |row| {
            Ok(EffectRow {
                key: EffectKey(row.get(0)?),
                effect: decode::json(row, 1)?,
            })
        },
    )
}

fn rows<T>(
    reader: &Connection,
    sql: &str,
    values: impl Params,
    decode: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Stop> {
    let mut statement = reader.prepare_cached(sql)?;
    let rows = statement.query_map(values, decode)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn limit_number(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
