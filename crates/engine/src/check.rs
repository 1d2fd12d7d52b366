//! The invariants of a run, checked from outside: tests, the simulator and a developer's command run
//! these over any machine at any moment.
//!
//! [`machine`] looks at one moment. It trusts rows and plan only: needs, counters and holders are computed
//! again here, naively, and what the machine keeps beside its rows is compared with what a rebuilt one
//! computes. [`step`] looks at what one event changed: tokens grow, ends stay, no event row is missing.
//!
//! Cost is proportional to the run, so neither is for production paths. An empty list means sound.

use crate::machine::Machine;
use crate::rows::{
    Changes, Counts, EffectKey, Ended, RunState, Snapshot, TaskKind, TaskRow, TaskState,
    tells_of_itself,
};
use model::ids::{TaskNo, Token};
use model::plan::Phase;
use model::reason::{CancelMode, Gate, QueueReason};
use std::collections::BTreeSet;

/// What is broken in a run at this moment, one sentence each.
#[must_use]
pub fn machine(machine: &Machine) -> Vec<String> {
    let mut broken = machine.index_differences();
    if broken.is_empty() {
        // The looks below use the index, which is sound.
        let look = Look { machine };
        look.counts(&mut broken);
        look.attempts(&mut broken);
        look.effects(&mut broken);
        for row in machine.tasks() {
            look.task(row, &mut broken);
        }
        look.run(&mut broken);
    }
    broken
}

/// What is broken in the way from `before` to the rows that `changes` make of it.
#[must_use]
pub fn step(before: &Snapshot, changes: &Changes) -> Vec<String> {
    let mut broken = Vec::new();
    if changes.is_empty() {
        return broken;
    }
    let mut must = |holds: bool, text: String| {
        if !holds {
            broken.push(text);
        }
    };
    let (old, new) = (&before.run, &changes.run);
    must(
        new.version == old.version + 1,
        format!("version {} follows {}", new.version, old.version),
    );
    let seqs: Vec<u64> = changes.events.iter().map(|event| event.seq).collect();
    let expected: Vec<u64> = (old.events + 1..=new.events).collect();
    must(
        seqs == expected,
        format!("events {seqs:?} instead of {expected:?}"),
    );
    let mut last = old.token;
    for granted in &changes.granted {
        must(
            granted.token > last,
            format!("token {} is given after {}", granted.token.0, last.0),
        );
        last = granted.token;
    }
    must(new.token == last, "a token was given to nobody".to_owned());
    if let RunState::Ended(_) = old.state {
        let silent = changes.tasks.is_empty()
            && changes.attempts.is_empty()
            && changes.leases.is_empty()
            && changes.events.is_empty()
            && changes.effects.is_empty();
        must(
            silent && new.state == old.state,
            "an ended run changed".to_owned(),
        );
    }
    for row in &changes.tasks {
        let ended = before
            .tasks
            .get(row.no.index())
            .filter(|row| row.ended().is_some());
        let same = ended.is_none_or(|ended| ended == row);
        must(same, format!("`{}` had ended and changed", row.key));
        let leaves = EffectKey::leave(Some(row.no));
        let left = changes.effects.iter().any(|effect| effect.key == leaves);
        let stays = ended.is_none() && row.ended().is_some() && row.group.is_some() && !left;
        must(
            !stays,
            format!("`{}` ended and stays in its group", row.key),
        );
    }
    for row in &changes.keys {
        let mut tasks = changes.tasks.iter();
        let task = tasks.find(|task| task.no == row.task);
        let own = task.is_some_and(|task| {
            task.ended() == Some(Ended::Succeeded) && task.reused_from.is_none()
        });
        let no = row.task.0;
        must(
            own,
            format!("task {no} published a key and has not just succeeded"),
        );
    }
    for row in &changes.attempts {
        let known = before
            .attempts
            .iter()
            .find(|known| (known.task, known.attempt) == (row.task, row.attempt));
        let same = known.is_none_or(|known| known.end.is_none() || known == row);
        let (task, attempt) = (row.task.0, row.attempt.0);
        must(
            same,
            format!("attempt {attempt} of task {task} had ended and changed"),
        );
    }
    broken
}

struct Look<'a> {
    machine: &'a Machine,
}

impl Look<'_> {
    fn counts(&self, broken: &mut Vec<String>) {
        let mut counts = Counts::default();
        let (head, tasks) = (self.machine.head(), self.machine.tasks());
        let own = |row: &&TaskRow| tells_of_itself(row, tasks) && head.counts(row);
        for row in tasks.iter().filter(own) {
            counts.total += 1;
            match row.state {
                TaskState::Queued(_) | TaskState::Open => {}
                TaskState::Blocked(_) => counts.blocked += 1,
                TaskState::Running => counts.running += 1,
                TaskState::Ended(Ended::Failed(_)) if !row.tolerated => counts.failed += 1,
                TaskState::Ended(Ended::Succeeded | Ended::Failed(_)) => counts.succeeded += 1,
                TaskState::Ended(Ended::Skipped(_)) => counts.skipped += 1,
                TaskState::Ended(Ended::Canceled(_)) => counts.canceled += 1,
            }
        }
        let said = self.machine.run().counts;
        if said != counts {
            broken.push(format!("the counters say {said:?}, the rows {counts:?}"));
        }
    }

    fn attempts(&self, broken: &mut Vec<String>) {
        let mut tokens = BTreeSet::new();
        for attempt in self.machine.live() {
            let row = self.machine.row(attempt.task);
            let fits = row.state == TaskState::Running && row.attempts == attempt.attempt.0;
            if !fits {
                broken.push(format!(
                    "`{}` has a leased attempt but is {}",
                    row.key, row.state
                ));
            }
            let given = attempt.token > Token(0) && attempt.token <= self.machine.run().token;
            if !given || !tokens.insert(attempt.token) {
                broken.push(format!("the token of `{}` is not its own", row.key));
            }
            if attempt.keyed.is_some() && !self.machine.work(attempt.task).keyed {
                broken.push(format!("`{}` has a key and asks for none", row.key));
            }
            if !self.machine.has_lease(&attempt.worker) {
                broken.push(format!("`{}` runs at a worker without a lease", row.key));
            }
            let stops = self.has_effect(&EffectKey::stop(attempt.task, attempt.attempt));
            if attempt.stop.is_some() != stops {
                broken.push(format!(
                    "`{}` is to stop but nobody is told, or the reverse",
                    row.key
                ));
            }
        }
    }

    /// Every effect that waits for an answer still has somebody who wants it.
    fn effects(&self, broken: &mut Vec<String>) {
        let mut wanted = BTreeSet::new();
        for row in self.machine.tasks() {
            match row.state {
                TaskState::Queued(QueueReason::ConcurrencyGroup) => {
                    wanted.insert(EffectKey::enter(Some(row.no)));
                }
                // Who was taken over may have lost the place in its group meanwhile, and asks for it again.
                TaskState::Queued(QueueReason::Backoff | QueueReason::Generating)
                | TaskState::Open => {
                    let entered = row.group.as_ref();
                    wanted.extend(entered.map(|_| EffectKey::enter(Some(row.no))));
                    wanted.insert(EffectKey::compile(row.no));
                }
                TaskState::Running => {
                    let live = self.machine.live_attempt(row.no);
                    wanted.extend(live.map(|live| EffectKey::stop(row.no, live.attempt)));
                }
                TaskState::Queued(_) | TaskState::Blocked(_) => {}
                TaskState::Ended(_) => {
                    wanted.extend(row.group.as_ref().map(|_| EffectKey::leave(Some(row.no))));
                }
            }
        }
        match self.machine.run().state {
            RunState::Queued(_) => {
                wanted.insert(EffectKey::enter(None));
            }
            RunState::Ended(_) => {
                wanted.insert(EffectKey::leave(None));
            }
            RunState::Running => {}
        }
        for key in self.machine.effects().keys() {
            if !wanted.contains(key) {
                broken.push(format!("effect `{}` is offered but not wanted", key.0));
            }
        }
    }

    fn task(&self, row: &TaskRow, broken: &mut Vec<String>) {
        let mut say = |text: &str| broken.push(format!("`{}` is {}: {text}", row.key, row.state));
        if row.ended().is_some() != row.ended_at.is_some() {
            say("its end has no time, or the reverse");
        }
        let in_time = row.state == TaskState::Open && row.kind != TaskKind::Matrix;
        if row.timer_at.is_some() && !waits_for_time(row.state) && !in_time {
            say("it has a timer but waits for no time");
        }
        if waits_for_time(row.state) && row.timer_at.is_none() {
            say("no timer will wake it");
        }
        let untouched = matches!(
            row.state,
            TaskState::Queued(QueueReason::Needs | QueueReason::Finally) | TaskState::Ended(_)
        );
        if !untouched {
            if self.unmet_needs(row) > 0 {
                say("what it needs has not ended");
            }
            let parent = row.parent.map(|parent| self.machine.row(parent).state);
            if parent.is_some_and(|parent| parent != TaskState::Open) {
                say("what it belongs to is not open");
            }
            if let RunState::Queued(_) = self.machine.run().state {
                say("its run has not begun");
            }
        }
        if row.stop.is_some() && !in_time && row.ended().is_none() {
            say("what is open in it is to stop, and nothing is");
        }
        if self.has_no_end(row) {
            say("nothing will end it when its time is over");
        }
        if self.is_in_a_stopped_one(row) {
            say("what it belongs to is stopped");
        }
        if self.should_have_stopped(row) {
            say("its run is canceled");
        }
        match row.state {
            TaskState::Queued(reason) => {
                if let Some(text) = self.lost(row, reason) {
                    say(text);
                }
            }
            TaskState::Running if self.machine.live_attempt(row.no).is_none() => {
                say("it has no leased attempt");
            }
            TaskState::Open if !self.has_living_children(row.no) => say("nothing in it goes on"),
            TaskState::Running
            | TaskState::Open
            | TaskState::Ended(_)
            | TaskState::Blocked(Gate::Approval | Gate::Manual) => {}
        }
    }

    /// Whether a cancel of the run should have ended or stopped the row. What is open ends with its tasks.
    fn should_have_stopped(&self, row: &TaskRow) -> bool {
        let Some(cancel) = &self.machine.run().cancel else {
            return false;
        };
        let spared = cancel.mode != CancelMode::Now && self.machine.is_finally(row.no);
        let live = self.machine.live_attempt(row.no);
        let stops = match row.state {
            TaskState::Ended(_) | TaskState::Open => true,
            TaskState::Running => {
                cancel.mode == CancelMode::Drain || live.is_some_and(|live| live.stop.is_some())
            }
            TaskState::Queued(_) | TaskState::Blocked(_) => false,
        };
        !spared && !stops
    }

    /// Whether an open call with a time limit could go on for ever. A canceled run ends it by itself.
    fn has_no_end(&self, row: &TaskRow) -> bool {
        let limited = self.machine.plan().task(row.def).timeout_ms.is_some();
        let open_call = row.state == TaskState::Open && row.kind == TaskKind::Call;
        let ends = row.timer_at.is_some() || row.stop.is_some() || self.machine.is_canceled();
        open_call && limited && !ends
    }

    /// Whether something around the row is stopped, and the row is neither over, nor stopped itself, nor of a
    /// `finally` that still has time.
    fn is_in_a_stopped_one(&self, row: &TaskRow) -> bool {
        let live = self.machine.live_attempt(row.no);
        let over = match row.state {
            TaskState::Ended(_) => true,
            TaskState::Open => row.kind == TaskKind::Matrix || row.stop.is_some(),
            TaskState::Running => live.is_some_and(|live| live.stop.is_some()),
            TaskState::Queued(_) | TaskState::Blocked(_) => false,
        };
        let (mut at, mut finally) = (row, false);
        while let Some(around) = row_around(self.machine, at).filter(|_| !over) {
            finally |= self.machine.plan().task(at.def).phase == Phase::Finally;
            if around.stop.is_some() && !(finally && around.timer_at.is_some()) {
                return true;
            }
            at = around;
        }
        false
    }

    /// Why nothing would ever wake a waiting task, if so.
    fn lost(&self, row: &TaskRow, reason: QueueReason) -> Option<&'static str> {
        let queued_run = matches!(self.machine.run().state, RunState::Queued(_));
        let matrix = row
            .parent
            .filter(|parent| self.machine.row(*parent).kind == TaskKind::Matrix);
        let (wakes, text) = match reason {
            QueueReason::Needs => {
                // A member waits for its matrix, which waits for the needs.
                let of_matrix = matrix.is_some_and(|matrix| {
                    self.machine.row(matrix).state == TaskState::Queued(QueueReason::Needs)
                });
                let wakes = queued_run || of_matrix || self.unmet_needs(row) > 0;
                (wakes, "everything that it needs has ended")
            }
            QueueReason::Finally => {
                let instance = self.machine.instance_of(row.no);
                let wakes = queued_run || self.goes_on(instance, Phase::Main);
                (wakes, "the ordinary part of its scope has ended")
            }
            QueueReason::Slots | QueueReason::Resources | QueueReason::Placement => (
                self.machine.is_ready(row.no),
                "it is not among the ready tasks",
            ),
            QueueReason::ConcurrencyGroup => {
                let asked = self.has_effect(&EffectKey::enter(Some(row.no)));
                let around = std::iter::successors(row.parent, |no| self.machine.row(*no).parent);
                let held = |no: TaskNo| {
                    self.machine.row(no).state == TaskState::Open
                        && self.has_effect(&EffectKey::enter(Some(no)))
                };
                let asked = asked || around.into_iter().any(held);
                (asked, "nobody asks the group for room")
            }
            QueueReason::Generating => {
                let asked = self.has_effect(&EffectKey::compile(row.no));
                (asked, "nobody compiles what it wrote")
            }
            QueueReason::PathInUse => (self.path_is_held(row), "nobody uses its paths"),
            QueueReason::MaxParallel => {
                let full = matrix.is_some_and(|matrix| self.is_full(matrix));
                (full, "its matrix has room")
            }
            QueueReason::Backoff | QueueReason::Delay => (row.timer_at.is_some(), ""),
        };
        (!wakes).then_some(text)
    }

    /// Needs that have neither ended nor been released, counted from the plan.
    fn unmet_needs(&self, row: &TaskRow) -> usize {
        let instance = self.machine.instance_of(row.no);
        let needs = self.machine.plan().task(row.def).needs.iter();
        needs
            .map(|edge| self.machine.row(self.machine.top(instance, edge.task)))
            .filter(|need| need.ended().is_none() && !need.released)
            .count()
    }

    /// Whether a task of this phase of a scope instance has not ended.
    fn goes_on(&self, instance: Option<TaskNo>, phase: Phase) -> bool {
        let rows = self.machine.tasks().iter();
        rows.filter(|row| row.parent == instance && row.ended().is_none())
            .any(|row| self.machine.plan().task(row.def).phase == phase)
    }

    fn has_living_children(&self, no: TaskNo) -> bool {
        let mut rows = self.machine.tasks().iter();
        rows.any(|row| row.parent == Some(no) && row.ended().is_none())
    }

    /// Whether a task that runs, or may be leased next, declares one of the row's paths.
    fn path_is_held(&self, row: &TaskRow) -> bool {
        let claims = self.machine.claims(row.no);
        let overlap = |one: &str, other: &str| one.starts_with(other) || other.starts_with(one);
        let mut holders = self.machine.tasks().iter().filter(|other| {
            let active = other.state == TaskState::Running || self.machine.is_ready(other.no);
            active && other.no != row.no
        });
        holders.any(|other| {
            let theirs = self.machine.claims(other.no);
            let mut pairs = theirs
                .iter()
                .flat_map(|their| claims.iter().map(move |own| (their, own)));
            pairs.any(|((path, theirs), (own, hold))| overlap(path, own) && hold.excludes(theirs))
        })
    }

    /// Whether a matrix has as many members active, or about to be, as it allows.
    fn is_full(&self, matrix: TaskNo) -> bool {
        let def = self.machine.plan().task(self.machine.row(matrix).def);
        let most = def.matrix.as_ref().and_then(|matrix| matrix.max_parallel);
        let members = self.machine.tasks().iter();
        let active = members
            .filter(|row| row.parent == Some(matrix))
            .filter(|row| {
                let opened = row.state == TaskState::Open && row.kind == TaskKind::Call;
                opened || row.state == TaskState::Running || self.machine.is_ready(row.no)
            })
            .count();
        most.is_some_and(|most| active >= most as usize)
    }

    fn run(&self, broken: &mut Vec<String>) {
        let run = self.machine.run();
        let living = self.machine.tasks().iter().any(|row| row.ended().is_none());
        match run.state {
            RunState::Queued(_) => {
                if !self.has_effect(&EffectKey::enter(None)) {
                    broken.push("the run waits for its group but nobody asks".to_owned());
                }
            }
            RunState::Running => {
                let waits_for_nothing = self.machine.tasks().iter().all(|row| {
                    matches!(
                        row.state,
                        TaskState::Queued(QueueReason::Needs | QueueReason::Finally)
                            | TaskState::Open
                            | TaskState::Ended(_)
                    ) || (row.released && row.state == TaskState::Blocked(Gate::Manual))
                });
                if waits_for_nothing {
                    broken.push("the run goes on but nothing in it does".to_owned());
                }
            }
            RunState::Ended(_) => {
                let over = !living
                    && run.ended_at.is_some()
                    && self.machine.live().next().is_none()
                    && self.machine.next_deadline().is_none();
                if !over {
                    broken.push("the run has ended but something in it goes on".to_owned());
                }
            }
        }
    }

    fn has_effect(&self, key: &EffectKey) -> bool {
        self.machine.effects().contains_key(key)
    }
}

fn row_around<'a>(machine: &'a Machine, row: &TaskRow) -> Option<&'a TaskRow> {
    Some(machine.row(row.parent?))
}

const fn waits_for_time(state: TaskState) -> bool {
    matches!(
        state,
        TaskState::Queued(QueueReason::Backoff | QueueReason::Delay)
            | TaskState::Blocked(Gate::Approval)
    )
}
