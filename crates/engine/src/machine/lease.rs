//! Giving tasks to workers, and keeping track of who lives.

use super::Machine;
use super::due::DeadlineReason;
use super::index::Wish;
use crate::event::Ask;
use crate::rows::{AttemptRow, Granted, TaskState, Transition};
use model::ids::{AttemptNo, TaskNo, Token, WorkerId};
use model::plan::Resources;
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
                // What was put aside, or failed, may have made room for others.
                if self.index.to_pass_on.is_empty() {
                    break;
                }
                self.settle(now);
                continue;
            };
            if self.path_in_use(no) {
                self.forget_waiting(no);
                self.put(no, TaskState::Queued(QueueReason::PathInUse), now);
                self.park_on_paths(no);
                continue;
            }
            if self.grant(no, &ask.worker, now) {
                given += 1;
                let wanted = &self.plan.task(self.row(no).def).resources;
                if let Some(free) = &mut free {
                    free.take(wanted);
                }
            }
        }
        if given < ask.max {
            self.say_why(ask, free.as_ref(), now);
        }
        if given > 0 || self.leases.contains_key(&ask.worker) {
            self.extend_lease(&ask.worker, ask.until);
        }
    }

    /// Says of the first task of each kind that the worker cannot take what it lacks, with numbers. Workers lack
    /// different things; what is written is what the one that came nearest lacked, so it never changes back.
    fn say_why(&mut self, ask: &Ask, free: Option<&Resources>, now: Timestamp) {
        let lacking = |wish: &Wish| {
            let mut labels = ask.labels.iter();
            if let Some(labels) = labels.find(|labels| !offers(labels, &wish.labels)) {
                let note = format!("its role and labels are not among `{}`", labels.join(", "));
                return Some((QueueReason::Placement, note));
            }
            let free = free.filter(|free| !free.covers(&wish.resources))?;
            Some((QueueReason::Resources, shortage(free, &wish.resources)))
        };
        let heads: Vec<(TaskNo, QueueReason, String)> = self
            .index
            .ready
            .iter()
            .filter_map(|(wish, queue)| {
                let (_, _, no) = queue.first()?;
                let (reason, note) = lacking(wish)?;
                Some((*no, reason, note))
            })
            .collect();
        for (no, reason, note) in heads {
            if nearness(self.row(no).state) < nearness(TaskState::Queued(reason)) {
                self.touch(no).note = Some(note.into());
                self.put(no, TaskState::Queued(reason), now);
            }
        }
    }

    /// The first ready task that the worker can take.
    fn next_for(&self, ask: &Ask, free: Option<&Resources>) -> Option<TaskNo> {
        let suits = |wanted: &[String]| {
            ask.labels
                .as_ref()
                .is_none_or(|labels| offers(labels, wanted))
        };
        let fits = |wanted: &Resources| free.is_none_or(|free| free.covers(wanted));
        let ready = self.index.ready.iter();
        let heads = ready
            .filter(|(wish, _)| fits(&wish.resources) && suits(&wish.labels))
            .filter_map(|(_, queue)| queue.first());
        heads.min().map(|(_, _, no)| *no)
    }

    /// Lets members go on that waited for `max_parallel`, as many as there is room for.
    pub(super) fn wake_parked(&mut self, matrix: TaskNo, now: Timestamp) {
        let def = self.plan.task(self.row(matrix).def);
        let most = def.matrix.as_ref().and_then(|matrix| matrix.max_parallel);
        while let Some((most, group)) = most.zip(self.index.groups.get(&matrix)) {
            let next = group.parked.first().filter(|_| group.active < most);
            let Some(next) = next.copied() else { return };
            self.unpark(next, now);
        }
    }

    pub(super) fn unpark(&mut self, no: TaskNo, now: Timestamp) {
        self.forget_waiting(no);
        self.enqueue(no, now);
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
        row.note = None;
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
            keyed: None,
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
            let current = live.attempt == *attempt && live.token == *token && live.worker == worker;
            if !current || live.started {
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

/// How near the worker that came nearest was to taking a ready task: none has said, one has not its labels, one has
/// them and no room.
const fn nearness(state: TaskState) -> u8 {
    match state {
        TaskState::Queued(QueueReason::Resources) => 2,
        TaskState::Queued(QueueReason::Placement) => 1,
        TaskState::Queued(_)
        | TaskState::Blocked(_)
        | TaskState::Running
        | TaskState::Open
        | TaskState::Ended(_) => 0,
    }
}

/// What is missing, in numbers.
fn shortage(free: &Resources, wanted: &Resources) -> String {
    let mut parts = Vec::new();
    if free.cpu_milli < wanted.cpu_milli {
        let (wants, has) = (
            f64::from(wanted.cpu_milli) / 1e3,
            f64::from(free.cpu_milli) / 1e3,
        );
        parts.push(format!("needs {wants} CPU, {has} free"));
    }
    if free.memory_bytes < wanted.memory_bytes {
        let mib = |bytes: u64| bytes / (1024 * 1024);
        let (wants, has) = (mib(wanted.memory_bytes), mib(free.memory_bytes));
        parts.push(format!("needs {wants} MiB of memory, {has} free"));
    }
    for (name, count) in &wanted.counted {
        let has = free.counted.get(name).copied().unwrap_or(0);
        if has < *count {
            parts.push(format!("needs {count} of `{name}`, {has} free"));
        }
    }
    parts.join("; ")
}

fn offers(labels: &[String], wanted: &[String]) -> bool {
    wanted.iter().all(|wanted| labels.contains(wanted))
}
