//! Everything the machine knows besides its rows, so that an event need not look at all of them.
//! Computed from rows: event by event here, for a whole run in [`build`].

mod build;
mod tally;

pub(super) use tally::Tally;

use super::Machine;
use super::due::DeadlineReason;
use super::paths::InUse;
use crate::names::Past;
use crate::order::{self, DefIndex, ReadyKey};
use crate::rows::{RunHead, TaskKind, TaskRow, TaskState};
use model::ids::{ScopeNo, TaskNo};
use model::plan::{Phase, Plan, Resources};
use model::reason::{Gate, QueueReason};
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
    /// Ready tasks by what they ask of a worker; no queue is empty.
    pub(super) ready: BTreeMap<Wish, BTreeSet<ReadyKey>>,
    pub(super) deadlines: BTreeSet<(Timestamp, DeadlineReason, TaskNo)>,
    /// Paths that active tasks write, or use as others gave them.
    pub(super) paths: InUse,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Follow {
    /// The task ended.
    Ended(TaskNo),
    /// The tasks behind it need not wait for it any more.
    Released(TaskNo),
    /// A member of this matrix gave its place back.
    Room(TaskNo),
    /// These paths are not used any more by a task that did.
    Paths(Vec<Box<str>>),
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

/// What a task asks of a worker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wish {
    /// Its role and labels.
    pub(super) labels: Vec<String>,
    pub(super) resources: Resources,
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
            ready: BTreeMap::new(),
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
