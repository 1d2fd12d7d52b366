//! What happens because time passed.

use super::Machine;
use crate::rows::{RunState, StopCause, TaskState};
use model::ids::{TaskNo, WorkerId};
use model::reason::{CancelCause, CancelMode, FailureKind, Gate, QueueReason};
use model::time::Timestamp;

/// What is due at a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeadlineReason {
    /// A pause, a delay, an approval's deadline or the time limit of a call.
    Timer,
    /// The time limit of an attempt.
    Attempt,
    /// The time limit of the run.
    Run,
    /// The time limit of `finally`.
    Finally,
    /// A worker that has not been heard of.
    Lease,
}

impl Machine {
    /// The next time at which [`crate::event::Event::Tick`] does something, and what.
    #[must_use]
    pub fn next_deadline(&self) -> Option<(Timestamp, DeadlineReason)> {
        if self.has_ended() {
            return None;
        }
        let first = self
            .index
            .deadlines
            .first()
            .map(|(at, reason, _)| (*at, *reason));
        let lease = self
            .leases
            .values()
            .min()
            .map(|until| (*until, DeadlineReason::Lease));
        first.into_iter().chain(lease).min()
    }

    /// Does everything that is due at `now`.
    pub(super) fn fire_due(&mut self, now: Timestamp) {
        while let Some(first) = self.index.deadlines.first().copied() {
            let (at, reason, no) = first;
            if at > now || self.has_ended() {
                break;
            }
            self.index.deadlines.remove(&first);
            match reason {
                DeadlineReason::Timer => self.fire_timer(no, now),
                DeadlineReason::Attempt => self.stop_attempt(no, StopCause::Timeout),
                DeadlineReason::Run => self.run_timeout(CancelMode::Finally, now),
                DeadlineReason::Finally => self.run_timeout(CancelMode::Now, now),
                DeadlineReason::Lease => {}
            }
        }
        let silent: Vec<WorkerId> = self
            .leases
            .iter()
            .filter(|(_, until)| **until <= now)
            .map(|(worker, _)| worker.clone())
            .collect();
        for worker in silent {
            self.worker_gone(&worker, now);
        }
    }

    fn run_timeout(&mut self, mode: CancelMode, now: Timestamp) {
        if matches!(self.run.state, RunState::Running) {
            self.cancel(
                mode,
                CancelCause::RunTimeout,
                "the time limit".to_owned(),
                now,
            );
        }
    }

    fn fire_timer(&mut self, no: TaskNo, now: Timestamp) {
        self.touch(no).timer_at = None;
        match self.row(no).state {
            TaskState::Queued(QueueReason::Backoff) => self.after_backoff(no, now),
            TaskState::Queued(QueueReason::Delay) => self.ask_approval(no, now),
            TaskState::Blocked(Gate::Approval) => self.unanswered(no, now),
            TaskState::Open => self.time_is_over(no, now),
            TaskState::Queued(_)
            | TaskState::Blocked(Gate::Manual)
            | TaskState::Running
            | TaskState::Ended(_) => {}
        }
    }

    /// The deadline of an approval has passed; an answer that comes later counts as none.
    pub(super) fn unanswered(&mut self, no: TaskNo, now: Timestamp) {
        self.touch(no).note = Some("nobody answered the approval in time".into());
        self.fail(no, FailureKind::Policy, None, now);
    }

    /// The time limit of the run. It holds while a run drains, else a task could hold it up for ever.
    pub(super) fn run_deadline(&self) -> Option<(Timestamp, DeadlineReason, TaskNo)> {
        let begun = matches!(self.run.state, RunState::Running) && self.run.finally_at.is_none();
        let cancel = self.run.cancel.as_ref();
        let counts = begun && cancel.is_none_or(|cancel| cancel.mode == CancelMode::Drain);
        let timeout_ms = self.plan.timeout_ms.filter(|_| counts)?;
        let at = self.run.started_at?.plus_ms(timeout_ms);
        Some((at, DeadlineReason::Run, TaskNo(0)))
    }

    /// The time limit of `finally`: of the pipeline's own once it has begun, before that of those in called
    /// scopes, which go on after a cancel.
    pub(super) fn finally_deadline(&self) -> Option<(Timestamp, DeadlineReason, TaskNo)> {
        let running = matches!(self.run.state, RunState::Running);
        let since = match (&self.run.cancel, self.run.finally_at) {
            (Some(cancel), _) if cancel.mode == CancelMode::Now => return None,
            (_, Some(finally_at)) => finally_at,
            (Some(cancel), None) if cancel.mode == CancelMode::Finally => cancel.at,
            (Some(_) | None, None) => return None,
        };
        let timeout_ms = self
            .plan
            .finally_timeout_ms
            .unwrap_or(model::limits::FINALLY_TIMEOUT_MS);
        let at = since.plus_ms(timeout_ms);
        running.then_some((at, DeadlineReason::Finally, TaskNo(0)))
    }

    /// Forgets the time limits of the run, before something changes that they depend on.
    pub(super) fn drop_run_deadlines(&mut self) {
        let deadlines = [self.run_deadline(), self.finally_deadline()];
        for deadline in deadlines.into_iter().flatten() {
            self.index.deadlines.remove(&deadline);
        }
    }

    /// Remembers the time limits of the run.
    pub(super) fn add_run_deadlines(&mut self) {
        let deadlines = [self.run_deadline(), self.finally_deadline()];
        self.index.deadlines.extend(deadlines.into_iter().flatten());
    }
}
