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
            TaskState::Blocked(Gate::Approval) => {
                self.touch(no).note = Some("nobody answered the approval in time".into());
                self.fail(no, FailureKind::Policy, None, now);
            }
            TaskState::Open => self.time_is_over(no, now),
            TaskState::Queued(_)
            | TaskState::Blocked(Gate::Manual)
            | TaskState::Running
            | TaskState::Ended(_) => {}
        }
    }
}
