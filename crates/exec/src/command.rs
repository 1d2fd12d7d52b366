//! What to run: one command of one step, and the tree of processes it belongs to.
//!
//! Plain values. Nothing is inherited from this process: the environment, the working directory and the
//! arguments are exactly those given here. The caller keeps secrets out of the arguments, which every user
//! of the machine can read.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// One started command, by a number the caller chooses.
///
/// It is unique among the commands of an executor that still have events to come, and below 2^62.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepRef(pub u64);

/// The processes of one attempt, by the attempt's name.
///
/// All commands of an attempt share a tree, so that a process left behind by one step (a service started
/// with `&`) lives until the attempt is finished, and no longer. The name is seen by the processes as
/// [`crate::leftovers::ATTEMPT_ENV`] and is unique on its board.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeKey(String);

impl TreeKey {
    /// Names a tree.
    pub fn new(attempt: impl Into<String>) -> Self {
        Self(attempt.into())
    }

    /// The attempt's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TreeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A command to start.
///
/// Program, arguments, environment and directory are bytes without NUL; together they may take
/// [`Command::SIZE_MAX_BYTES`], though most systems refuse to execute a quarter of that.
#[derive(Clone, Debug)]
pub struct Command {
    /// The tree it belongs to.
    pub tree: TreeKey,
    /// A path, or a name to be looked up in the `PATH` of [`Self::env`].
    pub program: OsString,
    /// The arguments after the program's name.
    pub args: Vec<OsString>,
    /// The whole environment. The executor adds the three names of [`crate::leftovers`] and nothing else.
    pub env: Vec<(OsString, OsString)>,
    /// An absolute path to an existing directory.
    pub cwd: PathBuf,
    /// Finishes the tree when the command has ended, or could not be started, as
    /// [`crate::Executor::finish`] would: for the last command of an attempt, whose slot is free sooner.
    pub is_last: bool,
    /// Gives stderr a pipe of its own. Otherwise both share one, and their order is true.
    pub keep_stderr_apart: bool,
    /// Bounds; those of the tree are taken from the first command of the tree.
    pub limits: Limits,
}

impl Command {
    /// The most that program, arguments, environment and directory may take together, in bytes.
    pub const SIZE_MAX_BYTES: usize = 16 << 20;
}

/// Bounds on what a command may take; `None` is no bound.
///
/// Memory, processes and CPU bound the whole tree, where the machine can do that (see
/// [`crate::capabilities`]); the size of files bounds each process and works everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Memory of the tree, in bytes. Above it, a process of the tree is killed by the kernel.
    pub memory_bytes: Option<u64>,
    /// Processes and threads of the tree. Above it, starting one fails.
    pub pids: Option<u64>,
    /// CPU of the tree, in thousandths of a core. Above it, the tree waits.
    pub cpu_millicores: Option<u64>,
    /// Size of a file that a process may write, in bytes. Above it, the process gets `SIGXFSZ`.
    pub file_size_bytes: Option<u64>,
}

impl Limits {
    /// Whether one of them needs a control group of its own.
    pub(crate) fn bind_tree(&self) -> bool {
        self.memory_bytes.is_some() || self.pids.is_some() || self.cpu_millicores.is_some()
    }
}
