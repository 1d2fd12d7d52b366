//! Services of an attempt: started before its first step, watched while its steps run, ended after the last.
//!
//! Rules
//! - All are started at once, in their order; the first step begins when each is ready. They are numbered before
//!   the steps, which is how the log names them.
//! - One that ends before the steps have ended, or is not ready in time, fails the attempt: the step that runs is
//!   ended, and behind it only those steps run that are wanted after a failure.
//! - At the end, however it came, they get SIGTERM, then the grace time, then their tree is killed with all that
//!   anybody left in it. Every process belongs to the attempt's tree, so nothing outlives that.
//!
//! What a probe prints is no part of the log; its end is told when it never succeeds.

mod probe;
mod tail;

use super::attempt::Phase;
use super::{Output, Worker};
use crate::site::Trouble;
use engine::rows::{Exit, StepResult, StepStatus};
use engine::steps::PlannedService;
use exec::StepRef;
use model::ids::AttemptId;
use model::reason::FailureKind;
use model::time::Timestamp;
use probe::Probe;
use tail::Tail;

/// The numbers of probes begin here, far above those of services and steps.
pub(super) const PROBES: u32 = 1 << 31;
/// The services of one attempt.
#[derive(Default)]
pub(super) struct Services {
    all: Vec<Service>,
    /// Whether the first step waits for them.
    starting: bool,
    /// Whether one of them has failed the attempt.
    failed: bool,
    /// When those are killed that were asked to end.
    kill_at: Option<Timestamp>,
}

struct Service {
    planned: PlannedService,
    command: StepRef,
    since: Timestamp,
    ready_by: Timestamp,
    state: State,
    probe: Probe,
    tail: Tail,
    result: StepResult,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The executor was asked to start it.
    Asked,
    /// It runs, and has not shown that it is ready.
    Starting,
    Ready,
    Ended,
}

/// A failure that is a service's.
struct Failure {
    kind: FailureKind,
    exit_code: Option<i32>,
    message: String,
}

impl Services {
    /// How many there are, which is the number of the first step.
    fn count(&self) -> u32 {
        u32::try_from(self.all.len()).unwrap_or(u32::MAX)
    }

    fn get(&mut self, index: u32) -> Option<&mut Service> {
        self.all.get_mut(usize::try_from(index).ok()?)
    }

    fn any_runs(&self) -> bool {
        self.all.iter().any(|service| service.state != State::Ended)
    }

    /// Whether `command` is one that has not ended.
    pub(super) fn runs(&self, command: StepRef) -> bool {
        self.all.iter().any(|service| {
            let probes = service.probe.command == Some(command);
            probes || (service.command == command && service.state != State::Ended)
        })
    }

    /// Whether the first step waits for them.
    pub(super) fn is_starting(&self) -> bool {
        self.starting
    }

    /// Whether the last command of the attempt has to leave its processes alone.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes in output that the log shows.
    pub(super) fn saw(&mut self, index: u32, bytes: &[u8]) {
        if let Some(service) = self.get(index) {
            service.tail.add(bytes);
        }
    }

    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        let waiting = self.all.iter().filter(|_| self.starting);
        let waiting = waiting
            .filter(|service| service.state == State::Starting || service.state == State::Asked);
        let times = waiting.flat_map(|service| [Some(service.ready_by), service.probe.due_at]);
        times.chain([self.kill_at]).flatten().min()
    }

    /// What became of them.
    pub(super) fn results(&self) -> impl Iterator<Item = StepResult> {
        self.all.iter().map(|service| service.result.clone())
    }
}

impl Worker {
    /// Starts what has to run beside the steps; without anything of the kind, the steps.
    pub(super) fn begin_services(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get(&id).expect("the caller holds it");
        let wanted = !attempt.work.task.services.is_empty();
        if !wanted || attempt.stopping.is_some() || self.broken {
            return self.advance(id, now);
        }
        match self.services_of(id) {
            Ok(services) => {
                let attempt = self.attempts.get_mut(&id).expect("just looked up");
                let count = u32::try_from(services.len()).unwrap_or(PROBES);
                let steps = attempt.steps.as_mut().expect("it runs");
                steps.number_from(count);
                for (planned, command) in services {
                    self.start_service(id, planned, command, now);
                }
            }
            Err(trouble) => {
                let (kind, message) = match trouble {
                    Trouble::User(message) => (FailureKind::User, message),
                    Trouble::Platform(message) => (FailureKind::InfraBeforeStart, message),
                };
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
        }
    }

    /// The services of an attempt with their commands.
    fn services_of(
        &mut self,
        id: AttemptId,
    ) -> Result<Vec<(PlannedService, exec::Command)>, Trouble> {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let steps = attempt.steps.as_mut().expect("it runs");
        let free = self.site.free_ports(id, steps.ports_wanted())?;
        let services = steps.services(&free, PROBES).map_err(Trouble::User)?;
        let place = attempt.place.as_ref().expect("it runs");
        let commands = services.into_iter().map(|service| {
            let command = self.site.command(place, &attempt.work, &service.command)?;
            Ok((service, command))
        });
        commands.collect()
    }

    fn start_service(
        &mut self,
        id: AttemptId,
        planned: PlannedService,
        command: exec::Command,
        now: Timestamp,
    ) {
        self.command += 1;
        let step = StepRef(self.command);
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        self.commands.insert(step, (id, attempt.services.count()));
        attempt.commands += 1;
        attempt.services.starting = true;
        let result = StepResult {
            name: planned.command.name.clone(),
            status: StepStatus::Succeeded,
            tolerated: false,
            exit: None,
            duration_ms: 0,
        };
        attempt.services.all.push(Service {
            command: step,
            since: now,
            ready_by: now.plus_ms(planned.timeout_ms),
            state: State::Asked,
            probe: Probe::new(),
            tail: Tail::default(),
            planned,
            result,
        });
        self.out.push(Output::Start(step, Box::new(command)));
    }

    /// The command of a service has begun.
    pub(super) fn service_started(&mut self, id: AttemptId, index: u32, now: Timestamp) {
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
    pub(super) fn service_exited(
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

    fn service_ended(
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
    pub(super) fn service_not_started(
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
        true
    }

    /// Fails the attempt: ends what runs, goes on with what is wanted after a failure.
    fn service_failed(&mut self, id: AttemptId, failure: Failure, now: Timestamp) {
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

    /// The steps begin, or do not, without waiting for services any longer.
    pub(super) fn stop_starting(&mut self, id: AttemptId, now: Timestamp) {
        let starting = self
            .attempts
            .get(&id)
            .is_some_and(|attempt| attempt.services.starting && attempt.phase == Phase::Running);
        if starting {
            self.leave_starting(id, now);
        }
    }

    fn leave_starting(&mut self, id: AttemptId, now: Timestamp) {
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

    /// The executor is gone while services were being started.
    pub(super) fn services_lost(&mut self, id: AttemptId, message: String, now: Timestamp) {
        let kind = FailureKind::InfraAfterStart;
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

    /// Asks the services to end, for the steps have. Whether to wait for that.
    pub(super) fn end_services(&mut self, id: AttemptId, now: Timestamp) -> bool {
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
    pub(super) fn kill_services(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        if attempt.services.kill_at.take().is_some() {
            attempt.finishing = true;
            self.out.push(Output::Finish(crate::site::tree_key(id)));
        }
    }

    fn finish_if_no_service_runs(&mut self, id: AttemptId) {
        let attempt = self.attempts.get(&id).expect("the caller holds it");
        if attempt.phase == Phase::Clearing && !attempt.services.any_runs() {
            self.kill_services(id);
        }
    }

    /// Does what is due for the services of an attempt.
    pub(super) fn fire_services(&mut self, id: AttemptId, now: Timestamp) {
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
}
