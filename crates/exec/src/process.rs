//! The `process` executor: plain processes of this machine, started by a [spawner].
//!
//! The executor makes the pipes, hands their writing ends to the spawner with the request, and reads them
//! itself. It stays small and bounded: of each command it holds at most a window of output that was not
//! given back, and leaves the rest in the pipe, where the command waits for it.
//!
//! When a command ends, what it wrote is all in the pipe; the executor reads that, and then waits a little
//! for the pipe to end, as helpers of the command (`exec > >(tee log)`) may have a last word. If by then a
//! process left behind still holds the pipe, the command's end is told, and the pipe is read on until the
//! tree is finished. A step therefore never hangs on a service that it started.
//!
//! It is a state machine turned by [`ProcessExecutor::next_event`]: nothing happens between calls, and there
//! are no threads and no locks. Dropping it kills everything that it started, and waits for that.

mod output;
mod request;
mod turn;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
use tokio::io::unix::AsyncFd;

use crate::command::{StepRef, TreeKey};
use crate::event::{ExecEvent, Usage};
use crate::packet::{self, Buffer};
use crate::proc::Owner;
use crate::{spawner, sys};
use output::Output;

/// How to launch a [`ProcessExecutor`].
#[derive(Clone, Debug)]
pub struct Options {
    /// The program to be the spawner: one that calls [`spawner::run_if_asked`] first. By default this one.
    pub spawner_program: PathBuf,
    /// The board, as letters, digits and hyphens: marks every process, so that a later [`crate::leftovers::sweep`]
    /// of this board finds it.
    pub state_id: String,
    /// Whether to use control groups.
    pub cgroups: Cgroups,
    /// How much output of one command is held until given back by [`crate::Executor::output_taken`], in bytes.
    pub output_window_bytes: usize,
    /// How long after the end of a command its pipe may take to end before the command's end is told.
    pub output_linger_ms: u64,
}

/// Whether to use control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cgroups {
    /// Where they can be had.
    WherePossible,
    /// Not at all.
    Never,
}

impl Options {
    /// The usual ones.
    pub fn new(state_id: impl Into<String>) -> Self {
        Self {
            spawner_program: PathBuf::from("/proc/self/exe"),
            state_id: state_id.into(),
            cgroups: Cgroups::WherePossible,
            output_window_bytes: 256 << 10,
            output_linger_ms: 250,
        }
    }
}

/// Why there is no executor.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The name cannot be part of a file name and of an environment.
    #[error("board id `{found}` is not 1 to 64 letters, digits and hyphens")]
    StateId {
        /// The name.
        found: String,
    },
    /// The program could not be executed.
    #[error("cannot start the spawner `{}`", program.display())]
    Spawner {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something that every process can have was not to be had.
    #[error("cannot set up the executor: no descriptor for its {what}")]
    Descriptor {
        /// What for.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// `/proc` is not there or not readable.
    #[error("cannot read `/proc/self/stat`; is `/proc` mounted?")]
    Proc,
}

/// Runs commands as processes of this machine.
pub struct ProcessExecutor {
    link: Option<Link>,
    state_id: String,
    owner: Owner,
    window_bytes: usize,
    linger: Duration,
    epoll: OwnedFd,
    /// The same, known to the runtime since the first wait.
    waiting: Option<AsyncFd<OwnedFd>>,
    timer: OwnedFd,
    commands: BTreeMap<StepRef, Running>,
    /// Trees that are being finished, until they are told to be gone.
    finishing: BTreeSet<TreeKey>,
    /// Trees that are gone, but not all their output was read.
    gone: Vec<(TreeKey, u32, Usage)>,
    /// At most one window of output for each command, and a few others.
    events: VecDeque<ExecEvent>,
    scratch: Vec<u8>,
    packet: Buffer,
}

/// The way to the spawner.
struct Link {
    socket: OwnedFd,
    spawner: Child,
    /// Requests that did not fit into the socket. As many as the caller has asked in one turn.
    unsent: VecDeque<(Vec<u8>, Vec<OwnedFd>)>,
}

/// A command that has events to come.
struct Running {
    tree: TreeKey,
    output: Output,
    ending: Option<Ending>,
}

/// The end of a command whose output has not ended.
struct Ending {
    /// `Exited`, until it is told; by then it says that the output has ended, which is changed if not.
    untold: Option<ExecEvent>,
    /// Not to be waited for longer than that.
    deadline: Instant,
    /// No process of the tree is left, so that what is in the pipes is all.
    is_tree_gone: bool,
}

const SOCKET: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;
/// Events taken from the kernel at once.
const READY_MAX: usize = 64;
/// Read from a pipe at once: what a pipe holds by default.
const READ_BYTES: usize = 64 << 10;

impl ProcessExecutor {
    /// Starts the spawner. Needs no runtime yet.
    ///
    /// # Errors
    /// If the spawner cannot be started or descriptors have run out.
    pub fn launch(options: Options) -> Result<Self, LaunchError> {
        let Options {
            spawner_program,
            state_id,
            cgroups,
            output_window_bytes,
            output_linger_ms,
        } = options;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(1..=64).contains(&state_id.len()) || !state_id.bytes().all(is_plain) {
            return Err(LaunchError::StateId { found: state_id });
        }
        let owner = Owner::new().ok_or(LaunchError::Proc)?;
        let no_descriptor =
            |what| move |source: io::Error| LaunchError::Descriptor { what, source };
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)
            .map_err(|e| no_descriptor("events")(e.into()))?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )
        .map_err(|e| no_descriptor("timer")(e.into()))?;
        let (socket, theirs) = packet::pair().map_err(no_descriptor("spawner"))?;
        for (fd, token) in [(&socket, SOCKET), (&timer, TIMER)] {
            let token = epoll::EventData::new_u64(token);
            epoll::add(&epoll, fd, token, epoll::EventFlags::IN)
                .map_err(|e| no_descriptor("events")(e.into()))?;
        }
        let with_groups = cgroups == Cgroups::WherePossible;
        let child = std::process::Command::new(&spawner_program)
            .arg0(spawner::SPAWNER_NAME)
            .env_clear()
            .envs(spawner::environment(&state_id, owner, with_groups))
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| LaunchError::Spawner {
                program: spawner_program,
                source,
            })?;
        Ok(Self {
            link: Some(Link {
                socket,
                spawner: child,
                unsent: VecDeque::new(),
            }),
            state_id,
            owner,
            window_bytes: output_window_bytes.max(1),
            linger: Duration::from_millis(output_linger_ms),
            epoll,
            waiting: None,
            timer,
            commands: BTreeMap::new(),
            finishing: BTreeSet::new(),
            gone: Vec::new(),
            events: VecDeque::new(),
            scratch: vec![0; READ_BYTES],
            packet: Buffer::new(),
        })
    }

    /// Waits for the next event. Can be dropped and called again without losing any.
    ///
    /// # Panics
    /// Outside a tokio runtime with IO enabled.
    pub async fn next_event(&mut self) -> ExecEvent {
        poll_fn(|context| self.poll_event(context)).await
    }

    /// As [`Self::next_event`], for those who poll.
    ///
    /// # Panics
    /// Outside a tokio runtime with IO enabled.
    pub fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<ExecEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(event);
            }
            let waiting = match self.waiting.take() {
                Some(waiting) => waiting,
                None => self
                    .register()
                    .expect("a runtime with IO can watch one more descriptor"),
            };
            let is_pending = match waiting.poll_read_ready(context) {
                Poll::Ready(ready) => {
                    let mut ready = ready.expect("the runtime's IO lives while it polls");
                    if !self.turn() {
                        // What came since we looked has made it ready anew, and is not forgotten by this.
                        ready.clear_ready();
                    }
                    false
                }
                Poll::Pending => true,
            };
            self.waiting = Some(waiting);
            if is_pending {
                return Poll::Pending;
            }
        }
    }

    fn register(&self) -> io::Result<AsyncFd<OwnedFd>> {
        sys::watch_in_runtime(self.epoll.try_clone()?)
    }

    /// The next event, if one is there.
    pub fn try_event(&mut self) -> Option<ExecEvent> {
        if self.events.is_empty() {
            self.turn();
        }
        self.events.pop_front()
    }
}

impl Drop for ProcessExecutor {
    /// Lets the spawner kill everything, and waits until it has.
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            let Link {
                socket,
                mut spawner,
                ..
            } = link;
            drop(socket);
            // However it ended: there is nobody left to tell.
            spawner.wait().ok();
        }
    }
}
