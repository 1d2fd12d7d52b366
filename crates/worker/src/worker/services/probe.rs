//! The search for a sign that a service is ready: again and again, with pauses that grow, until its time is over.

use super::super::{Output, Worker};
use super::tail::Tail;
use super::{PROBES, Service, State};
use crate::site::Trouble;
use engine::rows::Exit;
use engine::steps::{Planned, Ready};
use exec::StepRef;
use model::ids::AttemptId;
use model::reason::FailureKind;
use model::time::Timestamp;

/// Pause behind the first probe that failed; it doubles each time.
const FIRST_PAUSE_MS: u64 = 25;
/// The longest pause between two probes.
const LONGEST_PAUSE_MS: u64 = 500;
/// The search for a sign that a service is ready.
pub(super) struct Probe {
    /// The command that runs.
    pub(super) command: Option<StepRef>,
    /// When the next one begins.
    pub(super) due_at: Option<Timestamp>,
    pause_ms: u64,
    /// What the one that runs has printed.
    tail: Tail,
    /// The last one that ended: a newer one may have just begun.
    last: Option<Ended>,
}

/// A probe that has ended.
struct Ended {
    command: Option<StepRef>,
    exit: Exit,
    tail: Tail,
}

impl Probe {
    pub(super) fn new() -> Self {
        Self {
            command: None,
            due_at: None,
            pause_ms: FIRST_PAUSE_MS,
            tail: Tail::default(),
            last: None,
        }
    }
}

impl Worker {
    /// Looks whether a service is ready.
    pub(super) fn probe(&mut self, id: AttemptId, index: u32, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let service = attempt.services.get(index).expect("the caller knows it");
        service.probe.due_at = None;
        match &service.planned.ready {
            Ready::Started => self.service_ready(id, index, now),
            Ready::Port(port) => {
                if self.site.accepts(*port) {
                    self.service_ready(id, index, now);
                } else {
                    service.probe_later(now);
                }
            }
            Ready::Command(planned) => {
                let planned = Planned::clone(planned);
                let place = attempt.place.as_ref().expect("it runs");
                match self.site.command(place, &attempt.work, &planned) {
                    Ok(command) => {
                        self.command += 1;
                        let step = StepRef(self.command);
                        let service = attempt.services.get(index).expect("just looked up");
                        service.probe.command = Some(step);
                        service.probe.tail = Tail::default();
                        self.commands.insert(step, (id, PROBES + index));
                        self.out.push(Output::Start(step, Box::new(command)));
                    }
                    Err(Trouble::User(message) | Trouble::Platform(message)) => {
                        self.cannot_go_on(id, FailureKind::InfraAfterStart, message, now);
                    }
                }
            }
        }
    }

    fn service_ready(&mut self, id: AttemptId, index: u32, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let services = &mut attempt.services;
        services.get(index).expect("the caller knows it").state = State::Ready;
        let all = services
            .all
            .iter()
            .all(|service| service.state == State::Ready);
        if all && services.starting {
            services.starting = false;
            self.advance(id, now);
        }
    }

    pub(super) fn probe_exited(&mut self, id: AttemptId, index: u32, exit: Exit, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
        let starting = attempt.services.starting;
        let service = attempt.services.get(index).expect("just looked up");
        service.probe.last = Some(Ended {
            command: service.probe.command.take(),
            exit,
            tail: std::mem::take(&mut service.probe.tail),
        });
        if !starting || service.state != State::Starting {
            return;
        }
        if exit == Exit::Code(0) {
            self.service_ready(id, index, now);
        } else {
            service.probe_later(now);
        }
    }

    /// Output of a probe, which the log does not show.
    pub(in crate::worker) fn probe_output(
        &mut self,
        id: AttemptId,
        step: StepRef,
        index: u32,
        bytes: &[u8],
    ) {
        let attempt = self.attempts.get_mut(&id);
        if let Some(service) = attempt.and_then(|attempt| attempt.services.get(index - PROBES)) {
            let probe = &mut service.probe;
            match &mut probe.last {
                // What a pipe still held comes behind the end.
                Some(last) if last.command == Some(step) => last.tail.add(bytes),
                Some(_) | None => probe.tail.add(bytes),
            }
        }
        self.out.push(Output::Taken(step, bytes.len()));
    }
}

impl Service {
    fn probe_later(&mut self, now: Timestamp) {
        self.probe.due_at = Some(now.plus_ms(self.probe.pause_ms));
        self.probe.pause_ms = (2 * self.probe.pause_ms).min(LONGEST_PAUSE_MS);
    }

    pub(super) fn never_ready(&self) -> String {
        let probe = match (&self.planned.ready, &self.probe.last) {
            (Ready::Started, _) => "it was never started".to_owned(),
            (Ready::Port(port), _) => format!("nothing takes connections on port {port}"),
            (Ready::Command(_), None) => "its first `ready` command did not end".to_owned(),
            (Ready::Command(_), Some(last)) => {
                let how = match last.exit {
                    Exit::Code(code) => format!("exited with code {code}"),
                    Exit::Signal(signal) => format!("was ended by signal {signal}"),
                };
                let last = last.tail.last_lines("it");
                format!("its `ready` command {how} the last time{last}")
            }
        };
        format!(
            "service `{}` was not ready within {}: {probe}{}",
            self.planned.name,
            in_words(self.planned.timeout_ms),
            self.tail.last_lines("the service"),
        )
    }
}

fn in_words(ms: u64) -> String {
    match ms {
        ms if ms % 60_000 == 0 => format!("{} min", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}
