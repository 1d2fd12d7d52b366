//! The `formic` binary: arguments in, one command run, an exit code out. Nothing is decided here.

mod act;
mod args;
mod board;
mod capacity;
mod chosen;
mod commands;
mod company;
mod detect;
mod diagnostics;
mod dialect;
mod drive;
mod edge;
mod exit;
mod fault;
mod fetch;
mod findings;
mod git;
mod group;
mod heartbeat;
mod label;
mod launch;
mod lock;
mod log;
mod ordinary;
mod progress;
mod project;
mod prompt;
mod references;
mod repeat;
mod select;
mod signal;
mod source;
mod summary;
mod text;
mod told;
mod ui;
mod uses;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: this may be the spawner, which must not have a second thread.
    exec::spawner::run_if_asked();
    args::run()
}
