//! Rows of the engine as statements with values.
//!
//! Values are owned, so that another thread can write them (see `group_commit`). Unsigned numbers
//! keep their bits.

use super::codes::Code as _;
use engine::rows::{
    AttemptEnd, AttemptResult, AttemptRow, Changes, EffectKey, EffectRow, EventRow, Exit,
    FragmentRef, KeyRow, Keyed, LeaseRow, RunRow, StepResult, TaskRow, Transition,
};
use model::ids::WorkerId;
use model::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) const RUN_UPDATE: &str = "UPDATE run SET version=?1, state=?2, token=?3, events=?4, \
    total=?5, running=?6, blocked=?7, succeeded=?8, failed=?9, skipped=?10, canceled=?11, \
    inbox=?12, started_at=?13, ended_at=?14, finally_at=?15, cancel=?16 \
    WHERE run=?17 AND version=?18 AND fence=?19 AND state < ?20";
pub(super) const RUN_INSERT: &str = "INSERT INTO run (version, state, token, events, total, \
    running, blocked, succeeded, failed, skipped, canceled, inbox, started_at, ended_at, \
    finally_at, cancel, run, fence) \
    VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)";
pub(super) const FRAGMENT: &str = "INSERT OR REPLACE INTO fragment (run, place, task, digest, \
    scope) VALUES (?1,?2,?3,?4,?5)";
pub(super) const TASK: &str = "INSERT OR REPLACE INTO task (run, task, def, kind, state, flags, \
    attempts, retries, free_retries, name, parent, ready_at, timer_at, started_at, ended_at, cell, \
    outputs, artifacts, reused_from, note, inputs, grp) \
    VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22)";
pub(super) const ATTEMPT: &str = "INSERT OR REPLACE INTO attempt (run, task, attempt, token, \
    worker, leased_at, started, stop, deadline_at, ended_at, result, exit_code, cpu_us, \
    memory_peak_bytes, steps, segment, log_from, log_to, log_bytes, log_missing, rest) \
    VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)";
pub(super) const LEASE: &str =
    "INSERT OR REPLACE INTO lease (run, worker, until) VALUES (?1,?2,?3)";
pub(super) const LEASE_GONE: &str = "DELETE FROM lease WHERE run=?1 AND worker=?2";
pub(super) const EVENT: &str = "INSERT OR REPLACE INTO event (run, seq, at, kind, task, what, who) VALUES (?1,?2,?3,?4,?5,?6,?7)";
pub(super) const EFFECT: &str =
    "INSERT OR REPLACE INTO effect (run, name, effect) VALUES (?1,?2,?3)";
pub(super) const EFFECT_DONE: &str = "DELETE FROM effect WHERE run=?1 AND name=?2";
pub(super) const KEY: &str = "INSERT OR REPLACE INTO reuse (name, run, task) VALUES (?1,?2,?3)";
pub(super) const INBOX_DONE: &str = "DELETE FROM inbox WHERE run=?1 AND seq<=?2";

/// A statement with its values.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
}

impl Statement {
    pub(super) fn execute(&self, writer: &Connection) -> rusqlite::Result<()> {
        writer
            .prepare_cached(self.sql)?
            .execute(params_from_iter(&self.values))?;
        Ok(())
    }
}

/// What the board keeps of an attempt in one column, because it is rare: most of it is of its end.
#[derive(Default, PartialEq, Serialize, Deserialize)]
pub(super) struct EndRest<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) outputs: Cow<'a, engine::rows::Outputs>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub(super) artifacts: Cow<'a, [engine::rows::ArtifactRef]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) generated: Option<model::digest::Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<model::digest::Digest>,
    /// Of one that has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) keyed: Option<Cow<'a, Keyed>>,
}

/// A step on the board: name, status (plus 10 if tolerated), how its command ended, duration, label.
#[derive(Serialize, Deserialize)]
pub(super) struct StepCells<'a>(
    pub(super) Cow<'a, str>,
    pub(super) i64,
    pub(super) Option<(u8, i32)>,
    pub(super) u64,
    #[serde(default, skip_serializing_if = "Option::is_none")] pub(super) Option<Cow<'a, str>>,
);

/// How [`StepCells`] name the two ways in which a command ends.
pub(super) const EXIT_CODE: u8 = 0;
pub(super) const EXIT_SIGNAL: u8 = 1;

/// Hands the statements of a change to `add` one by one, but for the run's own row.
pub(super) fn changes<E>(
    run: i64,
    changes: &Changes,
    mut add: impl FnMut(Statement) -> Result<(), E>,
) -> Result<(), E> {
    let mut add = |sql, values| add(Statement { sql, values });
    for row in &changes.tasks {
        add(TASK, task(run, row))?;
    }
    for row in &changes.attempts {
        add(ATTEMPT, attempt(run, row))?;
    }
    for row in &changes.fragments {
        add(FRAGMENT, fragment(run, row))?;
    }
    for LeaseRow { worker, until } in &changes.leases {
        add(LEASE, vec![run.into(), worker_text(worker), time(*until)])?;
    }
    for worker in &changes.leases_gone {
        add(LEASE_GONE, vec![run.into(), worker_text(worker)])?;
    }
    for row in &changes.events {
        add(EVENT, event(run, row))?;
    }
    for EffectRow { key, effect } in &changes.effects {
        add(EFFECT, vec![run.into(), text(&key.0), json(effect)])?;
    }
    for EffectKey(key) in &changes.effects_done {
        add(EFFECT_DONE, vec![run.into(), text(key)])?;
    }
    for KeyRow { key, task } in &changes.keys {
        let name = Value::Blob(key.0.as_bytes().to_vec());
        add(KEY, vec![name, run.into(), task.0.into()])?;
    }
    if changes.run.inbox > 0 {
        add(INBOX_DONE, vec![run.into(), number(changes.run.inbox)])?;
    }
    Ok(())
}

/// The values of a run's row, ready for what [`RUN_UPDATE`] and [`RUN_INSERT`] want behind them.
pub(super) fn run(row: &RunRow) -> Vec<Value> {
    let counts = &row.counts;
    let mut values = Vec::with_capacity(19);
    values.extend([number(row.version), row.state.code().into()]);
    values.extend([number(row.token.0), number(row.events)]);
    values.extend(
        [
            counts.total,
            counts.running,
            counts.blocked,
            counts.succeeded,
            counts.failed,
            counts.skipped,
            counts.canceled,
        ]
        .map(Value::from),
    );
    values.push(number(row.inbox));
    values.extend([row.started_at, row.ended_at, row.finally_at].map(time_or_null));
    values.push(row.cancel.as_ref().map_or(Value::Null, json));
    values
}

/// Its place among the others follows from its scope.
fn fragment(run: i64, fragment: &FragmentRef) -> Vec<Value> {
    vec![
        run.into(),
        fragment.scope.0.into(),
        fragment.task.0.into(),
        Value::Blob(fragment.digest.as_bytes().to_vec()),
        fragment.scope.0.into(),
    ]
}

fn task(run: i64, row: &TaskRow) -> Vec<Value> {
    let stop = row.stop.map_or(0, |stop| stop.code() + 1);
    let flags = i64::from(row.tolerated) + 2 * i64::from(row.released) + TASK_STOP * stop;
    vec![
        run.into(),
        row.no.0.into(),
        row.def.0.into(),
        row.kind.code().into(),
        row.state.code().into(),
        flags.into(),
        row.attempts.into(),
        row.retries.into(),
        row.free_retries.into(),
        text(&row.key),
        row.parent.map(|parent| parent.0).into(),
        time_or_null(row.ready_at),
        time_or_null(row.timer_at),
        time_or_null(row.started_at),
        time_or_null(row.ended_at),
        row.cell.as_ref().map_or(Value::Null, json),
        row.outputs.as_ref().map_or(Value::Null, json),
        json_unless(row.artifacts.is_empty(), &row.artifacts),
        row.reused_from
            .map_or(Value::Null, |run| text(run.as_str())),
        row.note.as_deref().map_or(Value::Null, text),
        match (&row.inputs, &row.wants) {
            (Some(inputs), _) => json(inputs),
            (None, Some(wants)) => json(wants),
            (None, None) => Value::Null,
        },
        row.group.as_deref().map_or(Value::Null, text),
    ]
}

fn attempt(run: i64, row: &AttemptRow) -> Vec<Value> {
    let mut values = Vec::with_capacity(21);
    values.extend([run.into(), row.task.0.into(), row.attempt.0.into()]);
    values.extend([number(row.token.0), worker_text(&row.worker)]);
    values.extend([time(row.leased_at), i64::from(row.started).into()]);
    values.push(row.stop.map(super::codes::Code::code).into());
    values.extend([time_or_null(row.deadline_at), time_or_null(row.ended_at)]);
    match &row.end {
        Some(end) => attempt_end(&mut values, end),
        None => {
            values.extend(std::iter::repeat_n(Value::Null, 10));
            let keyed = row.keyed.as_deref().map(Cow::Borrowed);
            let rest = keyed.map(|keyed| EndRest {
                keyed: Some(keyed),
                ..EndRest::default()
            });
            values.push(rest.as_ref().map_or(Value::Null, json));
        }
    }
    values
}

/// What the number of a task's stop is multiplied with among its flags; 0 is none, else it is one too large.
pub(super) const TASK_STOP: i64 = 4;

/// Numbers of attempt results, beside those of `FailureKind` (1 to 5) for failures.
pub(super) const RESULT_SUCCEEDED: i64 = 0;
pub(super) const RESULT_STOPPED: i64 = 20;
pub(super) const RESULT_INTERRUPTED: i64 = 21;
pub(super) const RESULT_REUSED: i64 = 22;

fn attempt_end(values: &mut Vec<Value>, end: &AttemptEnd) {
    let (result, exit_code, message) = match &end.result {
        AttemptResult::Succeeded => (RESULT_SUCCEEDED, None, None),
        AttemptResult::Failed {
            kind,
            exit_code,
            message,
        } => (kind.code(), *exit_code, Some(Cow::Borrowed(&**message))),
        AttemptResult::Reused => (RESULT_REUSED, None, None),
        AttemptResult::Stopped => (RESULT_STOPPED, None, None),
        AttemptResult::Interrupted => (RESULT_INTERRUPTED, None, None),
    };
    let rest = EndRest {
        message,
        outputs: Cow::Borrowed(&end.outputs),
        artifacts: Cow::Borrowed(&end.artifacts),
        generated: end.generated,
        summary: end.summary,
        keyed: None,
    };
    let steps: Vec<StepCells<'_>> = end.steps.iter().map(step).collect();
    values.extend([result.into(), exit_code.into()]);
    values.extend([
        number(end.usage.cpu_us),
        number(end.usage.memory_peak_bytes),
    ]);
    values.push(json_unless(steps.is_empty(), &steps));
    match &end.log {
        Some(log) => {
            values.push(text(&log.segment));
            values.extend([log.from, log.to, log.size_bytes, log.missing_bytes].map(number));
        }
        None => values.extend(std::iter::repeat_n(Value::Null, 5)),
    }
    values.push(json_unless(rest == EndRest::default(), &rest));
}

fn step(step: &StepResult) -> StepCells<'_> {
    let exit = step.exit.map(|exit| match exit {
        Exit::Code(code) => (EXIT_CODE, code),
        Exit::Signal(signal) => (EXIT_SIGNAL, signal),
    });
    let status = step.status.code() + 10 * i64::from(step.tolerated);
    let label = step.label.as_deref().map(Cow::Borrowed);
    StepCells(
        Cow::Borrowed(&step.name),
        status,
        exit,
        step.duration_ms,
        label,
    )
}

/// Numbers of transitions.
pub(super) mod kind {
    pub(in super::super) const RUN_CREATED: i64 = 1;
    pub(in super::super) const RUN_ADMITTED: i64 = 2;
    pub(in super::super) const CANCEL_ASKED: i64 = 3;
    pub(in super::super) const TAKEN_OVER: i64 = 4;
    pub(in super::super) const RUN_ENDED: i64 = 5;
    pub(in super::super) const TASK_MOVED: i64 = 6;
    pub(in super::super) const LEASED: i64 = 7;
    pub(in super::super) const STARTED: i64 = 8;
    pub(in super::super) const ATTEMPT_ENDED: i64 = 9;
    pub(in super::super) const TASK_ENDED: i64 = 10;
    pub(in super::super) const APPROVED: i64 = 11;
    pub(in super::super) const REJECTED: i64 = 12;
    pub(in super::super) const GENERATED: i64 = 13;
    pub(in super::super) const REUSED: i64 = 14;
}

fn event(run: i64, row: &EventRow) -> Vec<Value> {
    let reused_from;
    let (kind, task, what, who) = match &row.what {
        Transition::RunCreated => (kind::RUN_CREATED, None, None, None),
        Transition::RunAdmitted => (kind::RUN_ADMITTED, None, None, None),
        Transition::CancelAsked { mode, by } => {
            (kind::CANCEL_ASKED, None, Some(mode.code()), Some(by))
        }
        Transition::TakenOver { by } => (kind::TAKEN_OVER, None, None, Some(by)),
        Transition::RunEnded(result) => (kind::RUN_ENDED, None, Some(result.code()), None),
        Transition::TaskMoved { task, state } => {
            (kind::TASK_MOVED, Some(task), Some(state.code()), None)
        }
        Transition::Leased { task, attempt } => {
            (kind::LEASED, Some(task), Some(attempt.0.into()), None)
        }
        Transition::Started { task, attempt } => {
            (kind::STARTED, Some(task), Some(attempt.0.into()), None)
        }
        Transition::AttemptEnded { task, attempt } => (
            kind::ATTEMPT_ENDED,
            Some(task),
            Some(attempt.0.into()),
            None,
        ),
        Transition::TaskEnded { task, ended } => {
            (kind::TASK_ENDED, Some(task), Some(ended.code()), None)
        }
        Transition::Reused { task, from } => {
            reused_from = from.as_str().to_owned();
            (kind::REUSED, Some(task), None, Some(&reused_from))
        }
        Transition::Approved { task, by } => (kind::APPROVED, Some(task), None, Some(by)),
        Transition::Rejected { task, by } => (kind::REJECTED, Some(task), None, Some(by)),
        Transition::Generated { task, tasks } => {
            (kind::GENERATED, Some(task), Some((*tasks).into()), None)
        }
    };
    vec![
        run.into(),
        number(row.seq),
        time(row.at),
        kind.into(),
        task.map(|task| task.0).into(),
        what.into(),
        who.map_or(Value::Null, |who| text(who)),
    ]
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn worker_text(worker: &WorkerId) -> Value {
    text(&worker.0)
}

pub(super) fn number(number: u64) -> Value {
    Value::Integer(number.cast_signed())
}

fn time(at: Timestamp) -> Value {
    Value::Integer(at.0)
}

fn time_or_null(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, time)
}

pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Value {
    let text = serde_json::to_string(value).expect("rows have string keys and no failing parts");
    Value::Text(text)
}

fn json_unless(absent: bool, value: &(impl Serialize + ?Sized)) -> Value {
    if absent { Value::Null } else { json(value) }
}
