//! One attempt: made a place, its steps one after the other, its processes cleared away.

use super::services::Services;
use super::{FLUSH_MS, Output, TELL_STARTED_MS, Worker};
use crate::mask::Masks;
use crate::site::{Prepared, Trouble};
use api::protocol::Chunk;
use engine::rows::{AttemptResult, Exit, Usage};
use engine::steps::{CommandEnd, Next, Planned, StepMachine, Stop, Written};
use engine::work::Work;
use exec::{ExecEvent, StepRef};
use model::ids::{AttemptId, Token};
use model::reason::FailureKind;
use model::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Time that all post steps together have after a stop.
const AFTER_STOP_MS: u64 = 60_000;

/// Where an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Preparing,
    /// Its services are started, then its steps run.
    Running,
    /// The last command has ended; its processes are cleared away.
    Clearing,
    Collecting,
    /// Its output has to be kept before its end is told.
    Flushing,
    Reporting,
}

pub(super) struct Attempt {
    pub(super) work: Arc<Work>,
    pub(super) phase: Phase,
    pub(super) place: Option<Prepared>,
    pub(super) steps: Option<StepMachine>,
    pub(super) services: Services,
    pub(super) command: Option<Running>,
    /// Services and commands of steps that were begun.
    pub(super) commands: u32,
    pub(super) started_at: Option<Timestamp>,
    pub(super) told_started: bool,
    pub(super) stopping: Option<Stop>,
    /// When what runs is killed.
    pub(super) kill_at: Option<Timestamp>,
    /// When nothing more is begun.
    pub(super) give_up_at: Option<Timestamp>,
    /// Somebody else has it, or nobody: it is killed, and nobody is told.
    pub(super) lost: bool,
    /// The executor was told to end what is left of it.
    pub(super) finishing: bool,
    pub(super) tree_gone: bool,
    pub(super) usage: Usage,
    pub(super) result: Option<AttemptResult>,
    pub(super) brought: crate::site::Collected,
    /// Texts that its log does not show.
    pub(super) masks: Masks,
    /// Output that may become a hidden text, by step and stream.
    pub(super) held: BTreeMap<(u32, api::protocol::Stream), Vec<u8>>,
    /// Output that the board has not been told.
    pub(super) unsent: Vec<Chunk>,
    pub(super) unsent_bytes: usize,
    pub(super) flush_at: Option<Timestamp>,
    /// Output that came and whose keeping was not answered: how much of which command.
    pub(super) under_way: VecDeque<(StepRef, usize)>,
    /// How many of these the answer that is awaited is about.
    pub(super) told: usize,
    pub(super) append_pending: bool,
    /// Bytes told.
    pub(super) sent_bytes: u64,
    pub(super) missing_bytes: u64,
}

/// A command that runs.
pub(super) struct Running {
    pub(super) id: StepRef,
    pub(super) planned: Planned,
    pub(super) since: Timestamp,
    pub(super) deadline_at: Option<Timestamp>,
    pub(super) timed_out: bool,
    pub(super) killed: bool,
    /// Its end was asked for because a service has failed.
    pub(super) cut_short: bool,
}

impl Attempt {
    pub(super) fn new(work: Arc<Work>, _now: Timestamp) -> Self {
        Self {
            work,
            phase: Phase::Preparing,
            place: None,
            steps: None,
            services: Services::default(),
            command: None,
            commands: 0,
            started_at: None,
            told_started: false,
            stopping: None,
            kill_at: None,
            give_up_at: None,
            lost: false,
            finishing: false,
            tree_gone: false,
            usage: Usage::default(),
            result: None,
            brought: crate::site::Collected::default(),
            masks: Masks::default(),
            held: BTreeMap::new(),
            unsent: Vec::new(),
            unsent_bytes: 0,
            flush_at: None,
            under_way: VecDeque::new(),
            told: 0,
            append_pending: false,
            sent_bytes: 0,
            missing_bytes: 0,
        }
    }

    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        let tell = self
            .started_at
            .filter(|_| !self.told_started && self.phase == Phase::Running);
        let command = self.command.as_ref().filter(|command| !command.killed);
        let timed = command.filter(|command| !command.timed_out);
        [
            self.kill_at.filter(|_| command.is_some()),
            self.give_up_at.filter(|_| command.is_some()),
            self.flush_at.filter(|_| !self.append_pending),
            timed.and_then(|command| command.deadline_at),
            tell.map(|started| started.plus_ms(TELL_STARTED_MS)),
            self.services.next_wake(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn must_tell_started(&self, now: Timestamp) -> bool {
        let running = self.phase == Phase::Running && !self.told_started;
        running
            && self
                .started_at
                .is_some_and(|started| now >= started.plus_ms(TELL_STARTED_MS))
    }
}

impl Worker {
    pub(super) fn prepared(
        &mut self,
        id: AttemptId,
        result: Result<Prepared, Trouble>,
        now: Timestamp,
    ) {
        if !self.in_phase(id, Phase::Preparing) {
            return;
        }
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
        match result {
            result if attempt.lost => {
                attempt.place = result.ok();
                self.forget(id);
            }
            Ok(place) => {
                let mut steps =
                    StepMachine::new(Arc::clone(&attempt.work), place.workspaces.clone())
                        .with_listing(self.site.listing(&place));
                if let Some(stop) = attempt.stopping {
                    steps.stop(stop);
                }
                let remarks = place.remarks.clone();
                attempt.place = Some(place);
                attempt.steps = Some(steps);
                attempt.phase = Phase::Running;
                for remark in remarks {
                    self.remark(id, &remark, now);
                }
                self.begin_services(id, now);
            }
            Err(trouble) => {
                attempt.result = Some(failed(trouble, FailureKind::InfraBeforeStart));
                attempt.phase = Phase::Flushing;
                self.flush_or_report(id, now);
            }
        }
    }

    /// Begins the next step, or ends the attempt.
    pub(super) fn advance(&mut self, id: AttemptId, now: Timestamp) {
        loop {
            let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
            let given_up = attempt.give_up_at.is_some_and(|at| now >= at);
            let steps = attempt.steps.as_mut().expect("it runs");
            let planned = match steps.advance() {
                Next::Run(mut planned) => {
                    // Services are asked to end before they are killed.
                    planned.is_last &= attempt.services.is_empty();
                    planned
                }
                Next::Done(result) => {
                    attempt.result = Some(result);
                    return self.clear(id, now);
                }
            };
            if self.broken {
                let message = "the process that starts commands is gone".to_owned();
                steps.ended(CommandEnd::Lost(message), 0, Written::default());
                continue;
            }
            if given_up {
                steps.ended(CommandEnd::Stopped(None), 0, Written::default());
                continue;
            }
            let place = attempt.place.as_ref().expect("it runs");
            let command = match self.site.command(place, &attempt.work, &planned) {
                Ok(command) => command,
                Err(trouble) => {
                    let end = match trouble {
                        Trouble::User(message) => CommandEnd::Refused(message),
                        Trouble::Platform(message) => CommandEnd::Lost(message),
                    };
                    steps.ended(end, 0, Written::default());
                    continue;
                }
            };
            self.command += 1;
            let step = StepRef(self.command);
            let deadline_at = planned.timeout_ms.map(|timeout_ms| now.plus_ms(timeout_ms));
            attempt.commands += 1;
            // Its processes are cleared away with it.
            attempt.finishing = planned.is_last;
            let index = planned.index;
            attempt.command = Some(Running {
                id: step,
                planned: *planned,
                since: now,
                deadline_at,
                timed_out: false,
                killed: false,
                cut_short: false,
            });
            self.commands.insert(step, (id, index));
            self.out.push(Output::Start(step, Box::new(command)));
            return;
        }
    }

    pub(super) fn exec_event(&mut self, event: ExecEvent, now: Timestamp) {
        match event {
            ExecEvent::Started { id, .. } => self.started(id, now),
            ExecEvent::Output { id, stream, bytes } => self.output(id, stream, bytes, now),
            ExecEvent::OutputEnd { id } => self.output_ended(id, now),
            ExecEvent::Exited {
                id,
                exit,
                oom_killed,
                output,
                ..
            } => {
                let exit = match exit {
                    exec::Exit::Code(code) => Exit::Code(code),
                    exec::Exit::Signal(signal) => Exit::Signal(signal),
                };
                let Some((attempt, _)) = self.commands.get(&id).copied() else {
                    return;
                };
                if output == exec::OutputState::Ended {
                    self.commands.remove(&id);
                }
                if !self.service_exited(attempt, id, (exit, oom_killed), now) {
                    self.exited(attempt, id, (exit, oom_killed), now);
                }
            }
            ExecEvent::NotStarted { id, cause } => {
                let of = self.commands.get(&id).copied();
                if of.is_some_and(|(attempt, _)| self.service_not_started(attempt, id, &cause, now))
                {
                    self.commands.remove(&id);
                    return;
                }
                let end = if cause.is_users_fault() {
                    CommandEnd::Refused(cause.to_string())
                } else {
                    CommandEnd::Lost(cause.to_string())
                };
                if let Some((attempt, _)) = self.commands.remove(&id) {
                    self.command_ended(attempt, end, Written::default(), now);
                }
            }
            ExecEvent::TreeGone { tree, usage, .. } => self.tree_gone(&tree, usage, now),
            ExecEvent::SpawnerLost { cause } => self.spawner_lost(cause, now),
        }
    }

    fn started(&mut self, step: StepRef, now: Timestamp) {
        let Some(attempt) = self
            .commands
            .get(&step)
            .and_then(|(id, _)| self.attempts.get_mut(id))
        else {
            return;
        };
        attempt.started_at.get_or_insert(now);
        if let Some(steps) = &mut attempt.steps {
            steps.began();
        }
        let (id, index) = self.commands[&step];
        self.service_started(id, index, now);
    }

    fn exited(
        &mut self,
        id: AttemptId,
        step: StepRef,
        (exit, oom_killed): (Exit, bool),
        now: Timestamp,
    ) {
        let Some(attempt) = self.attempts.get(&id) else {
            return;
        };
        let Some(running) = attempt
            .command
            .as_ref()
            .filter(|running| running.id == step)
        else {
            return;
        };
        let clean = exit == Exit::Code(0);
        let mut end = if running.timed_out {
            CommandEnd::TimedOut(Some(exit))
        } else if (attempt.stopping.is_some() || running.cut_short) && !clean {
            CommandEnd::Stopped(Some(exit))
        } else if oom_killed && !clean {
            let limit_bytes = attempt.work.task.resources.memory_bytes;
            CommandEnd::OutOfMemory { exit, limit_bytes }
        } else {
            CommandEnd::Exited(exit)
        };
        let place = attempt.place.as_ref().expect("it runs");
        let written = match self.site.written(place, running.planned.index) {
            Ok(written) => written,
            Err(trouble) => {
                if clean {
                    end = match trouble {
                        Trouble::User(message) => CommandEnd::Refused(message),
                        Trouble::Platform(message) => CommandEnd::Lost(message),
                    };
                }
                Written::default()
            }
        };
        self.command_ended(id, end, written, now);
    }

    fn command_ended(&mut self, id: AttemptId, end: CommandEnd, written: Written, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let Some(running) = attempt.command.take() else {
            return;
        };
        self.show_held(id, running.planned.index, now);
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
        attempt.masks.add(written.masks.iter().cloned());
        attempt.kill_at = None;
        let duration_ms = now.since_ms(running.since);
        let steps = attempt.steps.as_mut().expect("it runs");
        if let CommandEnd::Refused(message) | CommandEnd::Lost(message) = &end {
            let message = message.clone();
            steps.ended(end, duration_ms, written);
            self.remark(id, &message, now);
        } else {
            steps.ended(end, duration_ms, written);
        }
        self.advance(id, now);
    }

    /// All steps are over: nothing they left behind may live on.
    fn clear(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        attempt.phase = Phase::Clearing;
        if attempt.tree_gone || self.broken {
            return self.cleared(id, now);
        }
        if attempt.finishing || self.end_services(id, now) {
            return;
        }
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        attempt.finishing = true;
        self.out.push(Output::Finish(crate::site::tree_key(id)));
    }

    fn tree_gone(&mut self, tree: &exec::TreeKey, usage: exec::Usage, now: Timestamp) {
        let found = self
            .attempts
            .iter_mut()
            .find(|(id, _)| crate::site::tree_key(**id) == *tree);
        let Some((id, attempt)) = found else { return };
        let id = *id;
        if attempt.tree_gone {
            return;
        }
        attempt.tree_gone = true;
        attempt.usage = Usage {
            cpu_us: usage.cpu_user_us + usage.cpu_system_us,
            memory_peak_bytes: usage.memory_peak_bytes,
        };
        if attempt.phase == Phase::Clearing {
            self.cleared(id, now);
        }
    }

    fn spawner_lost(&mut self, cause: String, now: Timestamp) {
        self.broken = true;
        // Told before what becomes of the attempts: whoever has this worker in its own process leaves the run as it is.
        self.out.push(Output::Broken(cause.clone()));
        let ids: Vec<AttemptId> = self.attempts.keys().copied().collect();
        self.commands.clear();
        for id in ids {
            let message = format!("the process that starts commands is gone: {cause}");
            let attempt = self.attempts.get_mut(&id).expect("just listed");
            attempt.tree_gone = true;
            if attempt.command.is_some() {
                // Whether it had begun is not known, so it counts as begun.
                attempt.started_at.get_or_insert(now);
                if let Some(steps) = &mut attempt.steps {
                    steps.began();
                }
                self.command_ended(id, CommandEnd::Lost(message), Written::default(), now);
            } else if attempt.services.is_starting() {
                self.services_lost(id, message, now);
            } else if attempt.phase == Phase::Clearing {
                self.cleared(id, now);
            }
        }
        self.give_back_backlog(&super::cannot_start(), now);
    }

    pub(super) fn stop(&mut self, id: AttemptId, token: Token, now: Timestamp) {
        if self.holds(id, token) {
            self.stop_attempt(id, Stop::Asked, now);
        } else if let Some(work) = self.take_from_backlog(id, token) {
            self.give_back(&work, AttemptResult::Stopped, now);
        }
    }

    fn take_from_backlog(&mut self, id: AttemptId, token: Token) -> Option<Work> {
        let wanted = |work: &Work| work.id == id && work.token == token;
        let place = self.backlog.iter().position(wanted)?;
        self.backlog.remove(place)
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
        self.stop_starting(id, now);
    }

    /// Ends an attempt without any grace.
    pub(super) fn kill_attempt(&mut self, id: AttemptId, stop: Stop, now: Timestamp) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        attempt.stopping.get_or_insert(stop);
        attempt.give_up_at = Some(now);
        if let Some(steps) = &mut attempt.steps {
            steps.stop(stop);
        }
        self.stop_starting(id, now);
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

    pub(super) fn flush_later(&mut self, id: AttemptId, now: Timestamp) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.flush_at.get_or_insert(now.plus_ms(FLUSH_MS));
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
        let phase = attempt.phase;
        self.flush(id, now);
        match phase {
            Phase::Preparing | Phase::Running => self.kill_attempt(id, Stop::Interrupted, now),
            // What is under way comes to its end, and then it is forgotten.
            Phase::Clearing | Phase::Collecting => {}
            Phase::Flushing | Phase::Reporting => self.forget(id),
        }
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

/// The result of trouble that is not a step's.
pub(super) fn failed(trouble: Trouble, platform: FailureKind) -> AttemptResult {
    let (kind, message) = match trouble {
        Trouble::User(message) => (FailureKind::User, message),
        Trouble::Platform(message) => (platform, message),
    };
    AttemptResult::Failed {
        kind,
        exit_code: None,
        message,
    }
}
