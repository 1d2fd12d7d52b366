//! Slots and what fills them: work that was granted waits for one, and a free one asks for work.

use super::attempt::{Attempt, failed};
use super::{KNOWN_LEASES, Output, Worker};
use crate::listing::CutShort;
use crate::site::Trouble;
use api::protocol::{RequestBody, Wish};
use engine::rows::{AttemptEnd, AttemptResult};
use engine::work::Work;
use model::ids::{AttemptId, Token};
use model::plan::Resources;
use model::reason::FailureKind;
use model::time::Timestamp;
use std::sync::Arc;

impl Worker {
    pub(super) fn take(&mut self, work: Vec<Work>, now: Timestamp) {
        for work in work {
            let lease = (work.id, work.token);
            if self.known.contains(&lease) {
                continue;
            }
            if self.known.len() == KNOWN_LEASES {
                self.known.pop_front();
            }
            self.known.push_back(lease);
            if self.broken {
                self.give_back(&work, cannot_start(), now);
            } else if self.leaving {
                self.give_back(&work, AttemptResult::Interrupted, now);
            } else {
                self.backlog.push_back(work);
            }
        }
    }

    /// Tells the board that work is not begun here.
    pub(super) fn give_back(&mut self, work: &Work, result: AttemptResult, now: Timestamp) {
        let end = Box::new(AttemptEnd::bare(result));
        self.send(
            RequestBody::Report {
                id: work.id,
                token: work.token,
                end,
                missing_log_bytes: 0,
                then: None,
            },
            now,
        );
    }

    pub(super) fn give_back_backlog(&mut self, result: &AttemptResult, now: Timestamp) {
        for work in std::mem::take(&mut self.backlog) {
            self.give_back(&work, result.clone(), now);
        }
    }

    /// Begins what there is a slot for. Two wishes that crossed their answers can bring more than was asked for.
    pub(super) fn begin_backlog(&mut self, now: Timestamp) {
        while self.attempts.len() < self.options.slots as usize {
            let Some(work) = self.backlog.front() else {
                return;
            };
            let free = self.free_besides(self.attempts.values().map(|attempt| &*attempt.work));
            let fits = free.is_none_or(|free| free.covers(&work.task.resources));
            if !fits && !self.attempts.is_empty() {
                return;
            }
            let work = self.backlog.pop_front().expect("just looked at");
            self.begin(work, now);
        }
    }

    pub(super) fn begin(&mut self, work: Work, now: Timestamp) {
        let (id, work) = (work.id, Arc::new(work));
        self.attempts
            .insert(id, Attempt::new(Arc::clone(&work), now));
        if self.site.is_light(&work) {
            let prepared = self.site.prepare(&work, &CutShort::default());
            self.prepared(id, prepared, now);
        } else {
            let attempt = self.attempts.get_mut(&id).expect("just taken in");
            let cut_short = attempt.preparing.0.clone();
            self.out.push(Output::Prepare(work, cut_short));
        }
    }

    /// Asks for work if there are slots that no earlier wish speaks for.
    pub(super) fn ask(&mut self, now: Timestamp) {
        if self.leaving || self.broken {
            return;
        }
        let free = self.free_slots();
        let asked = self.wish.map_or(0, |(_, max)| max);
        // The slot of an attempt that is being reported is asked for by its report.
        if free <= asked {
            return;
        }
        // An earlier wish is repeated until it is answered: perhaps it was met, and only the answer was lost.
        let wish = self.wish_for(free);
        let number = self.send(RequestBody::Lease(wish), now);
        self.wish = Some((number, free));
    }

    pub(super) fn free_slots(&self) -> u32 {
        let taken = self.attempts.len() + self.backlog.len();
        self.options
            .slots
            .saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    pub(super) fn wish_for(&self, max: u32) -> Wish {
        Wish {
            max,
            free: self.free_resources(None),
            labels: self.options.labels.clone(),
        }
    }

    /// What is free, as if the attempt `but` had ended.
    pub(super) fn free_resources(&self, but: Option<AttemptId>) -> Option<Resources> {
        let held = self.attempts.iter().filter(|(id, _)| Some(**id) != but);
        let held = held.map(|(_, attempt)| &*attempt.work);
        self.free_besides(held.chain(&self.backlog))
    }

    pub(super) fn free_besides<'a>(
        &self,
        held: impl Iterator<Item = &'a Work>,
    ) -> Option<Resources> {
        let mut free = self.options.capacity.clone()?;
        for work in held {
            free.take(&work.task.resources);
        }
        Some(free)
    }

    pub(super) fn take_from_backlog(&mut self, id: AttemptId, token: Token) -> Option<Work> {
        let wanted = |work: &Work| work.id == id && work.token == token;
        let place = self.backlog.iter().position(wanted)?;
        self.backlog.remove(place)
    }
}

/// What work comes to that was granted to a worker without an executor.
pub(super) fn cannot_start() -> AttemptResult {
    let message = "its worker cannot start commands any more".to_owned();
    failed(Trouble::Platform(message), FailureKind::InfraBeforeStart)
}
