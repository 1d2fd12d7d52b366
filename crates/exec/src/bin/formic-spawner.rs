//! The spawner alone: for programs that use `exec` without being a spawner themselves, such as its tests.
//! It is started by [`exec::ProcessExecutor::launch`] and is of no use by hand.

use std::io::Write as _;

fn main() -> std::process::ExitCode {
    exec::spawner::run_if_asked();
    // Whether anybody reads it or not.
    writeln!(
        std::io::stderr(),
        "error: `formic-spawner` is started by `formic`, not by hand"
    )
    .ok();
    std::process::ExitCode::from(2)
}
