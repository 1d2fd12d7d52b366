//! What an executor tells: starts, output, ends.
//!
//! The order per command is `Started`, `Output`…, `Exited`, or `NotStarted` alone. Every byte the command
//! itself wrote comes before its `Exited`. `OutputEnd` comes once, before `Exited` if all writers are gone
//! and after it if a process left behind still holds the pipe. `TreeGone` comes after all of these for each
//! command of the tree.

use std::fmt;

use crate::command::{StepRef, TreeKey};

/// Something that happened to a command, a tree or the executor itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecEvent {
    /// The program runs.
    Started {
        /// Which command.
        id: StepRef,
        /// Its process, which leads a session and a process group of that number.
        pid: i32,
    },
    /// Bytes as written: of any length, not split at lines, perhaps not UTF-8.
    Output {
        /// Which command.
        id: StepRef,
        /// Where it wrote them; always `Stdout` unless stderr is kept apart.
        stream: Stream,
        /// The bytes, never none. They count against the window until given back by
        /// [`crate::Executor::output_taken`].
        bytes: Vec<u8>,
    },
    /// No more output of this command will come.
    OutputEnd {
        /// Which command.
        id: StepRef,
    },
    /// The command ended.
    Exited {
        /// Which command.
        id: StepRef,
        /// How it ended.
        exit: Exit,
        /// What it and those of its descendants that it waited for took.
        usage: Usage,
        /// The kernel killed a process of the tree for lack of memory while the command ran.
        oom_killed: bool,
        /// Whether a process it left behind still holds its output.
        output: OutputState,
    },
    /// The command never ran; nothing else will come for it.
    NotStarted {
        /// Which command.
        id: StepRef,
        /// What stood in the way.
        cause: NotStarted,
    },
    /// No process of the tree is left.
    TreeGone {
        /// Which tree.
        tree: TreeKey,
        /// How many processes had to be killed.
        killed: u32,
        /// What all processes of the tree took that ended under this executor's eyes.
        usage: Usage,
    },
    /// The spawner died, and what it had started has been killed. Commands and trees that had not ended get
    /// no further event, and nothing can be started. This is a failure of the platform, never of a command.
    SpawnerLost {
        /// How the spawner ended.
        cause: String,
    },
}

/// One of the two output streams of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output, or both when they share a pipe.
    Stdout,
    /// Standard error, kept apart.
    Stderr,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code, 0 to 255.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "signal {name}"),
                None => write!(f, "signal {signal}"),
            },
        }
    }
}

/// Whether a command's output had come to its end when the command did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputState {
    /// All of it was delivered.
    Ended,
    /// A process left behind may still write; `OutputEnd` is to come.
    Open,
}

/// Resources taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time outside the kernel, in microseconds.
    pub cpu_user_us: u64,
    /// CPU time inside the kernel, in microseconds.
    pub cpu_system_us: u64,
    /// Highest memory: of the tree where a control group counts it, else of its largest process (never
    /// less than the spawner's own few MiB, which a new process starts from). In bytes.
    pub memory_peak_bytes: u64,
}

impl Usage {
    /// Takes in what another process took.
    pub(crate) fn add(&mut self, other: Self) {
        self.cpu_user_us += other.cpu_user_us;
        self.cpu_system_us += other.cpu_system_us;
        self.memory_peak_bytes = self.memory_peak_bytes.max(other.memory_peak_bytes);
    }
}

/// Why a command never ran.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct NotStarted {
    /// What was being done.
    pub phase: Phase,
    /// The system's error number, 0 if the system was not asked.
    pub errno: i32,
    /// Names the thing and its place.
    pub text: String,
}

impl NotStarted {
    /// Whether the command as written is at fault, and not the machine: only for what its author can mend. Short
    /// memory, a full process table or a disk that fails meet a right command too.
    pub fn is_users_fault(&self) -> bool {
        match self.phase {
            Phase::Request => true,
            Phase::WorkingDirectory | Phase::Program => OF_AUTHORS.contains(&self.errno),
            Phase::Spawner
            | Phase::Ending
            | Phase::Pipe
            | Phase::Fork
            | Phase::Cgroup
            | Phase::Streams
            | Phase::Limit => false,
        }
    }
}

/// What the system says of a path or program that is written wrong.
const OF_AUTHORS: [i32; 11] = [
    libc::ENOENT,
    libc::ENOTDIR,
    libc::EACCES,
    libc::EPERM,
    libc::ENOEXEC,
    libc::E2BIG,
    libc::ELOOP,
    libc::ENAMETOOLONG,
    libc::EISDIR,
    // A program with more than one interpreter, and one of another machine.
    libc::EINVAL,
    libc::ELIBBAD,
];

/// The steps of starting a command, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading the request: a NUL byte, too long.
    Request,
    /// Finding its tree: it is being ended.
    Ending,
    /// Reaching the spawner.
    Spawner,
    /// Making the pipes.
    Pipe,
    /// Making the process.
    Fork,
    /// Entering the control group.
    Cgroup,
    /// Connecting the output.
    Streams,
    /// Setting the limits.
    Limit,
    /// Entering the working directory.
    WorkingDirectory,
    /// Executing the program.
    Program,
}

/// The name of a signal that has one everywhere on Linux.
fn signal_name(signal: i32) -> Option<&'static str> {
    const NAMES: [(i32, &str); 20] = [
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGXFSZ, "SIGXFSZ"),
        (libc::SIGVTALRM, "SIGVTALRM"),
        (libc::SIGPROF, "SIGPROF"),
        (libc::SIGSYS, "SIGSYS"),
    ];
    NAMES
        .iter()
        .find(|(number, _)| *number == signal)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_is_said_in_words() {
        assert_eq!(Exit::Code(3).to_string(), "exit code 3");
        assert_eq!(Exit::Signal(9).to_string(), "signal SIGKILL");
        assert_eq!(Exit::Signal(40).to_string(), "signal 40");
    }

    #[test]
    fn usage_sums_time_and_keeps_the_highest_memory() {
        let mut usage = Usage {
            cpu_user_us: 1,
            cpu_system_us: 2,
            memory_peak_bytes: 30,
        };
        usage.add(Usage {
            cpu_user_us: 10,
            cpu_system_us: 20,
            memory_peak_bytes: 3,
        });
        assert_eq!(
            usage,
            Usage {
                cpu_user_us: 11,
                cpu_system_us: 22,
                memory_peak_bytes: 30
            }
        );
    }

    #[test]
    fn only_what_its_author_can_mend_is_the_users_fault() {
        let told = |phase, errno| NotStarted {
            phase,
            errno,
            text: String::new(),
        };
        for errno in [libc::ENOENT, libc::EACCES, libc::ENOEXEC, libc::E2BIG] {
            assert!(told(Phase::Program, errno).is_users_fault());
        }
        let of_machine = [
            libc::ENOMEM,
            libc::EAGAIN,
            libc::EIO,
            libc::EMFILE,
            libc::ENFILE,
        ];
        for errno in of_machine {
            assert!(!told(Phase::Program, errno).is_users_fault(), "{errno}");
            assert!(
                !told(Phase::WorkingDirectory, errno).is_users_fault(),
                "{errno}"
            );
        }
        assert!(told(Phase::Request, libc::EINVAL).is_users_fault());
        assert!(!told(Phase::Ending, 0).is_users_fault());
    }
}
