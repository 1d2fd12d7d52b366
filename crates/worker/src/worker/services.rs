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

mod end;
mod probe;
mod tail;
mod watch;

use super::looking::Question;
use super::{Output, Worker};
use crate::site::Trouble;
use engine::rows::{StepResult, StepStatus};
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
        let steps = attempt.steps.as_ref().expect("it runs");
        let ports = self.site.free_ports(id, steps.ports_wanted());
        let planned = ports.and_then(|ports| {
            let attempt = self.attempts.get_mut(&id).expect("just looked up");
            if attempt.looks_aside {
                self.look(id, Question::Services(ports));
                return Ok(None);
            }
            let steps = attempt.steps.as_mut().expect("it runs");
            let planned = steps.services(&ports, PROBES).map_err(Trouble::User)?;
            Ok(Some(planned))
        });
        if let Some(planned) = planned.transpose() {
            self.services_planned(id, planned, now);
        }
    }

    /// It is decided what runs beside the steps: starts that.
    pub(super) fn services_planned(
        &mut self,
        id: AttemptId,
        planned: Result<Vec<PlannedService>, Trouble>,
        now: Timestamp,
    ) {
        match planned.and_then(|planned| self.with_commands(id, planned)) {
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
                self.cannot_go_on(id, kind, message, now);
            }
        }
    }

    fn with_commands(
        &self,
        id: AttemptId,
        planned: Vec<PlannedService>,
    ) -> Result<Vec<(PlannedService, exec::Command)>, Trouble> {
        let attempt = self.attempts.get(&id).expect("the caller holds it");
        let place = attempt.place.as_ref().expect("it runs");
        let commands = planned.into_iter().map(|service| {
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
            label: None,
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
}
