//! Going on with a run whose process is gone: its attempts, its clock, and its places in groups.
//!
//! Others may have taken its places meanwhile. So everything that has entered a group asks for its place again, and
//! until a call or a generating task has it, nothing in it starts: that is `held` in the index. Whether somebody asks is
//! an effect, so a machine rebuilt in between knows it too.

use super::Machine;
use crate::rows::{
    AttemptEnd, AttemptResult, EffectKey, Ended, StopCause, TaskRow, TaskState, Transition,
};
use model::ids::TaskNo;
use model::reason::QueueReason;
use model::time::Timestamp;

impl Machine {
    /// Every attempt of the process before is lost with it and is begun again.
    pub(super) fn take_over(&mut self, by: String, now: Timestamp) {
        self.set_back(now);
        self.log(Transition::TakenOver { by }, now);
        for worker in self.leases.keys().cloned().collect::<Vec<_>>() {
            self.forget_worker(&worker);
        }
        let lost: Vec<(TaskNo, Option<StopCause>)> = self
            .live
            .values()
            .map(|live| (live.task, live.stop))
            .collect();
        for (no, stop) in lost {
            self.close_attempt(no, AttemptEnd::bare(AttemptResult::Interrupted), now);
            match stop {
                Some(StopCause::Cancel(cause)) => self.end(no, Ended::Canceled(cause), now),
                Some(StopCause::Timeout) | None => self.again(no, now),
            }
        }
        self.enter_groups_again(now);
    }

    /// The clock of this process may be behind that of the one before. What is recorded lies in the future then, and
    /// whoever waits would wait too long by as much.
    fn set_back(&mut self, now: Timestamp) {
        let run = &self.run;
        let of_run = [
            run.started_at,
            run.finally_at,
            run.cancel.as_ref().map(|cancel| cancel.at),
        ];
        let of_tasks = self.tasks.iter();
        let of_tasks = of_tasks.flat_map(|row| [row.ready_at, row.started_at, row.ended_at]);
        let of_attempts = self.live.values().map(|live| Some(live.leased_at));
        let recorded = of_run
            .into_iter()
            .chain(of_tasks)
            .chain(of_attempts)
            .flatten();
        let latest = recorded.fold(self.head.created_at, Timestamp::max);
        let behind_ms = latest.since_ms(now);
        if behind_ms == 0 {
            return;
        }
        self.drop_run_deadlines();
        for at in [&mut self.run.started_at, &mut self.run.finally_at] {
            *at = at.map(|at| at.min(now));
        }
        if let Some(cancel) = &mut self.run.cancel {
            cancel.at = cancel.at.min(now);
        }
        self.add_run_deadlines();
        let timers = self
            .tasks
            .iter()
            .filter_map(|row| Some((row.no, row.timer_at?)));
        for (no, at) in timers.collect::<Vec<_>>() {
            self.set_timer(no, Some(at.minus_ms(behind_ms)));
        }
    }

    /// The places of a dead process in groups may have been given away: those who have entered one ask again.
    /// Until a call has its place, nothing in it starts.
    fn enter_groups_again(&mut self, now: Timestamp) {
        let inside = |row: &&TaskRow| may_have_entered(row.state) || row.state == TaskState::Open;
        let living = self.tasks.iter().filter(inside).map(|row| row.no);
        let living: Vec<TaskNo> = living.collect();
        for no in &living {
            if self.row(*no).state == TaskState::Open {
                self.ask_for_place(*no);
            }
        }
        for no in living {
            let row = self.row(no);
            match row.state {
                TaskState::Queued(QueueReason::Backoff | QueueReason::Generating) => {
                    self.ask_for_place(no);
                }
                TaskState::Queued(_) if row.group.is_some() => {
                    self.forget_waiting(no);
                    self.enter_group(no, now);
                }
                TaskState::Queued(_) if self.held_by(no).is_some() => {
                    self.forget_waiting(no);
                    self.enqueue(no, now);
                }
                TaskState::Queued(_)
                | TaskState::Blocked(_)
                | TaskState::Running
                | TaskState::Open
                | TaskState::Ended(_) => {}
            }
        }
    }

    /// The nearest call around a task that has no place in its group: what is in it does not start.
    pub(super) fn held_by(&self, no: TaskNo) -> Option<TaskNo> {
        if self.index.held.is_empty() {
            return None;
        }
        let mut at = self.row(no).parent;
        while let Some(parent) = at {
            if self.index.held.contains_key(&parent) {
                return Some(parent);
            }
            at = self.row(parent).parent;
        }
        None
    }

    /// A call that was taken over has its place again: what waited in it goes on.
    pub(super) fn let_inside_go(&mut self, call: TaskNo, now: Timestamp) {
        for no in self.index.held.remove(&call).into_iter().flatten() {
            self.enqueue(no, now);
        }
    }

    /// Another attempt, once the task has the place in its group again that a take-over may have cost it.
    pub(super) fn after_backoff(&mut self, no: TaskNo, now: Timestamp) {
        if self.effects.contains_key(&EffectKey::enter(Some(no))) {
            self.put(no, TaskState::Queued(QueueReason::ConcurrencyGroup), now);
        } else {
            self.enqueue(no, now);
        }
    }
}

/// Whether a waiting task may be in a group already.
const fn may_have_entered(state: TaskState) -> bool {
    matches!(
        state,
        TaskState::Queued(
            QueueReason::Slots
                | QueueReason::Resources
                | QueueReason::Placement
                | QueueReason::MaxParallel
                | QueueReason::PathInUse
                | QueueReason::Backoff
                | QueueReason::Generating
        )
    )
}
