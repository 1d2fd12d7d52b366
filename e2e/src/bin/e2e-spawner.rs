//! The spawner of the tests here, which are not `formic` and cannot be executed again as it is.

fn main() -> std::process::ExitCode {
    exec::spawner::run_if_asked();
    std::process::ExitCode::from(2)
}
