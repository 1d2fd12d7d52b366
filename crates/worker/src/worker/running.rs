//! Commands of steps, from the step's turn until nothing that it left behind lives.

use super::attempt::{Phase, Running};
use super::looking::Question;
use super::{Output, Worker};
use crate::mask::MASK_BYTES;
use crate::site::Trouble;
use engine::rows::{Exit, Usage};
use engine::steps::{CommandEnd, Next, Planned, Written};
use exec::{ExecEvent, StepRef};
use model::ids::AttemptId;
use model::time::Timestamp;
use std::ops::ControlFlow;

impl Worker {
    /// Begins the next step, or ends the attempt.
    pub(super) fn advance(&mut self, id: AttemptId, now: Timestamp) {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        // Whatever was being decided was decided without what has happened meanwhile.
        attempt.looking = None;
        let given_up = attempt.gave_up(now);
        if attempt.looks_aside && !given_up && !self.broken {
            return self.look(id, Question::Next);
        }
        loop {
            let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
            let steps = attempt.steps.as_mut().expect("it runs");
            let next = steps.advance();
            if self.take_turn(id, next, now).is_break() {
                return;
            }
        }
    }

    /// Does what the steps want next. Whether they are to be asked again at once.
    pub(super) fn take_turn(
        &mut self,
        id: AttemptId,
        next: Next,
        now: Timestamp,
    ) -> ControlFlow<()> {
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        let mut planned = match next {
            Next::Run(planned) => planned,
            Next::Done(result) => {
                attempt.result = Some(result);
                self.clear(id, now);
                return ControlFlow::Break(());
            }
        };
        // Services are asked to end before they are killed.
        planned.is_last &= attempt.services.is_empty();
        let given_up = attempt.gave_up(now);
        let place = attempt.place.as_ref().expect("it runs");
        let command = if self.broken {
            let message = "the process that starts commands is gone".to_owned();
            Err(CommandEnd::Lost(message))
        } else if given_up {
            Err(CommandEnd::Stopped(None))
        } else {
            let command = self.site.command(place, &attempt.work, &planned);
            command.map_err(|trouble| match trouble {
                Trouble::User(message) => CommandEnd::Refused(message),
                Trouble::Platform(message) => CommandEnd::Lost(message),
            })
        };
        match command {
            Ok(command) => {
                self.start_step(id, *planned, command, now);
                ControlFlow::Break(())
            }
            Err(end) => {
                let steps = attempt.steps.as_mut().expect("it runs");
                steps.ended(end, 0, Written::default());
                ControlFlow::Continue(())
            }
        }
    }

    fn start_step(
        &mut self,
        id: AttemptId,
        planned: Planned,
        command: exec::Command,
        now: Timestamp,
    ) {
        self.command += 1;
        let step = StepRef(self.command);
        let attempt = self.attempts.get_mut(&id).expect("the caller holds it");
        attempt.commands += 1;
        // Its processes are cleared away with it.
        attempt.finishing = planned.is_last;
        self.commands.insert(step, (id, planned.index));
        attempt.command = Some(Running {
            id: step,
            since: now,
            deadline_at: planned.timeout_ms.map(|timeout_ms| now.plus_ms(timeout_ms)),
            planned,
            timed_out: false,
            killed: false,
            cut_short: false,
        });
        self.out.push(Output::Start(step, Box::new(command)));
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

    pub(super) fn started(&mut self, step: StepRef, now: Timestamp) {
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

    pub(super) fn exited(
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

    pub(super) fn command_ended(
        &mut self,
        id: AttemptId,
        mut end: CommandEnd,
        written: Written,
        now: Timestamp,
    ) {
        let Some(attempt) = self.attempts.get_mut(&id) else {
            return;
        };
        let Some(running) = attempt.command.take() else {
            return;
        };
        let too_many = attempt.masks.add(written.masks.iter().map(String::as_str));
        let short = written.masks.iter().any(|mask| mask.len() < MASK_BYTES);
        if let Err(error) = too_many {
            attempt.muted = true;
            end = CommandEnd::Refused(error.to_string());
        }
        self.show_held(id, running.planned.index, now);
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
        attempt.kill_at = None;
        let duration_ms = now.since_ms(running.since);
        if short {
            let least = MASK_BYTES;
            self.remark(
                id,
                &format!(
                    "`$FORMIC_MASK` has a text of less than {least} bytes, which is not hidden"
                ),
                now,
            );
        }
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
        let steps = attempt.steps.as_mut().expect("it runs");
        for remark in steps.remarks(&written) {
            self.remark(id, &remark, now);
        }
        let attempt = self.attempts.get_mut(&id).expect("just looked up");
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
    pub(super) fn clear(&mut self, id: AttemptId, now: Timestamp) {
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

    pub(super) fn tree_gone(&mut self, tree: &exec::TreeKey, usage: exec::Usage, now: Timestamp) {
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

    pub(super) fn spawner_lost(&mut self, cause: String, now: Timestamp) {
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
            } else if attempt.services.is_starting() || attempt.is_looking() {
                self.running_lost(id, message, now);
                self.look_again(id, now);
            } else if attempt.phase == Phase::Clearing {
                self.cleared(id, now);
            }
        }
        self.give_back_backlog(&super::slots::cannot_start(), now);
    }
}
