//! `formic run`.

use crate::board::Board;
use crate::commands::plan::{self, DocumentWish};
use crate::exit::Exit;
use crate::git::Status;
use crate::launch::{self, New, Options};
use crate::project::Project;
use crate::select::{self, Choice};
use crate::signal;
use crate::source::{self, Place};
use crate::ui::Ui;
use anyhow::Result;
use std::path::PathBuf;

/// Run a pipeline here, or one task and what it needs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A pipeline, a task, or PIPELINE/TASK; the only pipeline that the signal can mean when absent
    target: Option<String>,
    #[command(flatten)]
    signal: signal::Options,
    /// Give each task its own worktree of the commit, as a server does
    #[arg(long)]
    clean: bool,
    /// The pipeline file; the project's files when absent
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Chooses, checks, records the source, then runs.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::of(args.file.as_deref())?;
    let mut asked = args.signal.read(&project)?;
    let (file, target) = (args.file.as_deref(), args.target.as_deref());
    let choice = select::choose(&project, file, target, None, &asked)?;
    project.announce(ui);
    let chosen = match choice {
        Choice::One(chosen) => chosen,
        Choice::Nothing(idle) => {
            let wish = match args.options.events {
                true => DocumentWish::Always,
                false => DocumentWish::Asked,
            };
            return Ok(plan::none_to_run(&asked, &idle, wish, ui));
        }
    };
    // Before there is a board: a file with faults leaves nothing behind.
    let looked = chosen.look(&asked.request(), ui)?;
    let decision = asked.starts(&looked.on);
    if !decision.starts {
        plan::nothing_to_run(&looked, &decision, ui);
        if ui.wish.json || args.options.events {
            plan::print(&looked, decision, ui);
        }
        return Ok(Exit::Success);
    }
    signal::tell_unasked(&decision, ui);
    asked.tell_unknown_files(&looked.plan, ui);
    looked.refuse_unsupported()?;
    let board = Board::open(&project, ui)?;
    let recorded = source::record(&project.dir, &board)?;
    for note in &recorded.notes {
        ui.say(format!("note: {note}"));
    }
    if args.clean {
        source::must_have_commit(&recorded, &chosen.own_files(), ui)?;
    }
    asked.fill(&Status::from(&recorded.source));
    let new = New {
        run: launch::fresh()?,
        plan: chosen.plan(&asked.request(), ui)?,
        source: recorded.source,
        place: Place::default(),
        parent: None,
        clean: args.clean,
    };
    launch::create(&board, new, &args.options, ui)
}
