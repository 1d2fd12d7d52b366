//! What has to hold of attempts: leased at the right time, ended once and as told, with all of their log.

use super::plan::{is_finally, unmet_need};
use super::{Close, Known, Watch};
use engine::rows::{AttemptResult, AttemptRow, Snapshot, TaskRow};
use model::ids::{AttemptId, AttemptNo, TaskNo, Token};
use model::reason::{CancelMode, FailureKind};
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Watch {
    pub(super) fn attempt_steps(
        &mut self,
        known: &mut Known,
        rows: &Snapshot,
        now: Timestamp,
        lives: &dyn Fn(AttemptId) -> bool,
    ) {
        let run = rows.run.id;
        let before: BTreeMap<(TaskNo, AttemptNo), &AttemptRow> = known
            .rows
            .attempts
            .iter()
            .map(|row| ((row.task, row.attempt), row))
            .collect();
        let mut live: BTreeSet<TaskNo> = BTreeSet::new();
        let mut tokens: BTreeSet<Token> = BTreeSet::new();
        let mut succeeded: BTreeSet<TaskNo> = BTreeSet::new();
        for row in &rows.attempts {
            let key = &rows.tasks[row.task.index()].key;
            let id = AttemptId {
                run,
                task: row.task,
                attempt: row.attempt,
            };
            if !tokens.insert(row.token) || row.token > rows.run.token {
                self.say(format!(
                    "attempt {id} of `{key}` has a token that is not its own"
                ));
            }
            if row.end.is_none() && !live.insert(row.task) {
                self.say(format!("task `{key}` has two leased attempts"));
            }
            let good = row.end.as_ref();
            if good.is_some_and(|end| end.result == AttemptResult::Succeeded)
                && !succeeded.insert(row.task)
            {
                self.say(format!("two attempts of task `{key}` have published"));
            }
            let old = before.get(&(row.task, row.attempt)).copied();
            match old {
                None => self.leased(known, rows, row, now),
                Some(old) if old.end.is_some() && old != row => {
                    self.say(format!("attempt {id} of `{key}` had ended and changed"));
                }
                Some(_) => {}
            }
            if row.stop.is_some() && row.end.is_none() {
                known.stops.entry((row.task, row.attempt)).or_insert(now);
            }
            let ended_now = row.end.is_some() && old.is_none_or(|old| old.end.is_none());
            if ended_now {
                known.stops.remove(&(row.task, row.attempt));
                match self.close(id, row) {
                    Some(Close::Reported) => {
                        known.disturbed |= is_platforms_fault(row);
                        if lives(id) {
                            self.say(format!(
                                "attempt {id} of `{key}` was reported while its processes live"
                            ));
                        }
                        self.published(id, row, &rows.tasks[row.task.index()]);
                        self.log(known.owner, id, row);
                    }
                    Some(Close::Lost) => {
                        known.disturbed = true;
                        self.count("attempts lost");
                        if self.safe_at.is_some_and(|safe_at| row.leased_at >= safe_at) {
                            self.say(format!("attempt {id} of `{key}` was lost in calm weather"));
                        }
                    }
                    None => {}
                }
            }
        }
        if before.len() > rows.attempts.len() {
            self.say(format!("run {run}: attempts are gone"));
        }
    }

    /// A worker has got a task.
    fn leased(&mut self, known: &Known, rows: &Snapshot, row: &AttemptRow, _now: Timestamp) {
        self.count("leases");
        let task = &rows.tasks[row.task.index()];
        let earlier = known.rows.run.cancel.as_ref();
        if let Some(cancel) = earlier.filter(|_| known.rows.run.version > 0) {
            let finally = is_finally(&known.plan, rows, row.task);
            if cancel.mode == CancelMode::Now || !finally {
                self.say(format!(
                    "`{}` was leased after the run was canceled",
                    task.key
                ));
            }
        }
        if row.token <= known.rows.run.token && known.rows.run.version > 0 {
            self.say(format!("`{}` was leased under an old token", task.key));
        }
        if let Some(need) = unmet_need(&known.plan, rows, task) {
            self.say(format!(
                "`{}` was leased before `{need}` had ended",
                task.key
            ));
        }
        if rows.leases.iter().all(|lease| lease.worker != row.worker) && row.end.is_none() {
            self.say(format!(
                "`{}` was leased to a worker without a lease",
                task.key
            ));
        }
    }

    /// How an attempt came to its end; `None` when nobody knows, which is said.
    pub(super) fn close(&mut self, id: AttemptId, row: &AttemptRow) -> Option<Close> {
        let end = row.end.as_ref().expect("it has ended");
        let sent = self.reports.get(&id);
        let same = sent.is_some_and(|sent| {
            sent.token == row.token
                && sent.worker == row.worker
                && sent.end.result == end.result
                && sent.end.steps == end.steps
        });
        let lost = match &end.result {
            AttemptResult::Failed { kind, message, .. } => {
                *kind == FailureKind::InfraAfterStart && message.starts_with("worker `")
            }
            AttemptResult::Interrupted => end.steps.is_empty(),
            AttemptResult::Succeeded | AttemptResult::Reused | AttemptResult::Stopped => false,
        };
        match (same, lost) {
            (true, false) => Some(Close::Reported),
            (_, true) => Some(Close::Lost),
            (false, false) => {
                self.say(format!(
                    "attempt {id} ended in a way that its worker never told"
                ));
                None
            }
        }
    }

    /// What a task gives is what its attempt told.
    fn published(&mut self, id: AttemptId, row: &AttemptRow, task: &TaskRow) {
        let end = &self.reports[&id].end;
        if end.result != AttemptResult::Succeeded || row.end.is_none() {
            return;
        }
        let given = task.outputs.as_deref();
        let same = end
            .outputs
            .iter()
            .all(|(name, value)| given.is_some_and(|given| given.get(name) == Some(value)));
        if !same {
            self.say(format!(
                "task `{}` gives what attempt {id} did not tell",
                task.key
            ));
        }
    }

    /// Every byte that was printed is in the log, or counted as missing.
    fn log(&mut self, owner: u64, id: AttemptId, row: &AttemptRow) {
        let printed = self.printed.get(&id).map_or(&[][..], Vec::as_slice);
        let told = printed.len() as u64 + self.remarks.get(&id).copied().unwrap_or(0);
        let Some(log) = row.end.as_ref().and_then(|end| end.log.as_ref()) else {
            if told > 0 {
                self.say(format!("attempt {id} printed {told} bytes and has no log"));
            }
            return;
        };
        let kept = self.logs.output(owner, &row.worker, id);
        if log.missing_bytes > 0 {
            self.count("logs with missing bytes");
        }
        if log.size_bytes + log.missing_bytes != told {
            let (kept, missing) = (log.size_bytes, log.missing_bytes);
            self.say(format!(
                "attempt {id} printed {told} bytes; {kept} are kept and {missing} are missing"
            ));
        } else if log.missing_bytes == 0 && kept != self.printed.remove(&id).unwrap_or_default() {
            self.say(format!("the log of attempt {id} is not what it printed"));
        }
    }
}

/// Whether an attempt failed because of the platform, as its worker told.
fn is_platforms_fault(row: &AttemptRow) -> bool {
    let result = row.end.as_ref().map(|end| &end.result);
    match result {
        Some(AttemptResult::Failed { kind, .. }) => match kind {
            FailureKind::InfraBeforeStart | FailureKind::InfraAfterStart => true,
            FailureKind::User | FailureKind::Timeout | FailureKind::Policy => false,
        },
        Some(AttemptResult::Interrupted) => true,
        Some(AttemptResult::Succeeded | AttemptResult::Reused | AttemptResult::Stopped) | None => {
            false
        }
    }
}
