//! How time passes: heartbeats, deadlines, and runs that go on by themselves.

use super::{Driver, LEASE_MS};
use engine::event::Event;
use engine::machine::DeadlineReason;
use engine::rows::{AttemptEnd, AttemptResult};
use model::ids::WorkerId;

impl Driver {
    /// A worker is not heard of any more.
    pub fn silence(&mut self, worker: &str) {
        self.silent.insert(WorkerId(worker.to_owned()));
    }

    /// Time passes; what is due happens when it is due, and workers send their heartbeats.
    ///
    /// # Panics
    /// When a deadline does not go away by being fired.
    pub fn pass_ms(&mut self, ms: u64) {
        let until = self.now.plus_ms(ms);
        let mut fired_at = None;
        while let Some((at, reason)) = self.machine.next_deadline() {
            if at > until {
                break;
            }
            assert_ne!(
                fired_at,
                Some((at, reason)),
                "the deadline stays after it was fired"
            );
            self.now = self.now.max(at);
            if self.renew_all() {
                continue;
            }
            fired_at = Some((at, reason));
            self.accept(Event::Tick);
        }
        self.now = until;
    }

    /// Time passes until the next deadline that is not a heartbeat; `false` when there is none.
    pub fn pass_to_deadline(&mut self) -> bool {
        loop {
            let Some((at, reason)) = self.machine.next_deadline() else {
                return false;
            };
            self.now = self.now.max(at);
            let renewed = self.renew_all();
            if renewed && reason == DeadlineReason::Lease {
                if self.machine.live().next().is_some() {
                    // Only the report of a leased attempt goes on from here.
                    return false;
                }
                self.forget_idle_workers();
                continue;
            }
            self.accept(Event::Tick);
            return true;
        }
    }

    /// Renews the leases of all workers that are not silent; says whether there was one that is due.
    fn renew_all(&mut self) -> bool {
        let due: Vec<WorkerId> = self
            .rows
            .leases
            .iter()
            .filter(|lease| lease.until <= self.now && !self.silent.contains(&lease.worker))
            .map(|lease| lease.worker.clone())
            .collect();
        for worker in &due {
            let until = self.now.plus_ms(LEASE_MS);
            self.accept(Event::Renew {
                worker: worker.clone(),
                until,
                started: Vec::new(),
            });
        }
        !due.is_empty()
    }

    /// Workers without an attempt go home, so that their heartbeats are not waited for.
    fn forget_idle_workers(&mut self) {
        let workers: Vec<WorkerId> = self.rows.leases.iter().map(|l| l.worker.clone()).collect();
        for worker in workers {
            self.accept(Event::WorkerGone { worker });
        }
    }

    /// Leases and ends everything, by `verdict` of task key and attempt, until nothing goes on by itself.
    ///
    /// # Panics
    /// When there is no end of it.
    pub fn drive(&mut self, mut verdict: impl FnMut(&str, u32) -> AttemptResult) {
        for _ in 0..100_000 {
            if self.machine.has_ended() {
                return;
            }
            self.lease();
            let next = self.machine.live().next().cloned();
            if let Some(live) = next {
                let key = self.machine.row(live.task).key.to_string();
                let result = match live.stop {
                    Some(_) => AttemptResult::Stopped,
                    None => verdict(&key, live.attempt.0),
                };
                self.end(&key, AttemptEnd::bare(result));
            } else if !self.pass_to_deadline() {
                return;
            }
        }
        panic!("the run goes on and on");
    }

    /// Leases everything and lets it succeed, until nothing goes on by itself.
    pub fn finish(&mut self) {
        self.drive(|_, _| AttemptResult::Succeeded);
    }
}
