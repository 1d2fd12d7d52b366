//! Stopping: a run in one of three ways, or one task with what it opened.

use super::Machine;
use super::due::DeadlineReason;
use crate::event::Rejected;
use crate::rows::{
    Cancel, Effect, EffectKey, Ended, RunState, StopCause, TaskKind, TaskState, Transition,
};
use model::ids::TaskNo;
use model::limits;
use model::plan::Phase;
use model::reason::{CancelCause, CancelMode};
use model::time::Timestamp;

/// How far the cancel of a task goes that has opened others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Their `finally` still runs.
    ButFinally,
    /// Nothing of them runs any more.
    Everything,
}

impl Machine {
    /// Wants the run to stop. A later wish counts only if it is stronger: drain, finally, now.
    pub(super) fn cancel(
        &mut self,
        mode: CancelMode,
        cause: CancelCause,
        by: String,
        now: Timestamp,
    ) {
        let strength = |mode: CancelMode| match mode {
            CancelMode::Drain => 0,
            CancelMode::Finally => 1,
            CancelMode::Now => 2,
        };
        let earlier = self.run.cancel.as_ref();
        if earlier.is_some_and(|earlier| strength(earlier.mode) >= strength(mode)) {
            return;
        }
        self.drop_run_deadlines();
        let earlier = self.run.cancel.as_ref();
        let cause = earlier.map_or(cause, |earlier| earlier.cause);
        self.run.cancel = Some(Cancel {
            mode,
            cause,
            by: by.clone(),
            at: now,
        });
        self.log(Transition::CancelAsked { mode, by }, now);
        // Of a run that has not begun, `finally` does not run either.
        let begun = !matches!(self.run.state, RunState::Queued(_));
        if !begun {
            self.run.state = RunState::Running;
            self.effect_done(&EffectKey::enter(None));
            if self.tasks.is_empty() {
                return self.begin_scope(None, now);
            }
        }
        self.add_run_deadlines();
        for place in 0..self.tasks.len() {
            let no = self.tasks[place].no;
            let spared = begun && mode != CancelMode::Now && self.is_finally(no);
            let drains = mode == CancelMode::Drain && self.row(no).state == TaskState::Running;
            // What is open ends with its tasks, which are gone through too.
            let open = self.row(no).state == TaskState::Open;
            if !spared && !drains && !open {
                self.cancel_task(no, cause, Reach::ButFinally, now);
            }
        }
    }

    /// Stops one task and what it opened; the tasks behind it go on by their own rules.
    pub(super) fn cancel_one(
        &mut self,
        no: TaskNo,
        cause: CancelCause,
        by: &str,
        now: Timestamp,
    ) -> Result<(), Rejected> {
        self.must_wait(no, |row| row.ended().is_none())?;
        self.touch(no).note = Some(format!("{cause}: {by}").into());
        self.cancel_task(no, cause, Reach::ButFinally, now);
        // An attempt that is stopped for its time limit would be followed by another one.
        if let Some(live) = self.live.get_mut(&no)
            && live.stop == Some(StopCause::Timeout)
        {
            live.stop = Some(StopCause::Cancel(cause));
            let attempt = live.clone();
            self.draft.attempts.insert((no, attempt.attempt), attempt);
        }
        Ok(())
    }

    /// Stops one task: at once if it waits, through its worker if it runs. What is open ends with its tasks.
    pub(super) fn cancel_task(
        &mut self,
        no: TaskNo,
        cause: CancelCause,
        reach: Reach,
        now: Timestamp,
    ) {
        match self.row(no).state {
            TaskState::Ended(_) => {}
            TaskState::Running => self.stop_attempt(no, StopCause::Cancel(cause)),
            TaskState::Open if self.row(no).kind == TaskKind::Matrix => {
                for member in self.members(no) {
                    self.cancel_task(member, cause, reach, now);
                }
            }
            TaskState::Open => match reach {
                Reach::ButFinally => self.stop_inside(no, StopCause::Cancel(cause), now),
                Reach::Everything => self.stop_wholly(no, StopCause::Cancel(cause), now),
            },
            TaskState::Queued(_) | TaskState::Blocked(_) => {
                if self.row(no).kind == TaskKind::Matrix {
                    for member in self.members(no) {
                        self.end(member, Ended::Canceled(cause), now);
                    }
                }
                self.end(no, Ended::Canceled(cause), now);
            }
        }
    }

    /// Stops the tasks of an open call, or those that a task generated, but for their `finally`, which has a time
    /// limit from now on.
    pub(super) fn stop_inside(&mut self, no: TaskNo, stop: StopCause, now: Timestamp) {
        if self.row(no).stop.is_some() {
            return;
        }
        self.touch(no).stop = Some(stop);
        let in_finally = self.index.instances[&Some(no)].left_main == 0;
        if !in_finally || self.row(no).timer_at.is_none() {
            self.set_timer(no, Some(self.finally_over_at(now)));
        }
        for inside in self.inside(no) {
            if self.plan.task(self.row(inside).def).phase == Phase::Main {
                self.cancel_task(inside, cause_inside(stop), Reach::ButFinally, now);
            }
        }
    }

    /// Stops everything that is open in a task.
    pub(super) fn stop_wholly(&mut self, no: TaskNo, stop: StopCause, now: Timestamp) {
        let stop = *self.touch(no).stop.get_or_insert(stop);
        self.set_timer(no, None);
        for inside in self.inside(no) {
            self.cancel_task(inside, cause_inside(stop), Reach::Everything, now);
        }
    }

    /// When a `finally` has to be over that begins now.
    pub(super) fn finally_over_at(&self, now: Timestamp) -> Timestamp {
        let timeout_ms = self.plan.finally_timeout_ms;
        now.plus_ms(timeout_ms.unwrap_or(limits::FINALLY_TIMEOUT_MS))
    }

    /// The rows of the scope that is open in a task, without members of matrices.
    fn inside(&self, no: TaskNo) -> Vec<TaskNo> {
        let scope = self.index.instances[&Some(no)].scope;
        let defs = self.plan.scope(scope).tasks.iter();
        defs.map(|def| self.top(Some(no), *def)).collect()
    }

    /// Tells the worker of a running task to stop it.
    pub(super) fn stop_attempt(&mut self, no: TaskNo, cause: StopCause) {
        let live = self
            .live
            .get_mut(&no)
            .expect("a running task has a leased attempt");
        if live.stop.is_some() {
            return;
        }
        live.stop = Some(cause);
        let attempt = live.clone();
        if let Some(at) = attempt.deadline_at {
            self.index
                .deadlines
                .remove(&(at, DeadlineReason::Attempt, no));
        }
        self.draft
            .attempts
            .insert((no, attempt.attempt), attempt.clone());
        let (worker, token) = (attempt.worker, attempt.token);
        let effect = Effect::StopAttempt {
            worker,
            task: no,
            attempt: attempt.attempt,
            token,
        };
        self.effect(EffectKey::stop(no, attempt.attempt), effect);
    }

    /// Whether a row belongs to a `finally`, its own or that of a scope around it.
    pub(crate) fn is_finally(&self, no: TaskNo) -> bool {
        let mut at = Some(no);
        while let Some(no) = at {
            let row = self.row(no);
            if self.plan.task(row.def).phase == Phase::Finally {
                return true;
            }
            at = row.parent;
        }
        false
    }

    /// Whether the run, or what the task belongs to, is being stopped in a way that concerns this task.
    pub(super) fn must_not_start_again(&self, no: TaskNo) -> bool {
        let cancel = self.run.cancel.as_ref();
        let by_run =
            cancel.is_some_and(|cancel| cancel.mode == CancelMode::Now || !self.is_finally(no));
        by_run || self.is_stopped_around(no)
    }

    /// Whether something that the task belongs to is being stopped in a way that concerns this task.
    fn is_stopped_around(&self, no: TaskNo) -> bool {
        let (mut at, mut finally) = (no, false);
        while let Some(parent) = self.row(at).parent {
            let around = self.row(parent);
            finally |= self.plan.task(self.row(at).def).phase == Phase::Finally;
            if around.stop.is_some() && !(finally && around.timer_at.is_some()) {
                return true;
            }
            at = parent;
        }
        false
    }

    /// Whether a cancel of the run has stopped a task and what is open in it, but for what drains.
    pub(super) fn is_stopped_by_run(&self, no: TaskNo) -> bool {
        let cancel = self.run.cancel.as_ref();
        cancel.is_some_and(|cancel| match cancel.mode {
            CancelMode::Now => true,
            CancelMode::Finally => !self.is_finally(no),
            CancelMode::Drain => false,
        })
    }

    pub(super) fn end_by_cancel(&mut self, no: TaskNo, now: Timestamp) {
        let cause = self
            .run
            .cancel
            .as_ref()
            .map_or(CancelCause::Parent, |cancel| cancel.cause);
        self.end(no, Ended::Canceled(cause), now);
    }
}

/// Why the tasks in a stopped one are canceled.
const fn cause_inside(stop: StopCause) -> CancelCause {
    match stop {
        StopCause::Cancel(cause) => cause,
        StopCause::Timeout => CancelCause::Parent,
    }
}
