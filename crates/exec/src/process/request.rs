//! What the caller asks of the executor, on its way to the spawner.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::event::epoll;

use super::output::Output;
use super::{Link, ProcessExecutor, Running, SOCKET};
use crate::command::{Command, StepRef, TreeKey};
use crate::event::{ExecEvent, NotStarted, Phase};
use crate::executor::Executor;
use crate::leftovers::{ATTEMPT_ENV, OWNER_ENV, STATE_ID_ENV};
use crate::packet::{self, Wait};
use crate::wire::{self, StartTexts};

impl Executor for ProcessExecutor {
    /// # Panics
    /// If the number is that of a command with events to come, or above 2^62.
    fn start(&mut self, id: StepRef, command: Command) {
        assert!(
            id.0 < 1 << 62,
            "the number of a command leaves room for its stream"
        );
        assert!(
            !self.commands.contains_key(&id),
            "the number of a command is used by one at a time"
        );
        if let Err(cause) = self.try_start(id, &command) {
            self.events.push_back(ExecEvent::NotStarted { id, cause });
            if command.is_last {
                self.finish(&command.tree);
            }
        }
    }

    fn terminate(&mut self, id: StepRef) {
        self.ask(wire::terminate(id.0));
    }

    fn kill(&mut self, id: StepRef) {
        self.ask(wire::kill(id.0));
    }

    fn finish(&mut self, tree: &TreeKey) {
        self.finishing.insert(tree.clone());
        self.ask(wire::finish(tree.as_str()));
    }

    fn output_taken(&mut self, id: StepRef, size_bytes: usize) {
        let epoll = self.epoll.as_fd();
        if let Some(running) = self.commands.get_mut(&id) {
            running
                .output
                .give_back(size_bytes, epoll)
                .expect("a pipe that was watched can be watched again");
        }
    }
}

impl ProcessExecutor {
    fn try_start(&mut self, id: StepRef, command: &Command) -> Result<(), NotStarted> {
        let Some(link) = &mut self.link else {
            return Err(refusal(
                Phase::Spawner,
                0,
                "the spawner is gone; launch another executor".to_owned(),
            ));
        };
        if self.finishing.contains(&command.tree) {
            let text = format!("attempt `{}` is being ended", command.tree);
            return Err(refusal(Phase::Ending, 0, text));
        }
        let owner = self.owner.to_string();
        let message = message(id, command, &self.state_id, &owner)?;
        let made = Output::new(id, command.keep_stderr_apart, self.window_bytes);
        let (output, writers) = made.map_err(|error| {
            system_refusal(Phase::Pipe, "cannot make a pipe for its output", &error)
        })?;
        link.send(message, writers, self.epoll.as_fd())
            .map_err(|error| system_refusal(Phase::Spawner, "cannot reach the spawner", &error))?;
        self.commands.insert(
            id,
            Running {
                tree: command.tree.clone(),
                output,
                ending: None,
            },
        );
        Ok(())
    }

    /// Asks something whose failure is that of the spawner, which will be told when it is seen to be gone.
    fn ask(&mut self, message: Vec<u8>) {
        if let Some(link) = &mut self.link {
            link.send(message, Vec::new(), self.epoll.as_fd()).ok();
        }
    }
}

impl Link {
    fn send(
        &mut self,
        message: Vec<u8>,
        fds: Vec<OwnedFd>,
        epoll: BorrowedFd<'_>,
    ) -> io::Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.push_back((message, fds));
            return Ok(());
        }
        match self.try_send(&message, &fds) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.unsent.push_back((message, fds));
                self.watch(epoll, epoll::EventFlags::IN | epoll::EventFlags::OUT)
            }
            // It died this moment; reading from it will say so.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    fn try_send(&self, message: &[u8], fds: &[OwnedFd]) -> io::Result<()> {
        let fds: Vec<BorrowedFd<'_>> = fds.iter().map(|fd| fd.as_fd()).collect();
        packet::send(self.socket.as_fd(), message, &fds, Wait::No)
    }

    /// Sends what did not fit before, as far as it does.
    pub(super) fn flush(&mut self, epoll: BorrowedFd<'_>) -> io::Result<()> {
        while let Some((message, fds)) = self.unsent.front() {
            match self.try_send(message, fds) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                other => other?,
            }
            self.unsent.pop_front();
        }
        self.watch(epoll, epoll::EventFlags::IN)
    }

    fn watch(&self, epoll: BorrowedFd<'_>, flags: epoll::EventFlags) -> io::Result<()> {
        Ok(epoll::modify(
            epoll,
            &self.socket,
            epoll::EventData::new_u64(SOCKET),
            flags,
        )?)
    }
}

fn refusal(phase: Phase, errno: i32, text: String) -> NotStarted {
    NotStarted { phase, errno, text }
}

fn system_refusal(phase: Phase, what: &str, error: &io::Error) -> NotStarted {
    refusal(
        phase,
        error.raw_os_error().unwrap_or(0),
        format!("{what}: {error}"),
    )
}

/// The request for a command, if it is one that a kernel could take.
fn message(
    id: StepRef,
    command: &Command,
    state_id: &str,
    owner: &str,
) -> Result<Vec<u8>, NotStarted> {
    let marks = [
        (ATTEMPT_ENV, command.tree.as_str()),
        (STATE_ID_ENV, state_id),
        (OWNER_ENV, owner),
    ];
    let given = command
        .env
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let given = given.filter(|(name, _)| !marks.iter().any(|(mark, _)| mark.as_bytes() == *name));
    let texts = StartTexts {
        tree: command.tree.as_str(),
        cwd: command.cwd.as_os_str().as_bytes(),
        program: command.program.as_bytes(),
        args: command
            .args
            .iter()
            .map(|arg| OsStr::as_bytes(arg))
            .collect(),
        env: marks
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .into_iter()
            .chain(given)
            .collect(),
    };
    check(&texts)?;
    Ok(wire::start(id.0, command.is_last, &command.limits, &texts))
}

fn check(texts: &StartTexts<'_>) -> Result<(), NotStarted> {
    let invalid = |text| Err(refusal(Phase::Request, libc::EINVAL, text));
    if texts.program.is_empty() {
        return invalid("the command has no program".to_owned());
    }
    if let Some((name, _)) = texts
        .env
        .iter()
        .find(|(name, _)| name.is_empty() || name.contains(&b'='))
    {
        return invalid(format!(
            "`{}` cannot be the name of a variable",
            String::from_utf8_lossy(name)
        ));
    }
    let has_nul = |text: &[u8]| text.contains(&0);
    if let Some((name, _)) = texts
        .env
        .iter()
        .find(|(name, value)| has_nul(name) || has_nul(value))
    {
        let name = String::from_utf8_lossy(name).replace('\0', "\\0");
        return invalid(format!(
            "variable `{name}` holds a NUL byte, which no environment can"
        ));
    }
    if let Some(place) = texts.args.iter().position(|arg| has_nul(arg)) {
        return invalid(format!(
            "argument {} holds a NUL byte, which no argument can",
            place + 1
        ));
    }
    if has_nul(texts.program) || has_nul(texts.cwd) || has_nul(texts.tree.as_bytes()) {
        return invalid(
            "the name of the program, directory or attempt holds a NUL byte".to_owned(),
        );
    }
    let args: usize = texts.args.iter().map(|arg| arg.len()).sum();
    let env: usize = texts
        .env
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    let size_bytes = args + env + texts.program.len() + texts.cwd.len();
    if size_bytes > Command::SIZE_MAX_BYTES {
        let text = format!(
            "arguments and environment take {size_bytes} bytes, the most is {}; pass large values in files",
            Command::SIZE_MAX_BYTES
        );
        return Err(refusal(Phase::Request, libc::E2BIG, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'a>() -> StartTexts<'a> {
        StartTexts {
            tree: "t",
            cwd: b"/",
            program: b"sh",
            args: Vec::new(),
            env: Vec::new(),
        }
    }

    #[test]
    fn texts_that_no_kernel_takes_are_refused_by_name() {
        let cases = [
            (
                StartTexts {
                    program: b"",
                    ..texts()
                },
                "the command has no program",
            ),
            (
                StartTexts {
                    args: vec![b"a", b"\0"],
                    ..texts()
                },
                "argument 2 holds a NUL byte, which no argument can",
            ),
            (
                StartTexts {
                    env: vec![(b"A", b"\0")],
                    ..texts()
                },
                "variable `A` holds a NUL byte, which no environment can",
            ),
            (
                StartTexts {
                    env: vec![(b"A=B", b"")],
                    ..texts()
                },
                "`A=B` cannot be the name of a variable",
            ),
        ];
        for (texts, expected) in cases {
            assert_eq!(
                check(&texts).map_err(|cause| cause.to_string()),
                Err(expected.to_owned())
            );
        }
        assert_eq!(check(&texts()), Ok(()));
    }

    #[test]
    fn request_beyond_the_bound_is_refused_with_the_numbers() {
        let large = vec![b'x'; Command::SIZE_MAX_BYTES];
        let cause = check(&StartTexts {
            args: vec![&large],
            ..texts()
        })
        .expect_err("too large");
        assert_eq!(cause.errno, libc::E2BIG);
        assert_eq!(
            cause.text,
            "arguments and environment take 16777219 bytes, the most is 16777216; pass large values in files"
        );
    }
}
