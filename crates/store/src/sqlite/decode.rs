//! Rows of the engine from columns. The inverse of `encode`, for every value that it can write.

use super::codes::Code;
use super::encode::{self, EndRest, StepCells, kind};
use crate::owner::Owner;
use engine::rows::{
    AttemptEnd, AttemptResult, AttemptRow, Counts, EventRow, Exit, FragmentRef, LogRef, Parent,
    RunHead, RunRow, StepResult, StopCause, TaskKind, TaskRow, Transition, Usage,
};
use model::digest::Digest;
use model::ids::{AttemptNo, DefNo, RunId, ScopeNo, TaskNo, Token, WorkerId};
use model::reason::FailureKind;
use model::source::Source;
use model::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Result, Row};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) const HEAD_COLUMNS: &str = "head.id, pipeline, plan, created_at, asked_by, clean, rest";
pub(super) const RUN_COLUMNS: &str = "version, state, token, events, total, running, blocked, \
    succeeded, failed, skipped, canceled, inbox, started_at, ended_at, finally_at, cancel";
pub(super) const TASK_COLUMNS: &str = "task, def, kind, state, flags, attempts, retries, \
    free_retries, name, parent, ready_at, timer_at, started_at, ended_at, cell, outputs, artifacts, \
    reused_from, note, inputs, grp";
pub(super) const ATTEMPT_COLUMNS: &str = "task, attempt, token, worker, leased_at, started, stop, \
    deadline_at, ended_at, result, exit_code, cpu_us, memory_peak_bytes, steps, segment, log_from, \
    log_to, log_bytes, log_missing, rest";
pub(super) const EVENT_COLUMNS: &str = "seq, at, kind, task, what, who";

/// What the board keeps of a run's head in one column.
#[derive(Serialize, Deserialize)]
pub(super) struct HeadRest<'a> {
    pub(super) source: Cow<'a, Source>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<Cow<'a, Parent>>,
    #[serde(default)]
    pub(super) expected_ms: Cow<'a, BTreeMap<String, u64>>,
}

/// The number of columns of a head, after which those of the run's row come.
pub(super) const HEAD_WIDTH: usize = 7;
const RUN_WIDTH: usize = 16;
/// Where the owner's columns are in a summary.
pub(super) const OWNER_AT: usize = HEAD_WIDTH + RUN_WIDTH;

pub(super) fn head(row: &Row<'_>) -> Result<RunHead> {
    let rest: HeadRest<'_> = json(row, 6)?;
    Ok(RunHead {
        id: run_id(row, 0)?,
        pipeline: row.get(1)?,
        plan: digest(row, 2)?,
        created_at: time(row, 3)?,
        by: row.get(4)?,
        clean: row.get(5)?,
        source: rest.source.into_owned(),
        parent: rest.parent.map(Cow::into_owned),
        expected_ms: rest.expected_ms.into_owned(),
    })
}

/// The run's row from the columns `at` on.
pub(super) fn run(row: &Row<'_>, id: RunId, at: usize) -> Result<RunRow> {
    Ok(RunRow {
        id,
        version: number(row, at)?,
        state: code(row, at + 1)?,
        token: Token(number(row, at + 2)?),
        events: number(row, at + 3)?,
        counts: Counts {
            total: row.get(at + 4)?,
            running: row.get(at + 5)?,
            blocked: row.get(at + 6)?,
            succeeded: row.get(at + 7)?,
            failed: row.get(at + 8)?,
            skipped: row.get(at + 9)?,
            canceled: row.get(at + 10)?,
        },
        inbox: number(row, at + 11)?,
        started_at: time_or_none(row, at + 12)?,
        ended_at: time_or_none(row, at + 13)?,
        finally_at: time_or_none(row, at + 14)?,
        cancel: json_or_none(row, at + 15)?,
    })
}

/// The owner from the columns `until` and `who`, which are null when there is none.
pub(super) fn owner(row: &Row<'_>, at: usize) -> Result<Option<Owner>> {
    let Some(mut owner) = json_or_none::<Owner>(row, at + 1)? else {
        return Ok(None);
    };
    owner.until = time(row, at)?;
    Ok(Some(owner))
}

pub(super) fn fragment(row: &Row<'_>) -> Result<FragmentRef> {
    Ok(FragmentRef {
        task: TaskNo(row.get(0)?),
        digest: digest(row, 1)?,
        scope: ScopeNo(row.get(2)?),
    })
}

pub(super) fn task(row: &Row<'_>) -> Result<TaskRow> {
    let flags: i64 = row.get(4)?;
    let key: String = row.get(8)?;
    let note: Option<String> = row.get(18)?;
    let group: Option<String> = row.get(20)?;
    let kind: TaskKind = code(row, 2)?;
    let (inputs, wants) = match kind {
        TaskKind::Call => (json_or_none(row, 19)?, None),
        TaskKind::Leaf | TaskKind::Matrix => (None, json_or_none(row, 19)?),
    };
    Ok(TaskRow {
        no: TaskNo(row.get(0)?),
        def: DefNo(row.get(1)?),
        kind,
        state: code(row, 3)?,
        tolerated: flags & 1 != 0,
        released: flags & 2 != 0,
        stop: task_stop(flags)?,
        attempts: row.get(5)?,
        retries: row.get(6)?,
        free_retries: row.get(7)?,
        key: key.into(),
        parent: row.get::<_, Option<u32>>(9)?.map(TaskNo),
        ready_at: time_or_none(row, 10)?,
        timer_at: time_or_none(row, 11)?,
        started_at: time_or_none(row, 12)?,
        ended_at: time_or_none(row, 13)?,
        cell: json_or_none(row, 14)?,
        outputs: json_or_none(row, 15)?,
        artifacts: json_or_none(row, 16)?.unwrap_or_default(),
        reused_from: match row.get_ref(17)?.as_str_or_null()? {
            Some(_) => Some(run_id(row, 17)?),
            None => None,
        },
        note: note.map(Into::into),
        inputs,
        wants,
        group: group.map(Into::into),
    })
}

fn task_stop(flags: i64) -> Result<Option<StopCause>> {
    match flags / encode::TASK_STOP {
        0 => Ok(None),
        stop => {
            let stop = Code::from_code(stop - 1).ok_or_else(|| unknown(4, flags))?;
            Ok(Some(stop))
        }
    }
}

pub(super) fn attempt(row: &Row<'_>) -> Result<AttemptRow> {
    let rest: EndRest<'_> = json_or_none(row, 19)?.unwrap_or_default();
    let keyed = rest.keyed.clone().map(Cow::into_owned).map(Box::new);
    Ok(AttemptRow {
        task: TaskNo(row.get(0)?),
        attempt: AttemptNo(row.get(1)?),
        token: Token(number(row, 2)?),
        worker: WorkerId(row.get(3)?),
        leased_at: time(row, 4)?,
        started: row.get(5)?,
        stop: match row.get::<_, Option<i64>>(6)? {
            Some(_) => Some(code(row, 6)?),
            None => None,
        },
        deadline_at: time_or_none(row, 7)?,
        ended_at: time_or_none(row, 8)?,
        end: match row.get::<_, Option<i64>>(9)? {
            Some(result) => Some(Box::new(attempt_end(row, result, rest)?)),
            None => None,
        },
        keyed,
    })
}

fn attempt_end(row: &Row<'_>, result: i64, rest: EndRest<'_>) -> Result<AttemptEnd> {
    let steps: Vec<StepCells<'_>> = json_or_none(row, 13)?.unwrap_or_default();
    Ok(AttemptEnd {
        result: match result {
            encode::RESULT_SUCCEEDED => AttemptResult::Succeeded,
            encode::RESULT_REUSED => AttemptResult::Reused,
            encode::RESULT_STOPPED => AttemptResult::Stopped,
            encode::RESULT_INTERRUPTED => AttemptResult::Interrupted,
            kind => AttemptResult::Failed {
                kind: FailureKind::from_code(kind).ok_or_else(|| unknown(9, kind))?,
                exit_code: row.get(10)?,
                message: rest.message.map(Cow::into_owned).unwrap_or_default(),
            },
        },
        steps: steps.into_iter().map(step).collect::<Result<_>>()?,
        outputs: rest.outputs.into_owned(),
        artifacts: rest.artifacts.into_owned(),
        generated: rest.generated,
        moved: false,
        summary: rest.summary,
        usage: Usage {
            cpu_us: number(row, 11)?,
            memory_peak_bytes: number(row, 12)?,
        },
        log: match row.get::<_, Option<String>>(14)? {
            Some(segment) => Some(LogRef {
                segment,
                from: number(row, 15)?,
                to: number(row, 16)?,
                size_bytes: number(row, 17)?,
                missing_bytes: number(row, 18)?,
            }),
            None => None,
        },
    })
}

fn step(StepCells(name, status, exit, duration_ms, label): StepCells<'_>) -> Result<StepResult> {
    Ok(StepResult {
        name: name.into_owned(),
        label: label.map(Cow::into_owned),
        status: Code::from_code(status % 10).ok_or_else(|| unknown(13, status))?,
        tolerated: status >= 10,
        exit: match exit {
            None => None,
            Some((encode::EXIT_CODE, code)) => Some(Exit::Code(code)),
            Some((encode::EXIT_SIGNAL, signal)) => Some(Exit::Signal(signal)),
            Some((how, _)) => return Err(unknown(13, how.into())),
        },
        duration_ms,
    })
}

pub(super) fn event(row: &Row<'_>) -> Result<EventRow> {
    let task = || row.get(3).map(TaskNo);
    let attempt = || row.get(4).map(AttemptNo);
    let by = || row.get(5);
    let what = match row.get(2)? {
        kind::RUN_CREATED => Transition::RunCreated,
        kind::RUN_ADMITTED => Transition::RunAdmitted,
        kind::CANCEL_ASKED => Transition::CancelAsked {
            mode: code(row, 4)?,
            by: by()?,
        },
        kind::TAKEN_OVER => Transition::TakenOver { by: by()? },
        kind::RUN_ENDED => Transition::RunEnded(code(row, 4)?),
        kind::TASK_MOVED => Transition::TaskMoved {
            task: task()?,
            state: code(row, 4)?,
        },
        kind::LEASED => Transition::Leased {
            task: task()?,
            attempt: attempt()?,
        },
        kind::STARTED => Transition::Started {
            task: task()?,
            attempt: attempt()?,
        },
        kind::ATTEMPT_ENDED => Transition::AttemptEnded {
            task: task()?,
            attempt: attempt()?,
        },
        kind::TASK_ENDED => Transition::TaskEnded {
            task: task()?,
            ended: code(row, 4)?,
        },
        kind::APPROVED => Transition::Approved {
            task: task()?,
            by: by()?,
        },
        kind::REJECTED => Transition::Rejected {
            task: task()?,
            by: by()?,
        },
        kind::GENERATED => Transition::Generated {
            task: task()?,
            tasks: row.get(4)?,
        },
        kind::REUSED => Transition::Reused {
            task: task()?,
            from: run_id(row, 5)?,
        },
        other => return Err(unknown(2, other)),
    };
    Ok(EventRow {
        seq: number(row, 0)?,
        at: time(row, 1)?,
        what,
    })
}

pub(super) fn number(row: &Row<'_>, at: usize) -> Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}

pub(super) fn code<T: Code>(row: &Row<'_>, at: usize) -> Result<T> {
    let code = row.get(at)?;
    T::from_code(code).ok_or_else(|| unknown(at, code))
}

pub(super) fn run_id(row: &Row<'_>, at: usize) -> Result<RunId> {
    let text = row.get_ref(at)?.as_str()?;
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error)))
}

pub(super) fn digest(row: &Row<'_>, at: usize) -> Result<Digest> {
    row.get(at).map(Digest::from_bytes)
}

fn time(row: &Row<'_>, at: usize) -> Result<Timestamp> {
    row.get(at).map(Timestamp)
}

fn time_or_none(row: &Row<'_>, at: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(Timestamp))
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> Result<T> {
    let text = row.get_ref(at)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error)))
}

pub(super) fn json_or_none<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> Result<Option<T>> {
    match row.get_ref(at)?.as_str_or_null()? {
        Some(_) => json(row, at).map(Some),
        None => Ok(None),
    }
}

fn unknown(at: usize, code: i64) -> rusqlite::Error {
    let message = format!("the number {code} has no meaning here");
    rusqlite::Error::FromSqlConversionFailure(at, Type::Integer, message.into())
}
