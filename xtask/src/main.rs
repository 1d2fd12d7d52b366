//! `cargo xtask COMMAND`: the entry. It finds the command and prints an error with its causes; the commands are in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    xtask::dispatch(&arguments)
}
