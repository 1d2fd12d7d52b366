//! The end of services, asked for or due: of the wait for them, and of themselves.

use super::super::attempt::Phase;
use super::super::{Output, Worker};
use super::{Failure, Service, State};
use engine::rows::StepStatus;
use model::ids::AttemptId;
use model::reason::FailureKind;
use model::time::Timestamp;

impl Worker {
    /// Does what is due for the services of an attempt.
    pub(in crate::worker) fn fire_services(&mut self, id: AttemptId, now: Timestamp) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let services = &attempt.services;
        if services.kill_at.is_some_and(|at| now >= at) {
            return self.kill_services(id);
        }
        if !services.starting {
            return;
        }
        let late = |service: &&Service| service.state != State::Ready && now >= service.ready_by;
        if let Some(late) = services.all.iter().find(late) {
            let message = late.never_ready();
            let (kind, exit_code) = (FailureKind::User, None);
            let command = late.command;
            let all = &mut self
                .attempts
                .get_mut(&id)
                .expect("just looked up")
                .services
                .all;
            if let Some(late) = all.iter_mut().find(|service| service.command == command) {
                late.result.status = StepStatus::Failed;
            }
            return self.service_failed(
                id,
                Failure {
                    kind,
                    exit_code,
                    message,
                },
                now,
            );
        }
        let due = (0..)
            .zip(&services.all)
            .filter(|(_, service): &(u32, _)| service.probe.due_at.is_some_and(|at| now >= at));
        let due: Vec<u32> = due.map(|(index, _)| index).collect();
        for index in due {
            let starting = self
                .attempts
                .get(&id)
                .is_some_and(|attempt| attempt.services.starting);
            if starting {
                self.probe(id, index, now);
            }
        }
    }

    /// The steps begin, or do not, without waiting for services any longer.
    pub(in crate::worker) fn stop_starting(&mut self, id: AttemptId, now: Timestamp) {
        let starting = self
            .attempts
            .get(&id)
            .is_some_and(|attempt| attempt.services.starting && attempt.phase == Phase::Running);
        if starting {
            self.leave_starting(id, now);
        }
    }

    pub(super) fn leave_starting(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        attempt.services.starting = false;
        for service in &mut attempt.services.all {
            let begun = matches!(service.state, State::Asked | State::Starting);
            if begun && service.result.status != StepStatus::Failed {
                service.result.status = StepStatus::Canceled;
            }
            service.probe.due_at = None;
            if let Some(probe) = service.probe.command {
                self.out.push(Output::Kill(probe));
            }
        }
        self.advance(id, now);
    }

    /// Asks the services to end, for the steps have. Whether to wait for that.
    pub(in crate::worker) fn end_services(&mut self, id: AttemptId, now: Timestamp) -> bool {
        let grace_ms = self.options.grace_ms;
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let at_once = attempt.lost || attempt.give_up_at.is_some_and(|at| now >= at);
        if at_once || !attempt.services.any_runs() {
            return false;
        }
        for service in &attempt.services.all {
            if service.state != State::Ended {
                self.out.push(Output::Terminate(service.command));
            }
        }
        attempt.services.kill_at = Some(now.plus_ms(grace_ms));
        true
    }

    /// Kills what was asked to end, if it was.
    pub(in crate::worker) fn kill_services(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.services.kill_at.take().is_some() {
            attempt.finishing = true;
            self.out.push(Output::Finish(crate::site::tree_key(id)));
        }
    }

    pub(super) fn finish_if_no_service_runs(&mut self, id: AttemptId) {
        let attempt = self.attempts.get(&id).expect("the caller holds it");
        if attempt.phase == Phase::Clearing && !attempt.services.any_runs() {
            self.kill_services(id);
        }
    }
}
