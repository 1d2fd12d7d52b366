//! `cargo xtask sim`: the whole system from seeds, in simulated time, in release mode.
//!
//! Arguments pass through: `--seeds N [--from S]` lives through seeds, `--seed S --trace` shows one,
//! `--faults [--hunts N] [--most N]` looks for the planted faults.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::tree;

/// Runs the simulator.
///
/// # Errors
/// When the repository cannot be read or cargo cannot be started. A broken rule is not an error but exit code 1.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let mut command = tree::cargo();
    command
        .current_dir(tree::root()?)
        .args(["run", "--release", "--quiet", "--package", "sim", "--"])
        .args(arguments);
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(2)))
}
