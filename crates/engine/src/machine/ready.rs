//! From "its needs have ended" to "a worker may have it": rule, person, time, group.

use super::Machine;
use super::index::{Follow, own_past};
use crate::names::Past;
use crate::rows::{Effect, EffectKey, Ended, GroupMember, TaskKind, TaskState};
use model::ids::TaskNo;
use model::plan::{Activation, Body, EdgeKind, SkipSpread, StatusOf};
use model::reason::{Gate, QueueReason, SkipCause};
use model::time::Timestamp;
use std::cmp::Reverse;

/// What the start rule says.
pub(super) enum Rule {
    Start,
    Skip(SkipCause),
}

impl Machine {
    /// Decides about a task whose needs have passed.
    pub(super) fn decide(&mut self, no: TaskNo, now: Timestamp) {
        if self.row(no).ended().is_some() {
            return;
        }
        if self.row(no).kind == TaskKind::Matrix {
            self.decide_matrix(no, now);
        } else if self.row(no).reused_from.is_some() {
            self.take_over_result(no, now);
        } else {
            self.decide_one(no, now);
        }
    }

    pub(super) fn decide_one(&mut self, no: TaskNo, now: Timestamp) {
        match self.rule(no) {
            Ok(Rule::Start) => self.begin(no, now),
            Ok(Rule::Skip(cause)) => self.end(no, Ended::Skipped(cause), now),
            Err(message) => self.fail_with(no, message, now),
        }
    }

    pub(super) fn rule(&mut self, no: TaskNo) -> Result<Rule, String> {
        let past = self.past_of(no);
        let condition = self.plan.task(self.row(no).def).start.condition.clone();
        let start = match &condition {
            None => past.good(),
            Some(condition) => {
                self.with_texts(no, past, |texts, names| texts.is_true(condition, names))?
            }
        };
        if start {
            return Ok(Rule::Start);
        }
        // What is false even if all went well is false by itself, whatever became of the needs.
        if let Some(condition) = condition {
            let all_well = Past::default();
            let without = self.with_texts(no, all_well, |texts, names| {
                texts.is_true(&condition, names)
            });
            if without == Ok(false) {
                return Ok(Rule::Skip(SkipCause::Condition));
            }
        }
        Ok(match past {
            Past { failed: true, .. } => Rule::Skip(SkipCause::NeedFailed),
            Past { canceled: true, .. } => Rule::Skip(SkipCause::NeedCanceled),
            Past { skipped: true, .. } => Rule::Skip(SkipCause::NeedSkipped),
            Past {
                failed: false,
                canceled: false,
                skipped: false,
            } => Rule::Skip(SkipCause::Condition),
        })
    }

    /// What the tasks that the start rule looks at have come to.
    fn past_of(&self, no: TaskNo) -> Past {
        let row = self.row(no);
        let def = self.plan.task(row.def);
        let opener = self.instance_of(no);
        let mut past = Past::default();
        match def.start.status_of {
            StatusOf::Scope => return self.index.instances[&opener].tally.past(),
            StatusOf::Needs | StatusOf::Ancestors => {}
        }
        for edge in &def.needs {
            let need = self.row(self.top(opener, edge.task));
            let mut of_need = match def.start.status_of {
                StatusOf::Ancestors => self.index.past[need.no.index()],
                StatusOf::Needs | StatusOf::Scope => own_past(need),
            };
            let ignores_skip =
                edge.kind == EdgeKind::Optional || edge.on_skip == SkipSpread::Ignore;
            of_need.skipped &= !ignores_skip;
            past = past.and(of_need);
        }
        past
    }

    /// The first station of a task that may start: a person, a pause, or nothing.
    pub(super) fn begin(&mut self, no: TaskNo, now: Timestamp) {
        match self.plan.task(self.row(no).def).activation.clone() {
            Activation::Automatic => self.ask_approval(no, now),
            Activation::Manual { blocking } => {
                // Released before it is blocked, so that it is counted as what it is.
                let row = self.touch(no);
                row.released = !blocking;
                row.ready_at = Some(now);
                self.put(no, TaskState::Blocked(Gate::Manual), now);
                if !blocking {
                    self.index.to_pass_on.push_back(Follow::Released(no));
                }
            }
            Activation::Delayed { delay_ms } => match self.late_ms(no, &delay_ms) {
                Ok(delay_ms) => {
                    self.put(no, TaskState::Queued(QueueReason::Delay), now);
                    self.set_timer(no, Some(now.plus_ms(delay_ms)));
                }
                Err(message) => self.fail_with(no, message, now),
            },
        }
    }

    pub(super) fn ask_approval(&mut self, no: TaskNo, now: Timestamp) {
        let approval = self.plan.task(self.row(no).def).approval.clone();
        let Some(approval) = approval else {
            return self.enter_group(no, now);
        };
        let prompt = match self.late_text(no, &approval.prompt) {
            Ok(prompt) => prompt,
            Err(message) => return self.fail_with(no, message, now),
        };
        let row = self.touch(no);
        row.note = Some(prompt.into());
        row.ready_at = Some(now);
        self.put(no, TaskState::Blocked(Gate::Approval), now);
        self.set_timer(no, Some(now.plus_ms(approval.deadline_ms)));
    }

    pub(super) fn enter_group(&mut self, no: TaskNo, now: Timestamp) {
        let concurrency = self.plan.task(self.row(no).def).concurrency.clone();
        let Some(concurrency) = concurrency else {
            return self.make_ready(no, now);
        };
        let group = match self.late_text(no, &concurrency.group) {
            Ok(group) => group,
            Err(message) => return self.fail_with(no, message, now),
        };
        self.touch(no).group = Some(group.as_str().into());
        self.put(no, TaskState::Queued(QueueReason::ConcurrencyGroup), now);
        self.ask_for_place(no);
    }

    /// Asks for a place in the group that a task has entered.
    pub(super) fn ask_for_place(&mut self, no: TaskNo) {
        let row = self.row(no);
        let concurrency = self.plan.task(row.def).concurrency.as_ref();
        let Some((group, concurrency)) = row.group.as_deref().zip(concurrency) else {
            return;
        };
        let effect = Effect::EnterGroup {
            group: group.to_owned(),
            member: GroupMember {
                run: self.head.id,
                task: Some(no),
            },
            limit: concurrency.limit,
            mode: concurrency.mode,
        };
        self.effect(EffectKey::enter(Some(no)), effect);
        if self.row(no).state == TaskState::Open {
            self.index.held.entry(no).or_default();
        }
    }

    /// Nothing but a worker is missing; a call opens at once.
    pub(super) fn make_ready(&mut self, no: TaskNo, now: Timestamp) {
        self.touch(no).ready_at = Some(now);
        self.enqueue(no, now);
    }

    /// Lets a task go on, or puts it aside while its matrix has as many active members as it may.
    pub(super) fn enqueue(&mut self, no: TaskNo, now: Timestamp) {
        if let Some(call) = self.held_by(no) {
            self.index.held.entry(call).or_default().insert(no);
            return self.put(no, TaskState::Queued(QueueReason::ConcurrencyGroup), now);
        }
        let row = self.row(no);
        let def = self.plan.task(row.def);
        let most = def.matrix.as_ref().and_then(|matrix| matrix.max_parallel);
        let group = row
            .parent
            .and_then(|matrix| self.index.groups.get_mut(&matrix));
        match (&def.body, most.zip(group)) {
            (Body::Nothing, _) => self.end(no, Ended::Succeeded, now),
            (_, Some((most, group))) if group.active >= most => {
                group.parked.insert(no);
                self.put(no, TaskState::Queued(QueueReason::MaxParallel), now);
            }
            (Body::Call(_), _) => self.open_call(no, now),
            (Body::Steps(_), _) => {
                self.put(no, TaskState::Queued(QueueReason::Slots), now);
                match self.work_out(no) {
                    Ok(()) => self.push_ready(no),
                    Err(message) => self.fail_with(no, message, now),
                }
            }
        }
    }

    pub(super) fn push_ready(&mut self, no: TaskNo) {
        let (key, wish) = (self.ready_key(no), self.wish(no));
        self.index.ready.entry(wish).or_default().insert(key);
    }

    pub(super) fn ready_key(&self, no: TaskNo) -> crate::order::ReadyKey {
        let def = self.row(no).def;
        let behind_ms = self.index.instances[&self.instance_of(no)].behind_ms;
        let tail_ms = self.index.defs[def.index()]
            .tail_ms
            .saturating_add(behind_ms);
        (Reverse(self.plan.task(def).priority), Reverse(tail_ms), no)
    }

    /// Ends a task with the result that an earlier run had.
    pub(super) fn take_over_result(&mut self, no: TaskNo, now: Timestamp) {
        let key = self.row(no).key.to_string();
        let reused = self
            .reused(&key)
            .expect("the row was marked as reused")
            .clone();
        let row = self.touch(no);
        row.tolerated = reused.tolerated;
        row.outputs = (!reused.outputs.is_empty()).then(|| Box::new(reused.outputs));
        row.artifacts = reused.artifacts;
        match (reused.ended, reused.generated) {
            (Ended::Succeeded, Some(content)) => self.compile(no, content, now),
            (ended, _) => self.end(no, ended, now),
        }
    }

    pub(super) fn compile(&mut self, no: TaskNo, content: model::digest::Digest, now: Timestamp) {
        self.put(no, TaskState::Queued(QueueReason::Generating), now);
        let attempt = model::ids::AttemptNo(self.row(no).attempts);
        self.effect(
            EffectKey::compile(no),
            Effect::Compile {
                task: no,
                attempt,
                content,
            },
        );
    }
}
