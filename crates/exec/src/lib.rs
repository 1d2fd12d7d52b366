//! How a worker runs the commands of a task: processes are started, watched, limited and killed here.
//!
//! Invariants: nothing that was started outlives the executor, however it ends; every byte a command wrote
//! before it ended is delivered before its end is; memory is bounded however much a command prints.
//!
//! It knows no runs, tasks, plans or secrets: commands come in ([`Command`]), events go out ([`ExecEvent`]).
//! It has no opinion on time limits either; the caller owns the clock and says when to stop what.

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!("Formic runs on Linux, on x86-64 and aarch64.");

mod aside;
mod capability;
mod cgroup;
mod command;
mod event;
mod executor;
pub mod leftovers;
mod packet;
mod proc;
mod process;
pub mod spawner;
mod sys;
mod wire;

pub use aside::{Cut, run_aside};
pub use capability::{Binding, Capabilities, TreeKill, capabilities};
pub use command::{Command, Limits, StepRef, TreeKey};
pub use event::{ExecEvent, Exit, NotStarted, OutputState, Phase, Stream, Usage};
pub use executor::Executor;
pub use process::{Cgroups, LaunchError, Options, ProcessExecutor};
