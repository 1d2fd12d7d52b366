//! Ends, and what follows from them: for the tasks behind, the matrix, the scope, the run.
//!
//! What follows waits in a queue and is passed on one by one, so that a chain of a hundred thousand
//! skipped tasks needs no deep stack.

use super::Machine;
use super::cancel::Reach;
use super::index::{Follow, Tally, own_past, passed};
use crate::names::Past;
use crate::overtime;
use crate::rows::{
    Effect, EffectKey, Ended, GroupMember, OutputValue, RunResult, RunState, StopCause, TaskKind,
    TaskState, Transition,
};
use model::ids::TaskNo;
use model::plan::{Late, Phase, Tolerance};
use model::reason::{CancelCause, FailureKind, Gate, QueueReason, SkipCause};
use model::time::Timestamp;

impl Machine {
    /// Ends a task. Its failure has been judged before (`tolerated`).
    pub(super) fn end(&mut self, no: TaskNo, ended: Ended, now: Timestamp) {
        debug_assert!(self.row(no).ended().is_none(), "an ended row never changes");
        self.forget_waiting(no);
        self.set_timer(no, None);
        let was_asked = self.row(no).state == TaskState::Blocked(Gate::Approval);
        let row = self.touch(no);
        row.ended_at = Some(now);
        if was_asked && !matches!(ended, Ended::Failed(_)) {
            // The question has nothing to do with why it ended.
            row.note = None;
        }
        let group = row.group.clone();
        self.put(no, TaskState::Ended(ended), now);
        self.count_end(no, ended);
        if let Some(group) = group {
            // One that was taken over may still wait to have its place again.
            self.effect_done(&EffectKey::enter(Some(no)));
            self.index.held.remove(&no);
            self.leave_group(Some(no), group.to_string());
        }
        self.index.to_pass_on.push_back(Follow::Ended(no));
    }

    fn count_end(&mut self, no: TaskNo, ended: Ended) {
        let row = self.row(no);
        let (leaf, tolerated) = (row.kind == TaskKind::Leaf, row.tolerated);
        if !self.head.counts(row) || !self.tells_of_itself(no) {
            return;
        }
        let counts = &mut self.run.counts;
        counts.total += u32::from(!leaf);
        *match ended {
            Ended::Failed(_) if !tolerated => &mut counts.failed,
            Ended::Succeeded | Ended::Failed(_) => &mut counts.succeeded,
            Ended::Skipped(_) => &mut counts.skipped,
            Ended::Canceled(_) => &mut counts.canceled,
        } += 1;
    }

    /// [`crate::rows::tells_of_itself`], without a look at the other rows.
    #[must_use]
    pub fn tells_of_itself(&self, no: TaskNo) -> bool {
        let row = self.row(no);
        let inside = match row.kind {
            TaskKind::Leaf => return true,
            TaskKind::Matrix => self.index.groups.get(&no).map(|group| group.tally),
            TaskKind::Call => {
                let call = self.index.instances.get(&Some(no));
                let call = call.filter(|call| !self.plan.scope(call.scope).tasks.is_empty());
                call.map(|call| Tally {
                    tolerated: None,
                    ..call.tally
                })
            }
        };
        match (row.ended(), inside) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(Ended::Failed(_)), Some(tally)) => {
                tally.failed.is_none() && tally.tolerated.is_none()
            }
            (Some(Ended::Succeeded | Ended::Skipped(_) | Ended::Canceled(_)), Some(_)) => false,
        }
    }

    /// Ends a task with the failure of an expression or value that its author wrote.
    pub(super) fn fail_with(&mut self, no: TaskNo, message: String, now: Timestamp) {
        self.touch(no).note = Some(message.into());
        self.fail(no, FailureKind::User, None, now);
    }

    /// Ends a task as failed, tolerated if its definition says so.
    pub(super) fn fail(
        &mut self,
        no: TaskNo,
        kind: FailureKind,
        exit_code: Option<i32>,
        now: Timestamp,
    ) {
        let tolerated = self.tolerates(no, kind, exit_code);
        let def = self.plan.task(self.row(no).def);
        let defaults = if def.critical {
            None
        } else {
            Some(def.outputs.clone())
        };
        let row = self.touch(no);
        row.tolerated = tolerated || defaults.is_some();
        if let Some(declared) = defaults {
            let defaults = declared.into_iter().filter_map(|(name, output)| {
                Some((
                    name,
                    OutputValue {
                        value: output.default?,
                        tainted: false,
                    },
                ))
            });
            row.outputs = Some(Box::new(defaults.collect()));
        }
        self.end(no, Ended::Failed(kind), now);
    }

    fn tolerates(&mut self, no: TaskNo, kind: FailureKind, exit_code: Option<i32>) -> bool {
        match self.plan.task(self.row(no).def).tolerance.clone() {
            Tolerance::Never => false,
            Tolerance::Always => true,
            Tolerance::ExitCodes(codes) => exit_code.is_some_and(|code| codes.contains(&code)),
            Tolerance::When(condition) => {
                match self.after_failure(no, &condition, kind, exit_code) {
                    Ok(tolerated) => tolerated,
                    Err(message) => {
                        self.touch(no).note = Some(message.into());
                        false
                    }
                }
            }
        }
    }

    /// Takes a waiting task out of every queue.
    pub(super) fn forget_waiting(&mut self, no: TaskNo) {
        match self.row(no).state {
            TaskState::Queued(
                QueueReason::Slots | QueueReason::Resources | QueueReason::Placement,
            ) => {
                let (key, wish) = (self.ready_key(no), self.wish(no));
                if let Some(queue) = self.index.ready.get_mut(&wish) {
                    queue.remove(&key);
                    if queue.is_empty() {
                        self.index.ready.remove(&wish);
                    }
                }
            }
            TaskState::Queued(QueueReason::MaxParallel) => {
                let matrix = self
                    .row(no)
                    .parent
                    .expect("only members wait for max_parallel");
                if let Some(group) = self.index.groups.get_mut(&matrix) {
                    group.parked.remove(&no);
                }
            }
            TaskState::Queued(QueueReason::PathInUse) => {
                self.forget_parked(no);
            }
            TaskState::Queued(QueueReason::ConcurrencyGroup) => {
                self.effect_done(&EffectKey::enter(Some(no)));
                for inside in self.index.held.values_mut() {
                    inside.remove(&no);
                }
            }
            TaskState::Queued(QueueReason::Generating) => {
                self.effect_done(&EffectKey::compile(no));
            }
            TaskState::Queued(
                QueueReason::Needs
                | QueueReason::Finally
                | QueueReason::Backoff
                | QueueReason::Delay,
            )
            | TaskState::Blocked(_)
            | TaskState::Running
            | TaskState::Open
            | TaskState::Ended(_) => {}
        }
    }

    fn leave_group(&mut self, task: Option<TaskNo>, group: String) {
        let member = GroupMember {
            run: self.head.id,
            task,
        };
        self.effect(EffectKey::leave(task), Effect::LeaveGroup { group, member });
    }

    /// Passes on everything that follows, until nothing does any more.
    pub(super) fn settle(&mut self, now: Timestamp) {
        loop {
            while let Some(follow) = self.index.to_pass_on.pop_front() {
                match follow {
                    Follow::Ended(no) => self.pass_on_end(no, now),
                    Follow::Released(no) => self.pass_on_release(no, now),
                    Follow::Room(matrix) => self.wake_parked(matrix, now),
                    Follow::Paths(paths) => self.wake_on_paths(&paths, now),
                }
            }
            if !self.skip_optional(now) {
                return;
            }
        }
    }

    /// When only manual tasks are left that hold up nothing, nobody started them: they are skipped.
    fn skip_optional(&mut self, now: Timestamp) -> bool {
        let running = matches!(self.run.state, RunState::Running);
        let quiet = self.index.moving == 0 && self.index.gated == 0;
        if !running || !quiet || self.index.optional.is_empty() {
            return false;
        }
        for no in self.index.optional.clone() {
            self.end(no, Ended::Skipped(SkipCause::Manual), now);
        }
        true
    }

    fn pass_on_end(&mut self, no: TaskNo, now: Timestamp) {
        let row = self.row(no);
        let ended = row.ended().expect("only ends are passed on as ends");
        let parent = row.parent;
        match parent.filter(|parent| self.row(*parent).kind == TaskKind::Matrix) {
            Some(matrix) => self.pass_on_member(no, ended, matrix, now),
            None => self.pass_on_top(no, ended, parent, now),
        }
    }

    /// Lets the tasks behind go on; of a matrix when no member holds them up any more.
    fn pass_on_release(&mut self, no: TaskNo, now: Timestamp) {
        let parent = self.row(no).parent;
        let matrix = parent.filter(|parent| self.row(*parent).kind == TaskKind::Matrix);
        let Some(matrix) = matrix else {
            self.reckon_past(no);
            return self.wake_dependents(no, parent, now);
        };
        let of_matrix = self.row(matrix);
        if of_matrix.released || of_matrix.ended().is_some() || self.row(no).ended().is_some() {
            return;
        }
        let members = self.members(matrix);
        if members.iter().all(|member| self.row(*member).released) {
            self.touch(matrix).released = true;
            self.index.to_pass_on.push_back(Follow::Released(matrix));
        }
    }

    fn pass_on_member(&mut self, no: TaskNo, ended: Ended, matrix: TaskNo, now: Timestamp) {
        let tolerated = self.row(no).tolerated;
        let group = self
            .index
            .groups
            .get_mut(&matrix)
            .expect("members have a group");
        group.tally.add(ended, tolerated);
        group.left -= 1;
        let (left, tally) = (group.left, group.tally);
        // What failed in an earlier run stops nothing in a replay.
        let fresh = self.row(no).reused_from.is_none();
        let failed = fresh && matches!(ended, Ended::Failed(_)) && !tolerated;
        let fail_fast = self
            .plan
            .task(self.row(matrix).def)
            .matrix
            .as_ref()
            .is_some_and(|m| m.fail_fast);
        if failed && fail_fast && left > 0 {
            for member in self.members(matrix) {
                self.cancel_task(member, CancelCause::FailFast, Reach::ButFinally, now);
            }
        }
        if left == 0 && self.row(matrix).ended().is_none() {
            self.conclude(matrix, tally, now);
        }
    }

    fn pass_on_top(&mut self, no: TaskNo, ended: Ended, opener: Option<TaskNo>, now: Timestamp) {
        let row = self.row(no);
        let (def, tolerated, released) = (row.def, row.tolerated, row.released);
        let finally = self.plan.task(def).phase == Phase::Finally;
        let instance = self
            .index
            .instances
            .get_mut(&opener)
            .expect("a row has its instance");
        // Counted before the tasks behind are decided: their rule may look at the whole scope.
        instance.tally.add(ended, tolerated);
        let left = if finally {
            &mut instance.left_finally
        } else {
            &mut instance.left_main
        };
        *left -= 1;
        let (left_main, left_finally) = (instance.left_main, instance.left_finally);
        self.reckon_past(no);
        // A released task was passed on when it was released; its end concerns only its scope.
        if !released {
            self.wake_dependents(no, opener, now);
        }
        if !finally && left_main == 0 {
            self.open_finally(opener, now);
        } else if finally && left_main == 0 && left_finally == 0 {
            self.conclude_scope(opener, now);
        }
    }

    fn wake_dependents(&mut self, no: TaskNo, opener: Option<TaskNo>, now: Timestamp) {
        for dependent in self.index.defs[self.row(no).def.index()].dependents.clone() {
            let behind = self.top(opener, dependent);
            self.index.waits[behind.index()] -= 1;
            self.decide_if_free(behind, now);
        }
    }

    /// Computes what a task and everything before it came to. A cancel ends tasks before those that they
    /// need, so what is learned late is handed on to those behind that have passed.
    fn reckon_past(&mut self, no: TaskNo) {
        let opener = self.instance_of(no);
        let mut changed = vec![no];
        while let Some(no) = changed.pop() {
            let def = self.row(no).def;
            let needs = self.plan.task(def).needs.iter();
            let before = needs
                .map(|edge| self.index.past[self.top(opener, edge.task).index()])
                .fold(Past::default(), Past::and);
            let past = before.and(own_past(self.row(no)));
            if self.index.past[no.index()] == past {
                continue;
            }
            self.index.past[no.index()] = past;
            let dependents = self.index.defs[def.index()].dependents.iter();
            let behind = dependents.map(|dependent| self.top(opener, *dependent));
            changed.extend(behind.filter(|behind| passed(self.row(*behind))));
        }
    }

    fn decide_if_free(&mut self, no: TaskNo, now: Timestamp) {
        let free = self.index.waits[no.index()] == 0;
        if free && self.row(no).state == TaskState::Queued(QueueReason::Needs) {
            self.decide(no, now);
        }
    }

    /// The ordinary part of a scope has ended: `finally` begins.
    pub(super) fn open_finally(&mut self, opener: Option<TaskNo>, now: Timestamp) {
        let instance = self.index.instances.get_mut(&opener).expect("it has ended");
        let scope = instance.scope;
        if instance.left_finally == 0 {
            return self.conclude_scope(opener, now);
        }
        match opener {
            None => {
                self.drop_run_deadlines();
                self.run.finally_at = Some(now);
                self.draft.run = true;
                self.add_run_deadlines();
            }
            // As for the run, the limit is that of everything but `finally`, which has one of its own.
            Some(call) if self.row(call).timer_at.is_some() => {
                self.set_timer(call, Some(self.finally_over_at(now)));
            }
            Some(_) => {}
        }
        for def in self.plan.scope(scope).tasks.clone() {
            let no = self.top(opener, def);
            if self.row(no).state != TaskState::Queued(QueueReason::Finally) {
                continue;
            }
            for member in self.members(no) {
                self.touch(member).state = TaskState::Queued(QueueReason::Needs);
            }
            self.touch(no).state = TaskState::Queued(QueueReason::Needs);
            self.decide_if_free(no, now);
        }
    }

    /// Ends a matrix, call or generating task with what its tasks came to.
    pub(super) fn conclude(&mut self, no: TaskNo, tally: Tally, now: Timestamp) {
        let is_matrix = self.row(no).kind == TaskKind::Matrix;
        let tolerated = tally.tolerated.filter(|_| is_matrix);
        match (tally.sum(), tolerated) {
            // What is tolerated of a member is tolerated of the matrix, and told in the same way: `outcome` failed.
            (Ended::Succeeded, Some(kind)) => {
                self.touch(no).tolerated = true;
                self.end(no, Ended::Failed(kind), now);
            }
            (Ended::Failed(_) | Ended::Canceled(_), _)
                if self.row(no).stop == Some(StopCause::Timeout) =>
            {
                let limit = &self.plan.task(self.row(no).def).timeout_ms;
                let limit_ms = limit.as_ref().and_then(Late::known).copied();
                self.touch(no).note = Some(overtime::sentence("it", limit_ms).into());
                self.fail(no, FailureKind::Timeout, None, now);
            }
            // The members have been judged one by one, by the same definition.
            (Ended::Failed(kind), _) if !is_matrix => self.fail(no, kind, None, now),
            // What a generating task did itself was not skipped.
            (Ended::Skipped(_), _) if self.row(no).kind == TaskKind::Leaf => {
                self.end(no, Ended::Succeeded, now);
            }
            (ended, _) => self.end(no, ended, now),
        }
    }

    /// What the tasks that a replay repeats came to; everything else is as it was in the earlier run, whose verdict is
    /// known. None in other runs, and where the repeated task never came about.
    fn of_replay(&self) -> Option<Tally> {
        let is_replay = self.head.is_replay();
        // Once in a run, and all rows of a replay were written with it.
        let repeated = self
            .tasks
            .iter()
            .filter(|row| is_replay && row.kind == TaskKind::Leaf && row.reused_from.is_none());
        repeated.fold(None, |tally: Option<Tally>, row| {
            let mut tally = tally.unwrap_or_default();
            if let Some(ended) = row.ended() {
                tally.add(ended, row.tolerated);
            }
            Some(tally)
        })
    }

    pub(super) fn end_run(&mut self, tally: Tally, now: Timestamp) {
        let canceled = self.run.cancel.as_ref().map(|cancel| cancel.cause);
        let tally = self.of_replay().unwrap_or(tally);
        let result = match (tally.sum(), canceled) {
            (Ended::Canceled(cause), None) => RunResult::Canceled(cause),
            (Ended::Canceled(_), Some(cause)) | (Ended::Failed(_), Some(cause))
                if tally.canceled.is_some() =>
            {
                RunResult::Canceled(cause)
            }
            (Ended::Failed(_), _) => RunResult::Failed,
            (Ended::Skipped(_), _) => RunResult::Skipped,
            (Ended::Succeeded | Ended::Canceled(_), _) => RunResult::Succeeded,
        };
        self.run.state = RunState::Ended(result);
        self.run.ended_at = Some(now);
        self.index.deadlines.clear();
        self.draft.leases_gone.extend(self.leases.keys().cloned());
        self.draft.leases.clear();
        self.leases.clear();
        if let Some(group) = self.run_group() {
            self.effect_done(&EffectKey::enter(None));
            self.leave_group(None, group);
        }
        self.log(Transition::RunEnded(result), now);
    }
}
