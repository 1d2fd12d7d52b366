//! The one way in which a row's state and timer change: counters, history and deadlines follow, and those who wait
//! for what a task gives back are woken.

use super::Machine;
use super::due::DeadlineReason;
use super::index::{Follow, holds_place, is_active};
use crate::rows::{TaskKind, TaskState, Transition};
use model::ids::TaskNo;
use model::time::Timestamp;

impl Machine {
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
            let paths = self.claims(no).into_iter().map(|(path, _)| path).collect();
            self.index.to_pass_on.push_back(Follow::Paths(paths));
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
}
