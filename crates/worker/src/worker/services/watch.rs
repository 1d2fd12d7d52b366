//! What becomes of services while the steps wait for them or run: each end of one is a failure.

use super::super::attempt::Phase;
use super::super::{Output, Worker};
use super::{Failure, Service, State};
use engine::rows::{Exit, StepStatus};
use exec::StepRef;
use model::ids::AttemptId;
use model::reason::FailureKind;
use model::time::Timestamp;

impl Worker {
    /// The command of a service has begun.
    pub(in crate::worker) fn service_started(&mut self, id: AttemptId, index: u32, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let Some(service) = attempt.services.get(index) else {
            return;
        };
        if service.state == State::Asked {
            service.state = State::Starting;
            if attempt.services.starting {
                self.probe(id, index, now);
            }
        }
    }

    /// The command of a service or of a probe has ended. Whether it was one.
    pub(in crate::worker) fn service_exited(
        &mut self,
        id: AttemptId,
        step: StepRef,
        (exit, oom_killed): (Exit, bool),
        now: Timestamp,
    ) -> bool {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return false;
        };
        let mut all = (0..).zip(&mut attempt.services.all);
        let found = all.find_map(|(index, service): (u32, _)| {
            let is_probe = service.probe.command == Some(step);
            (is_probe || service.command == step).then_some((index, is_probe))
        });
        match found {
            None => return false,
            Some((index, true)) => self.probe_exited(id, index, exit, now),
            Some((index, false)) => self.service_ended(id, index, (exit, oom_killed), now),
        }
        true
    }

    pub(super) fn service_ended(
        &mut self,
        id: AttemptId,
        index: u32,
        (exit, oom_killed): (Exit, bool),
        now: Timestamp,
    ) {
        // Its last words are part of the message.
        self.show_held(id, index, now);
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
        let asked = attempt.phase != Phase::Running || attempt.stopping.is_some();
        let is_over = asked || attempt.services.failed;
        let service = attempt.services.get(index).expect("just looked up");
        let was = service.state;
        service.state = State::Ended;
        service.result.exit = Some(exit);
        service.result.duration_ms = now.since_ms(service.since);
        if is_over {
            self.finish_if_no_service_runs(id);
            return;
        }
        service.result.status = StepStatus::Failed;
        let name = &service.planned.name;
        let how = match exit {
            _ if oom_killed => {
                let limit_bytes = attempt.work.task.resources.memory_bytes;
                format!("used more memory than `resources.memory` allows ({limit_bytes} bytes)")
            }
            Exit::Code(code) => format!("exited with code {code}"),
            Exit::Signal(signal) => format!("was ended by signal {signal}"),
        };
        let when = match was {
            State::Asked | State::Starting => "before it was ready",
            State::Ready | State::Ended => "while the steps needed it",
        };
        let hint = if exit == Exit::Code(0) {
            "; a service has to run in the foreground"
        } else {
            ""
        };
        let last = service.tail.last_lines("it");
        let exit_code = match exit {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
        };
        let failure = Failure {
            kind: FailureKind::User,
            exit_code: Some(exit_code),
            message: format!("service `{name}` {how} {when}{hint}{last}"),
        };
        self.service_failed(id, failure, now);
    }

    /// The command of a service or of a probe could not be started. Whether it was one.
    pub(in crate::worker) fn service_not_started(
        &mut self,
        id: AttemptId,
        step: StepRef,
        cause: &exec::NotStarted,
        now: Timestamp,
    ) -> bool {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return false;
        };
        let is_it =
            |service: &&mut Service| service.command == step || service.probe.command == Some(step);
        let begun = attempt.started_at.is_some();
        let Some(service) = attempt.services.all.iter_mut().find(is_it) else {
            return false;
        };
        if service.command == step {
            service.state = State::Ended;
            service.result.status = StepStatus::Failed;
        } else {
            service.probe.command = None;
        }
        let kind = match (cause.is_users_fault(), begun) {
            (true, _) => FailureKind::User,
            (false, true) => FailureKind::InfraAfterStart,
            (false, false) => FailureKind::InfraBeforeStart,
        };
        let message = format!("service `{}`: {cause}", service.planned.name);
        self.cannot_go_on(id, kind, message, now);
        true
    }

    /// Fails the attempt: ends what runs, goes on with what is wanted after a failure.
    pub(super) fn service_failed(&mut self, id: AttemptId, failure: Failure, now: Timestamp) {
        let grace_ms = self.options.grace_ms;
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        if attempt.services.failed || attempt.phase != Phase::Running {
            return;
        }
        attempt.services.failed = true;
        let steps = attempt.steps.as_mut().expect("it runs");
        steps.fail(failure.kind, failure.exit_code, &failure.message);
        if let Some(command) = &mut attempt.command {
            command.cut_short = true;
            attempt.kill_at = Some(now.plus_ms(grace_ms));
            self.out.push(Output::Terminate(command.id));
            self.remark(id, &failure.message, now);
        } else {
            self.remark(id, &failure.message, now);
            self.leave_starting(id, now);
        }
    }

    /// Fails the attempt in the same way where no exit code says why.
    pub(in crate::worker) fn cannot_go_on(
        &mut self,
        id: AttemptId,
        kind: FailureKind,
        message: String,
        now: Timestamp,
    ) {
        let exit_code = None;
        self.service_failed(
            id,
            Failure {
                kind,
                exit_code,
                message,
            },
            now,
        );
    }

    /// The executor is gone while services were being started, or a decision was made aside.
    pub(in crate::worker) fn running_lost(
        &mut self,
        id: AttemptId,
        message: String,
        now: Timestamp,
    ) {
        let begun = self
            .attempts
            .get(&id)
            .is_some_and(|attempt| attempt.started_at.is_some() || attempt.services.is_starting());
        let kind = if begun {
            FailureKind::InfraAfterStart
        } else {
            FailureKind::InfraBeforeStart
        };
        self.cannot_go_on(id, kind, message, now);
    }
}
