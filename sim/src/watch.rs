//! What always holds of the whole system, looked at from outside: over the rows that are durable, the commands that
//! really run and the reports that were really sent.
//!
//! It keeps a history of its own and trusts nobody: not the machines' indexes, not the workers, not what a store
//! says it did. The first broken rule is kept; the run of the simulator ends with it.

mod attempts;
mod ends;
mod groups;
mod plan;
mod reuse;

use crate::disk::Written;
use crate::logs::Logs;
use crate::script::Script;
use engine::machine::Machine;
use engine::rows::{AttemptEnd, AttemptRow, EventRow, RunState, Snapshot, TaskState, Transition};
use model::ids::{AttemptId, AttemptNo, RunId, TaskNo, Token, WorkerId};
use model::limits;
use model::plan::Plan;
use model::reason::{CancelMode, QueueReason};
use model::time::Timestamp;
use plan::{instance_of, unmet_need};
use std::collections::{BTreeMap, BTreeSet};

/// After the last fault, a lease that was given later than this is never lost: the latest message has come, and the
/// wish of a dead worker in it is forgotten.
const SETTLED_MS: u64 = 40_000;
/// So long something that has to stop may go on, when nothing disturbs: a lease, two graces and some delay.
const STOPS_WITHIN_MS: u64 = 45_000;

/// See the module.
#[derive(Debug)]
pub struct Watch {
    runs: BTreeMap<RunId, Known>,
    /// Ends that workers have told, as they told them first.
    reports: BTreeMap<AttemptId, Reported>,
    /// What commands have printed.
    printed: BTreeMap<AttemptId, Vec<u8>>,
    /// Bytes of the worker's own lines in the log of an attempt.
    remarks: BTreeMap<AttemptId, u64>,
    logs: Logs,
    /// How often the source has changed, and when it last did.
    source: (u64, Timestamp),
    /// When the last fault was over.
    calm_at: Option<Timestamp>,
    /// From when on no lease is lost.
    safe_at: Option<Timestamp>,
    broken: Option<String>,
    /// How often something worth knowing happened.
    pub seen: BTreeMap<&'static str, u64>,
}

/// A run, as it was after the last change.
#[derive(Debug)]
struct Known {
    rows: Snapshot,
    plan: Plan,
    fence: u64,
    owner: u64,
    /// Whether its owner has written what it made of what it took over.
    settled: bool,
    /// When attempts were first seen to be stopped.
    stops: BTreeMap<(TaskNo, AttemptNo), Timestamp>,
    /// Cancels on the board, by their number.
    asked: BTreeMap<u64, CancelMode>,
    disturbed: bool,
}

#[derive(Debug)]
struct Reported {
    token: Token,
    worker: WorkerId,
    end: AttemptEnd,
}

/// How an attempt that has ended came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Close {
    Reported,
    Lost,
}

impl Watch {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(logs: Logs) -> Self {
        Self {
            runs: BTreeMap::new(),
            reports: BTreeMap::new(),
            printed: BTreeMap::new(),
            remarks: BTreeMap::new(),
            logs,
            source: (0, Timestamp(0)),
            calm_at: None,
            safe_at: None,
            broken: None,
            seen: BTreeMap::new(),
        }
    }

    /// The first rule that was broken.
    #[must_use]
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// A rule is broken.
    pub fn say(&mut self, text: String) {
        self.broken.get_or_insert(text);
    }

    /// Something worth knowing happened.
    pub fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// An event was written.
    pub fn event(&mut self, what: &Transition) {
        self.count(match what {
            Transition::CancelAsked { .. } => "cancels",
            Transition::Reused { .. } => "results reused",
            Transition::Generated { .. } => "generated files compiled",
            Transition::Approved { .. } => "approvals and manual starts",
            Transition::Rejected { .. } => "rejections",
            Transition::RunAdmitted => "runs admitted to their group",
            Transition::TakenOver { .. } => "runs taken over",
            Transition::RunEnded(_) => "runs ended",
            Transition::AttemptEnded { .. } => "attempts that others followed",
            Transition::RunCreated
            | Transition::TaskMoved { .. }
            | Transition::Leased { .. }
            | Transition::Started { .. }
            | Transition::TaskEnded { .. } => return,
        });
    }

    /// No fault happens any more.
    pub fn calm(&mut self, now: Timestamp) {
        self.calm_at = Some(now);
        self.safe_at.get_or_insert(now.plus_ms(SETTLED_MS));
    }

    /// No fault happens at all.
    pub fn quiet(&mut self) {
        self.safe_at = Some(Timestamp(0));
    }

    /// The plan of a run that is about to be created.
    pub fn expect(&mut self, run: RunId, plan: &Plan, rows: Snapshot) {
        self.runs.entry(run).or_insert_with(|| Known {
            rows,
            plan: plan.clone(),
            fence: 0,
            owner: u64::MAX,
            settled: false,
            stops: BTreeMap::new(),
            asked: BTreeMap::new(),
            disturbed: false,
        });
    }

    /// The rows of a run after its last change.
    #[must_use]
    pub fn rows(&self, run: RunId) -> Option<&Snapshot> {
        let known = self.runs.get(&run).filter(|known| known.fence > 0);
        known.map(|known| &known.rows)
    }

    /// Who owns a run.
    #[must_use]
    pub fn owner(&self, run: RunId) -> Option<u64> {
        let known = self.runs.get(&run).filter(|known| known.fence > 0);
        known.map(|known| known.owner)
    }

    /// Who owns a run that has not ended.
    #[must_use]
    pub fn living_owner(&self, run: RunId) -> Option<u64> {
        let rows = self.rows(run)?;
        let ended = matches!(rows.run.state, RunState::Ended(_));
        self.owner(run).filter(|_| !ended)
    }

    /// Whether an attempt was lost, or somebody asked the run to stop.
    #[must_use]
    pub fn was_disturbed(&self, run: RunId) -> bool {
        self.runs[&run].disturbed
    }

    /// Somebody put a cancel on the board.
    pub fn cancel_asked(&mut self, run: RunId, seq: u64, mode: CancelMode) {
        if let Some(known) = self.runs.get_mut(&run) {
            known.asked.insert(seq, mode);
            known.disturbed = true;
        }
    }

    /// A worker tells an end, perhaps again.
    pub fn reported(&mut self, id: AttemptId, token: Token, worker: &WorkerId, end: &AttemptEnd) {
        self.reports.entry(id).or_insert_with(|| Reported {
            token,
            worker: worker.clone(),
            end: end.clone(),
        });
    }

    /// A command printed something that its worker has taken.
    pub fn printed(&mut self, id: AttemptId, bytes: &[u8]) {
        self.printed.entry(id).or_default().extend_from_slice(bytes);
    }

    /// A worker wrote a line of its own.
    pub fn remarked(&mut self, id: AttemptId, bytes: usize) {
        *self.remarks.entry(id).or_default() += bytes as u64;
    }

    /// A change has become durable. `lives` tells whether an attempt has processes.
    pub fn written(&mut self, written: Written, now: Timestamp, lives: &dyn Fn(AttemptId) -> bool) {
        let Some(mut known) = self.runs.remove(&written.run) else {
            return;
        };
        let Written {
            run,
            fence,
            owner,
            rows,
            events,
        } = written;
        if let Some(owner) = owner {
            known.owner = owner;
            known.fence = known.fence.max(fence);
        }
        let fresh = known.rows.run.version == 0;
        let took_over = |event: &EventRow| matches!(event.what, Transition::TakenOver { .. });
        if owner.is_some() {
            known.settled = fresh;
        } else if events.iter().any(took_over) {
            known.settled = true;
        }
        if fence < known.fence {
            self.say(format!(
                "run {run}: an owner wrote with fence {fence} after {} was given out",
                known.fence
            ));
        }
        if !fresh {
            self.run_step(&known, &rows);
            self.task_steps(&known, &rows, now);
            self.reuse_steps(&known, &rows);
        }
        let first = if fresh { 1 } else { known.rows.run.events + 1 };
        let in_order = (first..).zip(&events).all(|(seq, event)| event.seq == seq);
        if !in_order || first + events.len() as u64 != rows.run.events + 1 {
            self.say(format!("run {run}: events are missing or written twice"));
        }
        self.attempt_steps(&mut known, &rows, now, lives);
        let taken = rows.run.inbox;
        known.asked.retain(|seq, mode| {
            let ended = matches!(rows.run.state, RunState::Ended(_));
            let canceled = rows.run.cancel.as_ref();
            let heard = canceled.is_some_and(|cancel| strength(cancel.mode) >= strength(*mode));
            if *seq <= taken && !heard && !ended {
                self.broken.get_or_insert(format!(
                    "run {run}: the cancel with number {seq} was taken from the inbox and did nothing"
                ));
            }
            *seq > taken
        });
        if rows.run.cancel.is_some() {
            known.disturbed = true;
        }
        known.rows = rows;
        self.runs.insert(run, known);
    }

    fn run_step(&mut self, known: &Known, rows: &Snapshot) {
        let (before, after) = (&known.rows.run, &rows.run);
        let run = after.id;
        if after.version < before.version
            || after.token < before.token
            || after.inbox < before.inbox
        {
            self.say(format!("run {run}: its version, token or inbox went back"));
        }
        if after.version == before.version && rows.tasks != known.rows.tasks {
            self.say(format!("run {run}: it changed and its version did not"));
        }
        if let RunState::Ended(_) = before.state {
            let still = after.state == before.state
                && rows.tasks == known.rows.tasks
                && rows.attempts == known.rows.attempts;
            if !still {
                self.say(format!("run {run}: it had ended and changed"));
            }
        }
        if rows.tasks.len() < known.rows.tasks.len() {
            self.say(format!("run {run}: tasks are gone"));
        }
    }

    fn task_steps(&mut self, known: &Known, rows: &Snapshot, now: Timestamp) {
        for (before, after) in known.rows.tasks.iter().zip(&rows.tasks) {
            if before == after {
                continue;
            }
            let key = &after.key;
            if before.ended().is_some() {
                self.say(format!("task `{key}` had ended and changed"));
            }
            let pauses = matches!(
                before.state,
                TaskState::Queued(QueueReason::Backoff | QueueReason::Delay)
            );
            let goes_on = after.state != before.state && after.ended().is_none();
            if pauses && goes_on && before.timer_at.is_some_and(|at| now < at) {
                self.say(format!("task `{key}` went on before its pause was over"));
            }
            let back = after.attempts < before.attempts
                || after.retries < before.retries
                || after.free_retries < before.free_retries;
            if back {
                self.say(format!("the counters of task `{key}` went back"));
            }
            let most = known.plan.tasks.get(after.def.index());
            let most = most.map_or(u32::MAX, |def| def.retry.max);
            if after.retries > most || after.free_retries > limits::FREE_RETRIES {
                self.say(format!(
                    "task `{key}` was tried again more often than it may"
                ));
            }
            if after.state == TaskState::Queued(QueueReason::Backoff) {
                self.count("pauses before another attempt");
            }
        }
    }

    /// A command runs from now on. `elsewhere` are the attempts with processes, and their workers.
    pub fn command_begins(
        &mut self,
        id: AttemptId,
        worker: &WorkerId,
        script: &Script,
        elsewhere: &[(AttemptId, WorkerId)],
    ) {
        let Some(known) = self.runs.get(&id.run) else {
            return self.say(format!("a command of the unknown run {} runs", id.run));
        };
        let rows = &known.rows;
        let attempts = &rows.attempts;
        let find = |no: AttemptNo| {
            attempts
                .iter()
                .find(|row| row.task == id.task && row.attempt == no)
        };
        let Some(row) = find(id.attempt) else {
            return self.say(format!(
                "a command of attempt {id} runs, which the board has not"
            ));
        };
        let (task, ended) = (&rows.tasks[id.task.index()], row.end.is_some());
        let (row, need) = (row.clone(), unmet_need(&known.plan, rows, task));
        let key = task.key.clone();
        let mut wrong_value = None;
        for (giver, value) in &script.reads {
            let instance = instance_of(rows, task);
            let given = rows.tasks.iter().find(|row| {
                known.plan.task(row.def).name == *giver && instance_of(rows, row) == instance
            });
            let given = given
                .and_then(|row| row.outputs.as_deref()?.get("v"))
                .and_then(|value| value.value.as_str());
            if given != Some(value.as_str()) {
                wrong_value = Some(format!(
                    "`{key}` read {value} of `{giver}`, which gave {given:?}"
                ));
            }
        }
        let mut twice = None;
        for (other, by) in elsewhere.iter().filter(|(other, _)| other.task == id.task) {
            if other.run != id.run || (*other == id && by == worker) {
                continue;
            }
            let over = find(other.attempt).is_some_and(|row| row.end.is_some());
            if *other == id || (!over && other.attempt < id.attempt) {
                twice = Some(format!("attempts {id} and {other} of `{key}` run at once"));
            }
        }
        if row.worker != *worker {
            self.say(format!(
                "a command of attempt {id} runs at {worker}, but {} has it",
                row.worker
            ));
        }
        if let Some(text) = wrong_value.or(twice) {
            self.say(text);
        }
        if let Some(need) = need {
            self.say(format!("`{key}` runs before `{need}` has ended"));
        }
        if ended && self.close(id, &row) == Some(Close::Reported) {
            self.say(format!(
                "a command of attempt {id} runs after its end was told"
            ));
        }
    }

    /// Looks at a machine that owns its run: at itself, and at whether the board says the same.
    pub fn machine(&mut self, machine: &Machine) {
        let run = machine.head().id;
        let broken = engine::check::machine(machine);
        if let Some(text) = broken.first() {
            self.say(format!("run {run}: {text}"));
        }
        let Some(known) = self.runs.get_mut(&run) else {
            return;
        };
        if known.plan.tasks.len() < machine.plan().tasks.len() {
            known.plan = machine.plan().clone();
        }
        let own = machine.snapshot();
        let living = |row: &&AttemptRow| row.end.is_none();
        let attempts = known.rows.attempts.iter().filter(living);
        let same = own.run == known.rows.run
            && own.tasks == known.rows.tasks
            && own.leases == known.rows.leases
            && own.effects == known.rows.effects
            && own.attempts.iter().eq(attempts);
        if !same {
            self.say(format!(
                "run {run}: the board says something else than its owner"
            ));
        }
    }

    /// Looks at what goes on although it should have stopped.
    pub fn look_around(&mut self, now: Timestamp, living: &BTreeSet<AttemptId>) {
        let Some(calm_at) = self.calm_at else { return };
        let late = |since: Timestamp| now > since.max(calm_at).plus_ms(STOPS_WITHIN_MS);
        let mut broken = None;
        for id in living {
            let Some(known) = self.runs.get(&id.run) else {
                continue;
            };
            let mut attempts = known.rows.attempts.iter();
            let row = attempts.find(|row| row.task == id.task && row.attempt == id.attempt);
            if row.and_then(|row| row.ended_at).is_some_and(late) {
                broken = Some(format!("attempt {id} has ended and its processes live on"));
            }
        }
        for (run, known) in &self.runs {
            for ((task, attempt), since) in &known.stops {
                if late(*since) {
                    let (task, attempt) = (task.0, attempt.0);
                    broken = Some(format!(
                        "run {run}: attempt {attempt} of task {task} is to stop and goes on"
                    ));
                }
            }
        }
        if let Some(text) = broken {
            self.say(text);
        }
    }
}

const fn strength(mode: CancelMode) -> u8 {
    match mode {
        CancelMode::Drain => 0,
        CancelMode::Finally => 1,
        CancelMode::Now => 2,
    }
}
