//! Everything the machine knows besides its rows, so that an event need not look at all of them.
//! Computed from rows; [`Machine::index_rows`] does it for a whole run.

use super::Machine;
use super::due::DeadlineReason;
use crate::names::Past;
use crate::order::{self, DefIndex, ReadyKey};
use crate::rows::{Effect, EffectKey, Ended, RunHead, RunState, TaskKind, TaskRow, TaskState};
use model::ids::{ScopeNo, TaskNo};
use model::plan::{Phase, Placement, Plan, Resources};
use model::reason::{CancelCause, CancelMode, FailureKind, Gate, QueueReason, SkipCause};
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Debug)]
pub(super) struct Index {
    pub(super) defs: Vec<DefIndex>,
    /// Scope instances by the call or generating task that opened them; `None` is the pipeline.
    pub(super) instances: BTreeMap<Option<TaskNo>, Instance>,
    pub(super) groups: BTreeMap<TaskNo, Group>,
    /// Needs that have not passed, by task.
    pub(super) waits: Vec<u32>,
    /// What a task and everything that it needed came to, by task; for `StatusOf::Ancestors`.
    pub(super) past: Vec<Past>,
    pub(super) ready: Vec<Shape>,
    pub(super) deadlines: BTreeSet<(Timestamp, DeadlineReason, TaskNo)>,
    /// Active tasks by the artifact and report paths that they declare.
    pub(super) paths: BTreeMap<Box<str>, TaskNo>,
    pub(super) parked_on_paths: BTreeMap<Box<str>, BTreeSet<ReadyKey>>,
    /// Open calls that were taken over and have no place in their group yet, with what waits in them for that.
    pub(super) held: BTreeMap<TaskNo, BTreeSet<TaskNo>>,
    /// Tasks that go on by themselves.
    pub(super) moving: u32,
    /// Tasks that wait for a person and hold up the run.
    pub(super) gated: u32,
    /// Manual tasks that hold up nothing.
    pub(super) optional: BTreeSet<TaskNo>,
    /// What has to be told to others.
    pub(super) to_pass_on: VecDeque<Follow>,
}

/// What follows from a change of a row, for other rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// The task ended.
    Ended(TaskNo),
    /// The tasks behind it need not wait for it any more.
    Released(TaskNo),
    /// A member of this matrix gave its place back.
    Room(TaskNo),
    /// This task does not use its paths any more.
    Paths(TaskNo),
}

/// The tasks of one scope, opened once.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) scope: ScopeNo,
    /// The row of its first definition; the others follow in order of the scope.
    pub(super) first: TaskNo,
    pub(super) left_main: u32,
    pub(super) left_finally: u32,
    pub(super) tally: Tally,
    /// Expected time from its end to the end of the run.
    pub(super) behind_ms: u64,
    pub(super) depth: u32,
}

/// The members of one matrix.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) first: TaskNo,
    pub(super) count: u32,
    pub(super) left: u32,
    /// Members that hold one of the `max_parallel` places.
    pub(super) active: u32,
    pub(super) parked: BTreeSet<TaskNo>,
    pub(super) tally: Tally,
}

/// Ready tasks that ask for the same of a worker.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) resources: Resources,
    pub(super) placement: Placement,
    pub(super) queue: BTreeSet<ReadyKey>,
}

/// What several tasks came to. Does not depend on the order of their ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) failed: Option<FailureKind>,
    pub(super) canceled: Option<CancelCause>,
    pub(super) skipped: Option<SkipCause>,
    /// Tolerated failures among those that count as success.
    pub(super) tolerated: Option<FailureKind>,
    pub(super) succeeded: bool,
}

impl Tally {
    pub(super) fn add(&mut self, ended: Ended, tolerated: bool) {
        fn least<T: Ord>(known: &mut Option<T>, new: T) {
            if known.as_ref().is_none_or(|known| new < *known) {
                *known = Some(new);
            }
        }
        match ended {
            Ended::Failed(kind) if !tolerated => least(&mut self.failed, kind),
            Ended::Canceled(cause) => least(&mut self.canceled, cause),
            Ended::Skipped(cause) => least(&mut self.skipped, cause),
            Ended::Failed(kind) => {
                least(&mut self.tolerated, kind);
                self.succeeded = true;
            }
            Ended::Succeeded => self.succeeded = true,
        }
    }

    /// Failure before cancel before success; skipped only if everything was.
    pub(super) fn sum(self) -> Ended {
        match (self.failed, self.canceled, self.skipped, self.succeeded) {
            (Some(kind), ..) => Ended::Failed(kind),
            (None, Some(cause), ..) => Ended::Canceled(cause),
            (None, None, Some(cause), false) => Ended::Skipped(cause),
            (None, None, _, _) => Ended::Succeeded,
        }
    }

    pub(super) const fn past(self) -> Past {
        Past {
            failed: self.failed.is_some(),
            canceled: self.canceled.is_some(),
            skipped: false,
        }
    }
}

impl Index {
    pub(super) fn new(plan: &Plan, head: &RunHead) -> Self {
        let mut defs = Vec::new();
        order::index_from(plan, ScopeNo::ROOT, &head.expected_ms, &mut defs);
        Self {
            defs,
            instances: BTreeMap::new(),
            groups: BTreeMap::new(),
            waits: Vec::new(),
            past: Vec::new(),
            ready: Vec::new(),
            deadlines: BTreeSet::new(),
            paths: BTreeMap::new(),
            parked_on_paths: BTreeMap::new(),
            held: BTreeMap::new(),
            moving: 0,
            gated: 0,
            optional: BTreeSet::new(),
            to_pass_on: VecDeque::new(),
        }
    }
}

impl Machine {
    /// Computes the index of all rows, as if each had come to its state just now.
    pub(super) fn index_rows(&mut self) {
        self.index.waits = vec![0; self.tasks.len()];
        self.index.past = vec![Past::default(); self.tasks.len()];
        if self.tasks.is_empty() {
            self.open_instance(None, ScopeNo::ROOT, TaskNo(0));
        }
        for place in 0..self.tasks.len() {
            self.index_place(place);
        }
        let opened: Vec<Option<TaskNo>> = self.index.instances.keys().copied().collect();
        for instance in opened {
            self.index_waits(instance);
        }
        for place in 0..self.tasks.len() {
            let no = self.tasks[place].no;
            self.count_state(no, 1);
            self.index_running(no);
        }
        for effect in self.effects.values() {
            let Effect::EnterGroup { member, .. } = effect else {
                continue;
            };
            if let Some(no) = member.task
                && self.row(no).state == TaskState::Open
            {
                self.index.held.insert(no, BTreeSet::new());
            }
        }
        // What waits for a place is put aside only when all that hold one are known.
        for place in 0..self.tasks.len() {
            self.index_waiting(self.tasks[place].no);
        }
        self.add_run_deadlines();
    }

    /// Where the index differs from the one that a machine rebuilt from the same rows has; for [`crate::check`].
    pub(crate) fn index_differences(&self) -> Vec<String> {
        let twin = self.reindexed();
        let (ours, theirs) = (&self.index, &twin.index);
        let ready = |index: &Index| -> BTreeSet<ReadyKey> {
            let queues = index.ready.iter().flat_map(|shape| &shape.queue);
            queues.copied().collect()
        };
        // A scope without tasks leaves no row to find it by, and needs none.
        let instances = |index: &Index| -> Vec<String> {
            let all = index.instances.iter();
            all.filter(|(_, instance)| !self.plan.scope(instance.scope).tasks.is_empty())
                .map(|each| format!("{each:?}"))
                .collect()
        };
        let mut found = Vec::new();
        let mut compare = |what: &str, ours: String, theirs: String| {
            if ours != theirs {
                found.push(format!("{what}: kept {ours}, by the rows {theirs}"));
            }
        };
        macro_rules! compare {
            ($($field:ident),+) => {
                $(compare(stringify!($field), format!("{:?}", ours.$field), format!("{:?}", theirs.$field));)+
            };
        }
        compare!(
            waits,
            past,
            groups,
            deadlines,
            paths,
            parked_on_paths,
            held,
            moving,
            gated,
            optional
        );
        compare(
            "instances",
            format!("{:?}", instances(ours)),
            format!("{:?}", instances(theirs)),
        );
        compare(
            "ready",
            format!("{:?}", ready(ours)),
            format!("{:?}", ready(theirs)),
        );
        if !ours.to_pass_on.is_empty() {
            found.push("an end was not passed on".to_owned());
        }
        found
    }

    /// A machine with the same rows and an index computed from them.
    fn reindexed(&self) -> Self {
        let mut twin = Self {
            index: Index::new(&self.plan, &self.head),
            draft: super::Draft::default(),
            texts: crate::texts::Texts::default(),
            plan: self.plan.clone(),
            head: self.head.clone(),
            run: self.run.clone(),
            tasks: self.tasks.clone(),
            live: self.live.clone(),
            fragments: self.fragments.clone(),
            leases: self.leases.clone(),
            effects: self.effects.clone(),
        };
        twin.index_rows();
        twin
    }

    /// Opens the scope instance or matrix that the row is the first of, and counts it there.
    fn index_place(&mut self, place: usize) {
        let row = &self.tasks[place];
        let (no, parent) = (row.no, row.parent);
        if parent.is_some_and(|parent| self.row(parent).kind == TaskKind::Matrix) {
            let matrix = parent.expect("a member has its matrix as parent");
            self.index_member(matrix, no);
            return;
        }
        if !self.index.instances.contains_key(&parent) {
            self.open_instance(parent, self.plan.task(row.def).scope, no);
        }
        let row = &self.tasks[place];
        let finally = self.plan.task(row.def).phase == Phase::Finally;
        let (ended, tolerated) = (row.ended(), row.tolerated);
        let instance = self.index.instances.get_mut(&parent).expect("opened above");
        if let Some(ended) = ended {
            instance.tally.add(ended, tolerated);
            let left = if finally {
                &mut instance.left_finally
            } else {
                &mut instance.left_main
            };
            *left -= 1;
        }
    }

    pub(super) fn index_member(&mut self, matrix: TaskNo, no: TaskNo) {
        let row = &self.tasks[no.index()];
        let group = self.index.groups.entry(matrix).or_insert_with(|| Group {
            first: no,
            count: 0,
            left: 0,
            active: 0,
            parked: BTreeSet::new(),
            tally: Tally::default(),
        });
        group.count += 1;
        match row.ended() {
            Some(ended) => group.tally.add(ended, row.tolerated),
            None => group.left += 1,
        }
    }

    /// Remembers a scope instance whose rows begin at `first`, with nothing ended.
    pub(super) fn open_instance(&mut self, opener: Option<TaskNo>, scope: ScopeNo, first: TaskNo) {
        let outer = opener.map(|opener| self.instance_of(opener));
        let (depth, behind_ms) = match (opener, outer) {
            (Some(opener), Some(outer)) => {
                let outer = &self.index.instances[&outer];
                let own = &self.index.defs[self.row(opener).def.index()];
                let dependents = own.dependents.iter();
                let next = dependents
                    .map(|def| self.index.defs[def.index()].tail_ms)
                    .max();
                (
                    outer.depth + 1,
                    outer.behind_ms.saturating_add(next.unwrap_or(0)),
                )
            }
            (None, _) | (_, None) => (0, 0),
        };
        let defs = &self.plan.scope(scope).tasks;
        let finally = defs
            .iter()
            .filter(|def| self.plan.task(**def).phase == Phase::Finally)
            .count();
        let finally = u32::try_from(finally).expect("tasks are bounded");
        let all = u32::try_from(defs.len()).expect("tasks are bounded");
        let instance = Instance {
            scope,
            first,
            left_main: all - finally,
            left_finally: finally,
            tally: Tally::default(),
            behind_ms,
            depth,
        };
        self.index.instances.insert(opener, instance);
    }

    /// Counts what each top row of an instance waits for, and what came before it.
    pub(super) fn index_waits(&mut self, opener: Option<TaskNo>) {
        let scope = self.index.instances[&opener].scope;
        let order = order::forwards(&self.plan, &self.plan.scope(scope).tasks, &self.index.defs);
        for def in order {
            let no = self.top(opener, def);
            let mut waits = 0;
            let mut past = Past::default();
            for edge in &self.plan.task(def).needs {
                let need = self.row(self.top(opener, edge.task));
                if !passed(need) {
                    waits += 1;
                }
                past = past.and(self.index.past[need.no.index()]);
            }
            self.index.waits[no.index()] = waits;
            if passed(self.row(no)) {
                self.index.past[no.index()] = past.and(own_past(self.row(no)));
            }
        }
    }

    /// Gives a running task its places and deadline.
    fn index_running(&mut self, no: TaskNo) {
        if self.tasks[no.index()].state != TaskState::Running {
            return;
        }
        let live = self.live.get(&no).filter(|attempt| attempt.stop.is_none());
        if let Some(at) = live.and_then(|attempt| attempt.deadline_at) {
            self.index
                .deadlines
                .insert((at, DeadlineReason::Attempt, no));
        }
        self.occupy(no);
    }

    /// Puts a waiting task where it is looked for.
    fn index_waiting(&mut self, no: TaskNo) {
        let row = &self.tasks[no.index()];
        if let Some(at) = row.timer_at {
            self.index.deadlines.insert((at, DeadlineReason::Timer, no));
        }
        let TaskState::Queued(reason) = row.state else {
            return;
        };
        match reason {
            QueueReason::Slots | QueueReason::Resources | QueueReason::Placement => {
                self.push_ready(no);
            }
            QueueReason::MaxParallel => {
                let matrix = row.parent.expect("only members wait for max_parallel");
                self.index
                    .groups
                    .get_mut(&matrix)
                    .expect("indexed")
                    .parked
                    .insert(no);
            }
            QueueReason::PathInUse => self.park_on_paths(no),
            QueueReason::ConcurrencyGroup => {
                let asks = self.effects.contains_key(&EffectKey::enter(Some(no)));
                if let Some(call) = self.held_by(no).filter(|_| !asks) {
                    self.index.held.entry(call).or_default().insert(no);
                }
            }
            QueueReason::Needs
            | QueueReason::Finally
            | QueueReason::Backoff
            | QueueReason::Delay
            | QueueReason::Generating => {}
        }
    }

    /// Adds (`+1`) or removes (`-1`) a row from the counters that tell what the run waits for.
    pub(super) fn count_state(&mut self, no: TaskNo, by: i32) {
        let row = &self.tasks[no.index()];
        let matrix = row.parent.filter(|_| holds_place(row));
        if let Some(group) = matrix.and_then(|matrix| self.index.groups.get_mut(&matrix)) {
            let active = group.active.checked_add_signed(by);
            group.active = active.expect("a member holds one place");
        }
        let row = &self.tasks[no.index()];
        let counter = match row.state {
            TaskState::Queued(QueueReason::Needs | QueueReason::Finally)
            | TaskState::Open
            | TaskState::Ended(_) => return,
            TaskState::Blocked(Gate::Manual) if row.released => {
                if by > 0 {
                    self.index.optional.insert(no);
                } else {
                    self.index.optional.remove(&no);
                }
                return;
            }
            TaskState::Blocked(_) => &mut self.index.gated,
            TaskState::Queued(_) | TaskState::Running => &mut self.index.moving,
        };
        *counter = counter
            .checked_add_signed(by)
            .expect("a row is counted once");
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

/// Whether the tasks behind a row need not wait for it.
pub(super) fn passed(row: &TaskRow) -> bool {
    row.released || row.ended().is_some()
}

/// What a row that has passed means for the tasks behind it. One that was let go counts as success, whatever
/// becomes of it.
pub(super) fn own_past(row: &TaskRow) -> Past {
    let ended = row.ended().filter(|_| !row.released);
    ended.map_or_else(Past::default, |ended| Past::of(ended, row.tolerated))
}

/// Whether a member of a matrix holds one of its `max_parallel` places: a worker has it or may take it, or
/// its tasks go on.
pub(super) fn holds_place(row: &TaskRow) -> bool {
    is_active(row.state) || (row.state == TaskState::Open && row.kind == TaskKind::Call)
}

/// Whether a worker has a task or may take it.
pub(super) const fn is_active(state: TaskState) -> bool {
    matches!(
        state,
        TaskState::Running
            | TaskState::Queued(
                QueueReason::Slots | QueueReason::Resources | QueueReason::Placement
            )
    )
}
