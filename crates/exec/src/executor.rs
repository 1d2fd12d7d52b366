//! The seam: what a worker asks of an executor, whatever it runs commands with.
//!
//! Calls never wait and never fail; what comes of them is told by [`crate::ExecEvent`]s, through whatever
//! the implementation offers for taking them. Asking something of a command or tree that has ended, or never
//! was, does nothing (a tree's end is told all the same), so that a caller need not know who was first.

use crate::command::{Command, StepRef, TreeKey};

/// Runs commands.
pub trait Executor {
    /// Starts a command: `Started` or `NotStarted` will come.
    fn start(&mut self, id: StepRef, command: Command);

    /// Asks a command to end: `SIGTERM` to its process group. How long to wait before [`Self::kill`] is the
    /// caller's business.
    fn terminate(&mut self, id: StepRef);

    /// Ends a command: `SIGKILL` to its session and descendants. What escaped from those lives until
    /// [`Self::finish`].
    fn kill(&mut self, id: StepRef);

    /// Ends a tree: kills whatever is left of it, then tells `TreeGone`. Nothing can be started in it
    /// until that came.
    fn finish(&mut self, tree: &TreeKey);

    /// Gives back room for output that has been dealt with. A command with a full window of output not
    /// given back is not read from, and so waits as soon as its pipe is full.
    fn output_taken(&mut self, id: StepRef, size_bytes: usize);
}
