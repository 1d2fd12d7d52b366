//! Prints what durable commits cost: `commits DIR [CLIENTS [COMMITS]]`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let Some(dir) = args.next().map(PathBuf::from) else {
        return ExitCode::from(2);
    };
    let mut number = |default| {
        args.next()
            .and_then(|arg| arg.parse().ok())
            .unwrap_or(default)
    };
    let (clients, commits) = (number(64), number(300));
    match store::bench::commits(&dir, &store::bench::sample(clients, commits)) {
        Ok(measured) => {
            let ratio = 100.0 * measured.ours_per_s / measured.floor_per_s;
            println!("{measured:#?}\nratio {ratio:.0} %");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
