//! The spawner alone: for programs that use `exec` without being a spawner themselves, such as its tests.
//! It is started by [`exec::ProcessExecutor::launch`] and is of no use by hand.

fn main() -> std::process::ExitCode {
    exec::spawner::run_if_asked();
    std::process::ExitCode::from(2)
}
