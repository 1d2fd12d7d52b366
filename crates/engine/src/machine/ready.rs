//! From "its needs have ended" to "a worker may have it": rule, person, time, group.

use super::Machine;
use super::due::DeadlineReason;
use super::index::{Follow, Shape, holds_place, is_active, own_past};
use crate::names::Past;
use crate::rows::{Effect, EffectKey, Ended, GroupMember, TaskKind, TaskState, Transition};
use crate::texts;
use expr::Value;
use model::Json;
use model::ids::TaskNo;
use model::limits;
use model::plan::{Activation, Body, EdgeKind, Expression, Late, SkipSpread, StatusOf, Text};
use model::reason::{FailureKind, Gate, QueueReason, SkipCause};
use model::time::Timestamp;
use std::cmp::Reverse;

/// What the start rule says.
enum Rule {
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

    fn decide_one(&mut self, no: TaskNo, now: Timestamp) {
        match self.rule(no) {
            Ok(Rule::Start) => self.begin(no, now),
            Ok(Rule::Skip(cause)) => self.end(no, Ended::Skipped(cause), now),
            Err(message) => self.fail_with(no, message, now),
        }
    }

    /// A matrix whose rule does not look at `matrix` is decided once; else each member for itself.
    fn decide_matrix(&mut self, no: TaskNo, now: Timestamp) {
        let each = match self.rule_reads_matrix(no) {
            Ok(each) => each,
            Err(message) => return self.fail_matrix(no, &message, now),
        };
        if !each {
            match self.rule(no) {
                Ok(Rule::Start) => {}
                Ok(Rule::Skip(cause)) => return self.skip_matrix(no, cause, now),
                Err(message) => return self.fail_matrix(no, &message, now),
            }
        }
        if !self.index.groups.contains_key(&no) {
            match self.late_cells(no) {
                Ok(cells) => self.add_members(no, cells, now),
                Err(message) => return self.fail_matrix(no, &message, now),
            }
        }
        let Some(group) = self.index.groups.get(&no).cloned() else {
            return self.end(no, Ended::Skipped(SkipCause::EmptyMatrix), now);
        };
        self.put(no, TaskState::Open, now);
        for member in (group.first.0..group.first.0 + group.count).map(TaskNo) {
            if self.row(member).ended().is_some() {
                continue;
            }
            if self.row(member).reused_from.is_some() {
                self.take_over_result(member, now);
            } else if each {
                self.decide_one(member, now);
            } else {
                self.begin(member, now);
            }
        }
    }

    fn skip_matrix(&mut self, no: TaskNo, cause: SkipCause, now: Timestamp) {
        for member in self.members(no) {
            self.end(member, Ended::Skipped(cause), now);
        }
        self.end(no, Ended::Skipped(cause), now);
    }

    fn fail_matrix(&mut self, no: TaskNo, message: &str, now: Timestamp) {
        for member in self.members(no) {
            self.end(member, Ended::Skipped(SkipCause::Parent), now);
        }
        self.fail_with(no, message.to_owned(), now);
    }

    fn rule_reads_matrix(&mut self, no: TaskNo) -> Result<bool, String> {
        let condition = self.plan.task(self.row(no).def).start.condition.clone();
        let Some(condition) = condition else {
            return Ok(false);
        };
        let program = self.texts.program(&condition)?;
        let mut references = program.references().into_iter();
        Ok(references.any(|reference| reference.path.first().is_some_and(|name| name == "matrix")))
    }

    fn rule(&mut self, no: TaskNo) -> Result<Rule, String> {
        let past = self.past_of(no);
        let condition = self.plan.task(self.row(no).def).start.condition.clone();
        let start = match condition {
            None => past.good(),
            Some(condition) => {
                let value = self.evaluate(&condition, no, past)?;
                value.as_bool().ok_or_else(|| {
                    let (text, found) = (&condition.text, value.type_name());
                    format!("`{text}` is of type {found}; a condition must be true or false")
                })?
            }
        };
        Ok(match past {
            _ if start => Rule::Start,
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
                self.touch(no).released = !blocking;
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
                self.push_ready(no);
            }
        }
    }

    pub(super) fn push_ready(&mut self, no: TaskNo) {
        let key = self.ready_key(no);
        let def = self.plan.task(self.row(no).def);
        let fits =
            |shape: &Shape| shape.resources == def.resources && shape.placement == def.placement;
        if let Some(shape) = self.index.ready.iter_mut().find(|shape| fits(shape)) {
            shape.queue.insert(key);
            return;
        }
        let (resources, placement) = (def.resources.clone(), def.placement.clone());
        self.index.ready.push(Shape {
            resources,
            placement,
            queue: [key].into(),
        });
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
    fn take_over_result(&mut self, no: TaskNo, now: Timestamp) {
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

    /// Changes a row's state, keeps the counters, and writes the transition down unless the row is new.
    pub(super) fn put(&mut self, no: TaskNo, state: TaskState, now: Timestamp) {
        if self.row(no).state == state {
            return;
        }
        let (was_active, held_place) = (is_active(self.row(no).state), holds_place(self.row(no)));
        self.count_state(no, -1);
        let blocked_before = matches!(self.row(no).state, TaskState::Blocked(_));
        let leaf = self.row(no).kind == TaskKind::Leaf;
        self.touch(no).state = state;
        self.count_state(no, 1);
        self.give_way(no, was_active, held_place);
        if leaf {
            let blocked = matches!(state, TaskState::Blocked(_));
            self.run.counts.blocked += u32::from(blocked);
            self.run.counts.blocked -= u32::from(blocked_before);
        }
        match state {
            TaskState::Ended(ended) => self.log(Transition::TaskEnded { task: no, ended }, now),
            // The lease has an event of its own.
            TaskState::Running => {}
            TaskState::Queued(_) | TaskState::Blocked(_) | TaskState::Open => {
                if self.run.version > 0 {
                    self.log(Transition::TaskMoved { task: no, state }, now);
                }
            }
        }
    }

    /// Lets those know who may wait for what a task does not use any more.
    fn give_way(&mut self, no: TaskNo, was_active: bool, held_place: bool) {
        let row = self.row(no);
        let matrix = row.parent.filter(|_| held_place && !holds_place(row));
        let left_paths = was_active && !is_active(row.state);
        let group = matrix.and_then(|matrix| self.index.groups.get(&matrix));
        if let (Some(matrix), Some(group)) = (matrix, group)
            && !group.parked.is_empty()
        {
            self.index.to_pass_on.push_back(Follow::Room(matrix));
        }
        if left_paths && !self.index.parked_on_paths.is_empty() {
            self.index.to_pass_on.push_back(Follow::Paths(no));
        }
    }

    pub(super) fn set_timer(&mut self, no: TaskNo, at: Option<Timestamp>) {
        if let Some(old) = self.row(no).timer_at {
            self.index
                .deadlines
                .remove(&(old, DeadlineReason::Timer, no));
        }
        self.touch(no).timer_at = at;
        if let Some(at) = at {
            self.index.deadlines.insert((at, DeadlineReason::Timer, no));
        }
    }

    /// The members of a matrix that have not ended.
    pub(super) fn members(&self, matrix: TaskNo) -> Vec<TaskNo> {
        let Some(group) = self.index.groups.get(&matrix) else {
            return Vec::new();
        };
        let all = (group.first.0..group.first.0 + group.count).map(TaskNo);
        all.filter(|member| self.row(*member).ended().is_none())
            .collect()
    }

    fn evaluate(&mut self, text: &Expression, no: TaskNo, past: Past) -> Result<Value, String> {
        let mut texts = std::mem::take(&mut self.texts);
        let value = texts.value(text, &self.names(no, past));
        self.texts = texts;
        value
    }

    pub(super) fn late_value(&mut self, no: TaskNo, text: &Text) -> Result<Value, String> {
        let mut texts = std::mem::take(&mut self.texts);
        let value = texts.text(text, &self.names(no, Past::default()));
        self.texts = texts;
        value
    }

    pub(super) fn late_text(&mut self, no: TaskNo, text: &Text) -> Result<String, String> {
        let value = self.late_value(no, text)?;
        let text = expr::template::in_text(&value).map_err(|error| error.to_string())?;
        Ok(text.to_string())
    }

    pub(super) fn late_json(
        &mut self,
        no: TaskNo,
        expression: &Expression,
    ) -> Result<Json, String> {
        texts::json(&self.evaluate(expression, no, Past::default())?)
    }

    /// A length of time: a duration, or a number of milliseconds.
    pub(super) fn late_ms(&mut self, no: TaskNo, late: &Late<u64>) -> Result<u64, String> {
        let expression = match late {
            Late::Known(ms) => return Ok(*ms),
            Late::Computed(expression) => expression,
        };
        let value = self.evaluate(expression, no, Past::default())?;
        texts::length_ms(&value)
            .filter(|ms| *ms <= limits::TIMEOUT_MS)
            .ok_or_else(|| format!("`{}` is {value:?}, not a length of time", expression.text))
    }

    /// Whether a failed attempt is tried again or tolerated, by a condition that reads `failure`.
    pub(super) fn after_failure(
        &mut self,
        no: TaskNo,
        condition: &Expression,
        kind: FailureKind,
        exit_code: Option<i32>,
    ) -> Result<bool, String> {
        let mut texts = std::mem::take(&mut self.texts);
        let names = self
            .names(no, Past::default())
            .with_failure(kind.as_str(), exit_code);
        let value = texts.value(condition, &names);
        self.texts = texts;
        let value = value?;
        value.as_bool().ok_or_else(|| {
            format!(
                "`{}` is of type {}, not true or false",
                condition.text,
                value.type_name()
            )
        })
    }
}
