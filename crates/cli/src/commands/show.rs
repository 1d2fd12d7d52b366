//! `formic show`.

use crate::board::Board;
use crate::exit::Exit;
use crate::group;
use crate::label;
use crate::project::Project;
use crate::references;
use crate::summary::{self, Rows};
use crate::told;
use crate::ui::Ui;
use anyhow::Result;
use api::run::{Life, RunDocument, WaitDocument};
use engine::rows::TaskRow;
use model::ids::RunId;
use std::collections::BTreeMap;
use store::{Store as _, StoreError};

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
    let waits = match life {
        Life::Owned if group::waits(found.row.state, &tasks) => waits(&board, run, &tasks)?,
        Life::Owned | Life::Abandoned => Vec::new(),
    };
    let summaries = told::summaries(&board, &tasks, &attempts);
    if ui.wish.json {
        let document = RunDocument::of(&found.head, &found.row, &tasks, &attempts, life);
        ui.document(&document.waiting(waits).telling(summaries));
    } else {
        // Without its plan the run is shown by the names alone.
        let plan = board.plan(&found.head).ok();
        let rows = Rows {
            tasks: &tasks,
            attempts: &attempts,
            summaries,
            labels: plan.map_or_else(BTreeMap::new, |plan| label::all(&plan, &found.head, &tasks)),
        };
        ui.data(summary::of_run(&found, rows, &waits, life, ui));
    }
    Ok(Exit::Success)
}

/// The places in groups that a living run waits for.
fn waits(board: &Board, run: RunId, tasks: &[TaskRow]) -> Result<Vec<WaitDocument>> {
    let Some(snapshot) = board.store.run_load(run)? else {
        return Err(StoreError::NoRun(run).into());
    };
    let effects = snapshot.effects.iter().map(|row| &row.effect);
    group::of(effects, tasks, &*board.store)
}
