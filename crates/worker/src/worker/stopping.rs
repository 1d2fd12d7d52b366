//! Ends that come from outside: a stop, an interruption, a lease that is over, time.

use super::attempt::Phase;
use super::{AFTER_STOP_MS, Output, Worker};
use engine::rows::AttemptResult;
use engine::steps::Stop;
use model::ids::{AttemptId, Token, WorkerId};
use model::time::Timestamp;

impl Worker {
    pub(super) fn interrupt(&mut self, now: Timestamp) {
        self.leaving = true;
        self.give_back_backlog(&AttemptResult::Interrupted, now);
        let ids: Vec<AttemptId> = self.attempts.keys().copied().collect();
        for id in ids {
            self.stop_attempt(id, Stop::Interrupted, now);
        }
    }

    pub(super) fn kill_all(&mut self, now: Timestamp) {
        self.give_back_backlog(&AttemptResult::Stopped, now);
        self.kill_attempts(Stop::Asked, now);
    }

    pub(super) fn kill_attempts(&mut self, stop: Stop, now: Timestamp) {
        let running = self
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.may_be_killed());
        let ids: Vec<AttemptId> = running.map(|(id, _)| *id).collect();
        for id in ids {
            self.kill_attempt(id, stop, now);
        }
        let clearing: Vec<AttemptId> = self.attempts.keys().copied().collect();
        for id in clearing {
            self.kill_services(id);
        }
    }

    pub(super) fn stop(&mut self, id: AttemptId, token: Token, now: Timestamp) {
        if self.holds(id, token) {
            self.stop_attempt(id, Stop::Asked, now);
        } else if let Some(work) = self.take_from_backlog(id, token) {
            self.give_back(&work, AttemptResult::Stopped, now);
        }
    }

    pub(super) fn stop_attempt(&mut self, id: AttemptId, stop: Stop, now: Timestamp) {
        let grace_ms = self.options.grace_ms;
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.stopping.is_some() {
            return;
        }
        attempt.stopping = Some(stop);
        attempt.preparing.0.now();
        attempt
            .give_up_at
            .get_or_insert(now.plus_ms(grace_ms + AFTER_STOP_MS));
        if let Some(steps) = &mut attempt.steps {
            steps.stop(stop);
        }
        if let Some(command) = &attempt.command {
            attempt.kill_at = Some(now.plus_ms(grace_ms));
            self.out.push(Output::Terminate(command.id));
        }
        self.look_again(id, now);
        self.stop_starting(id, now);
        self.stop_keying(id, now);
    }

    /// Ends an attempt without any grace.
    pub(super) fn kill_attempt(&mut self, id: AttemptId, stop: Stop, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.stopping.get_or_insert(stop);
        attempt.preparing.0.now();
        attempt.give_up_at = Some(now);
        if let Some(steps) = &mut attempt.steps {
            steps.stop(stop);
        }
        self.stop_starting(id, now);
        self.stop_keying(id, now);
        self.fire_attempt(id, now);
    }

    /// Does what is due for an attempt.
    pub(super) fn fire_attempt(&mut self, id: AttemptId, now: Timestamp) {
        let grace_ms = self.options.grace_ms;
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.flush_at.is_some_and(|at| now >= at) && !attempt.append_pending {
            self.flush(id, now);
        }
        self.fire_services(id, now);
        self.fire_look(id, now);
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let Some(command) = &mut attempt.command else {
            return;
        };
        let timed_out = command.deadline_at.is_some_and(|at| now >= at) && !command.timed_out;
        if timed_out {
            command.timed_out = true;
            attempt.kill_at = Some(now.plus_ms(grace_ms));
            self.out.push(Output::Terminate(command.id));
        }
        let limits = [attempt.kill_at, attempt.give_up_at];
        let over = limits.into_iter().flatten().any(|at| now >= at);
        if over && !command.killed {
            command.killed = true;
            self.out.push(Output::Kill(command.id));
        }
    }

    /// An attempt is not this worker's any more: it is killed, and forgotten when nothing of it lives.
    pub(super) fn lose(&mut self, id: AttemptId, token: Token, now: Timestamp) {
        drop(self.take_from_backlog(id, token));
        if !self.holds(id, token) {
            return;
        }
        // Its report goes on to be told: the answer may carry more work.
        self.pending
            .retain(|_, pending| !super::output::speaks_of(&pending.request, id));
        let attempt = self.attempts.get_mut(&id).expect("it is held");
        attempt.lost = true;
        attempt.told_started = true;
        attempt.append_pending = false;
        let (phase, looks) = (attempt.phase, attempt.looking.is_some());
        let restores = attempt.restoring;
        self.flush(id, now);
        match phase {
            Phase::Preparing | Phase::Running => self.kill_attempt(id, Stop::Interrupted, now),
            Phase::Collecting if looks => self.forget(id),
            // What is under way comes to its end, and then it is forgotten.
            Phase::Keying if restores => {}
            Phase::Clearing | Phase::Collecting => {}
            Phase::Keying | Phase::Flushing | Phase::Reporting => self.forget(id),
        }
    }

    /// The board did not answer for a whole lease: others have the work by now, or will. What the board hears may
    /// be another matter, so the worker goes on under another name: nothing that it says from now on keeps alive
    /// what it does not hold.
    pub(super) fn lose_everything(&mut self, now: Timestamp) {
        self.life += 1;
        self.options.id = WorkerId(format!("{}.{}", self.name, self.life));
        self.void_until = self.number;
        let held: Vec<(AttemptId, Token)> = self
            .attempts
            .values()
            .map(|attempt| (attempt.work.id, attempt.work.token))
            .collect();
        for (id, token) in held {
            self.lose(id, token, now);
        }
        self.backlog.clear();
        self.pending.clear();
        self.wish = None;
    }

    /// Makes the slot free.
    pub(super) fn forget(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.remove(&id) else {
            return;
        };
        self.commands.retain(|_, (of, _)| *of != id);
        if let Some(place) = attempt.place {
            self.out.push(Output::Clean(Box::new(place)));
        }
    }
}
