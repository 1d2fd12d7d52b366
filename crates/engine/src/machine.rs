//! The machine: the rows of one run, and the one function that changes them.
//!
//! ```text
//! Queued(needs) ─▶ start rule ─▶ Blocked(manual) ─▶ Queued(delay) ─▶ Blocked(approval)
//!                      │                                                   │
//!                      ▼                                                   ▼
//!                 Ended(skipped)   Queued(backoff) ◀─┐          Queued(concurrency_group)
//!                                        │           │                     │
//!                                        ▼           │                     ▼
//!                                  Queued(slots) ────┼──▶ Running ─▶ Ended(…)
//!                                                    └──────┘  │
//!                                                              ▼
//!                                              Queued(generating) ─▶ Open ─▶ Ended(…)
//! ```
//! A matrix and a call pass through the same states but are `Open` instead of running: their members or
//! their scope's tasks go on, and they end when the last of these has ended.
//!
//! Invariants
//! - Rows decide. Everything in `index` is computed from rows, and [`Machine::rebuild`] computes it again.
//! - An ended row never changes. An ended run takes only [`Event::EffectDone`].
//! - No recursion over the graph: what follows from an end waits in a queue (`ending`).
//! - The cost of an event is proportional to the rows that it changes.

mod abandoned;
mod call;
mod cancel;
mod draft;
mod due;
mod ending;
mod index;
mod instantiate;
mod keyed;
mod late;
mod lease;
mod look;
mod matrix;
mod paths;
mod ready;
mod report;
mod state;
mod take_over;
mod wants;

pub use abandoned::Outcome;
pub use due::DeadlineReason;
pub use instantiate::NewRun;
pub use look::run_name;

use crate::event::{Answer, Command, Event, Rejected};
use crate::rows::{
    AttemptRow, Changes, Effect, EffectKey, FragmentRef, RunHead, RunRow, RunState, Snapshot,
    TaskRow, TaskState, Transition,
};
use crate::texts::Texts;
use draft::Draft;
use index::Index;
use model::ids::{TaskNo, WorkerId};
use model::plan::{Fragment, Plan};
use model::reason::{Gate, QueueReason};
use model::time::Timestamp;
use std::collections::BTreeMap;

/// One run.
#[derive(Debug)]
pub struct Machine {
    plan: Plan,
    head: RunHead,
    run: RunRow,
    tasks: Vec<TaskRow>,
    /// The attempts that are leased.
    live: BTreeMap<TaskNo, AttemptRow>,
    fragments: Vec<FragmentRef>,
    leases: BTreeMap<WorkerId, Timestamp>,
    effects: BTreeMap<EffectKey, Effect>,
    index: Index,
    draft: Draft,
    texts: Texts,
}

/// Rows that do not belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// A fragment is missing or too many were handed in.
    #[error("the run has taken in {wanted} fragments, {found} were loaded")]
    Fragments {
        /// By its row.
        wanted: usize,
        /// Handed in.
        found: usize,
    },
    /// Task rows have a gap or name a definition that the plan has not.
    #[error("task row {0} does not fit the plan")]
    Task(u32),
}

impl Machine {
    /// The machine of the run with these rows. `plan` is the plan as it was created; `fragments` is what
    /// was generated, in the order of [`Snapshot::fragments`].
    ///
    /// # Errors
    /// When the rows do not fit each other.
    pub fn rebuild(
        mut plan: Plan,
        fragments: Vec<Fragment>,
        snapshot: Snapshot,
    ) -> Result<Self, Corrupt> {
        let wanted = snapshot.fragments.len();
        if fragments.len() != wanted {
            return Err(Corrupt::Fragments {
                wanted,
                found: fragments.len(),
            });
        }
        for fragment in fragments {
            plan.append(fragment);
        }
        for (place, row) in snapshot.tasks.iter().enumerate() {
            if row.no.index() != place || row.def.index() >= plan.tasks.len() {
                return Err(Corrupt::Task(u32::try_from(place).unwrap_or(u32::MAX)));
            }
        }
        let live = snapshot
            .attempts
            .into_iter()
            .filter(|attempt| attempt.end.is_none());
        let mut machine = Self {
            index: Index::new(&plan, &snapshot.head),
            draft: Draft::default(),
            texts: Texts::of(&plan.more_files),
            plan,
            head: snapshot.head,
            run: snapshot.run,
            tasks: snapshot.tasks,
            live: live.map(|attempt| (attempt.task, attempt)).collect(),
            fragments: snapshot.fragments,
            leases: snapshot
                .leases
                .into_iter()
                .map(|lease| (lease.worker, lease.until))
                .collect(),
            effects: snapshot
                .effects
                .into_iter()
                .map(|row| (row.key, row.effect))
                .collect(),
        };
        machine.index_rows();
        Ok(machine)
    }

    /// The only way the run changes. What it returns has to be durable before it is acted on.
    ///
    /// # Errors
    /// When the event does not fit; the run is then as it was.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Result<Changes, Rejected> {
        if let RunState::Ended(_) = self.run.state {
            return self.handle_ended(event);
        }
        match event {
            Event::Lease(ask) => self.lease(&ask, now),
            Event::Renew {
                worker,
                until,
                started,
            } => self.renew(worker, until, &started, now),
            Event::Keyed(told) => self.keyed(told)?,
            Event::Report(report) => self.report(report, now)?,
            Event::WorkerGone { worker } => self.worker_gone(&worker, now),
            Event::Tick => self.fire_due(now),
            Event::Command(command) => self.command(command, now)?,
            Event::Admitted { task } => self.admitted(task, now)?,
            Event::Generated { task, fragment } => self.generated(task, fragment, now)?,
            Event::EffectDone { key } => self.acknowledge(&key),
            Event::TakeOver { by } => self.take_over(by, now),
        }
        self.settle(now);
        Ok(self.take_changes())
    }

    /// Notes that the inbox was handled up to `seq`, so that it is emptied with the same change.
    pub fn inbox_taken(&mut self, seq: u64) -> Changes {
        self.run.inbox = self.run.inbox.max(seq);
        self.draft.run = true;
        self.take_changes()
    }

    fn handle_ended(&mut self, event: Event) -> Result<Changes, Rejected> {
        match event {
            Event::EffectDone { key } => {
                self.acknowledge(&key);
                Ok(self.take_changes())
            }
            Event::Report(report) => Err(Rejected::Fenced {
                task: report.task,
                attempt: report.attempt,
                token: report.token,
            }),
            Event::Keyed(told) => Err(Rejected::Fenced {
                task: told.task,
                attempt: told.attempt,
                token: told.token,
            }),
            Event::Lease(_)
            | Event::Renew { .. }
            | Event::WorkerGone { .. }
            | Event::Tick
            | Event::Command(_)
            | Event::Admitted { .. }
            | Event::Generated { .. }
            | Event::TakeOver { .. } => Err(Rejected::RunEnded),
        }
    }

    /// Strikes off an effect that asks for no answer. The others stay until their answer has come: the end of
    /// the attempt, the admission, the compiled tasks.
    fn acknowledge(&mut self, key: &EffectKey) {
        if matches!(self.effects.get(key), Some(Effect::LeaveGroup { .. })) {
            self.effect_done(key);
        }
    }

    fn command(&mut self, command: Command, now: Timestamp) -> Result<(), Rejected> {
        match command {
            Command::Cancel { mode, cause, by } => {
                self.cancel(mode, cause, by, now);
                Ok(())
            }
            Command::CancelTask { task, cause, by } => self.cancel_one(task, cause, &by, now),
            Command::Answer { task, answer, by } => self.answer(task, answer, by, now),
            Command::StartManual { task, by } => self.start_manual(task, by, now),
        }
    }

    fn answer(
        &mut self,
        no: TaskNo,
        answer: Answer,
        by: String,
        now: Timestamp,
    ) -> Result<(), Rejected> {
        self.must_wait(no, |row| row.state == TaskState::Blocked(Gate::Approval))?;
        if self.row(no).timer_at.is_some_and(|at| at <= now) {
            self.unanswered(no, now);
            return Ok(());
        }
        match answer {
            Answer::Approve => {
                self.log(Transition::Approved { task: no, by }, now);
                self.touch(no).note = None;
                self.set_timer(no, None);
                self.enter_group(no, now);
            }
            Answer::Reject => {
                self.tasks[no.index()].note = Some(format!("rejected by {by}").into());
                self.log(Transition::Rejected { task: no, by }, now);
                self.fail(no, model::reason::FailureKind::Policy, None, now);
            }
        }
        Ok(())
    }

    fn start_manual(&mut self, no: TaskNo, by: String, now: Timestamp) -> Result<(), Rejected> {
        self.must_wait(no, |row| row.state == TaskState::Blocked(Gate::Manual))?;
        self.log(Transition::Approved { task: no, by }, now);
        self.ask_approval(no, now);
        Ok(())
    }

    fn admitted(&mut self, task: Option<TaskNo>, now: Timestamp) -> Result<(), Rejected> {
        let Some(no) = task else {
            if let RunState::Queued(_) = self.run.state {
                self.log(Transition::RunAdmitted, now);
                self.begin_run(now);
            }
            self.effect_done(&EffectKey::enter(None));
            return Ok(());
        };
        let key = EffectKey::enter(task);
        let asked = self.effects.contains_key(&key);
        self.must_wait(no, |_| asked)?;
        self.effect_done(&key);
        match self.row(no).state {
            TaskState::Queued(QueueReason::ConcurrencyGroup) => self.make_ready(no, now),
            // Taken over, and has its place again.
            TaskState::Open => self.let_inside_go(no, now),
            TaskState::Queued(_)
            | TaskState::Blocked(_)
            | TaskState::Running
            | TaskState::Ended(_) => {}
        }
        Ok(())
    }

    fn must_wait(&self, no: TaskNo, waits: impl Fn(&TaskRow) -> bool) -> Result<(), Rejected> {
        let row = self
            .tasks
            .get(no.index())
            .ok_or(Rejected::UnknownTask(no))?;
        if waits(row) {
            return Ok(());
        }
        Err(Rejected::NotWaiting {
            key: row.key.to_string(),
            state: row.state.to_string(),
        })
    }
}

#[cfg(test)]
mod tests;
