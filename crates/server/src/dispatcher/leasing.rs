//! Which worker gets how many tasks of which run: the wishes that wait, and those that come with reports.

use super::{Answer, AnswerKind, Dispatcher, LEASE_MS};
use api::protocol::Wish;
use engine::event::Event;
use model::ids::{RunId, WorkerId};
use model::time::Timestamp;

impl Dispatcher {
    /// Answers workers that wait for work and can have some.
    pub(super) fn meet_wishes(&mut self, now: Timestamp) {
        if self.draining || !self.runs.values().any(|run| run.machine.has_ready()) {
            return;
        }
        let waiting: Vec<(WorkerId, u64, Wish)> = self
            .workers
            .iter()
            .filter_map(|(id, worker)| {
                let parked = worker.wish.as_ref()?;
                let fresh = now < parked.heard_at.plus_ms(LEASE_MS);
                fresh.then(|| (id.clone(), parked.number, parked.wish.clone()))
            })
            .collect();
        for (worker, number, wish) in waiting {
            if self.lease(&worker, wish, now) > 0 {
                self.batch.answers.push(Answer {
                    worker: worker.clone(),
                    number,
                    kind: AnswerKind::Leased,
                });
                if let Some(known) = self.workers.get_mut(&worker) {
                    known.wish = None;
                }
            }
        }
    }

    /// Leases tasks of the owned runs to a worker, by priority of the run; returns how many.
    pub(super) fn lease(&mut self, worker: &WorkerId, mut wish: Wish, now: Timestamp) -> usize {
        if self.draining {
            return 0;
        }
        let mut order: Vec<(std::cmp::Reverse<i32>, Timestamp, RunId)> = self
            .runs
            .iter()
            .filter(|(_, owned)| owned.machine.has_ready() && owned.held.is_none())
            .map(|(id, owned)| {
                let priority = std::cmp::Reverse(owned.machine.plan().priority);
                (priority, owned.machine.head().created_at, *id)
            })
            .collect();
        order.sort_unstable();
        let mut given = 0;
        for (_, _, run) in order {
            let before = self.granted(run);
            let ask = engine::event::Ask {
                worker: worker.clone(),
                max: wish.max,
                until: now.plus_ms(LEASE_MS),
                free: wish.free.clone(),
                labels: wish.labels.clone(),
            };
            self.handle(run, Event::Lease(ask), now);
            let fresh = self.granted(run) - before;
            given += fresh;
            wish.max -= u32::try_from(fresh).unwrap_or(wish.max).min(wish.max);
            self.take_from(&mut wish, run, before);
            if wish.max == 0 {
                break;
            }
        }
        given
    }

    /// What a worker has free is less by the tasks of a run that it was granted after the first `before`.
    fn take_from(&self, wish: &mut Wish, run: RunId, before: usize) {
        let (Some(free), Some(owned)) = (&mut wish.free, self.runs.get(&run)) else {
            return;
        };
        let changes = self.batch.changes.get(&run);
        let granted = changes
            .into_iter()
            .flat_map(|(_, changes)| &changes.granted);
        for granted in granted.skip(before) {
            let task = owned.machine.row(granted.task).def;
            free.take(&owned.machine.plan().task(task).resources);
        }
    }

    fn granted(&self, run: RunId) -> usize {
        self.batch
            .changes
            .get(&run)
            .map_or(0, |(_, changes)| changes.granted.len())
    }
}
