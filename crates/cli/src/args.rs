//! The command line: options that every command takes, one variant per command, and the edge where errors
//! become text and exit codes.

use crate::commands;
use crate::exit::Exit;
use crate::fault::{self, Fault};
use crate::ui::{Color, Paint, Progress, Ui, Wish};
use anyhow::{Context as _, Result};
use api::error::{ErrorBody, ErrorDocument};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use engine::event::Answer;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

/// Run pipelines here, as a server would.
#[derive(Debug, Parser)]
#[command(
    name = "formic",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
struct Global {
    /// Go to this folder first
    #[arg(short = 'C', value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
    /// Print exactly one JSON document on standard output
    #[arg(long, global = true)]
    json: bool,
    /// Say only the verdict
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// When to use colours; `NO_COLOR` and `CLICOLOR_FORCE` are respected
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    color: Color,
    /// How to show progress
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t,
        global = true,
        env = "FORMIC_PROGRESS"
    )]
    progress: Progress,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(commands::run::Args),
    Plan(commands::plan::Args),
    Resume(commands::resume::Args),
    Retry(commands::retry::Args),
    Replay(commands::replay::Args),
    Init(commands::init::Args),
    Check(commands::check::Args),
    Lock(commands::lock::Args),
    Ls(commands::ls::Args),
    Show(commands::show::Args),
    Logs(commands::logs::Args),
    Cancel(commands::cancel::Args),
    /// Let a task that waits for a person go on, or start a manual one
    Approve(commands::answer::Args),
    /// Say no to a task that waits for a person
    Reject(commands::answer::Args),
    Doctor(commands::doctor::Args),
    Explain(commands::explain::Args),
    Eval(commands::eval::Args),
    Schema(commands::schema::Args),
    Version(commands::version::Args),
}

/// Reads the arguments and runs the command.
pub(crate) fn run() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => return ExitCode::from(refuse(&error).code()),
    };
    let ui = Ui::new(Wish {
        json: line.global.json || line.command.is_json(),
        quiet: line.global.quiet,
        verbose: line.global.verbose,
        color: line.global.color,
        progress: line.global.progress,
    });
    let for_machines = ui.wish.json || line.command.prints_events();
    let work = || enter(line.global.dir).and_then(|()| dispatch(line.command, &ui));
    // A bug of ours still ends with one document and its own exit code.
    let exit =
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(fault::bug(&*panic)));
    let exit = exit.unwrap_or_else(|error| {
        ui.raw(fault::human(&error, |text| ui.paint(Paint::Bad, text)));
        if for_machines {
            ui.document(&fault::document(&error));
        }
        fault::exit_of(&error)
    });
    ui.flush();
    ExitCode::from(unless_unwritten(exit, &ui).code())
}

/// What was not written is no success: a script would go on with half a document. A red result stays red.
fn unless_unwritten(exit: Exit, ui: &Ui) -> Exit {
    match ui.lost() {
        Some(error) => exit.or_worse(unwritten(&error)),
        None => exit,
    }
}

fn unwritten(error: &std::io::Error) -> Exit {
    crate::ui::aside(&format!(
        "error: standard output cannot be written, so what was printed is not whole\n  caused by: {error}\n\
         help: look where it goes: the disk may be full"
    ));
    Exit::Infrastructure
}

/// Prints help, the version, or what is wrong with the arguments; the latter as a document too if one was asked for.
fn refuse(error: &clap::Error) -> Exit {
    let printed = error.print();
    if !error.use_stderr() {
        let lost = |error: &std::io::Error| error.kind() != std::io::ErrorKind::BrokenPipe;
        return match printed {
            Err(error) if lost(&error) => unwritten(&error),
            // Nobody to tell about the trouble of telling.
            Ok(()) | Err(_) => Exit::Success,
        };
    }
    if asks_for_document(std::env::args_os().skip(1)) {
        Ui::new(Wish::default()).document(&usage_document(error));
    }
    Exit::Usage
}

/// Whether arguments that cannot be read as a whole ask for a document.
fn asks_for_document(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut before = OsString::new();
    for argument in arguments.take_while(|argument| argument != "--") {
        let is_json = before == "--format" && argument == "json";
        if is_json
            || ["--json", "--events", "--format=json"]
                .iter()
                .any(|flag| argument == **flag)
        {
            return true;
        }
        before = argument;
    }
    false
}

/// What clap says, as the document of an error: its first paragraph, then its tips and the usage.
fn usage_document(error: &clap::Error) -> ErrorDocument {
    let said = error.render().to_string();
    let mut help = Vec::new();
    let mut message = String::new();
    if matches!(
        error.kind(),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        "no command was given".clone_into(&mut message);
    } else {
        let first: Vec<&str> = said
            .lines()
            .take_while(|line| !line.trim().is_empty())
            .collect();
        for line in &first {
            let line = line.trim().trim_start_matches("error: ");
            let gap = if message.is_empty() { "" } else { " " };
            message = format!("{message}{gap}{line}");
        }
        for line in said.lines().skip(first.len()) {
            let line = line.trim();
            if let Some(tip) = line.strip_prefix("tip: ") {
                help.push(tip.to_owned());
            } else if let Some(usage) = line.strip_prefix("Usage: ") {
                help.push(format!("usage: {usage}"));
            }
        }
    }
    help.push("`formic help` lists the commands, `formic help COMMAND` their options".to_owned());
    ErrorDocument::new(ErrorBody {
        exit_code: Exit::Usage.code(),
        message,
        causes: Vec::new(),
        help,
        files: Vec::new(),
    })
}

impl Command {
    /// Whether its own options ask for one document, as `--json` does for every command.
    fn is_json(&self) -> bool {
        matches!(self, Self::Check(args) if args.is_json())
            || matches!(self, Self::Plan(args) if args.is_json())
    }

    /// Whether it prints a line for each event, and a document as the last one.
    fn prints_events(&self) -> bool {
        matches!(self, Self::Run(args) if args.options.events)
            || matches!(self, Self::Resume(args) if args.options.events)
            || matches!(self, Self::Retry(args) if args.options.events)
            || matches!(self, Self::Replay(args) if args.options.events)
    }
}

fn enter(dir: Option<PathBuf>) -> Result<()> {
    let Some(dir) = dir else {
        return Ok(());
    };
    std::env::set_current_dir(&dir)
        .with_context(|| Fault::usage(format!("cannot go to the folder `{}`", dir.display())))
}

fn dispatch(command: Command, ui: &Ui) -> Result<Exit> {
    match command {
        Command::Run(args) => commands::run::run(&args, ui),
        Command::Plan(args) => commands::plan::run(&args, ui),
        Command::Resume(args) => commands::resume::run(&args, ui),
        Command::Retry(args) => commands::retry::run(&args, ui),
        Command::Replay(args) => commands::replay::run(&args, ui),
        Command::Init(args) => commands::init::run(&args, ui),
        Command::Check(args) => commands::check::run(&args, ui),
        Command::Lock(args) => commands::lock::run(&args, ui),
        Command::Ls(args) => commands::ls::run(&args, ui),
        Command::Show(args) => commands::show::run(&args, ui),
        Command::Logs(args) => commands::logs::run(&args, ui),
        Command::Cancel(args) => commands::cancel::run(&args, ui),
        Command::Approve(args) => commands::answer::run(&args, Answer::Approve, ui),
        Command::Reject(args) => commands::answer::run(&args, Answer::Reject, ui),
        Command::Doctor(args) => commands::doctor::run(&args, ui),
        Command::Explain(args) => commands::explain::run(&args, ui),
        Command::Eval(args) => commands::eval::run(&args, ui),
        Command::Schema(args) => commands::schema::run(&args, ui),
        Command::Version(args) => commands::version::run(&args, ui),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn a_document_is_asked_for_before_the_dashes() {
        let asks = |line: &str| asks_for_document(line.split(' ').map(OsString::from));
        assert!(asks("run --nope --json"));
        assert!(asks("check --format json x --nope"));
        assert!(asks("run --events --nope"));
        assert!(!asks("check --format sarif --nope"));
        assert!(!asks("run -- --json"));
    }

    #[test]
    fn the_definition_of_the_command_line_is_valid() {
        CommandLine::command().debug_assert();
    }
}
