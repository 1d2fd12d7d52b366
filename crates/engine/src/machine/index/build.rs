//! The index of a whole run, from its rows; and whether the one that was kept is the same.

use super::super::{Draft, Machine};
use super::{DeadlineReason, Index};
use crate::names::Past;
use crate::order::ReadyKey;
use crate::rows::{Effect, EffectKey, TaskKind, TaskState};
use crate::texts::Texts;
use model::ids::{ScopeNo, TaskNo};
use model::plan::Phase;
use model::reason::QueueReason;
use std::collections::BTreeSet;

impl Machine {
    /// Computes the index of all rows, as if each had come to its state just now.
    pub(in super::super) fn index_rows(&mut self) {
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

    /// Where the index differs from the one that a machine rebuilt from the same rows has; for [`crate::check`].
    pub(crate) fn index_differences(&self) -> Vec<String> {
        let twin = self.reindexed();
        let (ours, theirs) = (&self.index, &twin.index);
        let ready = |index: &Index| -> BTreeSet<ReadyKey> {
            let queues = index.ready.values().flatten();
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
            draft: Draft::default(),
            texts: Texts::of(&self.plan.more_files),
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
}
