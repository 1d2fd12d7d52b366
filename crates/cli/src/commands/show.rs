//! `formic show`.

use crate::board::Board;
use crate::exit::Exit;
use crate::project::Project;
use crate::references;
use crate::summary;
use crate::ui::Ui;
use anyhow::Result;
use api::run::RunDocument;
use store::Store as _;

/// Show what happened in a run
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: the beginning of its id, or `@` for the newest one
    run: Option<String>,
}

/// Prints a tree of the tasks, or the run's document.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let board = Board::must_exist(&project, ui)?;
    let run = references::run(&board, args.run.as_deref())?;
    let found = board.summary(run)?;
    let life = Board::life(&found);
    let tasks = board.store.run_tasks(run)?;
    let attempts = board.store.run_attempts(run, None)?;
    if ui.wish.json {
        ui.document(&RunDocument::of(
            &found.head,
            &found.row,
            &tasks,
            &attempts,
            life,
        ));
    } else {
        ui.data(summary::of_run(&found, &tasks, &attempts, life, ui));
    }
    Ok(Exit::Success)
}
