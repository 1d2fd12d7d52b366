//! What the kernel and the spawner tell the executor, on its way to the caller.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};
use rustix::time::{Itimerspec, TimerfdTimerFlags, timerfd_settime};

use super::output::{Output, Progress};
use super::{Ending, Link, ProcessExecutor, READY_MAX, SOCKET, TIMER};
use crate::command::{StepRef, TreeKey};
use crate::event::{ExecEvent, NotStarted, OutputState, Stream};
use crate::leftovers;
use crate::packet::{self, Received};
use crate::wire::{self, Reply};

/// Packets of replies taken before pipes are looked at again.
const PACKETS_AT_ONCE: u32 = 64;

impl ProcessExecutor {
    /// Does what can be done without waiting; whether there was anything.
    pub(super) fn turn(&mut self) -> bool {
        let mut ready = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }; READY_MAX];
        let count =
            epoll::wait(&self.epoll, &mut ready[..], Some(&Timespec::default())).unwrap_or(0);
        for event in &ready[..count] {
            let (flags, data) = (event.flags, event.data);
            match data.u64() {
                SOCKET => self.receive(flags.contains(epoll::EventFlags::OUT)),
                TIMER => self.linger_is_over(),
                token => {
                    let (id, stream) = Output::of_token(token);
                    self.read(id, stream);
                    self.settle(id);
                }
            }
        }
        count > 0
    }

    fn receive(&mut self, can_send: bool) {
        if can_send
            && let Some(link) = &mut self.link
            && let Err(error) = link.flush(self.epoll.as_fd())
        {
            return self.lose(&error.to_string());
        }
        for _ in 0..PACKETS_AT_ONCE {
            let Some(link) = &self.link else { return };
            let replies = match packet::receive(link.socket.as_fd(), &mut self.packet) {
                Ok(Received::Message(message, _)) => wire::read_replies(message),
                Ok(Received::Nothing) => return,
                Ok(Received::Closed) => return self.lose(""),
                Err(error) => return self.lose(&error.to_string()),
            };
            match replies {
                Some(replies) => self.hear_all(replies),
                None => return self.lose("it sent a message that cannot be read"),
            }
        }
    }

    fn hear_all(&mut self, replies: Vec<Reply>) {
        let mut started = Vec::new();
        for reply in replies {
            if let Reply::Started { id, .. } = reply {
                started.push(StepRef(id));
            }
            self.hear(reply);
        }
        // Most that are short have ended by now, and need no watching.
        for id in started {
            if let Some(running) = self.commands.get_mut(&id)
                && let Err(error) = running.output.watch(self.epoll.as_fd())
            {
                return self.lose(&format!("no output can be watched: {error}"));
            }
        }
    }

    fn hear(&mut self, reply: Reply) {
        match reply {
            Reply::Started { id, pid } => {
                let id = StepRef(id);
                self.events.push_back(ExecEvent::Started { id, pid });
            }
            Reply::NotStarted {
                id,
                phase,
                errno,
                text,
            } => {
                let id = StepRef(id);
                self.commands.remove(&id);
                self.events.push_back(ExecEvent::NotStarted {
                    id,
                    cause: NotStarted { phase, errno, text },
                });
            }
            Reply::Exited {
                id,
                exit,
                usage,
                oom_killed,
            } => {
                let id = StepRef(id);
                let Some(running) = self.commands.get_mut(&id) else {
                    return;
                };
                running.output.measure();
                running.ending = Some(Ending {
                    untold: Some(ExecEvent::Exited {
                        id,
                        exit,
                        usage,
                        oom_killed,
                        output: OutputState::Ended,
                    }),
                    deadline: Instant::now() + self.linger,
                    is_tree_gone: false,
                });
                self.drain(id);
                self.settle(id);
            }
            Reply::TreeGone {
                tree,
                killed,
                usage,
            } => {
                let tree = TreeKey::new(tree);
                let ids: Vec<StepRef> = self
                    .commands
                    .iter()
                    .filter(|(_, running)| running.tree == tree)
                    .map(|(id, _)| *id)
                    .collect();
                self.gone.push((tree, killed, usage));
                for id in ids {
                    if let Some(running) = self.commands.get_mut(&id) {
                        running.output.measure();
                        running
                            .ending
                            .iter_mut()
                            .for_each(|ending| ending.is_tree_gone = true);
                    }
                    self.drain(id);
                    self.settle(id);
                }
                self.tell_gone();
            }
        }
    }

    /// Reads once from a pipe.
    fn read(&mut self, id: StepRef, stream: Stream) -> Progress {
        let Some(running) = self.commands.get_mut(&id) else {
            return Progress::Ended;
        };
        let progress = running
            .output
            .read(stream, &mut self.scratch, self.epoll.as_fd());
        if let Progress::Read(size_bytes) = progress {
            let bytes = self.scratch[..size_bytes].to_vec();
            self.events
                .push_back(ExecEvent::Output { id, stream, bytes });
        }
        progress
    }

    /// Reads what is in the pipes without waiting to be told; a window of it at most.
    fn drain(&mut self, id: StepRef) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            while matches!(self.read(id, stream), Progress::Read(_)) {}
        }
    }

    /// Tells the end of a command and of its output, if they have come.
    fn settle(&mut self, id: StepRef) {
        let Some(running) = self.commands.get_mut(&id) else {
            return;
        };
        let Some(ending) = &mut running.ending else {
            return;
        };
        let has_all = !running.output.is_owing();
        if running.output.has_ended() || (ending.is_tree_gone && has_all) {
            self.events.push_back(ExecEvent::OutputEnd { id });
            self.events.extend(ending.untold.take());
            self.commands.remove(&id);
            self.tell_gone();
        } else if !has_all {
            // Reading on will lead here again.
        } else if Instant::now() < ending.deadline {
            self.set_timer();
        } else {
            if let Some(mut event) = ending.untold.take() {
                if let ExecEvent::Exited { output, .. } = &mut event {
                    *output = OutputState::Open;
                }
                self.events.push_back(event);
            }
        }
    }

    /// Tells of trees that are gone and have all their output told.
    fn tell_gone(&mut self) {
        let Self {
            commands,
            events,
            finishing,
            gone,
            ..
        } = self;
        gone.retain(|(tree, killed, usage)| {
            let is_waiting = commands.values().any(|running| running.tree == *tree);
            if !is_waiting {
                finishing.remove(tree);
                let (tree, killed, usage) = (tree.clone(), *killed, *usage);
                events.push_back(ExecEvent::TreeGone {
                    tree,
                    killed,
                    usage,
                });
            }
            is_waiting
        });
    }

    fn linger_is_over(&mut self) {
        // Only to make it quiet; how often it rang does not matter.
        rustix::io::read(&self.timer, &mut [0; 8]).ok();
        let ids: Vec<StepRef> = self.commands.keys().copied().collect();
        for id in ids {
            self.settle(id);
        }
    }

    /// Sets the timer to the first deadline of those ends that wait for nothing else.
    fn set_timer(&self) {
        let waiting = self
            .commands
            .values()
            .filter(|running| !running.output.is_owing());
        let endings = waiting.filter_map(|running| running.ending.as_ref());
        let untold = endings.filter(|ending| ending.untold.is_some());
        let Some(deadline) = untold.map(|ending| ending.deadline).min() else {
            return;
        };
        // Nothing at all would stop the timer.
        let left = deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_nanos(1));
        let value = Timespec {
            tv_sec: left.as_secs().cast_signed(),
            tv_nsec: left.subsec_nanos().into(),
        };
        let once = Itimerspec {
            it_interval: Timespec::default(),
            it_value: value,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)
            .expect("a timer of our own takes a time in the future");
    }

    /// Ends everything, as the spawner is gone.
    fn lose(&mut self, what: &str) {
        let Some(Link {
            mut spawner,
            socket,
            ..
        }) = self.link.take()
        else {
            return;
        };
        drop(socket);
        // It may still be there if it was only not understood.
        spawner.kill().ok();
        let ended = spawner
            .wait()
            .map_or_else(|error| error.to_string(), |status| status.to_string());
        let mut cause = if what.is_empty() {
            ended
        } else {
            format!("{what}; {ended}")
        };
        if let Err(error) = leftovers::kill_own(&self.state_id, self.owner) {
            cause = format!("{cause}; {error}");
        }
        let ids: Vec<StepRef> = self.commands.keys().copied().collect();
        for id in ids {
            self.drain(id);
            self.events.push_back(ExecEvent::OutputEnd { id });
        }
        self.commands.clear();
        self.gone.clear();
        self.finishing.clear();
        self.events.push_back(ExecEvent::SpawnerLost { cause });
    }
}
