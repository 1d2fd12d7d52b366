//! The table of commands and the one place that prints an error.
//!
//! A command takes the arguments after its name and answers with an exit code: 0 is good, 1 is "looked and found something",
//! 2 is "could not look". It does not parse options generically; each command reads its own few.

use std::process::ExitCode;

use anyhow::Result;

/// One developer command: its name, what it does, and its function.
struct Command {
    name: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> Result<ExitCode>,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "tidy",
        summary: "check the house rules: arrows, purity, words, forgotten files (--report prints sizes)",
        run: crate::tidy::run,
    },
    Command {
        name: "test",
        summary: "run all tests, with nextest if it is installed (arguments pass through)",
        run: crate::test::run,
    },
    Command {
        name: "docs",
        summary: "run every formic command and check every YAML block in the docs (--formic PATH), or write the reference (--write)",
        run: crate::docs_run::run,
    },
    Command {
        name: "sim",
        summary: "live through seeds of the whole system (--seeds N --from S, --seed S --trace, --faults)",
        run: crate::sim::run,
    },
    Command {
        name: "bench",
        summary: "measure what tasks and transitions cost beside a bare loop (--smoke, NAME...)",
        run: crate::bench::run,
    },
    Command {
        name: "fuzz",
        summary: "look for bytes that break a parser or the evaluator (--minutes N, --debug, TARGET...)",
        run: crate::fuzz::run,
    },
    Command {
        name: "kill",
        summary: "kill runs at seeded moments, resume and compare (--count N, --seed S)",
        run: crate::kill::run,
    },
];

/// Runs the command named by the first argument and prints its error with all causes.
pub fn dispatch(arguments: &[String]) -> ExitCode {
    let Some((name, rest)) = arguments.split_first() else {
        println!("{}", usage());
        return ExitCode::from(2);
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        println!("error: there is no command `{name}`\n\n{}", usage());
        return ExitCode::from(2);
    };
    match (command.run)(rest) {
        Ok(code) => code,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn usage() -> String {
    let mut text = String::from("cargo xtask COMMAND\n");
    for command in COMMANDS {
        text.push_str("\n  ");
        text.push_str(command.name);
        text.push_str(&" ".repeat(8 - command.name.len()));
        text.push_str(command.summary);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_names_every_command() {
        let text = usage();
        for command in COMMANDS {
            assert!(text.contains(&format!("\n  {} ", command.name)), "{text}");
        }
    }
}
