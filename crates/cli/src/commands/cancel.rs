//! `formic cancel`.

use crate::act;
use crate::board::Board;
use crate::edge;
use crate::exit::Exit;
use crate::project::Project;
use crate::references::{self, short};
use crate::ui::Ui;
use anyhow::Result;
use api::command::CancelDocument;
use engine::machine::Outcome;
use model::reason::{CancelCause, CancelMode};
use server::send::Sent;
use store::Command;

/// Stop a run, from any terminal
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: the beginning of its id, or `@` for the newest one
    run: Option<String>,
    /// How
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
}

/// The three ways to stop a run.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Mode {
    /// Stop everything; nothing else starts
    Now,
    /// Stop everything, then run `finally`
    #[default]
    Finally,
    /// Start nothing new, let running tasks end, then run `finally`
    Drain,
}

/// Asks the run to stop.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let board = Board::must_exist(&project, ui)?;
    let run = references::run(&board, args.run.as_deref())?;
    let mode = match args.mode {
        Mode::Now => CancelMode::Now,
        Mode::Finally => CancelMode::Finally,
        Mode::Drain => CancelMode::Drain,
    };
    let command = Command::Cancel {
        mode,
        cause: CancelCause::Person,
        by: edge::person(),
    };
    let sent = act::send(&board, run, &command)?;
    let short = short(run);
    let what = match sent {
        Sent::ToOwner => format!("run {run} was told to stop ({mode})"),
        Sent::Here(Outcome::Ended) => format!("run {run} is canceled"),
        Sent::Here(Outcome::Done | Outcome::Late) => {
            format!(
                "run {run} is canceled but for its `finally`: `formic resume {short}` runs that"
            )
        }
    };
    ui.say(what);
    if ui.wish.json {
        let (run, mode) = (run.to_string(), mode.as_str().to_owned());
        ui.document(&CancelDocument::new(
            run,
            mode,
            sent == Sent::Here(Outcome::Ended),
        ));
    }
    Ok(Exit::Success)
}
