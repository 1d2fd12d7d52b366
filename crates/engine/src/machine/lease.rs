//! Giving tasks to workers, and keeping track of who lives.

use super::Machine;
use super::due::DeadlineReason;
use crate::event::Ask;
use crate::rows::{AttemptRow, Granted, TaskState, Transition};
use model::ids::{AttemptNo, TaskNo, Token, WorkerId};
use model::plan::{Placement, Resources, Text};
use model::reason::QueueReason;
use model::time::Timestamp;

/// A lease is written again only when it has moved by this much: a heartbeat is not worth a disk sync.
const LEASE_STEP_MS: u64 = 2_000;

impl Machine {
    /// Gives a worker up to as many tasks as it wants and can take.
    pub(super) fn lease(&mut self, ask: &Ask, now: Timestamp) {
        let mut free = ask.free.clone();
        let mut given = 0;
        while given < ask.max {
            let Some(no) = self.next_for(ask, free.as_ref()) else {
                break;
            };
            if self.must_wait_longer(no, now) {
                continue;
            }
            if self.grant(no, &ask.worker, now) {
                given += 1;
                let wanted = &self.plan.task(self.row(no).def).resources;
                if let Some(free) = &mut free {
                    take(free, wanted);
                }
            }
        }
        if given > 0 || self.leases.contains_key(&ask.worker) {
            self.extend_lease(&ask.worker, ask.until);
        }
    }

    /// The first ready task that the worker can take.
    fn next_for(&self, ask: &Ask, free: Option<&Resources>) -> Option<TaskNo> {
        let suits = |placement: &Placement| {
            ask.labels
                .as_ref()
                .is_none_or(|labels| offers(labels, placement))
        };
        let fits = |wanted: &Resources| free.is_none_or(|free| has(free, wanted));
        let shapes = self.index.ready.iter();
        let heads = shapes
            .filter(|shape| fits(&shape.resources) && suits(&shape.placement))
            .filter_map(|shape| shape.queue.first());
        heads.min().map(|(_, _, no)| *no)
    }

    /// Parks a ready task whose matrix is full or whose paths are in use.
    fn must_wait_longer(&mut self, no: TaskNo, now: Timestamp) -> bool {
        let row = self.row(no);
        let most = self
            .plan
            .task(row.def)
            .matrix
            .as_ref()
            .and_then(|matrix| matrix.max_parallel);
        let group = row.parent.and_then(|parent| self.index.groups.get(&parent));
        let full = most
            .zip(group)
            .is_some_and(|(most, group)| group.active >= most);
        if full {
            let matrix = row.parent.expect("a member has its matrix as parent");
            self.forget_waiting(no);
            self.put(no, TaskState::Queued(QueueReason::MaxParallel), now);
            self.index
                .groups
                .get_mut(&matrix)
                .expect("just read")
                .parked
                .insert(no);
            return true;
        }
        if self.path_in_use(no) {
            self.forget_waiting(no);
            self.put(no, TaskState::Queued(QueueReason::PathInUse), now);
            self.park_on_paths(no);
            return true;
        }
        false
    }

    /// Paths matter only where tasks share a tree.
    fn exclusive_paths(&self, no: TaskNo) -> Vec<Box<str>> {
        if self.head.clean {
            return Vec::new();
        }
        self.plan
            .task(self.row(no).def)
            .exclusive_paths()
            .map(Into::into)
            .collect()
    }

    fn path_in_use(&self, no: TaskNo) -> bool {
        self.exclusive_paths(no)
            .iter()
            .any(|path| self.index.paths.contains_key(path))
    }

    /// Waits under all its paths: whichever becomes free, it looks again.
    pub(super) fn park_on_paths(&mut self, no: TaskNo) {
        for path in self.exclusive_paths(no) {
            self.index
                .parked_on_paths
                .entry(path)
                .or_default()
                .insert(no);
        }
    }

    /// Takes the places that a running task needs.
    pub(super) fn occupy(&mut self, no: TaskNo) {
        for path in self.exclusive_paths(no) {
            self.index.paths.insert(path, no);
        }
        let parent = self.row(no).parent;
        if let Some(group) = parent.and_then(|parent| self.index.groups.get_mut(&parent)) {
            group.active += 1;
        }
    }

    /// Gives the places back, and lets those go on that waited for them.
    pub(super) fn vacate(&mut self, no: TaskNo, now: Timestamp) {
        for path in self.exclusive_paths(no) {
            self.index.paths.remove(&path);
            for waiting in self
                .index
                .parked_on_paths
                .remove(&path)
                .into_iter()
                .flatten()
            {
                self.unpark(waiting, now);
            }
        }
        if let Some(parent) = self.row(no).parent {
            if let Some(group) = self.index.groups.get_mut(&parent) {
                group.active -= 1;
            }
            self.wake_parked(parent, now);
        }
    }

    /// Lets members go on that waited for `max_parallel`, as many as there is room for.
    pub(super) fn wake_parked(&mut self, matrix: TaskNo, now: Timestamp) {
        let most = self
            .plan
            .task(self.row(matrix).def)
            .matrix
            .as_ref()
            .and_then(|m| m.max_parallel);
        let Some((most, group)) = most.zip(self.index.groups.get(&matrix)) else {
            return;
        };
        let room = most.saturating_sub(group.active) as usize;
        let woken: Vec<TaskNo> = group.parked.iter().take(room).copied().collect();
        for waiting in woken {
            self.unpark(waiting, now);
        }
    }

    fn unpark(&mut self, no: TaskNo, now: Timestamp) {
        let parked = TaskState::Queued(QueueReason::PathInUse);
        let held = TaskState::Queued(QueueReason::MaxParallel);
        if self.row(no).state == parked || self.row(no).state == held {
            self.forget_waiting(no);
            self.put(no, TaskState::Queued(QueueReason::Slots), now);
            self.push_ready(no);
        }
    }

    /// Leases one task; `false` when its time limit cannot be computed and it failed instead.
    fn grant(&mut self, no: TaskNo, worker: &WorkerId, now: Timestamp) -> bool {
        let timeout = self.plan.task(self.row(no).def).timeout_ms.clone();
        let timeout_ms = match timeout.map(|late| self.late_ms(no, &late)).transpose() {
            Ok(timeout_ms) => timeout_ms,
            Err(message) => {
                self.fail_with(no, message, now);
                return false;
            }
        };
        self.forget_waiting(no);
        self.put(no, TaskState::Running, now);
        let row = self.touch(no);
        row.attempts += 1;
        row.started_at.get_or_insert(now);
        let attempt = AttemptNo(row.attempts);
        self.run.counts.running += 1;
        if self.run.started_at.is_none() {
            self.run.started_at = Some(now);
            self.index.deadlines.extend(self.run_deadline());
        }
        self.run.token = Token(self.run.token.0 + 1);
        let deadline_at = timeout_ms.map(|timeout_ms| now.plus_ms(timeout_ms));
        if let Some(at) = deadline_at {
            self.index
                .deadlines
                .insert((at, DeadlineReason::Attempt, no));
        }
        let row = AttemptRow {
            task: no,
            attempt,
            token: self.run.token,
            worker: worker.clone(),
            leased_at: now,
            started: false,
            stop: None,
            deadline_at,
            ended_at: None,
            end: None,
        };
        self.draft.attempts.insert((no, attempt), row.clone());
        self.live.insert(no, row);
        self.occupy(no);
        self.log(Transition::Leased { task: no, attempt }, now);
        let token = self.run.token;
        self.draft.granted.push(Granted {
            worker: worker.clone(),
            task: no,
            attempt,
            token,
        });
        true
    }

    fn extend_lease(&mut self, worker: &WorkerId, until: Timestamp) {
        let known = self.leases.get(worker).copied();
        if known.is_some_and(|known| until < known.plus_ms(LEASE_STEP_MS)) {
            return;
        }
        self.leases.insert(worker.clone(), until);
        self.draft.leases_gone.remove(worker);
        self.draft.leases.insert(worker.clone());
    }

    pub(super) fn renew(
        &mut self,
        worker: WorkerId,
        until: Timestamp,
        started: &[(TaskNo, AttemptNo, Token)],
        now: Timestamp,
    ) {
        if self.leases.contains_key(&worker) {
            self.extend_lease(&worker, until);
        }
        for (task, attempt, token) in started {
            let Some(live) = self.live.get_mut(task) else {
                continue;
            };
            if live.attempt != *attempt || live.token != *token || live.started {
                continue;
            }
            live.started = true;
            self.draft.attempts.insert((*task, *attempt), live.clone());
            self.log(
                Transition::Started {
                    task: *task,
                    attempt: *attempt,
                },
                now,
            );
        }
    }

    pub(super) fn forget_worker(&mut self, worker: &WorkerId) {
        if self.leases.remove(worker).is_some() {
            self.draft.leases.remove(worker);
            self.draft.leases_gone.insert(worker.clone());
        }
    }
}

fn has(free: &Resources, wanted: &Resources) -> bool {
    let counted = wanted.counted.iter();
    free.cpu_milli >= wanted.cpu_milli
        && free.memory_bytes >= wanted.memory_bytes
        && counted
            .into_iter()
            .all(|(name, count)| free.counted.get(name).unwrap_or(&0) >= count)
}

fn take(free: &mut Resources, wanted: &Resources) {
    free.cpu_milli -= wanted.cpu_milli;
    free.memory_bytes -= wanted.memory_bytes;
    for (name, count) in &wanted.counted {
        if let Some(have) = free.counted.get_mut(name) {
            *have -= count;
        }
    }
}

fn offers(labels: &[String], placement: &Placement) -> bool {
    let wanted = placement.role.iter().chain(&placement.labels);
    wanted
        .filter_map(Text::literal)
        .all(|wanted| labels.iter().any(|label| label == wanted))
}
